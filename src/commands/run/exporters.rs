//! Makes the exporters of a run from the command line and the environment.

#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
use std::error::Error;
#[cfg(feature = "prometheus-server")]
use std::net::SocketAddr;
use std::path::Path;

use crate::cli::ExporterArgs;
#[cfg(any(feature = "remote-write", feature = "otlp"))]
use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
#[cfg(feature = "remote-write")]
use crate::commands::run::kept_sums;
use crate::config::Config;
#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
use crate::export::ExportError;
use crate::export::Exporters;
#[cfg(any(feature = "remote-write", feature = "prometheus-server"))]
use crate::export::histogram_format::{self, HistogramFormat, HistogramFormatError};
#[cfg(feature = "otlp")]
use crate::export::otlp::{self, Otlp};
#[cfg(feature = "remote-write")]
use crate::export::remote_write::{self, RemoteWrite};
#[cfg(feature = "prometheus-server")]
use crate::export::scrape::{Scrape, Source};
#[cfg(feature = "remote-write")]
use crate::model::NetworkRules;
#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
use crate::model::SafeText;

/// The file beside a journal's lines that holds the totals that remote write has sent.
#[cfg(feature = "remote-write")]
pub(crate) const STATE_FILE: &str = "remote-write";

/// The kind of a run.
pub(crate) enum RunKind {
    /// A run that ends by itself; another one follows later.
    Check,
    /// A run that continues until it is stopped, and may serve metrics.
    Watch {
        /// The address to listen on.
        #[cfg(feature = "prometheus-server")]
        listen: Option<SocketAddr>,
        /// The host names that requests may use.
        #[cfg(feature = "prometheus-server")]
        hosts: Vec<String>,
    },
}

/// Starts the exporters that were asked for. `folder` belongs to the journal on this machine, whether the run
/// records or not.
#[cfg_attr(
    not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
    expect(clippy::unnecessary_wraps, reason = "without exporters nothing can fail to start")
)]
pub(crate) fn start(
    asked: &ExporterArgs,
    run: &RunKind,
    config: &Config,
    folder: &Path,
) -> Result<Exporters, CliError> {
    let mut exporters = Exporters::default();
    let vantage = &config.settings.vantage;
    #[cfg(feature = "prometheus-server")]
    if let RunKind::Watch { listen: Some(address), hosts } = run {
        let schema = histograms(asked.value(&histogram_format::OPTION))?.schema();
        let source = Source { vantage: vantage.clone(), shard: config.settings.shard };
        exporters.add(Scrape::listen(*address, hosts, source, schema)).map_err(|error| usage(&error))?;
    }
    #[cfg(feature = "remote-write")]
    if let Some(url) = asked.value(&remote_write::OPTION) {
        let mut settings = remote_write_settings(url, asked.value(&histogram_format::OPTION), config.network)?;
        settings.state = Some(folder.join(kept_sums::file_name(STATE_FILE, config.settings.shard)));
        settings.shard = config.settings.shard;
        let start = async { RemoteWrite::start(&settings, || kept_sums::recorded(folder, vantage)) };
        exporters.add(start).map_err(|error| usage(&error))?;
    }
    #[cfg(feature = "otlp")]
    if asked.has(&otlp::OPTION) {
        let url = asked.value(&otlp::OPTION);
        let usual = match run {
            RunKind::Check => otlp::Temporality::Delta,
            RunKind::Watch { .. } => otlp::Temporality::Cumulative,
        };
        let settings = otlp::Settings::read(url, usual, &locations::env).map_err(|error| usage(&error))?;
        if let Some(mut settings) = settings {
            settings.network = config.network;
            settings.of_prober(vantage, config.settings.shard);
            exporters.add(async { Otlp::start(settings) }).map_err(|error| usage(&error))?;
        }
    }
    let _ = (&mut exporters, asked, run, vantage, folder);
    Ok(exporters)
}

/// The settings of remote write, without a state file.
#[cfg(feature = "remote-write")]
pub(crate) fn remote_write_settings(
    url: &str,
    kind: Option<&str>,
    network: NetworkRules,
) -> Result<remote_write::Settings, CliError> {
    let url = url.parse().map_err(|_| CliError::Usage("--remote-write must be a URL".to_owned()))?;
    let headers = locations::env(remote_write::HEADERS_VARIABLE);
    Ok(remote_write::Settings { url, headers, histograms: histograms(kind)?, state: None, network, shard: None })
}

#[cfg(any(feature = "remote-write", feature = "prometheus-server"))]
fn histograms(kind: Option<&str>) -> Result<HistogramFormat, CliError> {
    let parsed = kind.map(str::parse).transpose();
    parsed
        .map(Option::unwrap_or_default)
        .map_err(|error: HistogramFormatError| CliError::Usage(format!("--histograms: {error}")))
}

/// A usage error for an exporter that cannot start, with the whole chain of causes.
#[cfg(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]
pub(crate) fn usage(error: &ExportError) -> CliError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    CliError::Usage(format!("{}", SafeText::message(&text)))
}
