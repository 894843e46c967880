//! The answer as text for people and programs. Every format is a function that lays out the same
//! data; none computes anything that another could compute differently.

mod check;
mod escape;
mod evidence;
mod exposition;
mod html;
mod paint;
mod report;
pub mod text;

use std::io;
use std::io::Write;
use std::path::Path;

pub use check::github::job_summary;
pub use check::nagios::exit_status as nagios_exit_status;
pub use check::ndjson::line as outcome_line;
pub use paint::Look;

use crate::report::Report;
use crate::report::pass::Pass;

/// A format of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFormat {
    /// For people, on a terminal.
    Human,
    /// One document, `uptick.check/1`.
    Json,
    /// One outcome a line.
    Ndjson,
    /// `JUnit` XML: one test case a probe, one suite a surface.
    Junit,
    /// TAP 14.
    Tap,
    /// Annotations of GitHub Actions.
    Github,
    /// The first line and performance data of a Nagios plugin.
    Nagios,
    /// The text format of Prometheus, for the textfile collector.
    Prometheus,
    /// Markdown, for tickets and job summaries.
    Markdown,
}

impl CheckFormat {
    /// Every format of `check`.
    pub const ALL: [CheckFormat; 9] = [
        CheckFormat::Human,
        CheckFormat::Json,
        CheckFormat::Ndjson,
        CheckFormat::Junit,
        CheckFormat::Tap,
        CheckFormat::Github,
        CheckFormat::Nagios,
        CheckFormat::Prometheus,
        CheckFormat::Markdown,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CheckFormat::Human => "human",
            CheckFormat::Json => "json",
            CheckFormat::Ndjson => "ndjson",
            CheckFormat::Junit => "junit",
            CheckFormat::Tap => "tap",
            CheckFormat::Github => "github",
            CheckFormat::Nagios => "nagios",
            CheckFormat::Prometheus => "prometheus",
            CheckFormat::Markdown => "markdown",
        }
    }

    /// What it is for, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            CheckFormat::Human => "for people, on a terminal",
            CheckFormat::Json => "one document, uptick.check/1",
            CheckFormat::Ndjson => "one outcome a line, as each check ends",
            CheckFormat::Junit => "JUnit XML, for CI",
            CheckFormat::Tap => "TAP 14",
            CheckFormat::Github => "annotations of GitHub Actions",
            CheckFormat::Nagios => "status line and performance data of a Nagios plugin",
            CheckFormat::Prometheus => "the text format, for the textfile collector",
            CheckFormat::Markdown => "for tickets and job summaries",
        }
    }
}

/// Writes what a pass found. `workspace` is the root of the
/// repository, for annotations that point into it.
///
/// # Errors
/// Those of the writer.
pub fn outcomes(
    format: CheckFormat,
    pass: &Pass,
    look: Look,
    workspace: Option<&Path>,
    out: &mut impl Write,
) -> io::Result<()> {
    match format {
        CheckFormat::Human => check::human::write(pass, look, out),
        CheckFormat::Json => check::json::write(pass, out),
        CheckFormat::Ndjson => check::ndjson::write(pass, out),
        CheckFormat::Junit => check::junit::write(pass, out),
        CheckFormat::Tap => check::tap::write(pass, out),
        CheckFormat::Github => check::github::write(pass, workspace, out),
        CheckFormat::Nagios => check::nagios::write(pass, out),
        CheckFormat::Prometheus => check::prometheus::write(pass, out),
        CheckFormat::Markdown => check::markdown::write(pass, out),
    }
}

/// A format of `report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people, on a terminal.
    Human,
    /// The sentence alone.
    Brief,
    /// One document, `uptick.report/1`.
    Json,
    /// One page with charts, that loads nothing and runs nothing.
    Html,
    /// Markdown, for tickets.
    Markdown,
    /// Comma-separated values, for spreadsheets.
    Csv,
    /// The text format of Prometheus, for the textfile collector.
    Prometheus,
}

impl ReportFormat {
    /// Every format of `report`.
    pub const ALL: [ReportFormat; 7] = [
        ReportFormat::Human,
        ReportFormat::Brief,
        ReportFormat::Json,
        ReportFormat::Html,
        ReportFormat::Markdown,
        ReportFormat::Csv,
        ReportFormat::Prometheus,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ReportFormat::Human => "human",
            ReportFormat::Brief => "brief",
            ReportFormat::Json => "json",
            ReportFormat::Html => "html",
            ReportFormat::Markdown => "markdown",
            ReportFormat::Csv => "csv",
            ReportFormat::Prometheus => "prometheus",
        }
    }

    /// What it is for, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            ReportFormat::Human => "for people, on a terminal",
            ReportFormat::Brief => "the verdict sentence alone",
            ReportFormat::Json => "one document, uptick.report/1",
            ReportFormat::Html => "one page with charts, that loads nothing and runs nothing",
            ReportFormat::Markdown => "for tickets",
            ReportFormat::Csv => "comma-separated values, for spreadsheets",
            ReportFormat::Prometheus => "the text format, for the textfile collector",
        }
    }
}

/// Writes the answer of a report.
///
/// # Errors
/// Those of the writer.
pub fn report(format: ReportFormat, report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    match format {
        ReportFormat::Human => report::human::write(report, look, out),
        ReportFormat::Brief => report::human::brief(report, look, out),
        ReportFormat::Json => report::json::write(report, out),
        ReportFormat::Html => html::write(report, out),
        ReportFormat::Markdown => report::markdown::write(report, out),
        ReportFormat::Csv => report::csv::write(report, out),
        ReportFormat::Prometheus => report::prometheus::write(report, out),
    }
}
