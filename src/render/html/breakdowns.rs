//! Breakdowns: the tables of one report by surface, by vantage, by both, by probe and by address.
//! There is no map: with a few vantages a map misleads.

use std::time::Duration;

use super::table;
use super::writer::HtmlWriter;
use crate::format;
use crate::render::phrases;
use crate::render::phrases::{full_label, instants, label, word};
use crate::report::{Figures, Report, State};

/// The most rows of a table; the data has all of them.
const ROWS: usize = 300;

/// The columns that every row of figures has.
const FIGURES: [&str; 8] =
    ["checks", "failed", "share in range (95%)", "p50", "p95", "p99", "coverage", "main failure"];

pub(super) fn surfaces(report: &Report, page: &mut HtmlWriter) {
    let headings = headings(&["surface", "state now"], &["usual p95", "up by time"]);
    let numeric = numeric(2, &[true, true]);
    table::columns("Surfaces", &headings, &numeric, page, |rows| {
        for row in &report.surfaces {
            let usual = format::duration_cell(row.baseline.p95_us.map(Duration::from_micros));
            let first = [full_label(row), word(row.state).to_owned()];
            rows.row(
                first.into_iter().chain(cells(&row.figures)).chain([usual, format::ratio_cell(row.time_up_ratio)]),
            );
        }
    });
}

pub(super) fn vantages(report: &Report, page: &mut HtmlWriter) {
    let clock = instants(report);
    let headings = headings(&["vantage", "state now", "controls"], &["lateness p99", "last seen"]);
    let numeric = numeric(3, &[true, false]);
    table::columns("By vantage", &headings, &numeric, page, |rows| {
        for row in report.vantages.iter().take(ROWS) {
            let control = match row.control {
                Some(State::Down) if row.set_aside => "failing: set aside",
                Some(_) if row.set_aside => "set aside: it could not judge",
                control => control.map_or("none", State::name),
            };
            let first = [row.vantage.to_string(), word(row.state).to_owned(), control.to_owned()];
            let last = [format::duration_cell(row.lag_us.p99.or(row.lag_us.max)), clock.at(row.last_seen)];
            let class = if row.set_aside { "aside" } else { "" };
            rows.row_of(class, first.into_iter().chain(cells(&row.figures)).chain(last));
        }
    });
    if report.vantages.len() > 1 {
        places(report, page);
    }
}

fn places(report: &Report, page: &mut HtmlWriter) {
    let headings = headings(&["surface", "vantage", "state now"], &[]);
    table::columns("Each surface from each vantage", &headings, &numeric(3, &[]), page, |rows| {
        for row in report.places.iter().take(ROWS) {
            let surface = label(report, &row.surface).to_string();
            rows.row(
                [surface, row.vantage.to_string(), word(row.state).to_owned()].into_iter().chain(cells(&row.figures)),
            );
        }
    });
}

pub(super) fn probes(report: &Report, page: &mut HtmlWriter) {
    let headings = headings(&["probe", "surface", "state now"], &["every"]);
    table::columns("By probe", &headings, &numeric(3, &[true]), page, |rows| {
        for row in report.probes.iter().take(ROWS) {
            let every = format::duration_cell(row.cadence_ms.map(Duration::from_millis));
            let surface = if row.control { "control".to_owned() } else { label(report, &row.surface).to_string() };
            let first = [row.probe.to_string(), surface, word(row.state).to_owned()];
            rows.row(first.into_iter().chain(cells(&row.figures)).chain([every]));
        }
    });
    more(report.probes.len(), page);
}

pub(super) fn addresses(report: &Report, page: &mut HtmlWriter) {
    if report.addresses.is_empty() {
        return;
    }
    // Journals of version 1 do not count checks by address: of those only the evidence of failures is known.
    let is_counted = report.addresses.iter().all(|row| row.checks.is_some());
    let title = if is_counted { "By address" } else { "Addresses that failed checks spoke to" };
    let headings = ["address", "family", "surface", "checks", "failures"].map(str::to_owned);
    table::columns(title, &headings, &[false, false, false, true, true], page, |rows| {
        for row in report.addresses.iter().take(ROWS) {
            rows.row([
                row.address.to_string(),
                format!("IPv{}", row.family),
                label(report, &row.surface).to_string(),
                row.checks.map_or_else(|| "–".to_owned(), format::count),
                format::count(row.failed),
            ]);
        }
    });
    more(report.addresses.len(), page);
    let over = if is_counted { "" } else { "Counted over the failures whose evidence was kept, not over all. " };
    page.element("p", &[("class", "note")], &format!("{over}An address is a path, not a culprit."));
}

fn more(rows: usize, page: &mut HtmlWriter) {
    if rows > ROWS {
        page.element("p", &[("class", "note")], &format!("{} more are in the data.", rows - ROWS));
    }
}

fn headings(first: &[&str], last: &[&str]) -> Vec<String> {
    first.iter().chain(&FIGURES).chain(last).map(|heading| (*heading).to_owned()).collect()
}

/// Which columns hold numbers, for [`headings`] with this many columns of words first.
fn numeric(words: usize, last: &[bool]) -> Vec<bool> {
    let figures = FIGURES.iter().map(|heading| *heading != "main failure");
    std::iter::repeat_n(false, words).chain(figures).chain(last.iter().copied()).collect()
}

fn cells(figures: &Figures) -> [String; FIGURES.len()] {
    let latency = &figures.latency_us;
    [
        format::count(figures.checks),
        format::count(figures.down),
        match figures.failed_ratio {
            Some(ratio) => format!("{} ({})", format::ratio(ratio), phrases::interval(figures.ci95)),
            None => "-".to_owned(),
        },
        format::duration_cell(latency.p50),
        format::duration_cell(latency.p95),
        format::duration_cell(latency.p99),
        format::ratio_cell(figures.coverage.ratio),
        phrases::main_failure(figures),
    ]
}
