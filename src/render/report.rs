//! The formats of `report`: layouts of one [`Report`]. A new format is a file here and a row of the table.

mod csv;
mod human;
mod json;
mod markdown;
pub(super) mod phrases;
mod prometheus;

use super::formats::formats;
use super::html;
use super::terminal::TerminalStyle;
use crate::report::Report;

/// What the formats of `report` lay out.
#[derive(Clone, Copy, Debug)]
pub struct ReportAnswer<'a> {
    /// The report.
    pub report: &'a Report,
    /// How text for people may look.
    pub style: TerminalStyle,
}

formats! {
    /// A format of `report`.
    ReportFormat writes ReportAnswer<'_>, |answer, out|
    Human = "human", "for people, on a terminal": human::write(answer.report, answer.style, out),
    Brief = "brief", "the verdict sentence alone": human::brief(answer.report, answer.style, out),
    Json = "json", "one document, uptick.report/1": json::write(answer.report, out),
    Html = "html", "one page with charts, that loads nothing and runs nothing": html::write(answer.report, out),
    Markdown = "markdown", "for tickets": markdown::write(answer.report, out),
    Csv = "csv", "comma-separated values, for spreadsheets": csv::write(answer.report, out),
    Prometheus = "prometheus", "the text format, for the textfile collector": prometheus::write(answer.report, out),
}
