//! How many checks of a series were due. Where a plan says that it runs, or checks come again and again at the same
//! interval, what is missing between them was due; passes made by hand have no schedule, and nothing of them is missing.

use crate::report::fold::probe_series::Series;
use crate::report::series::cadence::Cadence;

/// Checks over less time than this, in milliseconds, show no schedule.
const SHOWN_AFTER_MS: i64 = 15 * 60_000;

/// What is known of the checks of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckedSpan {
    pub(crate) cadence: Cadence,
    /// The first and the last check that was made, in milliseconds since 1970.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Where the time begins in which checks were due.
    pub(crate) begin: i64,
    /// Whether a plan says that it runs.
    pub(crate) is_planned: bool,
    /// A pause that is no longer than this is not held against anyone.
    pub(crate) forgiven: i64,
}

impl CheckedSpan {
    /// The checks that were due until an instant that is not before the last check.
    pub(crate) fn due(&self, series: &Series, until: i64) -> u64 {
        let scheduled = series.counts.scheduled();
        let every = self.cadence.every;
        let maintained = |from: i64, to: i64| series.maintenance.within(from, to, every);
        if self.is_planned {
            let length = until - self.begin - maintained(self.begin, until);
            return scheduled.max(self.cadence.due_in(length));
        }
        if !self.shows_schedule(series) {
            return scheduled;
        }
        let limit = (every + every / 2).max(self.forgiven);
        let lost = |from: i64, to: i64| {
            let pause = to - from;
            if pause <= limit { 0 } else { self.cadence.due_in(pause - maintained(from, to) - every / 2) }
        };
        let mut before = self.begin;
        let mut all = scheduled;
        for run in series.log.runs() {
            all += lost(before, run.first.at);
            before = run.last_at;
        }
        all + lost(self.last.max(before), until)
    }

    /// Whether the checks, those of the day before too, come at one interval for long enough.
    fn shows_schedule(&self, series: &Series) -> bool {
        let first = series.lead_in.runs().next().map_or(self.first, |run| run.first.at);
        self.last - first >= SHOWN_AFTER_MS && self.cadence.is_kept(series.distances())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::Verdict;
    use crate::report::fold::probe_series::SeriesKey;
    use crate::window::Run;

    #[test]
    fn two_probers_at_once_miss_nothing() {
        let every = 60_000;
        let name = std::sync::Arc::<str>::from("x");
        let key = SeriesKey { vantage: name.clone(), surface: name.clone(), probe: name, control: false };
        let mut series = Series::new(key, 0);
        // One probes all the time, the other from the tenth to the twentieth.
        for (first, last) in [(0, 100), (10, 20), (101, 110)] {
            let at = |minute: i64| Timestamp::from_millisecond(minute * every).expect("an instant");
            let count = u64::try_from(last - first + 1).expect("a number");
            let (verdict, class) = (Verdict::Up, None);
            series.log.add(&Run { from: at(first), to: at(last), verdict, class, code: None, own_class: None, count });
            series.counts.up += count;
        }
        series.log.sort();
        let cadence = Cadence { every, checks: 1 };
        let (first, last) = (0, 110 * every);
        let span = CheckedSpan { cadence, first, last, begin: 0, is_planned: false, forgiven: every };
        assert_eq!(span.due(&series, last), series.counts.scheduled());
        assert_eq!(span.due(&series, last + 10 * every), series.counts.scheduled() + 9, "what comes after is missing");
    }
}
