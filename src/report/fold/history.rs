//! Checks before the range, by surface and hour: for the baseline, and for objectives whose span is
//! longer than the range.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Verdict;
use crate::report::fold::bucket;
use crate::window::{Histogram, Latency, Window};

/// The days before the range from which the baseline is computed.
pub(crate) const DAYS: i64 = 28;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// The length of the slots in which failures are counted, in milliseconds.
pub(crate) const SLOT_MS: i64 = 5 * 60_000;

/// An hour in milliseconds, as a `usize` for `step_by`.
const HOUR_STEP: usize = 3_600_000;

/// Checks by surface and hour.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The start of the range; `None` if it has none.
    from: Option<i64>,
    surfaces: BTreeMap<Arc<str>, SurfaceHistory>,
}

/// The history of one surface.
#[derive(Clone, Debug, Default)]
pub(crate) struct SurfaceHistory {
    /// Up and down checks by the hour in which they were due, including those in the range, without
    /// those in maintenance.
    pub(crate) hours: BTreeMap<i64, Judged>,
    /// The hours that have checks, including those in maintenance.
    pub(crate) seen: BTreeSet<i64>,
    /// Before the range, by hour: windows of up to an hour.
    pub(crate) hourly: BTreeMap<i64, PastSpan>,
    /// Before the range, by day: windows longer than an hour.
    pub(crate) daily: BTreeMap<i64, PastSpan>,
    /// Failures before the range, by the five-minute slot in which they were due.
    pub(crate) failing: BTreeMap<i64, u64>,
    /// The latency before the range, by phase.
    pub(crate) latency: Latency,
}

/// Judged checks: up and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) n: u64,
    pub(crate) failed: u64,
}

/// An hour or a day before the range.
#[derive(Clone, Debug, Default)]
pub(crate) struct PastSpan {
    pub(crate) judged: Judged,
    pub(crate) latency: Histogram,
}

impl Judged {
    pub(crate) const fn add(&mut self, other: Judged) {
        self.n += other.n;
        self.failed += other.failed;
    }
}

impl SurfaceHistory {
    fn merge(&mut self, other: &SurfaceHistory) {
        for (hour, judged) in &other.hours {
            self.hours.entry(*hour).or_default().add(*judged);
        }
        self.seen.extend(&other.seen);
        for (hour, then) in &other.hourly {
            self.hourly.entry(*hour).or_default().merge(then);
        }
        for (day, then) in &other.daily {
            self.daily.entry(*day).or_default().merge(then);
        }
        for (slot, failed) in &other.failing {
            *self.failing.entry(*slot).or_default() += failed;
        }
        self.latency.merge(&other.latency);
    }

    /// Counts the failures of a window in the slots in which they were due.
    fn count_failing(&mut self, window: &Window) {
        for run in window.strip.runs().filter(|run| run.verdict == Verdict::Down) {
            let (from, length) = (run.from.as_millisecond(), run.to.as_millisecond() - run.from.as_millisecond());
            let distance =
                (length / i64::try_from(run.count.saturating_sub(1)).unwrap_or(i64::MAX).max(1)).unsigned_abs();
            // Slot by slot, not check by check: one line may claim four thousand million failures.
            let (mut due, mut left) = (from, run.count);
            while left > 0 {
                let slot = bucket::floor(due, SLOT_MS);
                let room = (slot + SLOT_MS - due).unsigned_abs();
                let here = if distance == 0 { left } else { room.div_ceil(distance).min(left) };
                *self.failing.entry(slot).or_default() += here;
                left -= here;
                due = due.saturating_add_unsigned(here.saturating_mul(distance));
            }
        }
    }
}

impl PastSpan {
    fn merge(&mut self, other: &PastSpan) {
        self.judged.add(other.judged);
        self.latency.merge(&other.latency);
    }
}

impl History {
    pub(crate) fn new(from: Option<Timestamp>) -> History {
        History { from: from.map(Timestamp::as_millisecond), surfaces: BTreeMap::new() }
    }

