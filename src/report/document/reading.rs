//! The signatures that the evidence of an incident matches: classes of causes, never a culprit.

use serde::Serialize;

/// The signatures that the evidence of an incident matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Reading {
    /// The matching rows of the signature table, the strongest first.
    pub matched: Vec<Match>,
    /// Classes of causes that are consistent with the evidence.
    pub consistent_with: Vec<&'static str>,
    /// Classes of causes that are ruled out by the evidence.
    pub not_consistent_with: Vec<&'static str>,
    /// Causes that look the same from outside.
    pub cannot_distinguish: Vec<&'static str>,
    /// The address family that fails, 4 or 6, while the other does not; omitted if there is no such
    /// difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<u8>,
    /// The extra checks that were made to tell causes apart, and their results.
    pub extra_checks: Vec<String>,
}

/// A row of the signature table that the evidence matches.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Match {
    /// The id of the row: `S1` to `S25`, some with a suffix such as `S3b`, or `S2-S4`.
    pub id: &'static str,
    /// What the failure looks like.
    pub signature: &'static str,
    /// The class of causes it points to.
    pub likely: &'static str,
    /// The failures that show it.
    pub n: u64,
    /// The failures examined: all failures of the incident, or those with kept evidence if the row
    /// needs more than class and code.
    pub of: u64,
    /// n / of; null if `of` is 0.
    pub share: Option<f64>,
    /// What was observed, in words.
    pub evidence: Vec<String>,
    /// What would refute it.
    pub refuted_by: Vec<&'static str>,
    /// Past incidents that looked like this.
    pub precedents: Vec<&'static str>,
}
