//! When checks were due by the cron expression of a plan. Nights and weekends that it leaves out are no pauses.

use jiff::Timestamp;

use crate::model::Cron;

/// The cron expression of a planned probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedCron(Cron);

impl PlannedCron {
    /// Maximum number of due times that are looked up between two instants; beyond them, checks count as due at the
    /// shortest interval.
    const LOOKED_UP: u64 = 5_000;

    /// Reads the expression. `None` if it is none, as in a plan of a newer version.
    pub(crate) fn new(expression: &str) -> Option<PlannedCron> {
        Cron::new(expression).ok().map(PlannedCron)
    }

    /// The shortest interval between two due times, in milliseconds.
    pub(crate) fn shortest(&self) -> i64 {
        i64::try_from(self.0.shortest().as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// The number of checks due between two instants in milliseconds since 1970, both excluded.
    pub(crate) fn due_between(&self, from: i64, to: i64) -> u64 {
        if to - from <= self.shortest() {
            return 0;
        }
        let (Ok(mut at), Ok(to)) = (Timestamp::from_millisecond(from), Timestamp::from_millisecond(to)) else {
            return 0;
        };
        for due in 0..Self::LOOKED_UP {
            match self.0.next_after(at).filter(|next| *next < to) {
                Some(next) => at = next,
                None => return due,
            }
        }
        Self::LOOKED_UP
            + u64::try_from(to.duration_since(at).as_millis() - 1).unwrap_or_default() / self.shortest().unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_counted_also_where_there_are_too_many_to_look_up() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant").as_millisecond();
        let cron = PlannedCron::new("*/10 9-17 * * 1-5 Europe/Berlin").expect("an expression");
        let friday = at("2025-03-07T16:50:00Z");
        assert_eq!(cron.due_between(friday, at("2025-03-10T08:00:00Z")), 0);
        assert_eq!(cron.due_between(friday, at("2025-03-10T08:30:00.001Z")), 4);
        assert_eq!(cron.due_between(friday, friday), 0);
        assert_eq!(cron.due_between(friday, i64::MAX), 0);
        let each_second = PlannedCron::new("* * * * * *").expect("an expression");
        assert_eq!(each_second.due_between(at("2025-03-07T00:00:00Z"), at("2025-03-08T00:00:00Z")), 86_399);
        assert_eq!(PlannedCron::new("whenever"), None);
    }
}