    /// The earliest instant of use: for the baseline or for the longest objective. `None` if the
    /// range has no start.
    pub(crate) fn reads_from(&self, to: Option<Timestamp>, objective: Option<Duration>) -> Option<Timestamp> {
        let usual = self.from? - DAYS * DAY_MS;
        let objective =
            objective.map_or(SignedDuration::ZERO, |over| SignedDuration::try_from(over).unwrap_or_default());
        let promised = to.map_or(usual, |to| {
            to.as_millisecond().saturating_sub(i64::try_from(objective.as_millis()).unwrap_or(i64::MAX))
        });
        Timestamp::from_millisecond(usual.min(promised)).ok()
    }

    /// Counts the checks of a window, in the range or before it.
    pub(crate) fn count(&mut self, window: &Window) {
        let hour = bucket::floor(window.from.as_millisecond(), HOUR_MS);
        let judged = Judged { n: window.counts.judged(), failed: window.counts.down };
        let past = self.past_mut(&window.surface);
        if judged.n > 0 || window.maintenance {
            let hours = (hour..window.to.as_millisecond()).step_by(HOUR_STEP);
            past.seen.extend(hours);
        }
        if !window.maintenance {
            past.hours.entry(hour).or_default().add(judged);
        }
    }

    /// Adds a window from before the range to the baseline.
    pub(crate) fn window(&mut self, window: &Window) {
        let (begins, ends) = (window.from.as_millisecond(), window.to.as_millisecond());
        if self.from.is_some_and(|from| begins < from - DAYS * DAY_MS) {
            return;
        }
        let past = self.past_mut(&window.surface);
        let then = if ends - begins <= HOUR_MS {
            past.hourly.entry(bucket::floor(begins, HOUR_MS)).or_default()
        } else {
            past.daily.entry(bucket::floor(begins, DAY_MS)).or_default()
        };
        then.judged.add(Judged { n: window.counts.judged(), failed: window.counts.down });
        then.latency.merge(&window.latency.total);
        past.latency.merge(&window.latency);
        if window.counts.down > 0 {
            past.count_failing(window);
        }
    }

    /// Adds the history from other lines, for the same range.
    pub(crate) fn merge(&mut self, other: History) {
        for (surface, theirs) in other.surfaces {
            self.surfaces.entry(surface).and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
    }

    /// The history of a surface; `None` if it has no checks.
    pub(crate) fn past(&self, surface: &str) -> Option<&SurfaceHistory> {
        self.surfaces.get(surface)
    }

    fn past_mut(&mut self, surface: &Arc<str>) -> &mut SurfaceHistory {
        if !self.surfaces.contains_key(surface) {
            self.surfaces.insert(Arc::clone(surface), SurfaceHistory::default());
        }
        self.surfaces.get_mut(surface).expect("it was inserted where it was missing")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::model::FailureClass;
    use crate::window::{CheckResult, Strip};

    #[test]
    fn a_line_that_says_of_all_checks_that_ever_were_that_they_failed_holds_nobody_up() {
        let name: Arc<str> = "x".into();
        for strip in ["*4294967295D", "*4294967295+86400000D", "*4294967295+4294967295D"] {
            let strip = Strip::from_text(strip, Timestamp::UNIX_EPOCH, &[]).expect("a strip");
            let mut history = SurfaceHistory::default();
            history.count_failing(&Window { strip, ..Window::empty(&name, &name, &name, false) });
            assert_eq!(history.failing.values().sum::<u64>(), u64::from(u32::MAX));
        }
    }

    proptest! {
        #[test]
        fn failures_are_counted_where_each_was_due(instants in prop::collection::vec(0..4_000_000_i64, 1..60)) {
            let mut instants = instants;
            instants.sort_unstable();
            let name: Arc<str> = "x".into();
            let mut window = Window::empty(&name, &name, &name, false);
            let failed = CheckResult::new(Verdict::Down, Some(FailureClass::Status));
            for at in &instants {
                window.strip.push(Timestamp::from_millisecond(*at).expect("an instant"), failed);
            }
            window.strip.join_even();
            let (mut history, mut each) = (SurfaceHistory::default(), BTreeMap::new());
            history.count_failing(&window);
            for run in window.strip.runs() {
                let (from, to) = (run.from.as_millisecond(), run.to.as_millisecond());
                let distance = (to - from) / i64::try_from(run.count).expect("few").saturating_sub(1).max(1);
                for n in 0..i64::try_from(run.count).expect("few") {
                    *each.entry(bucket::floor(from + n * distance, SLOT_MS)).or_default() += 1;
                }
            }
            prop_assert_eq!(history.failing, each);
        }
    }
}
