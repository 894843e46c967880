//! Comma-separated values (RFC 4180) for spreadsheets: one row per surface, vantage, place, probe
//! and bucket, and per condition of `--fail-on` that is met, all with the same columns. Spreadsheets
//! cannot take any cell for a formula.

use std::io;
use std::io::Write;

use crate::format;
use crate::model::{micros, timestamp};
use crate::render::phrases::{class_name, conditions_met, let_pass};
use crate::render::text;
use crate::report::{Figures, LatencySummary, Point, Report};

const COLUMNS: [&str; 28] = [
    "row",
    "surface",
    "vantage",
    "probe",
    "at",
    "state",
    "checks",
    "up",
    "down",
    "unknown",
    "missed",
    "flaky",
    "failed_ratio",
    "ci95_low",
    "ci95_high",
    "impact_minutes",
    "coverage",
    "min_us",
    "p50_us",
    "p90_us",
    "p95_us",
    "p99_us",
    "max_us",
    "main_failure",
    "insecure_tls",
    "warnings",
    "control",
    "condition",
];

/// The column `state`.
const STATE_COLUMN: usize = 5;

/// The column `insecure_tls`.
const INSECURE_COLUMN: usize = 24;

/// One row by its cells.
type CsvRow = [String; COLUMNS.len()];

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let mut line = |cells: &CsvRow| table.write_record(cells.iter().map(|content| cell(content)));
    line(&COLUMNS.map(str::to_owned))?;
    for row in &report.surfaces {
        let names = ["surface", row.surface.as_str(), "", ""];
        line(&figures(names, row.state.name(), &row.figures, row.control))?;
    }
    for row in &report.vantages {
        line(&figures(["vantage", "", row.vantage.as_str(), ""], row.state.name(), &row.figures, false))?;
    }
    for row in &report.places {
        let names = ["place", row.surface.as_str(), row.vantage.as_str(), ""];
        line(&figures(names, row.state.name(), &row.figures, row.control))?;
    }
    for row in &report.probes {
        let names = ["probe", row.surface.as_str(), "", row.probe.as_str()];
        let mut cells = figures(names, row.state.name(), &row.figures, row.control);
        if row.insecure {
            "INSECURE".clone_into(&mut cells[INSECURE_COLUMN]);
        }
        line(&cells)?;
    }
    conditions_met(report).iter().try_for_each(|met| line(&condition("fails", met)))?;
    let_pass(report).iter().try_for_each(|passes| line(&condition("passes", passes)))?;
    report.series.iter().try_for_each(|point| line(&bucket(point)))?;
    table.flush()
}

fn figures([row, surface, vantage, probe]: [&str; 4], state: &str, figures: &Figures, control: bool) -> CsvRow {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let main = figures.main_failure.as_ref().map(|main| class_name(main.class, main.status));
    let [shortest, p50, p90, p95, p99, longest] = latency(&figures.latency_us);
    [
        row.to_owned(),
        surface.to_owned(),
        vantage.to_owned(),
        probe.to_owned(),
        String::new(),
        state.to_owned(),
        figures.checks.to_string(),
        figures.up.to_string(),
        figures.down.to_string(),
        figures.unknown.to_string(),
        figures.missed.to_string(),
        figures.flaky.to_string(),
        number(figures.failed_ratio),
        number(figures.ci95.map(|[low, _]| low)),
        number(figures.ci95.map(|[_, high]| high)),
        figures.impact_minutes.to_string(),
        number(figures.coverage.ratio),
        shortest,
        p50,
        p90,
        p95,
        p99,
        longest,
        main.unwrap_or_default(),
        String::new(),
        figures.warnings.to_string(),
        control_cell(control),
        String::new(),
    ]
}

fn bucket(point: &Point) -> CsvRow {
    let main = point.classes.iter().rev().max_by_key(|(_, n)| **n).map(|(class, _)| class.to_string());
    let ratio = crate::report::statistics::ratio(point.failed, point.n);
    let interval = crate::report::statistics::wilson(point.failed, point.n);
    let number = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    let [shortest, p50, p90, p95, p99, longest] = latency(&point.latency_us);
    [
        "bucket".to_owned(),
        point.surface.to_string(),
        point.vantage.to_string(),
        String::new(),
        timestamp::text(point.t),
        String::new(),
        (point.n + point.unknown + point.missed).to_string(),
        (point.n - point.failed.min(point.n)).to_string(),
        point.failed.to_string(),
        point.unknown.to_string(),
        point.missed.to_string(),
        String::new(),
        number(ratio),
        number(interval.map(|[low, _]| low)),
        number(interval.map(|[_, high]| high)),
        String::new(),
        String::new(),
        shortest,
        p50,
        p90,
        p95,
        p99,
        longest,
        main.unwrap_or_default(),
        String::new(),
        String::new(),
        control_cell(point.control),
        String::new(),
    ]
}

/// What `--fail-on` makes of the report.
fn condition(state: &str, found: &str) -> CsvRow {
    let mut cells = CsvRow::default();
    "condition".clone_into(&mut cells[0]);
    state.clone_into(&mut cells[STATE_COLUMN]);
    found.clone_into(&mut cells[COLUMNS.len() - 1]);
    cells
}

/// Empty, except for control targets.
fn control_cell(control: bool) -> String {
    if control { "true".to_owned() } else { String::new() }
}

fn latency(latency: &LatencySummary) -> [String; 6] {
    [latency.min, latency.p50, latency.p90, latency.p95, latency.p99, latency.max]
        .map(|time| time.map(|time| micros::of(time).to_string()).unwrap_or_default())
}

/// A cell that spreadsheets do not take for a formula.
fn cell(content: &str) -> String {
    if content.parse::<f64>().is_ok() { content.to_owned() } else { format::spreadsheet_text(&text::visible(content)) }
}
