//! A surface over time, all vantages together, in as many cells as a line on a phone can show.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::super::html::writer::HtmlWriter;
use crate::format::{self, InstantFormat, StripCell};
use crate::model::SafeText;
use crate::report::{Point, Report};

/// The most cells in a row.
const MOST: i64 = 96;
/// From this many days on, a cell is one or more whole days.
const DAYS: i64 = 14;
const DAY_S: i64 = 86_400;

/// The height of a cell, if its width is one unit.
const HEIGHT: f64 = 10.0;

/// The checks of a surface in a span of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HistoryCell {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) judged: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
}

impl HistoryCell {
    fn kind(&self) -> StripCell {
        StripCell::of(self.judged, self.failed, self.unknown)
    }
}

/// The length of a cell in seconds: whole buckets that divide a day evenly, or whole days.
fn step(bucket: i64, seconds: i64) -> i64 {
    let is_even = |step: i64| DAY_S % step == 0 || step % DAY_S == 0;
    let fits = |step: &i64| is_even(*step) && seconds / step <= MOST && (seconds < DAYS * DAY_S || *step >= DAY_S);
    (1..=MOST * 4).map(|n| n * bucket).find(fits).unwrap_or(bucket)
}

/// The surfaces of a report over its range, computed in one pass over its points.
pub(super) struct History<'r> {
    report: &'r Report,
    /// The length of a cell, in seconds.
    step: i64,
    /// Judged, failed and unknown checks by surface and cell.
    sums: HashMap<&'r SafeText, BTreeMap<i64, [u64; 3]>>,
}

