//! Percentile curves: how long the slowest one in ten, in a hundred, in a thousand took, during
//! incidents and usually. The axis is logarithmic in 1/(1-p), so that each nine takes the same
//! room.

use super::chart::Figure;
use super::latency::microseconds;
use super::scale::{LinearScale, LogScale, coordinate, number};
use super::table;
use super::writer::HtmlWriter;
use crate::format;
use crate::report::{Curve, Population, Report, SurfaceRow};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 462.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 226.0;

/// The fewest checks for a curve.
const FEWEST: u64 = 20;

/// The percentiles that the axis labels.
const NAMED: [(f64, &str); 5] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")];

pub(super) fn write(report: &Report, surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    let with_curves: Vec<(&SurfaceRow, Vec<&Curve>)> = surfaces
        .iter()
        .map(|surface| {
            let of_surface = |curve: &&Curve| curve.surface == surface.surface && curve.n >= FEWEST;
            (*surface, report.curves.iter().filter(of_surface).collect())
        })
        .filter(|(_, curves): &(_, Vec<&Curve>)| !curves.is_empty())
        .collect();
    if with_curves.is_empty() {
        page.element("p", &[("class", "note")], "Too few up checks for percentiles.");
        return;
    }
    page.open("div", &[("class", "pair")]);
    for (at, (surface, curves)) in with_curves.iter().enumerate() {
        one(surface, curves, at, page);
    }
    page.close("div");
    parts_legend(&with_curves, page);
}

/// The displayed name of a population, and the classes of its line, band and mark.
pub(super) const fn part(part: Population) -> (&'static str, [&'static str; 3]) {
    match part {
        Population::Incident => ("in incidents", ["incident-line", "incident-band", "incident-mark"]),
        Population::Calm => ("outside incidents", ["calm-line", "calm-band", "calm-mark"]),
        Population::Usual => ("usual: the 28 days before", ["usual-line", "usual-band", "usual-mark"]),
    }
}

/// A legend of the populations that any of the curves has.
fn parts_legend(with_curves: &[(&SurfaceRow, Vec<&Curve>)], page: &mut HtmlWriter) {
    page.raw("<ul class=\"legend\">");
    let seen = |part: Population| with_curves.iter().any(|(_, curves)| curves.iter().any(|curve| curve.part == part));
    for of in [Population::Incident, Population::Calm, Population::Usual].into_iter().filter(|part| seen(*part)) {
        let (name, [line, ..]) = part(of);
        page.open("li", &[]);
        page.open("svg", &[("viewBox", "0 0 22 12"), ("aria-hidden", "true")]);
        page.leaf("path", &[("class", line), ("d", "M0 6h22")]);
        page.close("svg");
        page.text(name);
        page.close("li");
    }
    page.raw("</ul>\n");
}

/// The position of a percentile: 0 at the fastest check, 1 more for each nine.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile.clamp(0.0, 0.999_999)).log10()
}

fn one(surface: &SurfaceRow, curves: &[&Curve], at: usize, page: &mut HtmlWriter) {
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    let slowest = points().map(|(_, us)| *us).chain(curves.iter().filter_map(|curve| curve.max_us)).max().unwrap_or(1);
    let fastest = points().map(|(_, us)| *us).min().unwrap_or(1);
    let last = points().map(|(percentile, _)| *percentile).fold(0.9, f64::max);
    let across = LinearScale { from: 0.0, to: nines(last), start: LEFT, end: RIGHT };
    let up = LogScale::new(number(fastest) * 0.9, number(slowest) * 1.1, BOTTOM, TOP);
    let (id, title) = (format!("curve-{at}"), format!("Percentiles of latency of {}", surface.label()));
    page.open("figure", &[]);
    page.element("h3", &[], surface.label().as_str());
    Figure {
        id: &id,
        title: &title,
        description: "From left to right ever slower checks: the median, the slowest tenth, hundredth, thousandth. \
                      A curve that lies higher is slower. The same numbers are in the table below.",
        width: WIDTH,
        height: HEIGHT,
    }
    .write(page, |page| {
        axes(&across, &up, last, page);
        for curve in curves {
            band(curve, &across, &up, page);
        }
        for curve in curves {
            line(curve, &across, &up, page);
        }
    });
    numbers(curves, page);
    page.close("figure");
}

fn axes(across: &LinearScale, up: &LogScale, last: f64, page: &mut HtmlWriter) {
    page.open("g", &[("class", "axis")]);
    for tick in up.ticks() {
        let y = up.at(tick);
        let at = coordinate(y);
        page.leaf("line", &[("x1", &coordinate(LEFT)), ("x2", &coordinate(RIGHT)), ("y1", &at), ("y2", &at)]);
        let name = [("x", &*coordinate(LEFT - 6.0)), ("y", &coordinate(y + 4.0)), ("text-anchor", "end")];
        page.element("text", &name, &microseconds(tick));
    }
    for (percentile, name) in NAMED.into_iter().filter(|(percentile, _)| *percentile <= last) {
        let x = across.at(nines(percentile));
        let at = coordinate(x);
        page.leaf("line", &[("x1", &at), ("x2", &at), ("y1", &coordinate(TOP)), ("y2", &coordinate(BOTTOM))]);
        page.element("text", &[("x", &at), ("y", &coordinate(BOTTOM + 18.0)), ("text-anchor", "middle")], name);
    }
    page.close("g");
}

