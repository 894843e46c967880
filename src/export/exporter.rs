//! The interface of an exporter: a system beside the journal that takes outcomes or windows.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::metric::Family;
use crate::model::{Outcome, Probe};
use crate::window::Window;

use super::delivery_stats::DeliveryStats;

/// The option that starts an exporter, or shapes what it sends.
#[derive(Debug)]
pub(crate) struct ExporterOption {
    /// The name, without dashes.
    pub(crate) long: &'static str,
    /// The placeholder for its value in the help.
    pub(crate) value_name: &'static str,
    /// Whether it may stand without a value.
    pub(crate) is_value_optional: bool,
    /// The variable that is read where the option is not given.
    pub(crate) variable: Option<&'static str>,
    /// What it does, in a sentence.
    pub(crate) meaning: &'static str,
}

/// The result of an exporter's end: one sentence for the user about each thing that was not delivered.
pub(crate) type Finished = Pin<Box<dyn Future<Output = Vec<String>> + Send>>;

/// A running exporter. It takes events without waiting: checks go on whatever happens to the system that it exports to.
pub(crate) trait Exporter: Send + Sync {
    /// A check ended.
    fn outcome(&self, outcome: &Outcome);

    /// A check was due and was not run.
    fn missed(&self, _probe: &Probe, _scheduled_at: Timestamp) {}

    /// The set of probes changed to these.
    fn set_probes(&self, _probes: &[Arc<Probe>]) {}

    /// Windows closed.
    fn windows(&self, _windows: &[Window]) {}

    /// What became of its batches, and the metric that shows it; none if it sends none.
    fn delivery(&self) -> Option<(&'static Family, DeliveryStats)> {
        None
    }

    /// Shows what became of another exporter's batches.
    fn show_delivery(&self, _family: &'static Family, _stats: &DeliveryStats) {}

    /// The address it serves on, if it does.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Sends what is pending, for at most this long.
    fn finish(self: Box<Self>, patience: Duration) -> Finished;
}
