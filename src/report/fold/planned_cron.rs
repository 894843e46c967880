//! When checks were due by the cron expression of a plan. Nights and weekends that it leaves out are no pauses.

use jiff::Timestamp;

use crate::model::{Cron, UnixMillis};

/// The cron expression of a planned probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedCron(Cron);

impl PlannedCron {
    /// Maximum number of due times that are looked up between two instants; beyond them, checks count as due at the mean
    /// interval of these.
    const LOOKED_UP: usize = 1_000;

    /// Reads the expression. `None` if it is none, as in a plan of a newer version.
    pub(crate) fn new(expression: &str) -> Option<PlannedCron> {
        Cron::new(expression).ok().map(PlannedCron)
    }

    /// The shortest interval between two due times, in milliseconds.
    pub(crate) fn shortest(&self) -> i64 {
        i64::try_from(self.0.shortest().as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// The number of checks due between two instants, both excluded.
    pub(crate) fn due_between(&self, from: UnixMillis, to: UnixMillis) -> u64 {
        let (mut due, mut at) = (0, from);
        for next in self.after(from, to).take(Self::LOOKED_UP) {
            (due, at) = (due + 1, next);
        }
        if due < Self::LOOKED_UP as u64 {
            return due;
        }
        let rest = (to - at - 1).unsigned_abs();
        due + rest / ((at - from).unsigned_abs() / due).max(1)
    }

    /// Whether at least so many checks were due between two instants, both excluded.
    pub(crate) fn is_due(&self, from: UnixMillis, to: UnixMillis, checks: i64) -> bool {
        let last = usize::try_from(checks - 1).unwrap_or_default();
        self.after(from, to).nth(last).is_some()
    }

    /// The due times between two instants, both excluded. These are whole seconds, and so are the instants of checks, but
    /// for a millisecond that a prober's clock loses.
    fn after(&self, from: UnixMillis, to: UnixMillis) -> impl Iterator<Item = UnixMillis> {
        let [from, to] = [from, to].map(|at| at.saturating_add(500).floor(1_000));
        let next = |at: UnixMillis| Some(UnixMillis::from(self.0.next_after(Timestamp::from_millisecond(at.0).ok()?)?));
        let first = if from.saturating_add(self.shortest()) < to { next(from) } else { None };
        std::iter::successors(first, move |at| next(*at)).take_while(move |at| *at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_counted_also_where_there_are_too_many_to_look_up() {
        let at = |text: &str| UnixMillis::from(text.parse::<Timestamp>().expect("an instant"));
        let cron = PlannedCron::new("*/10 9-17 * * 1-5 Europe/Berlin").expect("an expression");
        let friday = at("2025-03-07T16:50:00Z");
        assert_eq!(cron.due_between(friday, at("2025-03-10T08:00:00Z")), 0);
        assert_eq!(cron.due_between(friday, at("2025-03-10T08:30:01Z")), 4);
        assert_eq!(cron.due_between(friday - 1, at("2025-03-10T08:00:00.001Z")), 0);
        assert_eq!(cron.due_between(friday, friday), 0);
        let each_second = PlannedCron::new("* * * * * *").expect("an expression");
        assert_eq!(each_second.due_between(at("2025-03-07T00:00:00Z"), at("2025-03-08T00:00:00Z")), 86_399);
        let year = cron.due_between(friday, at("2026-03-07T16:50:00Z"));
        assert!((13_000..15_000).contains(&year), "54 on each of 261 days: {year}");
        assert!(cron.is_due(friday, at("2025-03-10T08:30:01Z"), 4));
        assert!(!cron.is_due(friday, at("2025-03-10T08:30:01Z"), 5));
        assert_eq!(PlannedCron::new("whenever"), None);
    }
}
