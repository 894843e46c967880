//! The heat strip: each surface from each vantage over time. A cell fills from below by the share
//! of checks that failed, in a colour that darkens with it. Cells without data are hatched, never
//! up or down.

use super::chart::{AXIS, ChartView, Figure, LEFT, WIDTH};
use super::scale::{coordinate, number};
use super::writer::HtmlWriter;
use super::{chart, table};
use crate::format;
use crate::render::phrases::{instants, interval, label, zone};
use crate::render::text;
use crate::report::{Point, Report, SurfaceVantageRow, statistics};

/// The height of a row, and the gap between two rows.
const ROW: f64 = 26.0;
const GAP: f64 = 5.0;

/// The height of a row's name, which is above it: to its left there is no room for a long one.
const NAME: f64 = 20.0;

/// The longest name, in columns: what fits the width of a phone.
const LONGEST: usize = 44;

/// The height above the rows for the numbers of incidents.
const TOP: f64 = 24.0;

/// The most rows that are drawn: the tables have all.
const ROWS: usize = 18;

/// Writes the initial view of the page, and below it the whole range if that is more.
pub(super) fn write(view: ChartView<'_>, page: &mut HtmlWriter) {
    let report = view.report;
    let places = rows(report);
    if view.is_zoomed() {
        let note = format!("Charts are of {}; the whole range is drawn below and stands in the tables.", view.span());
        page.element("p", &[("class", "note")], &note);
    }
    page.open("figure", &[]);
    drawing(view, "strip", &places, page);
    legend(page);
    page.open("figcaption", &[]);
    let bucket = format::duration(std::time::Duration::from_secs(report.window.bucket_s));
    page.text(&format!(
        "One cell is {bucket}, times are {}. Brackets: waves of incidents, numbered by incident and wave.",
        zone(report)
    ));
    let left_out = report.places.len() - places.len();
    if left_out > 0 {
        page.text(&format!(" {left_out} rows with fewer failures are in the tables alone."));
    }
    page.close("figcaption");
    if view.is_zoomed() {
        let whole = ChartView::whole(report);
        table::details("The whole range", page, |page| drawing(whole, "strip-whole", &places, page));
    }
    numbers_table(report, &places, page);
    page.close("figure");
}

/// Draws the rows of `places` over time.
fn drawing(view: ChartView<'_>, id: &str, places: &[&SurfaceVantageRow], page: &mut HtmlWriter) {
    let report = view.report;
    let height = TOP + number(places.len() as u64) * (NAME + ROW + GAP) + AXIS;
    let bottom = height - AXIS;
    let names = format!("{id}-names");
    Figure {
        id,
        title: "Failed checks over time, each surface from each vantage",
        description: "Each cell is one stretch of time. It fills from the bottom by the share of checks that failed. \
                      The same numbers are in the table below.",
        width: WIDTH,
        height,
    }
    .over_time_named(&names, page, |page| {
        page.open("defs", &[]);
        page.open("g", &[("id", &names)]);
        for (at, place) in places.iter().enumerate() {
            name(report, place, top_of(at), page);
        }
        page.close("g");
        page.close("defs");
        view.time_axis(TOP, bottom, page);
        numbers(view, page);
        for (at, place) in places.iter().enumerate() {
            row(view, place, top_of(at), page);
        }
        page.leaf("use", &[("class", "whole"), ("href", &format!("#{names}"))]);
    });
}

/// The rows to draw, in the order of the report; if there are too many, those that failed most.
fn rows(report: &Report) -> Vec<&SurfaceVantageRow> {
    let mut places: Vec<(usize, &SurfaceVantageRow)> = report.places.iter().enumerate().collect();
    if places.len() > ROWS {
        places.sort_by_key(|(at, place)| (std::cmp::Reverse(place.figures.down), *at));
        places.truncate(ROWS);
        places.sort_by_key(|(at, _)| *at);
    }
    places.into_iter().map(|(_, place)| place).collect()
}

