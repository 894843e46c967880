//! The number of checks of a series that were due. If a plan lists the probe, or if its checks
//! repeat at the same interval, missing checks between them were due. Passes by hand have no
//! schedule, so none of their checks are missing.

use crate::model::UnixMillis;
use crate::report::fold::plans::{PhaseSchedule, PlannedPhase};
use crate::report::fold::probe_series::Series;
use crate::report::series::cadence::Cadence;
use crate::report::series::slowdown::Slowdown;

/// Checks that span less time than this, in milliseconds, show no schedule.
const SHOWN_AFTER_MS: i64 = 15 * 60_000;

/// The schedule of a series and the span of its checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeSchedule<'p> {
    pub(crate) cadence: Cadence,
    /// If the latest checks are rarer than that.
    pub(crate) slowdown: Option<Slowdown>,
    /// The first and the last check that was made.
    pub(crate) first: UnixMillis,
    pub(crate) last: UnixMillis,
    /// The start of the time in which checks were due.
    pub(crate) begin: UnixMillis,
    /// When a plan that lists the probe says that it is due.
    pub(crate) planned: Option<&'p [PlannedPhase]>,
    /// A pause up to this long, in milliseconds, never counts as missed checks.
    pub(crate) tolerance: i64,
}

impl ProbeSchedule<'_> {
    /// The number of checks due until an instant, which must not be before the last check.
    pub(crate) fn due(&self, series: &Series, until: UnixMillis) -> u64 {
        let scheduled = series.counts.scheduled();
        if let Some([PlannedPhase { schedule: PhaseSchedule::Cron(cron), .. }]) = self.planned {
            let limit = cron.shortest() + cron.shortest() / 2;
            let lost = |from, to| cron.due_between(from, to).saturating_sub(series.maintenance.between(from, to));
            return scheduled + self.lost(series, until, limit, lost);
        }
        if let Some(planned) = self.planned {
            return scheduled.max(self.planned_due(series, planned, until));
        }
        if !self.shows_schedule(series) {
            return scheduled;
        }
        let limit = longest_kept(self.cadence);
        let lost = |from: UnixMillis, to: UnixMillis| {
            let slowdown = self.slowdown.filter(|slowdown| from >= slowdown.since);
            let cadence = slowdown.map_or(self.cadence, |slowdown| slowdown.cadence);
            if to - from <= longest_kept(cadence) {
                return 0;
            }
            cadence.due_in(to - from - series.maintenance.within(from, to, cadence.every) - cadence.every / 2)
        };
        let begin = self.begin.max(self.kept_from(series, limit.max(self.tolerance)));
        scheduled + ProbeSchedule { begin, ..*self }.lost(series, until, limit, lost)
    }

    /// When two checks were first no further apart than `limit` milliseconds: until then they
    /// were made at a longer interval, and none is missing.
    fn kept_from(&self, series: &Series, limit: i64) -> UnixMillis {
        let mut before = UnixMillis::MIN;
        for span in series.lead_in.runs().chain(series.log.runs()).flat_map(|run| run.spans(limit)) {
            if span.first.saturating_since(before) <= limit {
                return before;
            }
            if span.last > span.first {
                return span.first;
            }
            before = span.last;
        }
        self.begin
    }

    /// The number of checks that are missing in the pauses longer than `limit` milliseconds, if `lost` counts those
    /// between two instants.
    fn lost(
        &self,
        series: &Series,
        until: UnixMillis,
        limit: i64,
        lost: impl Fn(UnixMillis, UnixMillis) -> u64,
    ) -> u64 {
        let limit = limit.max(self.tolerance);
        let lost = |from: UnixMillis, to: UnixMillis| if to - from <= limit { 0 } else { lost(from, to) };
        let (mut before, mut all) = (self.begin, 0);
        for span in series.log.runs().flat_map(|run| run.spans(limit)) {
            all += lost(before, span.first);
            before = before.max(span.last);
        }
        all + lost(self.last.max(before), until)
    }

    /// The number of checks due by a plan, in each phase as it has them.
    fn planned_due(&self, series: &Series, planned: &[PlannedPhase], until: UnixMillis) -> u64 {
        let at_cadence = |from: UnixMillis, to: UnixMillis, cadence: Cadence| {
            cadence.due_in(to - from - series.maintenance.within(from, to, cadence.every))
        };
        if planned.len() < 2 {
            return at_cadence(self.begin, until, self.cadence);
        }
        let ends = planned.iter().skip(1).map(|next| next.from.clamp(self.begin, until)).chain([until]);
        let mut end = self.begin;
        let due = planned.iter().zip(ends).map(|(phase, to)| {
            let from = std::mem::replace(&mut end, to);
            match &phase.schedule {
                PhaseSchedule::Every(every) => at_cadence(from, to, Cadence::steady(*every)),
                PhaseSchedule::Cron(cron) => {
                    cron.due_between(from, to).saturating_sub(series.maintenance.between(from, to))
                }
            }
        });
        due.sum()
    }

    /// Whether the checks, with those of the lead-in, keep one interval for long enough.
    fn shows_schedule(&self, series: &Series) -> bool {
        let first = series.lead_in.runs().next().map_or(self.first, |run| run.first.at);
        self.last - first >= SHOWN_AFTER_MS && self.cadence.is_kept(series.distances())
    }
}

