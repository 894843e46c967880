//! Checks as a run takes them in: windows are made of them, and the check's document of both.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::check_report::{CheckReport, CheckReportBuilder};
use uptick::model::{Outcome, Probe};
use uptick::window::Collector;

/// A run in the making.
pub struct Checks {
    collector: Collector,
    fold: CheckReportBuilder,
}

impl Checks {
    /// Of these probes.
    pub fn new(vantage: &str, probes: &[Arc<Probe>], span: Duration, start: Timestamp) -> Checks {
        Checks { collector: Collector::new(vantage, span), fold: CheckReportBuilder::new(vantage, probes, start) }
    }

    /// Takes in what came of a check.
    pub fn record(&mut self, outcome: Outcome) {
        let closed = self.collector.record(&outcome);
        self.fold.outcome(Arc::new(outcome));
        closed.iter().for_each(|window| self.fold.window(window));
    }

    /// Takes in that a check was not made.
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
