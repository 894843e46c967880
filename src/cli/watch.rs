//! The options of `uptick watch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::{AlertArgs, ProbeArgs};
use crate::cli::exporter::ExporterArgs;
use crate::cli::groups;
use crate::cli::request::RequestArgs;
use crate::cli::values;

/// `uptick watch`
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// Names of probes, URLs, hosts (example.com, :8080), or @FILE and - with one per line [default: all probes]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Request options
    #[command(flatten)]
    pub request: RequestArgs,
    /// Common options
    #[command(flatten)]
    pub common: ProbeArgs,
    /// Stop after this long
    #[arg(help_heading = groups::PASSES, long = "for", value_name = "TIME", value_parser = values::duration)]
    pub span: Option<Duration>,
    /// Delay each check at random by up to this share of its interval
    #[arg(help_heading = groups::PASSES, long, value_name = "SHARE", default_value_t = 0.0, value_parser = values::share)]
    pub jitter: f64,
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(help_heading = groups::RECORD, long, value_name = "DIR", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// Exit with status 75 if another run with this option uses the same journal
    #[arg(help_heading = groups::RECORD, long)]
    pub single_instance: bool,
    /// Alerts
    #[command(flatten)]
    pub alert: AlertArgs,
    /// Exporters
    #[command(flatten)]
    pub export: ExporterArgs,
    /// Serve metrics for Prometheus here, at /metrics; `blackbox_exporter` uses port 9115
    #[cfg(feature = "prometheus-server")]
    #[arg(help_heading = groups::EXPORT, long, value_name = "ADDRESS:PORT", value_parser = values::socket_address)]
    pub listen: Option<std::net::SocketAddr>,
    /// Answer only requests for this host name, for addresses and for localhost; may be given several
    /// times [default: any name beyond the loopback interface, none on it]
    #[cfg(feature = "prometheus-server")]
    #[arg(help_heading = groups::EXPORT, long, value_name = "NAME", requires = "listen")]
    pub listen_host: Vec<String>,
    /// Do not record to the journal
    #[arg(help_heading = groups::RECORD, long, conflicts_with = "journal")]
    pub no_record: bool,
}
