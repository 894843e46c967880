//! Latency over time as a heat map: how many checks took how long, with percentiles of merged
//! histograms as lines. A failed check has no latency of a response, so failures have their own row
//! at the top.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::chart::{AXIS, ChartView, Figure, LEFT, RIGHT, WIDTH};
use super::scale::{LogScale, coordinate, number};
use super::writer::HtmlWriter;
use super::{chart, strip};
use crate::format;
use crate::render::phrases::instants;
use crate::report::{Expectation, Point, Report, SurfaceRow};

/// The height of the row of failures, where the map starts below it, and its height.
const FAILED: f64 = 14.0;
const TOP: f64 = 26.0;
const HEIGHT: f64 = 236.0;

/// The checks of one bucket by band, all vantages together, and how many checks failed.
#[derive(Default)]
struct HeatMapColumn {
    bands: BTreeMap<u16, u64>,
    judged: u64,
    failed: u64,
}

pub(super) fn write(view: ChartView<'_>, surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    for (at, surface) in surfaces.iter().enumerate() {
        let columns = columns(view, surface);
        let bands: Vec<u16> = columns.values().flat_map(|column| column.bands.keys().copied()).collect();
        let (Some(lowest), Some(highest)) = (bands.iter().min(), bands.iter().max()) else { continue };
        one(view, surface, &columns, (*lowest, *highest), at, page);
    }
}

/// The columns that are drawn for a surface.
fn columns(view: ChartView<'_>, surface: &SurfaceRow) -> BTreeMap<Timestamp, HeatMapColumn> {
    let mut columns: BTreeMap<Timestamp, HeatMapColumn> = BTreeMap::new();
    let is_of_surface = |point: &&Point| point.surface == surface.surface && point.control == surface.control;
    let is_drawn = |point: &&Point| is_of_surface(point) && view.bucket(point.t).is_some();
    for point in view.report.series.iter().filter(is_drawn) {
        let column = columns.entry(point.t).or_default();
        column.judged += point.n;
        column.failed += point.failed;
        for (band, n) in &point.bands {
            *column.bands.entry(*band).or_default() += n;
        }
    }
    columns
}

/// The lower and the upper edge of a band, in microseconds.
fn edges(report: &Report, band: u16) -> (f64, f64) {
    let edges = &report.band_edges_us;
    let edge = |at: usize| edges.get(at).copied().map(number);
    let at = usize::from(band);
    let upper = edge(at).unwrap_or_else(|| edge(edges.len().saturating_sub(1)).unwrap_or(1.0) * 2.0);
    let lower = at.checked_sub(1).and_then(edge).unwrap_or(upper / 2.0);
    (lower.max(1.0), upper.max(1.0))
}

fn one(
    view: ChartView<'_>,
    surface: &SurfaceRow,
    columns: &BTreeMap<Timestamp, HeatMapColumn>,
    (lowest, highest): (u16, u16),
    at: usize,
    page: &mut HtmlWriter,
) {
    let bottom = HEIGHT - AXIS;
    let scale = LogScale::new(edges(view.report, lowest).0, edges(view.report, highest).1, bottom, TOP);
    let (id, title) = (format!("latency-{at}"), format!("Latency of {} over time", surface.label()));
    page.open("figure", &[]);
    page.element("h3", &[], surface.label().as_str());
    Figure {
        id: &id,
        title: &title,
        description: "The darker a cell, the more up checks took that long. Lines: median solid, 95th percentile dashed, 99th dotted. \
                      The row at the top is the share of checks that failed. Percentiles are in the table of actual against usual.",
        width: WIDTH,
        height: HEIGHT,
    }
    .over_time(page, |page| {
        view.shade(Some(&surface.surface), TOP, bottom, page);
        heat(view, columns, &scale, page);
        for tick in scale.ticks() {
            chart::level(scale.at(tick), RIGHT, &microseconds(tick), page);
        }
        view.time_axis(TOP, bottom, page);
        failed(view, columns, page);
        lines(view, surface, &scale, page);
        tooltips(view, surface, columns, bottom, page);
    });
    page.element("figcaption", &[], &caption(surface));
    page.close("figure");
}

/// A time as the label of an axis: `200 ms`.
pub(super) fn microseconds(us: f64) -> String {
    let time = format::duration(Duration::from_secs_f64((us / 1e6).max(0.0)));
    time.replace(".0 ", " ").replace(".00 ", " ")
}

/// Draws one path per shade, and merges adjacent cells of the same shade: thousands of cells in
/// five elements.
fn heat(view: ChartView<'_>, columns: &BTreeMap<Timestamp, HeatMapColumn>, scale: &LogScale, page: &mut HtmlWriter) {
    let times = view.times();
    let most = columns.values().flat_map(|column| column.bands.values()).max().copied().unwrap_or(1);
    let mut shades: [String; 5] = std::array::from_fn(|_| String::new());
    // By band: the shade of the current piece, its start and its end so far.
    let mut pieces: BTreeMap<u16, (usize, f64, f64)> = BTreeMap::new();
    let mut draw = |band: u16, (tone, x, end): (usize, f64, f64)| {
        let (low, high) = edges(view.report, band);
        let (y, bottom) = (scale.at(high), scale.at(low));
        let (width, height) = (coordinate(end - x), coordinate(bottom - y));
        shades[tone].push_str(&format!("M{} {}h{width}v{height}h-{width}z", coordinate(x), coordinate(y)));
    };
    for (begin, column) in columns {
        let Some((from, to)) = view.bucket(*begin) else { continue };
        let (x, end) = (times.at(from), times.at(to));
        for (band, n) in &column.bands {
            // The square root uses all shades for both small and large counts.
            let share = (number(*n) / number(most)).sqrt();
            let tone = [0.25, 0.45, 0.65, 0.85].into_iter().filter(|limit| share > *limit).count();
            match pieces.get_mut(band) {
                Some(piece) if piece.0 == tone && (piece.2 - x).abs() < 0.05 => piece.2 = end,
                _ => {
                    if let Some(piece) = pieces.insert(*band, (tone, x, end)) {
                        draw(*band, piece);
                    }
                }
            }
        }
    }
    for (band, piece) in pieces {
        draw(band, piece);
    }
    for (path, class) in shades.iter().zip(["h1", "h2", "h3", "h4", "h5"]) {
        if !path.is_empty() {
            page.leaf("path", &[("class", class), ("d", path)]);
        }
    }
}

