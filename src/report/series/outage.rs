//! A stretch of down-ness of one probe from one vantage: when it began and ended, and what opened it.

use crate::model::{Bracket, IncidentRules};
use crate::report::document::bracket::instant;

/// An instant that is known up to the distance of two checks, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The last check of the state before; absent where none was seen.
    pub(crate) after: Option<i64>,
    /// The first check of the state after.
    pub(crate) by: i64,
}

impl Transition {
    /// The same for documents.
    pub(crate) fn bracket(self) -> Bracket {
        Bracket { after: self.after.map(instant), by: instant(self.by) }
    }
}

/// Which rule opened a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenRule {
    /// So many failures in a row.
    InARow,
    /// So many failures among the last checks.
    Among,
}

impl OpenRule {
    /// `3 in a row`, `4 of 10`.
    pub(crate) fn words(self, rules: &IncidentRules) -> String {
        match self {
            OpenRule::InARow => format!("{} in a row", rules.open_after),
            OpenRule::Among => format!("{} of {}", rules.open_failures, rules.open_of),
        }
    }
}

/// A stretch of down-ness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outage {
    /// It began in here.
    pub(crate) start: Transition,
    /// It ended in here; absent while it goes on.
    pub(crate) end: Option<Transition>,
    /// Its last failure so far.
    pub(crate) last_failed: i64,
    /// The check that opened it.
    pub(crate) detected_at: i64,
    /// The rule that opened it.
    pub(crate) rule: OpenRule,
    /// The highest percentage of state changes in it.
    pub(crate) flap_percent: f64,
    /// Checks during which it came and went.
    pub(crate) flapped: u64,
    /// What was counted before it.
    pub(crate) before: Count,
}

/// Judged checks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
}

impl Outage {
    /// The same, ended.
    pub(crate) fn ending(self, end: Transition) -> Outage {
        Outage { end: Some(end), ..self }
    }
}
