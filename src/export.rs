//! To the systems that exist: windows go to Prometheus and OpenTelemetry in their own words.
//! Exporting is at the edge: it never delays a check, and what it cannot deliver is counted.

pub mod buckets;
mod csv;
pub mod cumulative;
pub(crate) mod endpoint;
mod error;
mod hgrm;
mod hlog;
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
mod window_file;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
use tokio::runtime::Builder;
use tokio::runtime::Runtime;

#[cfg(all(feature = "prometheus-server", any(feature = "remote-write", feature = "otlp")))]
use crate::metric;
use crate::model::{Outcome, Probe};
use crate::window::Window;

pub use csv::Csv;
pub use error::ExportError;
pub use hgrm::hgrm;
pub use hlog::Hlog;
pub use tally::Tally;
pub use window_file::WindowFile;

/// The exporters of a run: none, one or several. To hand something to them never waits: they
/// live on a runtime of their own, so that no handshake of theirs stands in a check's way.
#[derive(Default)]
pub struct Exporters {
    runtime: Option<Runtime>,
    #[cfg(feature = "prometheus-server")]
    scrape: Option<scrape::Scrape>,
    #[cfg(feature = "remote-write")]
    remote_write: Option<remote_write::RemoteWrite>,
    #[cfg(feature = "otlp")]
    otlp: Option<otlp::Otlp>,
}

impl Exporters {
    /// Serves metrics to fetch, with native histograms of a schema.
    ///
    /// # Errors
    /// [`ExportError`], where nobody can listen there.
    #[cfg(feature = "prometheus-server")]
    pub fn listen(&mut self, address: SocketAddr, vantage: &str, schema: i8) -> Result<(), ExportError> {
        self.scrape = Some(self.runtime()?.block_on(scrape::Scrape::listen(address, vantage, schema))?);
        Ok(())
    }

    /// Where metrics are served: the port, where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        #[cfg(feature = "prometheus-server")]
        let address = self.scrape.as_ref().map(scrape::Scrape::address);
        #[cfg(not(feature = "prometheus-server"))]
        let address = None;
        address
    }

    /// Sends to a backend by remote write; see [`remote_write::RemoteWrite::start`].
    ///
    /// # Errors
    /// [`ExportError`], where the settings cannot be used.
    #[cfg(feature = "remote-write")]
    pub fn remote_write(
        &mut self,
        settings: &remote_write::Settings,
        base: impl FnOnce() -> cumulative::Cumulative,
    ) -> Result<(), ExportError> {
        let _inside = self.runtime()?.enter();
        self.remote_write = Some(remote_write::RemoteWrite::start(settings, base)?);
        Ok(())
    }

    /// Sends to an OpenTelemetry collector.
    ///
    /// # Errors
    /// [`ExportError`], where the settings cannot be used.
    #[cfg(feature = "otlp")]
    pub fn otlp(&mut self, settings: otlp::Settings) -> Result<(), ExportError> {
        let _inside = self.runtime()?.enter();
        self.otlp = Some(otlp::Otlp::start(settings)?);
        Ok(())
    }

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

    /// Takes note that from here on there are these probes.
    pub fn adopt(&self, probes: &[Arc<Probe>]) {
        #[cfg(feature = "prometheus-server")]
        self.scrape.iter().for_each(|scrape| scrape.adopt(probes));
        let _ = probes;
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
    /// what did not arrive. Must not be called from within a runtime.
    #[must_use]
    pub fn finish(mut self, patience: Duration) -> Vec<String> {
        let Some(runtime) = self.runtime.take() else { return Vec::new() };
        let warnings = runtime.block_on(self.end(patience));
        runtime.shutdown_background();
        warnings
    }

    #[cfg_attr(
        not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
        expect(clippy::unused_async, reason = "without exporters there is nothing to wait for")
    )]
    async fn end(self, patience: Duration) -> Vec<String> {
        let warnings = Vec::new();
        // One after the other would wait twice as long for two that are down.
        #[cfg(feature = "remote-write")]
        let remote_write = self.remote_write.map(|remote_write| tokio::spawn(remote_write.finish(patience)));
        #[cfg(feature = "otlp")]
        let warnings = match self.otlp {
            Some(otlp) => warnings.into_iter().chain(otlp.finish(patience).await.warning("otlp")).collect(),
            None => warnings,
        };
        #[cfg(feature = "remote-write")]
        let warnings = match remote_write {
            Some(remote_write) => {
                let (tally, trouble) = remote_write.await.unwrap_or_default();
                let trouble =
                    trouble.map(|why| format!("remote write: the sums could not be kept for the next run: {why}"));
                warnings.into_iter().chain(tally.warning("remote write")).chain(trouble).collect()
            }
            None => warnings,
        };
        #[cfg(feature = "prometheus-server")]
        if let Some(scrape) = self.scrape {
            scrape.finish().await;
        }
        let _ = patience;
        warnings
    }

    #[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
    fn runtime(&mut self) -> Result<&Runtime, ExportError> {
        if let Some(ref runtime) = self.runtime {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("export").enable_all().build();
        Ok(self.runtime.insert(runtime.map_err(ExportError::Runtime)?))
    }

    /// What became of the batches is a metric too.
    #[cfg(all(feature = "prometheus-server", any(feature = "remote-write", feature = "otlp")))]
    fn show_tallies(&self) {
        let Some(scrape) = &self.scrape else { return };
        #[cfg(feature = "remote-write")]
        if let Some(remote_write) = &self.remote_write {
            scrape.tally(&metric::REMOTE_WRITE_BATCHES, remote_write.tally());
        }
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            scrape.tally(&metric::OTLP_BATCHES, otlp.tally());
        }
    }
}
