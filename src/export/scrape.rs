//! Metrics for Prometheus to fetch: what was counted since the process began, and the last check
//! of each probe. Counters are as fresh as the last check, not as the last closed window.

mod hosts;
mod metrics;
mod protobuf;
mod server;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::delivery_stats::DeliveryStats;
use super::error::ExportError;
use super::exporter::{Exporter, Finished};
use crate::metric::{self, Family};
use crate::model::{Outcome, Probe};

use hosts::AllowedHosts;
use metrics::Metrics;

/// A running server of metrics.
pub struct Scrape {
    metrics: Arc<Metrics>,
    server: server::Server,
}

impl Scrape {
    /// Listens and serves, on the current runtime. Native histograms have this schema. Where hosts are named,
    /// requests for other names are refused; on the loopback interface they always are.
    ///
    /// # Errors
    /// [`ExportError::Listen`], where nobody can listen there.
    pub async fn listen(
        address: SocketAddr,
        hosts: &[String],
        vantage: &str,
        schema: i8,
    ) -> Result<Scrape, ExportError> {
        let metrics = Arc::new(Metrics::new(vantage, schema));
        let hosts = AllowedHosts::new(hosts, address.ip().is_loopback());
        let server = server::Server::start(address, hosts, Arc::clone(&metrics)).await?;
        Ok(Scrape { metrics, server })
    }

    /// Where it listens: the port, where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Takes note of a check.
    pub fn outcome(&self, outcome: &Outcome) {
        let last = Arc::new(metric::of_outcome(outcome));
        let mut inbox = self.metrics.inbox();
        // A retired probe may end its last check after it was retired.
        if inbox.known.as_ref().is_none_or(|known| known.contains(&outcome.probe)) {
            inbox.last.insert(outcome.probe.clone(), last);
        }
        if let Some(window) = inbox.collector.record(outcome) {
            inbox.closed.add(&window);
        }
        // The evidence of failures is the journal's.
        drop(inbox.collector.take_failures());
    }

    /// Takes note of a check that was due and not run.
    pub fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        let mut inbox = self.metrics.inbox();
        if let Some(window) = inbox.collector.record_missed(probe, scheduled_at) {
            inbox.closed.add(&window);
        }
    }

    /// Takes note that from here on there are these probes: of one that is gone, the last check
    /// says nothing any more. What was counted stays.
    pub fn adopt(&self, probes: &[Arc<Probe>]) {
        let known: BTreeSet<String> = probes.iter().map(|probe| probe.name.clone()).collect();
        let mut inbox = self.metrics.inbox();
        inbox.last.retain(|probe, _| known.contains(probe));
        inbox.known = Some(known);
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

    fn adopt(&self, probes: &[Arc<Probe>]) {
        Scrape::adopt(self, probes);
    }

    /// What became of another exporter's batches is a family of its own.
    fn show_delivery(&self, family: &'static Family, stats: &DeliveryStats) {
        self.metrics.inbox().delivered.insert(family.name, (family, stats.clone()));
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
