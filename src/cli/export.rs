//! The options of `uptick export`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::Look;
use super::values;

/// `uptick export`
#[derive(Args, Debug)]
pub struct Export {
    /// Journals: folders or files, one or many [default: the journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// The probe file whose journal is meant [default: the nearest probes.toml upward from here]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Send by Prometheus remote write; headers such as `authorization=Bearer%20…` go into
    /// `UPTICK_REMOTE_WRITE_HEADERS`
    #[arg(long, value_name = "URL", env = "UPTICK_REMOTE_WRITE", hide_env_values = true, required = true)]
    pub remote_write: String,
    /// How histograms are written: native, native:SCHEMA with 0 to 8, classic or vmrange
    /// (`VictoriaMetrics`)
    #[arg(long, value_name = "KIND", default_value = "native:5")]
    pub histograms: String,
    /// Send this long up to now [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// Send from this instant on
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<Timestamp>,
    /// Send up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub to: Option<Timestamp>,
    /// Ask the backend for what was sent, and say if it is not there
    #[arg(long)]
    pub verify: bool,
    /// Where to ask [default: found from the address that is written to]
    #[arg(long, value_name = "URL", requires = "verify")]
    pub query_url: Option<String>,
    /// How to look
    #[command(flatten)]
    pub look: Look,
}
