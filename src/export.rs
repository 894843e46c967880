//! Exports to existing systems: windows go to Prometheus, OpenTelemetry and others in their own
//! formats. Exporting never delays a check, and data that cannot be delivered is counted.

mod csv;
pub mod cumulative;
mod delivery_stats;
pub(crate) mod endpoint;
mod error;
#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
mod exponential;
mod exporter;
mod file_sync;
mod hgrm;
#[cfg(any(feature = "prometheus-server", feature = "remote-write"))]
pub mod histogram_format;
mod hlog;
#[cfg_attr(not(feature = "remote-write"), allow(dead_code, reason = "remote write alone asks what changed"))]
mod kept_sums;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(any(feature = "prometheus-server", feature = "remote-write"))]
mod protobuf_messages;
#[cfg(any(feature = "remote-write", feature = "otlp"))]
mod push;
#[cfg(feature = "remote-write")]
pub mod remote_write;
#[cfg(feature = "prometheus-server")]
pub mod scrape;
#[cfg(feature = "remote-write")]
mod vm_range;
mod window_file;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::model::{Outcome, Probe};
use crate::window::Window;

use exporter::Exporter;
pub(crate) use exporter::ExporterOption;

pub use csv::Csv;
pub use delivery_stats::DeliveryStats;
pub use error::ExportError;
pub(crate) use file_sync::sync_files;
pub use hgrm::hgrm;
pub(crate) use hlog::Hlog;
pub(crate) use kept_sums::KeptSums;
#[cfg(feature = "remote-write")]
pub(crate) use kept_sums::sums_kept;
#[cfg(feature = "parquet")]
pub use parquet::{ParquetTables, TablePlace, TablesError};
pub(crate) use window_file::WindowFile;

/// The options that start exporters, in the order of the help.
pub(crate) const OPTIONS: &[&ExporterOption] = &[
    #[cfg(feature = "remote-write")]
    &remote_write::OPTION,
    #[cfg(feature = "otlp")]
    &otlp::OPTION,
    #[cfg(any(feature = "remote-write", feature = "prometheus-server"))]
    &histogram_format::OPTION,
];

/// The exporters of a run: none, one or several. Passing data to them never blocks. They have their
/// own runtime, so that none of their TLS handshakes delays a check.
#[derive(Default)]
pub struct Exporters {
    runtime: Option<Runtime>,
    exporters: Vec<Box<dyn Exporter>>,
}

impl Exporters {
    /// Adds the exporter that `start` starts, on the exporters' runtime.
    ///
    /// # Errors
    /// [`ExportError`] if it cannot start.
    #[cfg_attr(
        not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
        expect(dead_code, reason = "a build without exporters adds none")
    )]
    pub(crate) fn add<E: Exporter + 'static>(
        &mut self,
        start: impl Future<Output = Result<E, ExportError>>,
    ) -> Result<(), ExportError> {
        let exporter = self.runtime()?.block_on(start)?;
        self.exporters.push(Box::new(exporter));
        Ok(())
    }

    /// Whether there are no exporters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exporters.is_empty()
    }

    /// The address that serves metrics, with the actual port if 0 was requested; `None` if none
    /// does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.exporters.iter().find_map(|exporter| exporter.address())
    }

    /// Records a check.
    pub fn outcome(&self, outcome: &Outcome) {
        self.exporters.iter().for_each(|exporter| exporter.outcome(outcome));
    }

    /// Records a check that was due but not run.
    pub fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        self.exporters.iter().for_each(|exporter| exporter.missed(probe, scheduled_at));
    }

    /// Replaces the set of known probes.
    pub fn set_probes(&self, probes: &[Arc<Probe>]) {
        self.exporters.iter().for_each(|exporter| exporter.set_probes(probes));
    }

    /// Records windows that closed.
    pub fn windows(&self, windows: &[Window]) {
        self.exporters.iter().for_each(|exporter| exporter.windows(windows));
        for (family, stats) in self.exporters.iter().filter_map(|exporter| exporter.delivery()) {
            self.exporters.iter().for_each(|exporter| exporter.show_delivery(family, &stats));
        }
    }

    /// Sends pending data, for at most `patience`, and returns one sentence about each thing that
    /// was not delivered. Must not be called from within a runtime.
    #[must_use]
    pub fn finish(self, patience: Duration) -> Vec<String> {
        let Some(runtime) = self.runtime else { return Vec::new() };
        // One after the other would take twice as long if two backends are down.
        let ends: Vec<_> =
            self.exporters.into_iter().map(|exporter| runtime.spawn(exporter.finish(patience))).collect();
        let warnings = runtime.block_on(async {
            let mut warnings = Vec::new();
            for end in ends {
                warnings.extend(end.await.unwrap_or_default());
            }
            warnings
        });
        runtime.shutdown_background();
        warnings
    }

    fn runtime(&mut self) -> Result<&Runtime, ExportError> {
        if let Some(ref runtime) = self.runtime {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("export").enable_all().build();
        Ok(self.runtime.insert(runtime.map_err(ExportError::Runtime)?))
    }
}
