//! How long successful checks took: the total, and each phase.

use crate::model::{Phase, Timings};

use super::Histogram;

/// A histogram of the total and one of each phase. A phase that did not happen in a check is
/// not counted for it, so the phases may have fewer samples than the total.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// From the start of a check to its verdict.
    pub total: Histogram,
    /// Looking names up.
    pub resolve: Histogram,
    /// TCP handshakes.
    pub connect: Histogram,
    /// TLS handshakes.
    pub tls: Histogram,
    /// From connection to complete response head.
    pub processing: Histogram,
    /// Reading bodies.
    pub transfer: Histogram,
}

/// Which histograms of [`Latency`] are read from a line. The phases take most of the time of a reading, and only some
/// answers show them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatencyDetail {
    /// All.
    #[default]
    Phases,
    /// The total alone: the phases stay empty.
    Total,
}

impl Latency {
    /// The histogram of one phase.
    #[must_use]
    pub const fn phase(&self, phase: Phase) -> &Histogram {
        match phase {
            Phase::Resolve => &self.resolve,
            Phase::Connect => &self.connect,
            Phase::Tls => &self.tls,
            Phase::Processing => &self.processing,
            Phase::Transfer => &self.transfer,
        }
    }

    /// The histogram of one phase, to add to.
    pub(crate) const fn phase_mut(&mut self, phase: Phase) -> &mut Histogram {
        match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::Processing => &mut self.processing,
            Phase::Transfer => &mut self.transfer,
        }
    }

    /// Adds the timings of one check.
    pub fn record(&mut self, timings: &Timings) {
        self.total.record(timings.total);
        for phase in Phase::ALL {
            if let Some(time) = timings.phase(phase) {
                self.phase_mut(phase).record(time);
            }
        }
    }

    /// Adds the samples of another.
    pub fn merge(&mut self, other: &Latency) {
        self.total.merge(&other.total);
        for phase in Phase::ALL {
            self.phase_mut(phase).merge(other.phase(phase));
        }
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // A line of a journal may have phases without a total; they are kept as they are.
        self.total.is_empty()
            && self.resolve.is_empty()
            && self.connect.is_empty()
            && self.tls.is_empty()
            && self.processing.is_empty()
            && self.transfer.is_empty()
    }
}