/// The latency of a curve at a percentile, interpolated between its points. `None` beyond its last
/// point.
fn value_at(curve: &Curve, percentile: f64) -> Option<f64> {
    let after = curve.points.iter().position(|(at, _)| *at >= percentile)?;
    let (right, high) = curve.points[after];
    let Some((left, low)) = after.checked_sub(1).map(|before| curve.points[before]) else { return Some(number(high)) };
    // Interpolate in nines, as the chart is drawn.
    let (left, at, right) = (nines(left), nines(percentile), nines(right));
    let share = if right > left { (at - left) / (right - left) } else { 1.0 };
    Some(number(low) + (number(high) - number(low)) * share)
}

/// The 95 % interval of each percentile by order statistics: the percentiles whose ranks are 1.96
/// standard deviations of the binomial distribution below and above.
fn band(curve: &Curve, across: &LinearScale, up: &LogScale, page: &mut HtmlWriter) {
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    for (percentile, _) in &curve.points {
        let spread = 1.96 * (percentile * (1.0 - percentile) / number(curve.n.max(1))).sqrt();
        let low = value_at(curve, (percentile - spread).max(0.0));
        // Beyond the last percentile that has enough samples, the maximum is the bound.
        let high = value_at(curve, percentile + spread).or_else(|| curve.max_us.map(number));
        if let (Some(low), Some(high)) = (low, high) {
            let x = coordinate(across.at(nines(*percentile)));
            upper.push(format!("{x} {}", coordinate(up.at(high))));
            lower.push(format!("{x} {}", coordinate(up.at(low))));
        }
    }
    if upper.len() > 1 {
        lower.reverse();
        let path = format!("M{}L{}z", upper.join("L"), lower.join("L"));
        page.leaf("path", &[("class", part(curve.part).1[1]), ("d", &path)]);
    }
}

fn line(curve: &Curve, across: &LinearScale, up: &LogScale, page: &mut HtmlWriter) {
    let place_of = |(percentile, us): &(f64, u64)| {
        format!("{} {}", coordinate(across.at(nines(*percentile))), coordinate(up.at(number(*us))))
    };
    let path = format!("M{}", curve.points.iter().map(place_of).collect::<Vec<_>>().join("L"));
    let (name, [class, _, mark]) = part(curve.part);
    page.pointed("path", &[("class", class), ("d", &path)], &format!("{name}, {}", format::counted(curve.n, "check")));
    if let Some(max) = curve.max_us {
        // The maximum has no percentile, so it is at the edge.
        let path = format!("M{} {}l5 5l-5 5l-5 -5z", coordinate(RIGHT + 6.0), coordinate(up.at(number(max)) - 5.0));
        page.pointed(
            "path",
            &[("class", mark), ("d", &path)],
            &format!("{name}: longest {}", microseconds(number(max))),
        );
    }
}

fn numbers(curves: &[&Curve], page: &mut HtmlWriter) {
    let mut percentiles: Vec<f64> = Vec::new();
    for (percentile, _) in curves.iter().flat_map(|curve| curve.points.iter()) {
        percentiles.push(*percentile);
    }
    percentiles.sort_by(f64::total_cmp);
    percentiles.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let name = |curve: &&Curve| format!("{} ({})", part(curve.part).0, format::counted(curve.n, "check"));
    let headings: Vec<String> = std::iter::once("percentile".to_owned()).chain(curves.iter().map(name)).collect();
    table::details("The numbers: latency by percentile", page, |page| {
        table::write("Latency by percentile", &headings, page, |rows| {
            for percentile in percentiles {
                let of = |curve: &&Curve| {
                    curve.points.iter().find(|(at, _)| at.total_cmp(&percentile).is_eq()).map(|(_, us)| *us)
                };
                let cell = |us: Option<u64>| us.map_or_else(|| "–".to_owned(), |us| microseconds(number(us)));
                let cells = curves.iter().map(|curve| cell(of(curve)));
                rows.row(std::iter::once(format!("p{}", place_of_percentile(percentile))).chain(cells));
            }
            rows.row(std::iter::once("longest".to_owned()).chain(
                curves.iter().map(|curve| curve.max_us.map_or_else(|| "–".to_owned(), |us| microseconds(number(us)))),
            ));
        });
    });
}

/// `99.9`, without rounding errors.
fn place_of_percentile(percentile: f64) -> String {
    format!("{}", (percentile * 1e6).round() / 1e4)
}
