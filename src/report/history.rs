//! What came before the window: by surface and hour, for what is usual and for objectives whose
//! span is longer than the window.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ladder;
use crate::window::{Histogram, Latency, Window};

/// How many days before the window say what is usual.
pub(super) const DAYS: i64 = 28;

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// Checks by surface and hour.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The begin of the window.
    from: Option<i64>,
    surfaces: BTreeMap<Arc<str>, Past>,
}

/// What is known of one surface.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// Up and down checks by the hour they were due in, those of the window too.
    pub(super) hours: BTreeMap<i64, Judged>,
    /// Before the window, by hour.
    pub(super) hourly: BTreeMap<i64, Then>,
    /// Before the window, by day: what came in windows longer than an hour.
    pub(super) daily: BTreeMap<i64, Then>,
    /// All of it, by phase.
    pub(super) latency: Latency,
}

/// Judged checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) n: u64,
    pub(super) failed: u64,
}

/// An hour or a day of the past.
#[derive(Clone, Debug, Default)]
pub(super) struct Then {
    pub(super) judged: Judged,
    pub(super) latency: Histogram,
}

impl Judged {
    pub(super) const fn add(&mut self, other: Judged) {
        self.n += other.n;
        self.failed += other.failed;
    }
}

impl Past {
    fn merge(&mut self, other: &Past) {
        for (hour, judged) in &other.hours {
            self.hours.entry(*hour).or_default().add(*judged);
        }
        for (hour, then) in &other.hourly {
            self.hourly.entry(*hour).or_default().merge(then);
        }
        for (day, then) in &other.daily {
            self.daily.entry(*day).or_default().merge(then);
        }
        self.latency.merge(&other.latency);
    }
}

impl Then {
    fn merge(&mut self, other: &Then) {
        self.judged.add(other.judged);
        self.latency.merge(&other.latency);
    }
}

impl History {
    pub(super) fn new(from: Option<Timestamp>) -> History {
        History { from: from.map(Timestamp::as_millisecond), surfaces: BTreeMap::new() }
    }

    /// The earliest instant that is of use.
    pub(super) fn reads_from(&self, to: Option<Timestamp>, objective: Option<Duration>) -> Option<Timestamp> {
        let usual = self.from? - DAYS * DAY_MS;
        let objective =
            objective.map_or(SignedDuration::ZERO, |over| SignedDuration::try_from(over).unwrap_or_default());
        let promised = to.map_or(usual, |to| {
            to.as_millisecond().saturating_sub(i64::try_from(objective.as_millis()).unwrap_or(i64::MAX))
        });
        Timestamp::from_millisecond(usual.min(promised)).ok()
    }

    /// Counts the checks of a window, be it in the window of the report or before.
    pub(super) fn count(&mut self, window: &Window) {
        let hour = ladder::floor(window.from.as_millisecond(), HOUR_MS);
        let judged = Judged { n: window.counts.judged(), failed: window.counts.down };
        self.past_mut(&window.surface).hours.entry(hour).or_default().add(judged);
    }

    /// Adds a window from before the window of the report to what is usual.
    pub(super) fn window(&mut self, window: &Window) {
        let (begins, ends) = (window.from.as_millisecond(), window.to.as_millisecond());
        if self.from.is_some_and(|from| begins < from - DAYS * DAY_MS) {
            return;
        }
        let past = self.past_mut(&window.surface);
        let then = if ends - begins <= HOUR_MS {
            past.hourly.entry(ladder::floor(begins, HOUR_MS)).or_default()
        } else {
            past.daily.entry(ladder::floor(begins, DAY_MS)).or_default()
        };
        then.judged.add(Judged { n: window.counts.judged(), failed: window.counts.down });
        then.latency.merge(&window.latency.total);
        past.latency.merge(&window.latency);
    }

    /// Adds what came before the same window by other lines.
    pub(super) fn merge(&mut self, other: History) {
        for (surface, theirs) in other.surfaces {
            self.surfaces.entry(surface).and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
    }

    /// What is known of a surface.
    pub(super) fn past(&self, surface: &str) -> Option<&Past> {
        self.surfaces.get(surface)
    }

    fn past_mut(&mut self, surface: &Arc<str>) -> &mut Past {
        if !self.surfaces.contains_key(surface) {
            self.surfaces.insert(Arc::clone(surface), Past::default());
        }
        self.surfaces.get_mut(surface).expect("it was inserted where it was missing")
    }
}
