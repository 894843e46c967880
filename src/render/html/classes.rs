//! Failures by class over time, stacked in the order of the phases. A solid block of one class and
//! a mixture in waves are different outages.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::chart::{AXIS, ChartView, Figure, RIGHT, WIDTH};
use super::failure_groups::FailureGroup;
use super::scale::{LinearScale, coordinate, number, ticks_to};
use super::writer::HtmlWriter;
use super::{chart, failure_groups, table};
use crate::format;
use crate::model::{FailureClass, SafeText};
use crate::render::phrases::{class_name, instants, zone};
use crate::report::{Point, Report, SurfaceRow};

const TOP: f64 = 12.0;
const HEIGHT: f64 = 170.0;

/// Failures of one bucket by class.
type ClassCounts = BTreeMap<FailureClass, u64>;

pub(super) fn write(view: ChartView<'_>, surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    let report = view.report;
    let mut seen: Vec<FailureGroup> = Vec::new();
    for (at, surface) in surfaces.iter().enumerate() {
        let buckets = buckets(report, surface);
        if buckets.values().all(BTreeMap::is_empty) {
            continue;
        }
        let kinds = buckets.values().flat_map(|bucket| bucket.keys()).filter_map(|class| FailureGroup::of(*class));
        seen.extend(kinds);
        if buckets.iter().any(|(begin, bucket)| !bucket.is_empty() && view.bucket(*begin).is_some()) {
            one(view, surface, &buckets, at, page);
        } else {
            let note = format!("{}: nothing failed in the time that is drawn.", surface.label());
            page.element("p", &[], &note);
        }
    }
    if seen.is_empty() {
        page.element("p", &[], "Nothing failed in this window.");
        return;
    }
    let in_order: Vec<FailureGroup> = FailureGroup::ALL.into_iter().filter(|kind| seen.contains(kind)).collect();
    failure_groups::legend(&in_order, FailureGroup::name, page);
    by_class(report, page);
    commands(report, page);
}

/// The failures of a surface that are the target's fault, by bucket, all vantages together.
fn buckets(report: &Report, surface: &SurfaceRow) -> BTreeMap<Timestamp, ClassCounts> {
    let mut buckets: BTreeMap<Timestamp, ClassCounts> = BTreeMap::new();
    let is_of_surface = |point: &&Point| point.surface == surface.surface && point.control == surface.control;
    for point in report.series.iter().filter(is_of_surface) {
        let bucket = buckets.entry(point.t).or_default();
        for (class, n) in point.classes.iter().filter(|(class, _)| !class.is_ours()) {
            *bucket.entry(*class).or_default() += n;
        }
    }
    buckets
}

fn one(
    view: ChartView<'_>,
    surface: &SurfaceRow,
    buckets: &BTreeMap<Timestamp, ClassCounts>,
    at: usize,
    page: &mut HtmlWriter,
) {
    let drawn = || buckets.iter().filter(|(begin, _)| view.bucket(**begin).is_some());
    let highest = drawn().map(|(_, bucket)| bucket.values().sum::<u64>()).max().unwrap_or(0);
    let ticks = ticks_to(number(highest), 3);
    let bottom = HEIGHT - AXIS;
    let scale = LinearScale { from: 0.0, to: ticks[ticks.len() - 1], start: bottom, end: TOP };
    let (id, title) = (format!("classes-{at}"), format!("Failures of {} by class over time", surface.label()));
    page.open("figure", &[]);
    page.element("h3", &[], surface.label().as_str());
    Figure {
        id: &id,
        title: &title,
        description: "Failed checks in each stretch of time, stacked by the phase they broke in, DNS at the bottom. \
                      The same numbers are in the table below.",
        width: WIDTH,
        height: HEIGHT,
    }
    .over_time(page, |page| {
        for tick in &ticks {
            chart::level(scale.at(*tick), RIGHT, &coordinate(*tick), page);
        }
        view.time_axis(TOP, bottom, page);
        for (begin, bucket) in drawn() {
            column(view, *begin, bucket, &scale, page);
        }
    });
    numbers(view.report, buckets, page);
    page.close("figure");
}

