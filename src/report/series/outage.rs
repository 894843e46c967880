//! An outage of one probe from one vantage, or of a pool of series: when it began and ended, and
//! the rule that opened it.

use crate::model::{Bracket, IncidentRules, UnixMillis};

/// A change of state, known to lie between two checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The last check before it; `None` if there was none.
    pub(crate) after: Option<UnixMillis>,
    /// The first check after it.
    pub(crate) by: UnixMillis,
}

impl Transition {
    /// The later of two ends; `None` means not ended, which is later than any end. An end whose
    /// bracket encloses the other's says nothing (the machine was asleep), so the other one is
    /// taken.
    pub(crate) fn later_end(one: Option<Transition>, other: Option<Transition>) -> Option<Transition> {
        let (one, other) = (one?, other?);
        let is_around = |wide: Transition, narrow: Transition| wide.after <= narrow.after && narrow.by <= wide.by;
        Some(if is_around(one, other) || (!is_around(other, one) && other.by > one.by) { other } else { one })
    }

    /// The bracket that documents have.
    pub(crate) fn bracket(self) -> Bracket {
        Bracket { after: self.after.map(UnixMillis::timestamp), by: self.by.timestamp() }
    }
}

/// The rule that opened an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenRule {
    /// Enough failures in a row.
    InARow,
    /// Enough failures among the last checks.
    Among,
    /// More failures than usual in a pool of series: failed of judged checks.
    Pooled { failed: u32, judged: u32 },
}

/// An outage: from the first failed check of the run that opened it to the first good check of the
/// recovery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outage {
    /// When it began.
    pub(crate) start: Transition,
    /// When it ended; `None` while it continues.
    pub(crate) end: Option<Transition>,
    /// Its last failure so far.
    pub(crate) last_failed: UnixMillis,
    /// The check that opened it.
    pub(crate) detected_at: UnixMillis,
    /// The rule that opened it.
    pub(crate) rule: OpenRule,
    /// The number of failures that opened it.
    pub(crate) opened_with: u32,
    /// The highest percentage of state changes in it, 0 to 100.
    pub(crate) flap_percent: f64,
    /// The number of checks at which it was flapping.
    pub(crate) flapped: u64,
    /// The checks before it.
    pub(crate) before: Count,
    /// The checks in it; zero until it is over.
    pub(crate) counted: Count,
}

/// Judged checks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// This count less another.
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

    /// Whether it is an outage of a pool of series, and not of this one alone.
    pub(crate) const fn is_pooled(&self) -> bool {
        matches!(self.rule, OpenRule::Pooled { .. })
    }

    /// The same outage with an end.
    pub(crate) fn ending(self, end: Transition) -> Outage {
        Outage { end: Some(end), ..self }
    }
}