/// A bracket over each wave, and its number if there is room for it.
fn numbers(view: ChartView<'_>, page: &mut HtmlWriter) {
    let times = view.times();
    let clock = instants(view.report);
    let mut free = 0.0;
    for (number, incident) in view.report.incidents.iter().enumerate() {
        for (wave_number, wave) in incident.waves.iter().enumerate() {
            let Some((_, end)) = view.wave(wave) else { continue };
            let at = times.at(wave.start.by);
            let end = times.at(end).max(at + 2.0);
            let bracket = format!("M{at} 20v-5H{}v5", coordinate(end), at = coordinate(at));
            let says = clock.stretch(&wave.start, wave.end.as_ref());
            page.pointed("path", &[("class", "bracket"), ("d", &bracket)], &says);
            if at < free {
                continue;
            }
            let name = if incident.waves.len() > 1 {
                format!("{}.{}", number + 1, wave_number + 1)
            } else {
                (number + 1).to_string()
            };
            page.element("text", &[("class", "strong"), ("x", &coordinate(at)), ("y", "11")], &name);
            free = at + 30.0;
        }
    }
}

/// The top of a row's cells.
fn top_of(row: usize) -> f64 {
    TOP + number(row as u64) * (NAME + ROW + GAP) + NAME
}

/// The name of a row, above it.
fn name(report: &Report, row: &SurfaceVantageRow, top: f64, page: &mut HtmlWriter) {
    let name = format!("{} · {}", label(report, &row.surface), row.vantage);
    page.open("text", &[("class", "name"), ("x", "4"), ("y", &coordinate(top - 5.0))]);
    page.element("title", &[], &name);
    page.text(&text::clip(&name, LONGEST));
    page.close("text");
}

fn row(view: ChartView<'_>, row: &SurfaceVantageRow, top: f64, page: &mut HtmlWriter) {
    let times = view.times();
    // Where nothing is drawn over it, there is no data.
    let whole = format!(
        "M{} {}h{}v{}h-{}z",
        coordinate(LEFT),
        coordinate(top),
        coordinate(chart::RIGHT - LEFT),
        coordinate(ROW),
        coordinate(chart::RIGHT - LEFT)
    );
    page.pointed("path", &[("d", &whole), ("fill", "url(#gap)")], "no data");
    let clock = instants(view.report);
    let mut good = HealthyRun::default();
    for point in points(view.report, row) {
        let Some((begin, end)) = view.bucket(point.t) else { continue };
        let (x, right) = (times.at(begin), times.at(end));
        // A thin gap between cells, if they are wide enough.
        let width = if right - x > 4.0 { right - x - 0.7 } else { right - x };
        let cell = StripCell { x, top, width: width.max(0.5) };
        if point.n > 0 && point.failed + point.unknown + point.missed == 0 {
            good.add(&cell, &clock.short(point.t), point.n);
        } else {
            good.flush(page);
            failed(point, &clock.short(point.t), &cell, page);
        }
    }
    good.flush(page);
}

/// The position of a cell.
struct StripCell {
    x: f64,
    top: f64,
    width: f64,
}

impl StripCell {
    /// The path of the cell from its bottom up to a height.
    fn path(&self, height: f64) -> String {
        let w = coordinate(self.width);
        format!("M{} {}h{w}v{}h-{w}z", coordinate(self.x), coordinate(self.top + ROW - height), coordinate(height))
    }
}

/// Adjacent cells without failures, drawn as one shape.
#[derive(Default)]
struct HealthyRun {
    path: String,
    first: String,
    last: String,
    checks: u64,
}

impl HealthyRun {
    fn add(&mut self, cell: &StripCell, at: &str, checks: u64) {
        if self.path.is_empty() {
            at.clone_into(&mut self.first);
        }
        at.clone_into(&mut self.last);
        self.checks += checks;
        self.path.push_str(&cell.path(ROW));
    }

    fn flush(&mut self, page: &mut HtmlWriter) {
        let HealthyRun { path, first, last, checks } = std::mem::take(self);
        if !path.is_empty() {
            let span = if first == last { first } else { format!("{first} – {last}") };
            page.pointed("path", &[("class", "r0"), ("d", &path)], &format!("{span}: none of {checks} failed"));
        }
    }
}

/// The points of a place in order.
pub(super) fn points<'r>(report: &'r Report, row: &'r SurfaceVantageRow) -> impl Iterator<Item = &'r Point> {
    let is_of_place =
        |point: &&Point| point.surface == row.surface && point.vantage == row.vantage && point.control == row.control;
    report.series.iter().filter(is_of_place)
}

