//! The checks of one probe from one vantage, added up.

use std::sync::Arc;

use crate::model::{Counts, UnixMillis};
use crate::report::fold::check_log::CheckLog;
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::time_span::TimeSpan;
use crate::window::{Histogram, Remotes, Window};

/// What identifies a series.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    pub(crate) vantage: Arc<str>,
    pub(crate) surface: Arc<str>,
    pub(crate) probe: Arc<str>,
    pub(crate) control: bool,
}

impl SeriesKey {
    /// The key of a window's series.
    pub(crate) fn of(window: &Window) -> SeriesKey {
        SeriesKey {
            vantage: Arc::clone(&window.vantage),
            surface: Arc::clone(&window.surface),
            probe: Arc::clone(&window.probe),
            control: window.control,
        }
    }
}

/// One probe from one vantage: a series.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) vantage: Arc<str>,
    pub(crate) surface: Arc<str>,
    pub(crate) probe: Arc<str>,
    pub(crate) control: bool,
    /// Whether any check accepted any certificate (`tls.insecure`).
    pub(crate) insecure: bool,
    /// The index of its latency series.
    pub(crate) latency_place: usize,
    pub(crate) counts: Counts,
    pub(crate) flaky: u64,
    /// Up checks for which something that `warn` names did not hold.
    pub(crate) warnings: u64,
    /// Checks by remote address, of whole windows.
    pub(crate) remotes: Remotes,
    pub(crate) latency: Histogram,
    pub(crate) failed_latency: Histogram,
    pub(crate) lag: Histogram,
    /// The checks in the range.
    pub(crate) log: CheckLog,
    /// The checks in the lead-in before the range.
    pub(crate) lead_in: CheckLog,
    /// The checks within maintenance, which are in no other field.
    pub(crate) maintenance: MaintenanceChecks,
}

/// Checks that were due within maintenance: counted, but not judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct MaintenanceChecks {
    /// The checks in the range.
    pub(crate) counts: Counts,
    /// The checks in the range and in the lead-in.
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

    /// The first and the last check of each stretch of them that is known to have no longer distance than `apart` in
    /// it, in order.
    pub(crate) fn spans(&self, apart: i64) -> impl Iterator<Item = TimeSpan> {
        self.log.runs().flat_map(move |run| run.spans(apart))
    }

    /// The number of checks in maintenance between two instants, both excluded.
    pub(crate) fn between(&self, from: UnixMillis, to: UnixMillis) -> u64 {
        self.log.runs().map(|run| run.before(to).saturating_sub(run.before(from.saturating_add(1)))).sum()
    }

    /// The time in maintenance between two instants, in milliseconds, if a check covers `interval`
    /// milliseconds.
    pub(crate) fn within(&self, from: UnixMillis, to: UnixMillis, interval: i64) -> i64 {
        let (mut length, mut until) = (0, from);
        for span in self.spans(interval) {
            let end = span.last.saturating_add(interval);
            length += (end.min(to) - span.first.max(until)).max(0);
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

    /// Adds the same series of another fold.
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

    /// The checks in a span, in order, with those of the lead-in.
    pub(crate) fn checks_in(&self, span: TimeSpan) -> impl Iterator<Item = LoggedCheck> {
        self.lead_in.checks_in(span).chain(self.log.checks_in(span))
    }

    /// The runs that overlap a span, with those of the lead-in.
    pub(crate) fn runs_in(&self, span: TimeSpan) -> impl Iterator<Item = EvenRun> {
        self.lead_in.runs_in(span).chain(self.log.runs_in(span))
    }

    /// All checks in order, with those of the lead-in, thinned runs in one piece where possible.
    pub(crate) fn runs(&self) -> impl Iterator<Item = EvenRun> {
        self.lead_in.runs().chain(self.log.runs())
    }

    /// The distances between neighbouring checks in milliseconds, in order, with those of the
    /// lead-in, and how often each occurs in a row.
    pub(crate) fn distances(&self) -> impl Iterator<Item = (i64, u64)> {
        let mut before: Option<UnixMillis> = None;
        self.runs().flat_map(move |run| {
            let to_it = before.replace(run.last_at).map(|before| (run.first.at - before, 1));
            to_it.into_iter().chain(run.distances())
        })
    }

    pub(crate) fn key(&self) -> SeriesKey {
        SeriesKey {
            vantage: Arc::clone(&self.vantage),
            surface: Arc::clone(&self.surface),
            probe: Arc::clone(&self.probe),
            control: self.control,
        }
    }

    /// Whether any of its checks lie in the range.
    pub(crate) const fn is_in_range(&self) -> bool {
        self.counts.scheduled() > 0 || self.maintenance.counts.scheduled() > 0
    }
}
