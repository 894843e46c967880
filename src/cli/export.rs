//! The options of `uptick export`.

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "remote-write")]
use clap::ArgGroup;
use clap::Args;

use crate::cli::args::OutputArgs;
use crate::cli::values;
use crate::cli::values::WrittenInstant;

/// `uptick export`
#[derive(Args, Debug)]
#[cfg_attr(feature = "remote-write", command(group = ArgGroup::new("verifying").args(["verify", "verify_only"])))]
pub struct ExportArgs {
    /// Journals: folders or files, one or more [default: the journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// The probe file whose journal to use [default: the nearest probes.toml from here upwards]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Only probes of this name; may be given several times
    #[arg(long = "probe", value_name = "PROBE")]
    pub probes: Vec<String>,
    /// The file to write
    #[command(flatten)]
    pub file: ExportFile,
    /// Write whole days (UTC) as tables of Parquet files to this folder or object storage (`s3://BUCKET/PREFIX`, gs://,
    /// az://, file://), for engines that speak SQL; files of the same days and vantages are replaced
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "DIR|URL", conflicts_with_all = ["file", "output", "probes"])]
    #[cfg_attr(feature = "remote-write", arg(conflicts_with = "remote_write"))]
    pub parquet: Option<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE", requires = "file")]
    pub output: Option<PathBuf>,
    /// Send by Prometheus remote write; the URL may also stand in `UPTICK_REMOTE_WRITE`, headers such
    /// as `authorization=Bearer%20…` in `UPTICK_REMOTE_WRITE_HEADERS`
    // Not `env`: a variable that is always set would then conflict with every file option.
    #[cfg(feature = "remote-write")]
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub remote_write: Option<String>,
    /// How remote write writes histograms: native, native:SCHEMA with 0 to 8, classic or vmrange
    /// (`VictoriaMetrics`)
    #[cfg(feature = "remote-write")]
    #[arg(long, value_name = "KIND", default_value = "native:5", conflicts_with = "file")]
    pub histograms: String,
    /// Windows of this long up to now [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// Windows from this instant on; without an offset in UTC
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<WrittenInstant>,
    /// Windows up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub to: Option<WrittenInstant>,
    /// Ask the backend for what was sent, and say if it is not there
    #[cfg(feature = "remote-write")]
    #[arg(long, conflicts_with = "file")]
    pub verify: bool,
    /// Send nothing, and ask the backend whether it has what runs have sent
    #[cfg(feature = "remote-write")]
    #[arg(long, conflicts_with_all = ["file", "verify"])]
    pub verify_only: bool,
    /// Where to ask [default: found from the address that is written to]
    #[cfg(feature = "remote-write")]
    #[arg(long, value_name = "URL", requires = "verifying")]
    pub query_url: Option<String>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// The kind of file, of which one at most is asked for.
#[derive(Args, Clone, Copy, Debug)]
#[group(id = "file", multiple = false)]
#[cfg_attr(feature = "otlp", expect(clippy::struct_excessive_bools, reason = "one option each; `kind` says which"))]
pub struct ExportFile {
    /// Write a table of windows, comma-separated (RFC 4180), for spreadsheets
    #[arg(long)]
    csv: bool,
    /// Write every histogram of every window as an interval log of `HdrHistogram`
    #[arg(long)]
    hlog: bool,
    /// Write the percentile distribution of one probe, merged over all windows and vantages, as
    /// `HdrHistogram` prints it, in milliseconds
    #[arg(long)]
    hgrm: bool,
    /// Write OpenTelemetry metrics as OTLP JSON, one request with the deltas of a window a line
    #[cfg(feature = "otlp")]
    #[arg(long)]
    otlp_json: bool,
}

/// A kind of file to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values.
    Csv,
    /// `HdrHistogram`'s interval log.
    Hlog,
    /// `HdrHistogram`'s percentile distribution.
    Hgrm,
    /// OTLP as JSON.
    #[cfg(feature = "otlp")]
    OtlpJson,
}

impl ExportFile {
    /// The kind that was asked for; `None` if none was.
    #[must_use]
    pub fn kind(self) -> Option<ExportFormat> {
        let all = [
            (self.csv, ExportFormat::Csv),
            (self.hlog, ExportFormat::Hlog),
            (self.hgrm, ExportFormat::Hgrm),
            #[cfg(feature = "otlp")]
            (self.otlp_json, ExportFormat::OtlpJson),
        ];
        all.into_iter().find_map(|(asked, kind)| asked.then_some(kind))
    }
}
