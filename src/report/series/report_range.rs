//! The range of a report, with the rules and lengths that its series are judged with.

use crate::model::{IncidentRules, UnixMillis};
use crate::report::time_span::TimeSpan;

/// What the analysis of a series needs besides its checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportRange<'f> {
    pub(crate) rules: &'f IncidentRules,
    /// The range.
    pub(crate) from: UnixMillis,
    pub(crate) to: UnixMillis,
    /// Whether the question sets the start of the range; otherwise it is the first check.
    pub(crate) from_is_asked: bool,
    /// The length of a bucket in milliseconds.
    pub(crate) step: i64,
    /// The length of a bucket of evidence in milliseconds; it does not depend on the length of
    /// windows.
    pub(crate) evidence_step: i64,
    /// The number of series that are judged together.
    pub(crate) series: usize,
}

impl ReportRange<'_> {
    /// The whole range.
    pub(crate) const fn span(&self) -> TimeSpan {
        TimeSpan::new(self.from, self.to)
    }
}
