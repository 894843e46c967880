//! A stretch of down-ness of one probe from one vantage: when it began and ended, and what opened it.

use crate::model::IncidentRules;

/// An instant that is known up to the distance of two checks, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The last check of the state before; absent where none was seen.
    pub(super) after: Option<i64>,
    /// The first check of the state after.
    pub(super) by: i64,
}

/// Which rule opened a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many failures in a row.
    InARow,
    /// So many failures among the last checks.
    Among,
}

impl Rule {
    /// `3 in a row`, `4 of 10`.
    pub(super) fn words(self, rules: &IncidentRules) -> String {
        match self {
            Rule::InARow => format!("{} in a row", rules.open_after),
            Rule::Among => format!("{} of {}", rules.open_failures, rules.open_of),
        }
    }
}

/// A stretch of down-ness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// It began in here.
    pub(super) start: Edge,
    /// It ended in here; absent while it goes on.
    pub(super) end: Option<Edge>,
    /// Its last failure so far.
    pub(super) last_failed: i64,
    /// The check that opened it.
    pub(super) detected_at: i64,
    /// The rule that opened it.
    pub(super) rule: Rule,
    /// The highest percentage of state changes in it.
    pub(super) flap_percent: f64,
    /// Checks during which it came and went.
    pub(super) flapped: u64,
    /// What was counted before it.
    pub(super) before: Count,
}

/// Judged checks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    pub(super) judged: u64,
    pub(super) failed: u64,
}

impl Stretch {
    /// The same, ended.
    pub(super) fn ending(self, end: Edge) -> Stretch {
        Stretch { end: Some(end), ..self }
    }
}