/// A cell with checks that failed, could not be judged or were missed.
fn failed(point: &Point, at: &str, cell: &StripCell, page: &mut HtmlWriter) {
    let whole = cell.path(ROW);
    if point.n == 0 {
        if point.unknown > 0 {
            let says = format!("{at}: {} could not be judged", format::counted(point.unknown, "check"));
            page.leaf("path", &[("d", &whole), ("fill", "var(--card)")]);
            page.pointed("path", &[("d", &whole), ("fill", "url(#unsure)")], &says);
        }
        return;
    }
    let share = number(point.failed) / number(point.n);
    page.pointed("path", &[("class", "r0"), ("d", &whole)], &says(point, at));
    if point.failed > 0 {
        // A single failure is visible too: at least three units high.
        page.leaf("path", &[("class", fill(share)), ("d", &cell.path((share * ROW).max(3.0)))]);
    }
}

/// The colour for a shape that lies over its cell and must not hide the cell's tooltip.
fn fill(share: f64) -> &'static str {
    match ramp(share) {
        "r1" => "f r1",
        "r2" => "f r2",
        "r3" => "f r3",
        "r4" => "f r4",
        _ => "f r5",
    }
}

fn says(point: &Point, at: &str) -> String {
    let more = match (point.unknown, point.missed) {
        (0, 0) => String::new(),
        (unknown, 0) => format!(", {unknown} unknown"),
        (0, missed) => format!(", {missed} missed"),
        (unknown, missed) => format!(", {unknown} unknown, {missed} missed"),
    };
    if point.failed == 0 {
        return format!("{at}: none of {} failed{more}", point.n);
    }
    let ratio = statistics::ratio(point.failed, point.n).map_or_else(String::new, format::ratio);
    let interval = interval(statistics::wilson(point.failed, point.n));
    format!("{at}: {} of {} failed, {ratio} ({interval}){more}", point.failed, point.n)
}

/// The colour class of a share of failures.
pub(super) fn ramp(share: f64) -> &'static str {
    match share {
        share if share <= 0.0 => "r0",
        share if share < 0.05 => "r1",
        share if share < 0.2 => "r2",
        share if share < 0.5 => "r3",
        share if share < 0.8 => "r4",
        _ => "r5",
    }
}

fn legend(page: &mut HtmlWriter) {
    page.raw(concat!(
        "<ul class=\"legend\" aria-label=\"Key\">",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r0\" d=\"M0 0h22v12H0z\"/></svg>none failed</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r0\" d=\"M0 0h22v12H0z\"/><path class=\"r1\" d=\"M0 9h22v3H0z\"/></svg>below 5%</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r0\" d=\"M0 0h22v12H0z\"/><path class=\"r2\" d=\"M0 9h22v3H0z\"/></svg>5–20%</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r0\" d=\"M0 0h22v12H0z\"/><path class=\"r3\" d=\"M0 7h22v5H0z\"/></svg>20–50%</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r0\" d=\"M0 0h22v12H0z\"/><path class=\"r4\" d=\"M0 4h22v8H0z\"/></svg>50–80%</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"r5\" d=\"M0 0h22v12H0z\"/></svg>80% or more</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path fill=\"url(#unsure)\" d=\"M0 0h22v12H0z\"/></svg>could not be judged</li>",
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path fill=\"url(#gap)\" d=\"M0 0h22v12H0z\"/></svg>no data</li></ul>\n",
    ));
}

/// The numbers of the strip, one row per bucket.
fn numbers_table(report: &Report, places: &[&SurfaceVantageRow], page: &mut HtmlWriter) {
    let clock = instants(report);
    let mut begins: Vec<jiff::Timestamp> = report.series.iter().map(|point| point.t).collect();
    begins.sort_unstable();
    begins.dedup();
    let headings: Vec<String> = std::iter::once(format!("from ({})", zone(report)))
        .chain(places.iter().map(|row| format!("{} · {}", label(report, &row.surface), row.vantage)))
        .collect();
    let by_place: Vec<std::collections::BTreeMap<jiff::Timestamp, &Point>> =
        places.iter().map(|row| points(report, row).map(|point| (point.t, point)).collect()).collect();
    table::details("The numbers: failed of judged checks", page, |page| {
        table::write("Failed of judged checks", &headings, page, |rows| {
            for begin in begins {
                let cells = by_place.iter().map(|points| match points.get(&begin) {
                    Some(point) if point.n > 0 => format!("{}/{}", point.failed, point.n),
                    Some(_) => "?".to_owned(),
                    None => "–".to_owned(),
                });
                rows.row(std::iter::once(clock.at(begin)).chain(cells));
            }
        });
    });
}
