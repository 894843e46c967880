//! Which surface is affected more: its own ratio of failed checks with an interval, which is the
//! truth, beside its share of all failures, which is all that counts of complaints can show.

use super::chart::Figure;
use super::scale::{LinearScale, coordinate, number, ticks_to};
use super::strip;
use super::writer::HtmlWriter;
use crate::format;
use crate::render::phrases;
use crate::render::phrases::chance;
use crate::render::text;
use crate::report::{Report, SurfaceRow};

const WIDTH: f64 = 480.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 400.0;
const ROW: f64 = 40.0;
const TOP: f64 = 8.0;
const AXIS: f64 = 24.0;

/// The most surfaces that are drawn.
const ROWS: usize = 12;

pub(super) fn write(report: &Report, page: &mut HtmlWriter) {
    let surfaces: Vec<&SurfaceRow> = report.surfaces.iter().filter(|row| !row.control).take(ROWS).collect();
    page.open("div", &[("class", "pair")]);
    ratios(&surfaces, page);
    if surfaces.iter().any(|row| row.share_of_failures.is_some()) {
        shares(&surfaces, page);
    }
    page.close("div");
    comparisons(report, page);
}

fn ratios(surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    let highest = surfaces.iter().filter_map(|row| row.figures.ci95.map(|[_, high]| high * 100.0)).fold(1.0, f64::max);
    let ticks = ticks_to(highest, 4);
    let scale = LinearScale { from: 0.0, to: ticks[ticks.len() - 1].min(100.0), start: LEFT, end: RIGHT };
    page.open("figure", &[]);
    page.raw("<h3>Failed ratio: of its own checks</h3>");
    let figure = figure("ratios", "Failed ratio of each surface with its 95% interval", surfaces.len());
    figure.write(page, |page| {
        for tick in ticks.iter().filter(|tick| **tick <= 100.0) {
            level(scale.at(*tick), figure.height, &format!("{}%", coordinate(*tick)), page);
        }
        for (at, surface) in surfaces.iter().enumerate() {
            let y = TOP + number(at as u64) * ROW;
            name(surface, y, page);
            let Some(ratio) = surface.figures.failed_ratio else { continue };
            let x = scale.at(ratio * 100.0);
            bar(strip::ramp(ratio), y, x, page);
            if let Some([low, high]) = surface.figures.ci95 {
                let (low, high, middle) = (scale.at(low * 100.0), scale.at(high * 100.0), y + 16.0);
                let path = format!(
                    "M{l} {m}H{h}M{l} {t}v12M{h} {t}v12",
                    l = coordinate(low),
                    h = coordinate(high),
                    m = coordinate(middle),
                    t = coordinate(middle - 6.0)
                );
                page.leaf("path", &[("class", "whisker"), ("d", &path)]);
                x_label(high.max(x), y, &format::ratio(ratio), page);
            }
        }
    });
    page.open("figcaption", &[]);
    for surface in surfaces {
        let figures = &surface.figures;
        let judged = figures.up + figures.down;
        page.text(&format!(
            "{}: {} of {} failed ({}). ",
            surface.label(),
            format::count(figures.down),
            format::counted(judged, "check"),
            phrases::interval(figures.ci95)
        ));
    }
    page.close("figcaption");
    page.close("figure");
}

fn shares(surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    let scale = LinearScale { from: 0.0, to: 100.0, start: LEFT, end: RIGHT };
    page.open("figure", &[]);
    page.raw("<h3>Share of all failures: as complaints are counted</h3>");
    let figure = figure("shares", "Share of each surface in all failures", surfaces.len());
    figure.write(page, |page| {
        for tick in [0.0, 25.0, 50.0, 75.0, 100.0] {
            level(scale.at(tick), figure.height, &format!("{tick}%"), page);
        }
        for (at, surface) in surfaces.iter().enumerate() {
            let y = TOP + number(at as u64) * ROW;
            name(surface, y, page);
            if let Some(share) = surface.share_of_failures {
                let x = scale.at(share * 100.0);
                bar("calm", y, x, page);
                if let Some(even) = surface.share_per_check {
                    let at = coordinate(scale.at(even * 100.0));
                    let path = format!("M{at} {}v28", coordinate(y + 2.0));
                    page.pointed("path", &[("class", "whisker"), ("d", &path)], "had all surfaces been asked as often");
                }
                let even = surface.share_per_check.map_or(0.0, |even| scale.at(even * 100.0));
                x_label(x.max(even), y, &format::ratio(share), page);
            }
        }
    });
    page.raw(
        "<figcaption>A share depends on how often each surface was asked; the tick shows it had all been asked as often. \
         It is here to compare with press reports, and says nothing about how likely a user was to fail.</figcaption>",
    );
    page.close("figure");
}

fn figure(id: &'static str, title: &'static str, rows: usize) -> Figure<'static> {
    let description = "One bar a surface. The same numbers are in the text below and in the table of surfaces.";
    Figure { id, title, description, width: WIDTH, height: TOP + number(rows as u64) * ROW + AXIS }
}

fn level(x: f64, height: f64, name: &str, page: &mut HtmlWriter) {
    let at = coordinate(x);
    page.open("g", &[("class", "axis")]);
    page.leaf("line", &[("x1", &at), ("x2", &at), ("y1", &coordinate(TOP)), ("y2", &coordinate(height - AXIS))]);
    page.element("text", &[("x", &at), ("y", &coordinate(height - 7.0)), ("text-anchor", "middle")], name);
    page.close("g");
}

fn name(surface: &SurfaceRow, y: f64, page: &mut HtmlWriter) {
    let attributes =
        [("class", "name"), ("x", &*coordinate(LEFT - 10.0)), ("y", &coordinate(y + 20.0)), ("text-anchor", "end")];
    page.open("text", &attributes);
    page.element("title", &[], surface.label().as_str());
    page.text(&text::clip(surface.label().as_str(), 14));
    page.close("text");
}

fn bar(class: &'static str, y: f64, x: f64, page: &mut HtmlWriter) {
    let width = coordinate((x - LEFT).max(1.0));
    let shape =
        [("class", class), ("x", &*coordinate(LEFT)), ("y", &coordinate(y + 6.0)), ("width", &width), ("height", "20")];
    page.leaf("rect", &shape);
}

fn x_label(x: f64, y: f64, name: &str, page: &mut HtmlWriter) {
    page.element("text", &[("class", "strong"), ("x", &coordinate(x + 9.0)), ("y", &coordinate(y + 20.0))], name);
}

fn comparisons(report: &Report, page: &mut HtmlWriter) {
    if report.comparisons.is_empty() {
        return;
    }
    page.open("ul", &[("class", "plain")]);
    for comparison in &report.comparisons {
        let p = chance(comparison.p);
        let counts = format!(
            "{} of {} against {} of {}",
            format::count(comparison.a_failed),
            format::count(comparison.a_judged),
            format::count(comparison.b_failed),
            format::count(comparison.b_judged)
        );
        page.element("li", &[], &format!("{} ({counts}; Fisher's exact test, {p})", comparison.reading));
    }
    page.close("ul");
}
