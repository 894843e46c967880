//! An outage of one probe from one vantage, or of a pool of them: when it began and ended, and what opened it.

use crate::model::{Bracket, IncidentRules};
use crate::report::document::bracket::instant;

/// An instant that is known up to the distance of two checks, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The last check of the state before; absent if none was seen.
    pub(crate) after: Option<i64>,
    /// The first check of the state after.
    pub(crate) by: i64,
}

impl Transition {
    /// The later of two ends; what has no end is later than any. One that is known so badly that it may have been at
    /// any time around the other says nothing: the machine there was asleep.
    pub(crate) fn later_end(one: Option<Transition>, other: Option<Transition>) -> Option<Transition> {
        let (one, other) = (one?, other?);
        let is_around = |wide: Transition, narrow: Transition| wide.after <= narrow.after && narrow.by <= wide.by;
        Some(if is_around(one, other) || (!is_around(other, one) && other.by > one.by) { other } else { one })
    }

    /// The same for documents.
    pub(crate) fn bracket(self) -> Bracket {
        Bracket { after: self.after.map(instant), by: instant(self.by) }
    }
}

/// Which rule opened an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenRule {
    /// So many failures in a row.
    InARow,
    /// So many failures among the last checks.
    Among,
    /// So many failures among so many checks of a pool of series.
    Pooled { failed: u32, judged: u32 },
}

/// An outage: from the first failed check of the run that opened it to the first good check of the recovery.
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
    /// So many failures opened it.
    pub(crate) opened_with: u32,
    /// The highest percentage of state changes in it.
    pub(crate) flap_percent: f64,
    /// Checks during which it came and went.
    pub(crate) flapped: u64,
    /// What was counted before it.
    pub(crate) before: Count,
    /// What was counted in it, once it is over.
    pub(crate) counted: Count,
}

/// Judged checks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// What is left without some of them.
    pub(crate) const fn without(self, some: Count) -> Count {
        Count { judged: self.judged.saturating_sub(some.judged), failed: self.failed.saturating_sub(some.failed) }
    }
}

impl Outage {
    /// What opened it: `3 in a row`, `4 of 10`.
    pub(crate) fn opened_by(&self, rules: &IncidentRules) -> String {
        match self.rule {
            OpenRule::InARow => format!("{} in a row", self.opened_with),
            OpenRule::Among => format!("{} of {}", self.opened_with, rules.open_of),
            OpenRule::Pooled { failed, judged } => format!("{failed} of {judged} pooled"),
        }
    }

    /// Whether it is of a pool of series, and not of this one alone.
    pub(crate) const fn is_pooled(&self) -> bool {
        matches!(self.rule, OpenRule::Pooled { .. })
    }

    /// The same, ended.
    pub(crate) fn ending(self, end: Transition) -> Outage {
        Outage { end: Some(end), ..self }
    }
}
