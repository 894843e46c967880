//! The version of the format that a line needs: the lowest one whose readers understand it.

use crate::model::{FailureClass, HttpVersion, Outcome};

/// The newest version of the format that can be read. A line is written with the lowest version
/// that it needs.
pub const VERSION: u32 = 2;

/// The lowest version of the format whose readers understand the evidence of a failure.
pub(super) fn failure_version(outcome: &Outcome) -> u32 {
    let failures = outcome.failure.iter().chain(outcome.earlier_attempts.iter().map(|attempt| &attempt.failure));
    let failures = failures.chain(outcome.addresses.iter().filter_map(|address| address.failure.as_ref()));
    let extra = outcome.evidence.iter().filter_map(|evidence| evidence.diagnosis.as_ref());
    let classes = failures
        .map(|failure| failure.class)
        .chain(outcome.steps.iter().filter_map(|step| step.class))
        .chain(outcome.assets.iter().filter_map(|asset| asset.class))
        .chain(extra.flat_map(|diagnosis| &diagnosis.extra).filter_map(|check| check.class));
    let newest = classes.map(FailureClass::since).max().unwrap_or(1);
    let has_own_class = outcome.failure.as_ref().is_some_and(|failure| failure.own_class.is_some());
    let versions = outcome.exchanges.iter().map(|exchange| exchange.http_version);
    let is_http3 = versions.chain([outcome.http_version]).any(|version| version == Some(HttpVersion::V3));
    if has_own_class || is_http3 || !outcome.warnings.is_empty() { 2 } else { newest }
}