fn column(view: ChartView<'_>, begin: Timestamp, bucket: &ClassCounts, scale: &LinearScale, page: &mut HtmlWriter) {
    let times = view.times();
    let Some((from, to)) = view.bucket(begin) else { return };
    let (x, width) = (times.at(from), times.at(to) - times.at(from));
    let mut below = 0;
    for kind in FailureGroup::ALL {
        let of_kind: Vec<(&FailureClass, &u64)> =
            bucket.iter().filter(|(class, _)| FailureGroup::of(**class) == Some(kind)).collect();
        let n: u64 = of_kind.iter().map(|(_, n)| **n).sum();
        if n == 0 {
            continue;
        }
        let (low, high) = (scale.at(number(below)), scale.at(number(below + n)));
        let path = format!(
            "M{} {}h{}v{}h-{}z",
            coordinate(x + width * 0.06),
            coordinate(high),
            coordinate(width * 0.88),
            coordinate(low - high),
            coordinate(width * 0.88)
        );
        let names: Vec<String> = of_kind.iter().map(|(class, n)| format!("{n} {class}")).collect();
        let says = format!("{}: {}", instants(view.report).short(begin), names.join(", "));
        page.pointed("path", &[("fill", kind.fill()), ("d", &path)], &says);
        below += n;
    }
}

fn numbers(report: &Report, buckets: &BTreeMap<Timestamp, ClassCounts>, page: &mut HtmlWriter) {
    let clock = instants(report);
    let mut classes: Vec<FailureClass> = buckets.values().flat_map(|bucket| bucket.keys().copied()).collect();
    classes.sort_unstable();
    classes.dedup();
    let headings: Vec<String> =
        std::iter::once(format!("from ({})", zone(report))).chain(classes.iter().map(ToString::to_string)).collect();
    table::details("The numbers: failures by class", page, |page| {
        table::write("Failures by class; times without any are left out", &headings, page, |rows| {
            for (begin, bucket) in buckets.iter().filter(|(_, bucket)| !bucket.is_empty()) {
                let cells = classes.iter().map(|class| bucket.get(class).copied().unwrap_or(0).to_string());
                rows.row(std::iter::once(clock.at(*begin)).chain(cells));
            }
        });
    });
}

/// Each class of each surface, with one failed check as an example.
fn by_class(report: &Report, page: &mut HtmlWriter) {
    let headings = ["failure", "surface", "checks", "share", "first", "last", "one of them"].map(str::to_owned);
    let numeric = [false, false, true, true, false, false, false];
    let clock = instants(report);
    table::columns("What failed, with an example of each", &headings, &numeric, page, |rows| {
        for surface in report.surfaces.iter().filter(|surface| !surface.control) {
            for (class, row) in &surface.figures.classes {
                let at =
                    |instant: Option<Timestamp>| instant.map_or_else(|| "–".to_owned(), |instant| clock.at(instant));
                let statuses: Vec<String> =
                    row.statuses.iter().take(4).map(|(status, n)| format!("{status} ({n})")).collect();
                let name = match statuses.len() {
                    0 => class.to_string(),
                    1 => class_name(*class, row.statuses.first().map(|(status, _)| *status)),
                    _ => format!("{class}: {}", statuses.join(", ")),
                };
                let example = row.example.as_ref().map_or_else(String::new, |example| {
                    format!("{} from {}: {}", example.probe, example.vantage, example.message)
                });
                rows.row([
                    name,
                    surface.label().to_string(),
                    format::count(row.n),
                    format::ratio(row.share),
                    at(row.first),
                    at(row.last),
                    example,
                ]);
            }
        }
    });
}

/// The commands that repeat the examples, without duplicates, with secrets as shell variables.
fn commands(report: &Report, page: &mut HtmlWriter) {
    let rows = report.surfaces.iter().filter(|row| !row.control).flat_map(|row| row.figures.classes.values());
    let mut commands: Vec<&SafeText> =
        rows.filter_map(|row| row.example.as_ref()).filter_map(|example| example.curl.as_ref()).collect();
    commands.sort_unstable();
    commands.dedup();
    if commands.is_empty() {
        return;
    }
    table::details("Commands that repeat these checks", page, |page| {
        page.open("ul", &[("class", "plain")]);
        for command in commands {
            page.open("li", &[]);
            page.element("code", &[], command.as_str());
            page.close("li");
        }
        page.close("ul");
    });
}
