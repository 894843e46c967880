//! The options of `uptick check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::check_report::condition::Condition;
use crate::cli::args::{AlertArgs, ProbeArgs};
use crate::cli::exporter::ExporterArgs;
use crate::cli::format::{FormatOutput, FormatParser, output_file};
use crate::cli::groups;
use crate::cli::request::RequestArgs;
use crate::cli::values;
use crate::render::CheckFormat;

/// `uptick check`
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option, and any combination of them occurs")]
pub struct CheckArgs {
    /// Names of probes, URLs, hosts (example.com, :8080), or @FILE and - with one per line [default: all probes]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Request options
    #[command(flatten)]
    pub request: RequestArgs,
    /// Common options
    #[command(flatten)]
    pub common: ProbeArgs,
    /// Add the probe of the URL to the probe file under this name, then check it; its secrets become variables
    #[arg(help_heading = groups::TARGETS, long, value_name = "NAME", requires = "targets")]
    pub save: Option<String>,
    /// Passes to make
    #[arg(help_heading = groups::PASSES, long, value_name = "N", value_parser = values::count)]
    pub count: Option<u64>,
    /// Interval between the starts of two passes [default: 1s with --for, else back to back]
    #[arg(help_heading = groups::PASSES, long, value_name = "TIME", value_parser = values::duration)]
    pub every: Option<Duration>,
    /// Make passes for this long, one each second unless --every or --count says otherwise
    #[arg(help_heading = groups::PASSES, long = "for", value_name = "TIME", value_parser = values::duration)]
    pub span: Option<Duration>,
    /// Before the pass, repeat each second or --every, until every probe is up or this is over; unrecorded
    #[arg(help_heading = groups::PASSES, long, value_name = "TIME", value_parser = values::duration)]
    pub wait: Option<Duration>,
    /// Record: append the results to the journal
    #[arg(help_heading = groups::RECORD, long)]
    pub record: bool,
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(help_heading = groups::RECORD, long, value_name = "DIR", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// When a probe fails, make extra checks to tell causes apart: another resolver, each address alone,
    /// the last good address, TCP only, a control target; they are never counted as checks
    #[arg(help_heading = groups::PASSES, long)]
    pub diagnose: bool,
    /// Also exit with 1 on this: "p95 > 800ms", "max > 2s", "failed > 1%", "down > 2", down, flaky,
    /// unknown, missed; failed, down and never replace the rule that any check down fails; judged for each probe;
    /// may be given several times
    #[arg(help_heading = groups::PASSES, long = "fail-on", value_name = "CONDITION")]
    pub fail_on: Vec<Condition>,
    /// Compare with this journal, and exit with 1 where a probe is significantly slower or fails more
    #[arg(help_heading = groups::PASSES, long, value_name = "JOURNAL")]
    pub baseline: Option<PathBuf>,
    /// Exit with status 75 if another run with this option uses the same journal
    #[arg(help_heading = groups::RECORD, long)]
    pub single_instance: bool,
    /// Alerts
    #[command(flatten)]
    pub alert: AlertArgs,
    /// Exporters
    #[command(flatten)]
    pub export: ExporterArgs,
    /// Print the headers and the body of each answer, as curl -i does
    #[arg(help_heading = groups::OUTPUT, short, long, conflicts_with_all = ["count", "every", "span"])]
    pub include: bool,
    /// Print the body of each answer
    #[arg(help_heading = groups::OUTPUT, long, conflicts_with_all = ["count", "every", "span"])]
    pub body: bool,
    /// The format, or FORMAT=FILE; may be given several times
    #[arg(help_heading = groups::OUTPUT, long = "format", value_name = "FORMAT[=FILE]", value_parser = FormatParser::<CheckFormat>::NEW)]
    pub formats: Vec<FormatOutput<CheckFormat>>,
    /// Write the answer to this file instead of standard output
    #[arg(help_heading = groups::OUTPUT, short, long, value_name = "FILE", value_parser = output_file::<CheckFormat>())]
    pub output: Option<PathBuf>,
}

/// The interval of `--for` alone.
const EVERY: Duration = Duration::from_secs(1);

impl CheckArgs {
    /// The interval between the starts of two passes; none if they are made back to back, or if there is one, after a
    /// `--wait` whose passes have the interval of `--every`.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let is_of_wait = self.wait.is_some() && self.count.is_none() && self.span.is_none();
        self.every.filter(|_| !is_of_wait).or_else(|| (self.span.is_some() && self.count.is_none()).then_some(EVERY))
    }
}