impl<'r> History<'r> {
    pub(super) fn of(report: &'r Report) -> History<'r> {
        let bucket = i64::try_from(report.window.bucket_s).unwrap_or(DAY_S).max(1);
        let step = step(bucket, report.window.to.as_second() - report.window.from.as_second());
        let mut sums: HashMap<&SafeText, BTreeMap<i64, [u64; 3]>> = HashMap::new();
        for Point { t, surface, n, failed, unknown, .. } in report.series.iter().filter(|point| !point.control) {
            let sum = sums.entry(surface).or_default().entry(t.as_second().div_euclid(step)).or_default();
            for (sum, more) in sum.iter_mut().zip([n, failed, unknown]) {
                *sum += more;
            }
        }
        History { report, step, sums }
    }

    /// The cells of a surface over the range of the report, including those without data.
    pub(super) fn cells(&self, surface: &SafeText) -> Vec<HistoryCell> {
        let (window, step) = (&self.report.window, self.step);
        let sums = self.sums.get(surface);
        let instant = |second: i64| Timestamp::from_second(second).unwrap_or(window.to);
        let cell = |at: i64| {
            let [judged, failed, unknown] = sums.and_then(|sums| sums.get(&at)).copied().unwrap_or_default();
            let (begin, end) = (instant(at * step), instant((at + 1) * step));
            HistoryCell { from: begin.max(window.from), to: end.min(window.to), judged, failed, unknown }
        };
        let cells = (window.from.as_second().div_euclid(step)..=window.to.as_second().div_euclid(step)).map(cell);
        cells.filter(|cell| cell.from < cell.to).collect()
    }
}

/// The tooltip of a cell: `15:00 to 15:15: 3 of 60 checks failed`.
fn says(cell: &HistoryCell, clock: &InstantFormat) -> String {
    let found = match (cell.judged, cell.failed) {
        (0, _) if cell.unknown > 0 => format!("{} could not be judged", format::counted(cell.unknown, "check")),
        (0, _) => "no data".to_owned(),
        (judged, 0) => format!("none of {} failed", format::counted(judged, "check")),
        (judged, failed) => format!("{} of {} failed", format::count(failed), format::counted(judged, "check")),
    };
    format!("{} to {}: {found}", clock.short(cell.from), clock.short(cell.to))
}

/// The cells as a picture. Adjacent cells without failures, or without data, are one shape.
pub(super) fn picture(label: &str, cells: &[HistoryCell], clock: &InstantFormat, page: &mut HtmlWriter) {
    let failing = cells.iter().filter(|cell| cell.failed > 0).count();
    let unseen = cells.iter().filter(|cell| cell.judged == 0).count();
    let summary =
        format!("{label}: {failing} of {} stretches of time with failures, {unseen} without data", cells.len());
    let view = format!("0 0 {} {HEIGHT}", cells.len());
    page.open(
        "svg",
        &[
            ("class", "cells"),
            ("viewBox", &view),
            ("preserveAspectRatio", "none"),
            ("role", "img"),
            ("aria-label", &summary),
        ],
    );
    let mut rest = cells;
    let mut x = 0;
    while let Some(first) = rest.first() {
        let alike = |cell: &&HistoryCell| first.failed == 0 && cell.failed == 0 && cell.kind() == first.kind();
        let length = rest.iter().take_while(alike).count().max(1);
        let (run, others) = rest.split_at(length);
        shape(run, x, clock, page);
        x += length;
        rest = others;
    }
    page.close("svg");
    page.line();
}

/// Adjacent cells that look alike. Failures fill a cell from below, so that colour is not the only
/// sign.
fn shape(run: &[HistoryCell], x: usize, clock: &InstantFormat, page: &mut HtmlWriter) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let sum = |of: fn(&HistoryCell) -> u64| run.iter().map(of).sum();
    let whole = HistoryCell {
        from: first.from,
        to: last.to,
        judged: sum(|cell| cell.judged),
        failed: sum(|cell| cell.failed),
        unknown: sum(|cell| cell.unknown),
    };
    let path = |height: f64| -> String {
        let top = HEIGHT - height;
        (x..x + run.len()).map(|x| format!("M{x}.1 {top:.1}h.8v{height:.1}h-.8z")).collect()
    };
    let (base, filled) = match first.kind() {
        StripCell::NoData => ("none", None),
        StripCell::Unknown => ("unknown", None),
        StripCell::Up => ("up", None),
        StripCell::FewFailed => ("up", Some("few")),
        StripCell::SomeFailed => ("up", Some("some")),
        StripCell::MostFailed => ("up", Some("most")),
    };
    page.pointed("path", &[("class", base), ("d", &path(HEIGHT))], &says(&whole, clock));
    if let Some(class) = filled {
        /// A single failure is visible too.
        const LEAST: f64 = 0.25;
        let share = crate::report::statistics::ratio(first.failed, first.judged).unwrap_or_default();
        page.leaf("path", &[("class", class), ("d", &path(HEIGHT * share.max(LEAST)))]);
    }
}

/// The meaning of the colours.
pub(super) fn key(page: &mut HtmlWriter) {
    page.raw("<ul class=\"key\" aria-label=\"Key\">");
    for (class, meaning) in [
        ("up", "all checks up"),
        ("few", "below 10% failed"),
        ("some", "below 50% failed"),
        ("most", "50% or more failed"),
        ("unknown", "could not be judged"),
        ("none", "no data"),
    ] {
        page.open("li", &[]);
        page.raw("<svg viewBox=\"0 0 10 10\" aria-hidden=\"true\">");
        page.leaf("path", &[("class", class), ("d", "M0 0h10v10h-10z")]);
        page.raw("</svg>");
        page.text(meaning);
        page.close("li");
    }
    page.raw("</ul>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_few_cells_that_part_a_day_evenly() {
        const HOUR: i64 = 3_600;
        for (bucket, seconds, expected) in [
            (60, HOUR, 60),
            (900, 24 * HOUR, 900),
            (900, 30 * HOUR, 1_800),
            (HOUR, 7 * DAY_S, 2 * HOUR),
            (6 * HOUR, 30 * DAY_S, DAY_S),
            (DAY_S, 90 * DAY_S, DAY_S),
            (2 * DAY_S, 365 * DAY_S, 4 * DAY_S),
        ] {
            assert_eq!(step(bucket, seconds), expected, "{bucket} {seconds}");
        }
    }
}
