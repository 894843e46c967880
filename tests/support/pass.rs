//! Processes outcomes as a run does: adds them up into windows, and builds the document of `check`
//! from both.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::check_report::{CheckReport, CheckReportBuilder};
use uptick::model::{Outcome, Probe};
use uptick::window::Collector;

/// A run in progress.
pub struct Checks {
    collector: Collector,
    fold: CheckReportBuilder,
}

impl Checks {
    /// A run of these probes.
    pub fn new(vantage: &str, probes: &[Arc<Probe>], span: Duration, start: Timestamp) -> Checks {
        Checks { collector: Collector::new(vantage, span), fold: CheckReportBuilder::new(vantage, probes, start) }
    }

    /// Adds the outcome of a check.
    pub fn record(&mut self, outcome: Outcome) {
        let closed = self.collector.record(&outcome);
        self.fold.outcome(Arc::new(outcome));
        closed.iter().for_each(|window| self.fold.window(window));
    }

    /// Adds a check that was missed.
    pub fn missed(&mut self, probe: &Probe, scheduled_at: Timestamp) {
        let closed = self.collector.record_missed(probe, scheduled_at);
        closed.iter().for_each(|window| self.fold.window(window));
    }

    /// The document.
    pub fn finish(mut self, elapsed: Duration, warnings: &[String]) -> CheckReport {
        self.collector.close_all().iter().for_each(|window| self.fold.window(window));
        self.fold.finish(elapsed, warnings)
    }
}