/// The longest distance between two checks, in milliseconds, at which none is missing.
const fn longest_kept(cadence: Cadence) -> i64 {
    cadence.every + cadence.every / 2
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::Verdict;
    use crate::report::fold::probe_series::SeriesKey;
    use crate::window::Run;

    fn series_of(runs: impl IntoIterator<Item = (i64, i64, u64)>) -> Series {
        let name = std::sync::Arc::<str>::from("x");
        let key = SeriesKey { vantage: name.clone(), surface: name.clone(), probe: name, control: false };
        let mut series = Series::new(key, 0);
        for (first, last, count) in runs {
            let at = |second: i64| Timestamp::from_second(second).expect("an instant");
            let (verdict, class) = (Verdict::Up, None);
            series.log.add(&Run { from: at(first), to: at(last), verdict, class, code: None, own_class: None, count });
            series.counts.up += count;
        }
        series.log.sort();
        series
    }

    /// A span of checks that are due each minute, from 0 on.
    fn span(last: UnixMillis) -> ProbeSchedule<'static> {
        let cadence = Cadence { every: 60_000, checks: 1 };
        ProbeSchedule {
            cadence,
            slowdown: None,
            first: UnixMillis(0),
            last,
            begin: UnixMillis(0),
            planned: None,
            tolerance: 60_000,
        }
    }

    #[test]
    fn two_probers_at_once_miss_nothing() {
        // One probes all the time, the other from minute 10 to 20.
        let series = series_of([(0, 6_000, 101), (600, 1_200, 11), (6_060, 6_600, 10)]);
        let last = UnixMillis(6_600_000);
        assert_eq!(span(last).due(&series, last), series.counts.scheduled());
        assert_eq!(
            span(last).due(&series, last + 600_000),
            series.counts.scheduled() + 9,
            "what comes after is missing"
        );
    }

    #[test]
    fn what_was_made_at_a_longer_interval_before_misses_nothing() {
        let rare = |count: i64| (0..count).map(|n| n * 300);
        let steady = (0..60_i64).map(|n| 3_600 + n * 60);
        let singles = rare(12).chain(steady).map(|at| (at, at, 1));
        let last = UnixMillis((3_600 + 59 * 60) * 1_000);
        let mut raw = series_of(singles);
        assert_eq!(span(last).due(&raw, last), 72);
        assert_eq!(span(last).due(&raw, last + 600_000), 72 + 9, "what comes after is missing");
        raw.log.join_even();
        assert_eq!(span(last).due(&raw, last), 72);
        let compacted = series_of([(0, 3_300, 12), (3_600, 3_600 + 59 * 60, 60)]);
        assert_eq!(span(last).due(&compacted, last), 72);
    }

    #[test]
    fn checks_that_are_missed_again_and_again_are_missed_in_a_run_too() {
        let (steady, rare) = ((0..60_i64).map(|n| n * 60), (0..12).map(|n| 3_600 + n * 300));
        let singles = steady.chain(rare).map(|at| (at, at, 1));
        let last = UnixMillis((3_600 + 11 * 300) * 1_000);
        let mut raw = series_of(singles);
        let apart = span(last).due(&raw, last);
        raw.log.join_even();
        assert_eq!(span(last).due(&raw, last), apart);
        let compacted = series_of([(0, 3_540, 60), (3_600, 3_600 + 11 * 300, 12)]);
        assert_eq!(span(last).due(&compacted, last), apart);
        assert_eq!(apart, 72 + 11 * 4);
    }
}
