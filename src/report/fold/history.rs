//! Checks before the range, by surface and hour: for the baseline, and for objectives whose span is
//! longer than the range.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{UnixMillis, Verdict};
use crate::window::{Histogram, Latency, Window};

/// The days before the range from which the baseline is computed.
pub(crate) const DAYS: i64 = 28;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// The length of the slots in which failures are counted, in milliseconds.
pub(crate) const SLOT_MS: i64 = 5 * 60_000;

/// Checks by surface and hour.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The start of the range; `None` if it has none.
    from: Option<UnixMillis>,
    surfaces: BTreeMap<Arc<str>, SurfaceHistory>,
}

/// The history of one surface.
#[derive(Clone, Debug, Default)]
pub(crate) struct SurfaceHistory {
    /// Up and down checks by the hour in which they were due, including those in the range, without
    /// those in maintenance.
    pub(crate) hours: BTreeMap<UnixMillis, Judged>,
    /// The hours that have checks, including those in maintenance.
    pub(crate) seen: BTreeSet<UnixMillis>,
    /// Before the range, by hour: windows of up to an hour.
    pub(crate) hourly: BTreeMap<UnixMillis, PastSpan>,
    /// Before the window, by day: the latencies that came in windows longer than an hour, which cannot be cut.
    pub(crate) daily: BTreeMap<UnixMillis, Histogram>,
    /// Failures before the window, by the five minutes they were due in.
    pub(crate) failing: BTreeMap<UnixMillis, u64>,
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
}

impl PastSpan {
    fn merge(&mut self, other: &PastSpan) {
        self.judged.add(other.judged);
        self.latency.merge(&other.latency);
    }
}

impl History {
    pub(crate) fn new(from: Option<Timestamp>) -> History {
        History { from: from.map(UnixMillis::from), surfaces: BTreeMap::new() }
    }

    /// The earliest instant of use: for the baseline or for the longest objective. `None` if the
    /// range has no start.
    pub(crate) fn reads_from(&self, to: Option<Timestamp>, objective: Option<Duration>) -> Option<Timestamp> {
        let usual = self.from? - DAYS * DAY_MS;
        let objective =
            objective.map_or(SignedDuration::ZERO, |over| SignedDuration::try_from(over).unwrap_or_default());
        let promised = to.map_or(usual, |to| {
            UnixMillis::from(to).saturating_sub(i64::try_from(objective.as_millis()).unwrap_or(i64::MAX))
        });
        Timestamp::from_millisecond(usual.min(promised).0).ok()
    }

    /// Counts the checks of a window, in the range or before it.
    pub(crate) fn count(&mut self, window: &Window) {
        let past = self.past_mut(&window.surface);
        for (hour, judged) in by_hour(window) {
            if judged.n > 0 || window.maintenance {
                past.seen.insert(hour);
            }
            if !window.maintenance {
                past.hours.entry(hour).or_default().add(judged);
            }
        }
    }

    /// Adds a window from before the range to the baseline.
    pub(crate) fn window(&mut self, window: &Window) {
        let begins = UnixMillis::from(window.from);
        if self.from.is_some_and(|from| begins < from - DAYS * DAY_MS) {
            return;
        }
        let past = self.past_mut(&window.surface);
        for (hour, judged) in by_hour(window) {
            past.hourly.entry(hour).or_default().judged.add(judged);
        }
        let latency = if UnixMillis::from(window.to) - begins <= HOUR_MS {
            &mut past.hourly.entry(begins.floor(HOUR_MS)).or_default().latency
        } else {
            past.daily.entry(begins.floor(DAY_MS)).or_default()
        };
        latency.merge(&window.latency.total);
        past.latency.merge(&window.latency);
        if window.counts.down > 0 {
            for (slot, verdict, n) in window.strip.by_step(SLOT_MS) {
                if verdict == Verdict::Down {
                    *past.failing.entry(slot).or_default() += n;
                }
            }
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

/// The judged checks of a window by the hour in which they were due; an hour may come several times.
fn by_hour(window: &Window) -> impl Iterator<Item = (UnixMillis, Judged)> {
    let begin = UnixMillis::from(window.from).floor(HOUR_MS);
    let is_of_one = UnixMillis::from(window.to) <= begin + HOUR_MS;
    let whole = is_of_one.then(|| (begin, Judged { n: window.counts.judged(), failed: window.counts.down }));
    let each = (!is_of_one).then(|| {
        window.strip.by_step(HOUR_MS).map(|(hour, verdict, n)| {
            let of = |is_counted: bool| if is_counted { n } else { 0 };
            let is_judged = matches!(verdict, Verdict::Up | Verdict::Down);
            (hour, Judged { n: of(is_judged), failed: of(verdict == Verdict::Down) })
        })
    });
    whole.into_iter().chain(each.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::{CheckResult, Strip};

    #[test]
    fn a_line_that_says_of_a_million_checks_that_they_failed_holds_nobody_up() {
        let name: Arc<str> = "x".into();
        for strip in ["*1000000D", "*1000000+86400000D", "*1000000+4294967295D"] {
            let strip = Strip::from_text(strip, Timestamp::UNIX_EPOCH, &[]).expect("a strip");
            let mut window = Window::empty(&name, &name, &name, false);
            (window.counts, window.strip) = (strip.counts(), strip);
            let mut history = History::new(None);
            history.window(&window);
            let failing = &history.past("x").expect("a past").failing;
            assert_eq!(failing.values().sum::<u64>(), 1_000_000);
        }
    }

    #[test]
    fn a_day_in_one_window_says_of_each_hour_what_its_minutes_say() {
        let name: Arc<str> = "x".into();
        let at = |ms: i64| Timestamp::from_millisecond(ms).expect("an instant");
        let window_of = |from: i64, length: i64| {
            let (mut window, every) = (Window::empty(&name, &name, &name, false), 30_000);
            (window.from, window.to) = (at(from), at(from + length));
            for due in (from + 7..from + length).step_by(30_000) {
                let verdict = if due / every % 7 == 0 { Verdict::Down } else { Verdict::Up };
                window.strip.push(at(due), CheckResult::new(verdict, None));
            }
            window.counts = window.strip.counts();
            window.strip.join_even();
            window
        };
        let of = |length: i64| {
            let mut history = History::new(Some(at(2 * DAY_MS)));
            for from in (DAY_MS..2 * DAY_MS).step_by(usize::try_from(length).expect("a length")) {
                history.count(&window_of(from, length));
                history.window(&window_of(from, length));
            }
            let past = history.past("x").expect("a past").clone();
            let hourly: Vec<_> = past.hourly.iter().map(|(hour, then)| (*hour, then.judged)).collect();
            (past.hours, past.seen, hourly, past.failing)
        };
        assert_eq!(of(60_000), of(DAY_MS));
    }
}
