//! What the evidence of an incident reads as: a class of causes, never a culprit.

use serde::Serialize;

/// What the evidence of an incident reads as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Reading {
    /// The rows of the table whose evidence is there, the strongest first.
    pub matched: Vec<Match>,
    /// Classes of causes that the evidence fits.
    pub consistent_with: Vec<&'static str>,
    /// Classes of causes that the evidence speaks against.
    pub not_consistent_with: Vec<&'static str>,
    /// Causes that look the same from outside.
    pub cannot_distinguish: Vec<&'static str>,
    /// The one address family that fails, 4 or 6, while the other is fine; absent where that does not show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<u8>,
    /// The extra checks that were made to tell causes apart, and what they found.
    pub extra_checks: Vec<String>,
}

/// A row of the signature table whose evidence is there.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Match {
    /// `S1` to `S24`.
    pub id: &'static str,
    /// What it looks like.
    pub signature: &'static str,
    /// The class of causes it points to.
    pub likely: &'static str,
    /// The failures that show it,
    pub n: u64,
    /// of these: all failures of the incident, or those whose evidence was kept where the row asks for more than a class.
    pub of: u64,
    /// n / of
    pub share: Option<f64>,
    /// What was seen, in words.
    pub evidence: Vec<String>,
    /// What would speak against it.
    pub refuted_by: Vec<&'static str>,
    /// Incidents of the past that looked like this.
    pub precedents: Vec<&'static str>,
}
