//! To the systems that exist: windows go to Prometheus and OpenTelemetry in their own words.
//! Exporting is at the edge: it never delays a check, and what it cannot deliver is counted.

pub mod buckets;
pub mod cumulative;
#[cfg(any(feature = "remote-write", feature = "otlp"))]
mod endpoint;
mod error;
pub mod family;
#[cfg(any(feature = "prometheus-server", feature = "remote-write"))]
mod message;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(any(feature = "remote-write", feature = "otlp"))]
mod push;
#[cfg(feature = "remote-write")]
pub mod remote_write;
#[cfg(feature = "prometheus-server")]
pub mod scrape;
mod tally;

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Outcome;
use crate::model::Probe;
use crate::window::Window;

pub use error::ExportError;
pub use tally::Tally;

/// The exporters of a run: none, one or several. To hand something to them never waits.
#[derive(Default)]
pub struct Exporters {
    /// Metrics to fetch.
    #[cfg(feature = "prometheus-server")]
    pub scrape: Option<scrape::Scrape>,
    /// Prometheus remote write.
    #[cfg(feature = "remote-write")]
    pub remote_write: Option<remote_write::RemoteWrite>,
    /// OpenTelemetry.
    #[cfg(feature = "otlp")]
    pub otlp: Option<otlp::Otlp>,
}

impl Exporters {
    /// Takes note of a check.
    pub fn outcome(&self, outcome: &Outcome) {
        #[cfg(feature = "prometheus-server")]
        self.scrape.iter().for_each(|scrape| scrape.outcome(outcome));
        #[cfg(feature = "remote-write")]
        self.remote_write.iter().for_each(|remote_write| remote_write.outcome(outcome));
        #[cfg(feature = "otlp")]
        self.otlp.iter().for_each(|otlp| otlp.outcome(outcome));
        let _ = outcome;
    }

    /// Takes note of a check that was due and not run.
    pub fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        #[cfg(feature = "prometheus-server")]
        self.scrape.iter().for_each(|scrape| scrape.missed(probe, scheduled_at));
        let _ = (probe, scheduled_at);
    }

    /// Takes note of windows that closed.
    pub fn windows(&self, windows: &[Window]) {
        #[cfg(feature = "remote-write")]
        self.remote_write.iter().for_each(|remote_write| remote_write.windows(windows));
        #[cfg(feature = "otlp")]
        self.otlp.iter().for_each(|otlp| otlp.windows(windows));
        #[cfg(all(feature = "prometheus-server", any(feature = "remote-write", feature = "otlp")))]
        self.show_tallies();
        let _ = windows;
    }

    /// Sends what there is, for at most this long, and says in one sentence for each exporter
    /// what did not arrive.
    #[cfg_attr(
        not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
        expect(clippy::unused_async, reason = "without exporters there is nothing to wait for")
    )]
    pub async fn finish(self, patience: Duration) -> Vec<String> {
        let mut warnings = Vec::new();
        // One after the other would wait twice as long for two that are down.
        #[cfg(feature = "remote-write")]
        let remote_write = self.remote_write.map(|remote_write| tokio::spawn(remote_write.finish(patience)));
        #[cfg(feature = "otlp")]
        if let Some(otlp) = self.otlp {
            warnings.extend(otlp.finish(patience).await.warning("otlp"));
        }
        #[cfg(feature = "remote-write")]
        if let Some(remote_write) = remote_write {
            let tally = remote_write.await.unwrap_or_default();
            warnings.extend(tally.warning("remote write"));
        }
        #[cfg(feature = "prometheus-server")]
        if let Some(scrape) = self.scrape {
            scrape.finish().await;
        }
        let _ = (&mut warnings, patience);
        warnings
    }

    /// What became of the batches is a metric too.
    #[cfg(all(feature = "prometheus-server", any(feature = "remote-write", feature = "otlp")))]
    fn show_tallies(&self) {
        let Some(scrape) = &self.scrape else { return };
        #[cfg(feature = "remote-write")]
        if let Some(remote_write) = &self.remote_write {
            scrape.tally(&family::REMOTE_WRITE_BATCHES, remote_write.tally());
        }
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            scrape.tally(&family::OTLP_BATCHES, otlp.tally());
        }
    }
}
