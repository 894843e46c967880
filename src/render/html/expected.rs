//! Failures over time beside what is usual at this hour: the picture that counts of complaints
//! give, but from checks.

use super::chart::{AXIS, ChartView, Figure, RIGHT, WIDTH};
use super::scale::{LinearScale, coordinate, number, ticks_to};
use super::writer::HtmlWriter;
use super::{chart, table};
use crate::format;
use crate::render::phrases::instants;
use crate::report::{Expectation, SurfaceRow};

const TOP: f64 = 12.0;
const HEIGHT: f64 = 150.0;

pub(super) fn write(view: ChartView<'_>, surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    for (at, surface) in surfaces.iter().enumerate() {
        let buckets: Vec<&Expectation> =
            view.report.expectations.iter().filter(|bucket| bucket.surface == surface.surface).collect();
        let drawn: Vec<&Expectation> =
            buckets.iter().copied().filter(|bucket| view.bucket(bucket.t).is_some()).collect();
        let failed = |buckets: &[&Expectation]| buckets.iter().any(|bucket| bucket.actual > 0);
        if failed(&drawn) {
            one(view, surface, &buckets, &drawn, at, page);
        } else {
            let found = if failed(&buckets) { "nothing failed in the time that is drawn" } else { "nothing failed" };
            page.element("p", &[], &format!("{}: {found}. {}", surface.label(), caption(surface)));
        }
    }
}

fn one(
    view: ChartView<'_>,
    surface: &SurfaceRow,
    buckets: &[&Expectation],
    drawn: &[&Expectation],
    at: usize,
    page: &mut HtmlWriter,
) {
    let highest = drawn.iter().map(|bucket| bucket.actual.max(bucket.expected_high.unwrap_or(0))).max().unwrap_or(0);
    let ticks = ticks_to(number(highest), 3);
    let bottom = HEIGHT - AXIS;
    let scale = LinearScale { from: 0.0, to: ticks[ticks.len() - 1], start: bottom, end: TOP };
    let (id, title) =
        (format!("expected-{at}"), format!("Failed checks of {} over time, against usual", surface.label()));
    page.open("figure", &[]);
    page.element("h3", &[], surface.label().as_str());
    Figure {
        id: &id,
        title: &title,
        description: "Bars are failed checks. Dark bars are above what is usual at this hour of the day. \
                      The same numbers are in the table below.",
        width: WIDTH,
        height: HEIGHT,
    }
    .over_time(page, |page| {
        for tick in &ticks {
            chart::level(scale.at(*tick), RIGHT, &coordinate(*tick), page);
        }
        view.time_axis(TOP, bottom, page);
        view.shade(Some(&surface.surface), TOP, bottom, page);
        usual(view, drawn, &scale, page);
        bars(view, drawn, &scale, page);
    });
    page.element("figcaption", &[], &caption(surface));
    numbers(view, buckets, page);
    page.close("figure");
}

/// The band of usual values, and the line of the expected value.
fn usual(view: ChartView<'_>, buckets: &[&Expectation], scale: &LinearScale, page: &mut HtmlWriter) {
    let times = view.times();
    let (mut band, mut line) = (String::new(), String::new());
    for bucket in buckets {
        let Some((begin, end)) = view.bucket(bucket.t) else { continue };
        let (x, width) = (times.at(begin), times.at(end) - times.at(begin));
        if let Some(high) = bucket.expected_high {
            let y = scale.at(number(high));
            let w = coordinate(width);
            band.push_str(&format!("M{} {}h{w}v{}h-{w}z", coordinate(x), coordinate(y), coordinate(scale.start - y)));
        }
        if let Some(expected) = bucket.expected {
            line.push_str(&format!("M{} {}h{}", coordinate(x), coordinate(scale.at(expected)), coordinate(width)));
        }
    }
    if !band.is_empty() {
        page.leaf("path", &[("class", "band"), ("d", &band)]);
    }
    if !line.is_empty() {
        page.leaf("path", &[("class", "expected"), ("d", &line)]);
    }
}

fn bars(view: ChartView<'_>, buckets: &[&Expectation], scale: &LinearScale, page: &mut HtmlWriter) {
    let times = view.times();
    let clock = instants(view.report);
    for bucket in buckets {
        let Some((begin, end)) = view.bucket(bucket.t) else { continue };
        let (x, width) = (times.at(begin), times.at(end) - times.at(begin));
        let usual = bucket.expected.map(|expected| format!(", {expected:.1} expected")).unwrap_or_default();
        let says = format!("{}: {} of {} failed{usual}", clock.short(bucket.t), bucket.actual, bucket.n);
        if bucket.actual > 0 {
            let unusual = bucket.expected_high.is_none_or(|high| bucket.actual > high);
            let y = scale.at(number(bucket.actual));
            let w = coordinate(width * 0.84);
            let path = format!(
                "M{} {}h{w}v{}h-{w}z",
                coordinate(x + width * 0.08),
                coordinate(y),
                coordinate(scale.start - y)
            );
            page.pointed("path", &[("class", if unusual { "bar" } else { "calm" }), ("d", &path)], &says);
        }
    }
}

/// What the baseline is, or that there is none.
fn caption(surface: &SurfaceRow) -> String {
    let usual = &surface.baseline;
    let Some(method) = usual.method else {
        let needed = format::counted(usual.days_needed, "earlier day");
        return format!(
            "Nothing to compare with yet: the journal holds {} of the {needed} that are needed.",
            usual.days
        );
    };
    let expected = usual.expected_failures.map(|n| format!("{n:.1} expected")).unwrap_or_default();
    let actual = format::counted(surface.figures.down, "failure");
    format!(
        "{actual}, {expected}. Shaded: what is usual at this hour, from {} ({}).",
        format::counted(usual.days, "earlier day"),
        method.replace(['_', '-'], " ")
    )
}

fn numbers(view: ChartView<'_>, buckets: &[&Expectation], page: &mut HtmlWriter) {
    let clock = instants(view.report);
    let headings =
        ["from", "checks", "failed", "expected", "usual up to", "p50", "usual p50", "p95", "usual p95", "p99"];
    let headings = headings.map(str::to_owned);
    let time = |us: Option<u64>| format::duration_cell(us.map(std::time::Duration::from_micros));
    table::details("The numbers: actual against usual", page, |page| {
        table::write("Actual against usual", &headings, page, |rows| {
            for bucket in buckets {
                rows.row([
                    clock.at(bucket.t),
                    bucket.n.to_string(),
                    bucket.actual.to_string(),
                    bucket.expected.map_or_else(|| "–".to_owned(), |expected| format!("{expected:.2}")),
                    bucket.expected_high.map_or_else(|| "–".to_owned(), |high| high.to_string()),
                    time(bucket.p50_us),
                    time(bucket.usual_p50_us),
                    time(bucket.p95_us),
                    time(bucket.usual_p95_us),
                    time(bucket.p99_us),
                ]);
            }
        });
    });
}
