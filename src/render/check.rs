//! The formats of `check`: layouts of one [`CheckReport`]. To add a format, add a file here and a
//! row to the table.

mod github;
mod human;
mod indexed_report;
mod json;
mod junit;
mod markdown;
mod nagios;
mod phrases;
mod prometheus;
mod tap;

use std::path::Path;

pub use github::job_summary;
pub(crate) use human::{failing_line, pass_line};
pub use json::line as outcome_line;

pub use nagios::{exit_status as nagios_exit_status, unknown as nagios_unknown};

use super::formats::formats;
use super::terminal::TerminalStyle;
use crate::check_report::CheckReport;
use indexed_report::IndexedReport;

/// The input of the formats of `check`.
#[derive(Clone, Copy, Debug)]
pub struct CheckAnswer<'a> {
    /// The results of the run.
    pub pass: &'a CheckReport,
    /// The style of text for people.
    pub style: TerminalStyle,
    /// The root of the repository, so that annotations can have relative paths. `None` if it is
    /// unknown.
    pub workspace: Option<&'a Path>,
}

formats! {
    /// A format of `check`.
    CheckFormat writes CheckAnswer<'_>, |answer, out|
    Human = "human", "for people, on a terminal": human::write(&IndexedReport::new(answer.pass), answer.style, out),
    Json = "json", "one document, `uptick.check/1`": json::write(answer.pass, out),
    Ndjson = "ndjson", "one outcome per line, as each check ends": json::write_lines(answer.pass, out),
    Junit = "junit", "`JUnit` XML, for CI": junit::write(&IndexedReport::new(answer.pass), out),
    Tap = "tap", "TAP 13": tap::write(&IndexedReport::new(answer.pass), out),
    Github = "github", "annotations of GitHub Actions": github::write(&IndexedReport::new(answer.pass), answer.workspace, out),
    Nagios = "nagios", "status line and performance data of a Nagios plugin": nagios::write(&IndexedReport::new(answer.pass), out),
    Prometheus = "prometheus", "the text format, for the textfile collector": prometheus::write(&IndexedReport::new(answer.pass), out),
    Markdown = "markdown", "for tickets and job summaries": markdown::write(&IndexedReport::new(answer.pass), out),
}
