//! The time that a report is about, with the rules and lengths that its series are judged by.

use crate::model::IncidentRules;

/// What the analysis of a series needs to know beside its checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportRange<'f> {
    pub(crate) rules: &'f IncidentRules,
    /// The window, in milliseconds since 1970.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Whether the window begins where the question says, and not where the data does.
    pub(crate) from_is_asked: bool,
    /// The length of a bucket in milliseconds.
    pub(crate) step: i64,
    /// The same of what is counted by failures: windows of any length leave it as it is.
    pub(crate) evidence_step: i64,
    /// How many series are judged together.
    pub(crate) series: usize,
}
