//! One probe from one vantage, added up.

use std::sync::Arc;

use crate::model::Counts;
use crate::report::fold::check_log::CheckLog;
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::window::{Histogram, Remotes, Window};

/// What tells one series from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    pub(crate) vantage: Arc<str>,
    pub(crate) surface: Arc<str>,
    pub(crate) probe: Arc<str>,
    pub(crate) control: bool,
}

impl SeriesKey {
    /// That of a window.
    pub(crate) fn of(window: &Window) -> SeriesKey {
        SeriesKey {
            vantage: Arc::clone(&window.vantage),
            surface: Arc::clone(&window.surface),
            probe: Arc::clone(&window.probe),
            control: window.control,
        }
    }
}

/// One probe from one vantage.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) vantage: Arc<str>,
    pub(crate) surface: Arc<str>,
    pub(crate) probe: Arc<str>,
    pub(crate) control: bool,
    /// Whether any certificate was accepted.
    pub(crate) insecure: bool,
    /// Its place among the latency series.
    pub(crate) latency_place: usize,
    pub(crate) counts: Counts,
    pub(crate) flaky: u64,
    /// Up checks of which something that `warn` names did not hold.
    pub(crate) warnings: u64,
    /// Checks by remote address, of whole windows.
    pub(crate) remotes: Remotes,
    pub(crate) latency: Histogram,
    pub(crate) failed_latency: Histogram,
    pub(crate) lag: Histogram,
    /// The checks in the range,
    pub(crate) log: CheckLog,
    /// and those in the day before.
    pub(crate) lead_in: CheckLog,
    /// What is in none of these: the checks within maintenance.
    pub(crate) maintenance: MaintenanceChecks,
}

/// Checks that were due within maintenance: counted, and judged by nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct MaintenanceChecks {
    /// Those in the range.
    pub(crate) counts: Counts,
    /// They and those of the day before.
    pub(crate) log: CheckLog,
}

impl MaintenanceChecks {
    /// Adds the checks of a window.
    pub(crate) fn add(&mut self, window: &Window, is_in_range: bool) {
        if is_in_range {
            self.counts.merge(&window.counts);
        }
        for run in window.strip.runs() {
            self.log.add(&run);
        }
    }

    fn merge(&mut self, other: MaintenanceChecks) {
        self.counts.merge(&other.counts);
        self.log.merge(other.log);
    }

    /// The time that the checks cover, each of them for `reach`, in order.
    pub(crate) fn spans(&self, reach: i64) -> impl Iterator<Item = (i64, i64)> {
        self.log.runs().map(move |run| (run.first.at, run.last_at.saturating_add(reach)))
    }

    /// For how long there was maintenance between two instants, where a check stands for `interval`.
    pub(crate) fn within(&self, from: i64, to: i64, interval: i64) -> i64 {
        let (mut length, mut until) = (0, from);
        for (begin, end) in self.spans(interval) {
            length += (end.min(to) - begin.max(until)).max(0);
            until = until.max(end);
        }
        length
    }
}

impl Series {
    pub(crate) fn new(key: SeriesKey, latency_place: usize) -> Series {
        Series {
            vantage: key.vantage,
            surface: key.surface,
            probe: key.probe,
            control: key.control,
            insecure: false,
            latency_place,
            counts: Counts::default(),
            flaky: 0,
            warnings: 0,
            remotes: Remotes::default(),
            latency: Histogram::default(),
            failed_latency: Histogram::default(),
            lag: Histogram::default(),
            log: CheckLog::default(),
            lead_in: CheckLog::default(),
            maintenance: MaintenanceChecks::default(),
        }
    }

    /// Adds a window.
    pub(crate) fn add(&mut self, window: &Window) {
        self.counts.merge(&window.counts);
        self.flaky += window.flaky;
        self.warnings += window.warnings;
        self.remotes.merge(&window.remotes);
        self.insecure |= window.insecure;
        self.latency.merge(&window.latency.total);
        self.failed_latency.merge(&window.failed_latency);
        self.lag.merge(&window.lag);
        for run in window.strip.runs() {
            self.log.add(&run);
        }
    }

    /// Adds what another fold has of the same probe and vantage.
    pub(crate) fn merge(&mut self, other: Series) {
        self.counts.merge(&other.counts);
        self.flaky += other.flaky;
        self.warnings += other.warnings;
        self.remotes.merge(&other.remotes);
        self.insecure |= other.insecure;
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.lag.merge(&other.lag);
        self.log.merge(other.log);
        self.lead_in.merge(other.lead_in);
        self.maintenance.merge(other.maintenance);
    }

    /// Its checks between two instants, ends included, those of the day before too, in order.
    pub(crate) fn between(&self, from: i64, to: i64) -> impl Iterator<Item = LoggedCheck> {
        self.lead_in.between(from, to).chain(self.log.between(from, to))
    }

    /// The runs of them that reach into the time between two instants, ends included.
    pub(crate) fn runs_between(&self, from: i64, to: i64) -> impl Iterator<Item = EvenRun> {
        self.lead_in.runs_between(from, to).chain(self.log.runs_between(from, to))
    }

    /// Its checks in order, those of the day before too, thinned runs whole where they can be.
    pub(crate) fn runs(&self) -> impl Iterator<Item = EvenRun> {
        self.lead_in.runs().chain(self.log.runs())
    }

    /// How far its checks are apart, those of the day before too, in order, and how often in a row.
    pub(crate) fn distances(&self) -> impl Iterator<Item = (i64, u64)> {
        let mut before: Option<i64> = None;
        self.runs().flat_map(move |run| {
            let to_it = before.replace(run.last_at).map(|before| (run.first.at - before, 1));
            to_it.into_iter().chain(run.distances())
        })
    }

    /// Its key.
    pub(crate) fn key(&self) -> SeriesKey {
        SeriesKey {
            vantage: Arc::clone(&self.vantage),
            surface: Arc::clone(&self.surface),
            probe: Arc::clone(&self.probe),
            control: self.control,
        }
    }

    /// Whether anything of it lies in the range.
    pub(crate) const fn is_in_range(&self) -> bool {
        self.counts.scheduled() > 0 || self.maintenance.counts.scheduled() > 0
    }
}
