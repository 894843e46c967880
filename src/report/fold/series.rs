//! One probe from one vantage, added up.

use std::sync::Arc;

use super::super::ticks::Ticks;
use super::Key;
use crate::model::Counts;
use crate::window::{Histogram, Window};

/// One probe from one vantage.
#[derive(Clone, Debug)]
pub(in crate::report) struct Series {
    pub(in crate::report) vantage: Arc<str>,
    pub(in crate::report) surface: Arc<str>,
    pub(in crate::report) probe: Arc<str>,
    pub(in crate::report) control: bool,
    /// Whether any certificate was accepted.
    pub(in crate::report) insecure: bool,
    /// Its place among the sheets.
    pub(in crate::report) sheet: usize,
    pub(in crate::report) counts: Counts,
    pub(in crate::report) flaky: u64,
    pub(in crate::report) latency: Histogram,
    pub(in crate::report) failed_latency: Histogram,
    pub(in crate::report) lag: Histogram,
    /// The checks in the window,
    pub(in crate::report) ticks: Ticks,
    /// and those in the day before.
    pub(in crate::report) lead: Ticks,
}

impl Series {
    pub(super) fn new((vantage, surface, probe, control): &Key, sheet: usize) -> Series {
        Series {
            vantage: Arc::clone(vantage),
            surface: Arc::clone(surface),
            probe: Arc::clone(probe),
            control: *control,
            insecure: false,
            sheet,
            counts: Counts::default(),
            flaky: 0,
            latency: Histogram::default(),
            failed_latency: Histogram::default(),
            lag: Histogram::default(),
            ticks: Ticks::default(),
            lead: Ticks::default(),
        }
    }

    /// Adds a window.
    pub(super) fn add(&mut self, window: &Window) {
        self.counts.merge(&window.counts);
        self.flaky += window.flaky;
        self.insecure |= window.insecure;
        self.latency.merge(&window.latency.total);
        self.failed_latency.merge(&window.failed_latency);
        self.lag.merge(&window.lag);
        for run in window.strip.runs() {
            self.ticks.add(&run);
        }
    }

    /// Adds what another fold has of the same probe and vantage.
    pub(super) fn merge(&mut self, other: Series) {
        self.counts.merge(&other.counts);
        self.flaky += other.flaky;
        self.insecure |= other.insecure;
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.lag.merge(&other.lag);
        self.ticks.merge(other.ticks);
        self.lead.merge(other.lead);
    }

    /// Whether anything of it lies in the window.
    pub(in crate::report) const fn is_in_window(&self) -> bool {
        self.counts.scheduled() > 0
    }
}
