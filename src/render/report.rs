//! The formats of `report`: layouts of one [`Report`]. To add a format, add a file here and a row
//! to the table.

mod csv;
mod human;
mod json;
mod markdown;
mod prometheus;

use super::formats::formats;
use super::terminal::TerminalStyle;
use super::{html, site};
use crate::report::Report;
use crate::window::LatencyDetail;

/// The input of the formats of `report`.
#[derive(Clone, Copy, Debug)]
pub struct ReportAnswer<'a> {
    /// The report.
    pub report: &'a Report,
    /// The style of text for people.
    pub style: TerminalStyle,
}

formats! {
    /// A format of `report`.
    ReportFormat writes ReportAnswer<'_>, |answer, out|
    Human = "human", "for people, on a terminal": human::write(answer.report, answer.style, out),
    Brief = "brief", "only the first line of the answer": human::brief(answer.report, answer.style, out),
    Json = "json", "one document, uptick.report/1": json::write(answer.report, out),
    Html = "html", "one page with charts, without scripts, that loads nothing": html::write(answer.report, out),
    Markdown = "markdown", "for tickets": markdown::write(answer.report, out),
    Csv = "csv", "comma-separated values, for spreadsheets": csv::write(answer.report, out),
    Prometheus = "prometheus", "the text format, for the textfile collector": prometheus::write(answer.report, out),
    Site = "site", "a status page for others: a folder of static files, site=DIR": site::write_index(answer.report, out),
    Badge = "badge", "the state in one small picture (SVG)": site::write_badge(answer.report, out),
}

impl ReportFormat {
    /// Whether the format is a folder of files. [`ReportFormat::write`] then writes only the first
    /// page.
    #[must_use]
    pub const fn is_folder(self) -> bool {
        matches!(self, ReportFormat::Site)
    }

    /// What of the latency the format shows.
    #[must_use]
    pub const fn latency_detail(self) -> LatencyDetail {
        match self {
            ReportFormat::Json | ReportFormat::Html => LatencyDetail::Phases,
            _ => LatencyDetail::Total,
        }
    }
}
