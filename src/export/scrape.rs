//! Metrics for Prometheus to scrape: counters since the process began, and the last check of each probe. Counters are
//! as fresh as the last check, not as the last closed window.

mod hosts;
mod metrics;
mod negotiation;
mod protobuf;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::delivery_stats::DeliveryStats;
use super::error::ExportError;
use super::exporter::{Exporter, Finished};
use crate::metric::Family;
use crate::model::{Outcome, Probe};

use hosts::AllowedHosts;
use metrics::Metrics;
pub use metrics::Source;

/// A running metrics server.
pub struct Scrape {
    metrics: Arc<Metrics>,
    server: server::Server,
}

impl Scrape {
    /// Listens and serves on the current runtime. `schema` is that of native histograms. If hosts are named, requests
    /// for other host names are rejected; on the loopback interface they always are.
    ///
    /// # Errors
    /// [`ExportError::Listen`], if the address cannot be listened on.
    pub async fn listen(
        address: SocketAddr,
        hosts: &[String],
        source: Source,
        schema: i8,
    ) -> Result<Scrape, ExportError> {
        let metrics = Arc::new(Metrics::new(source, schema));
        let hosts = AllowedHosts::new(hosts, address.ip().is_loopback());
        let server = server::Server::start(address, hosts, Arc::clone(&metrics)).await?;
        Ok(Scrape { metrics, server })
    }

    /// The address it listens on, with the actual port if 0 was requested.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Records a check.
    pub fn outcome(&self, outcome: &Outcome) {
        self.metrics.outcome(outcome);
    }

    /// Records a check that was due and was not run.
    pub fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        self.metrics.missed(probe, scheduled_at);
    }

    /// Replaces the set of known probes: each of them begins with zeros, and the last check of a removed one is no
    /// longer shown. Its counters stay.
    pub fn set_probes(&self, probes: &[Arc<Probe>]) {
        self.metrics.set_probes(probes);
    }

    /// Stops serving.
    pub async fn finish(self) {
        self.server.stop().await;
    }
}

impl Exporter for Scrape {
    fn outcome(&self, outcome: &Outcome) {
        Scrape::outcome(self, outcome);
    }

    fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        Scrape::missed(self, probe, scheduled_at);
    }

    fn set_probes(&self, probes: &[Arc<Probe>]) {
        Scrape::set_probes(self, probes);
    }

    /// The stats of another exporter become a metric family of their own.
    fn show_delivery(&self, family: &'static Family, stats: &DeliveryStats) {
        self.metrics.show_delivery(family, stats);
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(Scrape::address(self))
    }

    fn finish(self: Box<Self>, _patience: Duration) -> Finished {
        Box::pin(async move {
            Scrape::finish(*self).await;
            Vec::new()
        })
    }
}
