//! The options of `uptick report`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::check_report::condition::Condition;
use crate::cli::args::OutputArgs;
use crate::cli::format::{FormatOutput, FormatParser, output_file};
use crate::cli::groups;
use crate::cli::values;
use crate::render::ReportFormat;

/// `uptick report`
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Journals: folders or files, one or more [default: the journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// The probe file, for labels, objectives and rules [default: the nearest probes.toml from here upwards]
    #[arg(help_heading = groups::TARGETS, short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Only probes of this surface
    #[arg(help_heading = groups::TARGETS, long = "surface", value_name = "SURFACE")]
    pub surfaces: Vec<String>,
    /// Only probes with this tag in the probe file
    #[arg(help_heading = groups::TARGETS, long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
    /// Report on this much time up to now [default: 24h]
    #[arg(help_heading = groups::TARGETS, long, value_name = "TIME", value_parser = values::duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// Start of the report, inclusive: 2025-03-10T09:00Z, 2025-03-10, or 22:20 for the last time of the day; without
    /// an offset in the time zone of this machine, as TZ names it, or of --tz
    #[arg(help_heading = groups::TARGETS, long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<values::WrittenInstant>,
    /// End of the report, exclusive
    #[arg(help_heading = groups::TARGETS, long, value_name = "INSTANT", value_parser = values::instant)]
    pub to: Option<values::WrittenInstant>,
    /// Write the times of texts in this time zone, such as Europe/Berlin or local, and read --from and --to in it
    /// [default: that of this machine for human and brief, and UTC where another format is written]
    #[arg(help_heading = groups::OUTPUT, long, value_name = "ZONE", value_parser = values::zone)]
    pub tz: Option<jiff::tz::TimeZone>,
    /// The same as --tz UTC
    #[arg(help_heading = groups::OUTPUT, long, conflicts_with = "tz")]
    pub utc: bool,
    /// Print only the first line of the answer
    #[arg(help_heading = groups::OUTPUT, long, conflicts_with = "formats")]
    pub brief: bool,
    /// Also exit with 1 on this: "p95 > 800ms", "max > 2s", "failed > 1%", "down > 2", down, flaky,
    /// unknown, missed, slo; failed, down, slo and never take the place of the verdict; judged for each
    /// probe; may be given several times
    #[arg(help_heading = groups::OUTPUT, long = "fail-on", value_name = "CONDITION")]
    pub fail_on: Vec<Condition>,
    /// The format, or FORMAT=FILE; may be given several times
    #[arg(help_heading = groups::OUTPUT, long = "format", value_name = "FORMAT[=FILE]", value_parser = FormatParser::<ReportFormat>::NEW)]
    pub formats: Vec<FormatOutput<ReportFormat>>,
    /// Write the answer to this file instead of standard output
    #[arg(help_heading = groups::OUTPUT, short, long, value_name = "FILE", value_parser = output_file::<ReportFormat>())]
    pub output: Option<PathBuf>,
    /// Where the folder of `--format site=DIR` is served: the links of its feed begin with this
    #[arg(help_heading = groups::OUTPUT, long, value_name = "URL", value_parser = values::base_url)]
    pub site_base: Option<url::Url>,
    /// Name the probes, and what they ask, on the pages of `--format site=DIR`
    #[arg(help_heading = groups::OUTPUT, long)]
    pub site_urls: bool,
}