/// The share of checks that failed, in a row above the map.
fn failed(view: ChartView<'_>, columns: &BTreeMap<Timestamp, HeatMapColumn>, page: &mut HtmlWriter) {
    let times = view.times();
    let name = [("x", &*coordinate(LEFT - 8.0)), ("y", "12"), ("text-anchor", "end")];
    page.element("text", &name, "failed");
    for (begin, column) in columns.iter().filter(|(_, column)| column.failed > 0) {
        let Some((from, to)) = view.bucket(*begin) else { continue };
        let (x, width) = (times.at(from), times.at(to) - times.at(from));
        let share = number(column.failed) / number(column.judged.max(1));
        let height = (share * FAILED).max(3.0);
        let path = format!(
            "M{} {}h{w}v{}h-{w}z",
            coordinate(x),
            coordinate(2.0 + FAILED - height),
            coordinate(height),
            w = coordinate(width)
        );
        page.leaf("path", &[("class", strip::ramp(share)), ("d", &path)]);
    }
}

/// A percentile by its name.
type Percentile = (&'static str, fn(&Expectation) -> Option<u64>);

/// The percentiles as lines. If there are too few samples, there is no line.
fn lines(view: ChartView<'_>, surface: &SurfaceRow, scale: &LogScale, page: &mut HtmlWriter) {
    let times = view.times();
    let of: [Percentile; 3] = [("p50", |at| at.p50_us), ("p95", |at| at.p95_us), ("p99", |at| at.p99_us)];
    for (class, value) in of {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        for bucket in view.report.expectations.iter().filter(|bucket| bucket.surface == surface.surface) {
            let Some((from, to)) = view.bucket(bucket.t) else { continue };
            let (x, end) = (times.at(from), times.at(to));
            let Some(us) = value(bucket) else {
                last = None;
                continue;
            };
            let y = scale.at(number(us));
            let joined = last.is_some_and(|(right, _)| (right - x).abs() < 0.6);
            let step = if joined {
                format!("L{} {}", coordinate(x), coordinate(y))
            } else {
                format!("M{} {}", coordinate(x), coordinate(y))
            };
            path.push_str(&step);
            path.push_str(&format!("H{}", coordinate(end)));
            last = Some((end, y));
        }
        if !path.is_empty() {
            page.leaf("path", &[("class", class), ("d", &path)]);
        }
        if let Some((x, y)) = last {
            // The label of the median is below its line, to leave room for the others.
            let y = if class == "p50" { y + 15.0 } else { y - 6.0 };
            let at = [
                ("class", "strong"),
                ("x", &*coordinate((x - 4.0).min(RIGHT))),
                ("y", &coordinate(y)),
                ("text-anchor", "end"),
            ];
            page.element("text", &at, class);
        }
    }
}

/// The tooltip of each column.
fn tooltips(
    view: ChartView<'_>,
    surface: &SurfaceRow,
    columns: &BTreeMap<Timestamp, HeatMapColumn>,
    bottom: f64,
    page: &mut HtmlWriter,
) {
    let times = view.times();
    let clock = instants(view.report);
    for bucket in view.report.expectations.iter().filter(|bucket| bucket.surface == surface.surface) {
        let Some((from, to)) = view.bucket(bucket.t) else { continue };
        let (x, width) = (times.at(from), times.at(to) - times.at(from));
        let time =
            |us: Option<u64>| us.map_or_else(|| "-".to_owned(), |us| format::duration(Duration::from_micros(us)));
        let (judged, failed) = columns.get(&bucket.t).map_or((0, 0), |column| (column.judged, column.failed));
        let says = format!(
            "{}: p50 {}, p95 {}, p99 {}, {failed} of {judged} failed",
            clock.short(bucket.t),
            time(bucket.p50_us),
            time(bucket.p95_us),
            time(bucket.p99_us)
        );
        let path = format!("M{} 0h{w}v{}h-{w}z", coordinate(x), coordinate(bottom), w = coordinate(width));
        page.pointed("path", &[("class", "hit"), ("d", &path)], &says);
    }
}

fn caption(surface: &SurfaceRow) -> String {
    let latency = &surface.figures.latency_us;
    let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), format::duration);
    let usual = surface.baseline.p95_us.map(Duration::from_micros);
    let usual = usual.map(|p95| format!(" Usual p95: {}.", format::duration(p95))).unwrap_or_default();
    format!(
        "{}: p50 {}, p90 {}, p95 {}, p99 {}, longest {}.{usual} A dash means too few samples for that percentile.",
        format::counted(latency.count, "up check"),
        time(latency.p50),
        time(latency.p90),
        time(latency.p95),
        time(latency.p99),
        time(latency.max)
    )
}
