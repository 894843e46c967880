//! Where the time goes: the median of each phase of up checks, one after the other, usually and
//! during incidents.

use std::time::Duration;

use super::chart::Figure;
use super::failure_groups::FailureGroup;
use super::latency::microseconds;
use super::scale::{LinearScale, coordinate, number, ticks_to};
use super::writer::HtmlWriter;
use super::{curve, failure_groups, table};
use crate::format;
use crate::model::{Phase, SafeText};
use crate::render::phrases::label;
use crate::render::text;
use crate::report::{Report, SurfaceRow, Waterfall};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 900.0;
const ROW: f64 = 30.0;
const TOP: f64 = 8.0;
const AXIS: f64 = 24.0;

/// The fewest checks for which a bar is drawn.
const FEWEST: u64 = 5;

pub(super) fn write(report: &Report, surfaces: &[&SurfaceRow], page: &mut HtmlWriter) {
    let shown = |row: &SafeText| surfaces.iter().any(|surface| surface.surface == *row);
    let rows: Vec<&Waterfall> = report
        .waterfalls
        .iter()
        .filter(|row| shown(&row.surface) && !row.phases_us.is_empty() && row.n >= FEWEST)
        .collect();
    if rows.is_empty() {
        page.element("p", &[("class", "note")], "No up check has a phase to show.");
        return;
    }
    let longest = rows.iter().map(|row| row.phases_us.values().sum::<u64>()).max().unwrap_or(1);
    let ticks = ticks_to(number(longest), 6);
    let scale = LinearScale { from: 0.0, to: ticks[ticks.len() - 1], start: LEFT, end: RIGHT };
    let height = TOP + number(rows.len() as u64) * ROW + AXIS;
    page.open("figure", &[]);
    Figure {
        id: "waterfall",
        title: "Median time of each phase, in incidents and usually",
        description: "One bar a surface and part of the window; its pieces are the phases in order. \
                      The same numbers are in the table below.",
        width: WIDTH,
        height,
    }
    .write(page, |page| {
        axis(&ticks, &scale, height, page);
        for (at, row) in rows.iter().enumerate() {
            bar(report, row, TOP + number(at as u64) * ROW, &scale, page);
        }
    });
    let seen: Vec<FailureGroup> = Phase::ALL
        .into_iter()
        .filter(|phase| rows.iter().any(|row| row.phases_us.contains_key(phase)))
        .map(FailureGroup::of_phase)
        .collect();
    failure_groups::legend(&seen, phase_name, page);
    numbers(report, &rows, page);
    page.close("figure");
}

/// The name of the phase to which a group of failures belongs.
fn phase_name(kind: FailureGroup) -> &'static str {
    Phase::ALL.into_iter().find(|phase| FailureGroup::of_phase(*phase) == kind).map_or("", Phase::name)
}

fn axis(ticks: &[f64], scale: &LinearScale, height: f64, page: &mut HtmlWriter) {
    page.open("g", &[("class", "axis")]);
    for tick in ticks {
        let at = coordinate(scale.at(*tick));
        page.leaf("line", &[("x1", &at), ("x2", &at), ("y1", &coordinate(TOP)), ("y2", &coordinate(height - AXIS))]);
        let name = if *tick > 0.0 { microseconds(*tick) } else { "0".to_owned() };
        page.element("text", &[("x", &at), ("y", &coordinate(height - 7.0)), ("text-anchor", "middle")], &name);
    }
    page.close("g");
}

/// `X app, in incidents`
fn name(report: &Report, row: &Waterfall) -> String {
    let surface = label(report, &row.surface);
    let part = curve::part(row.part).0.split(':').next().unwrap_or_default();
    format!("{surface}, {part}")
}

fn bar(report: &Report, row: &Waterfall, y: f64, scale: &LinearScale, page: &mut HtmlWriter) {
    let name = name(report, row);
    let at =
        [("class", "name"), ("x", &*coordinate(LEFT - 10.0)), ("y", &coordinate(y + 19.0)), ("text-anchor", "end")];
    page.element("text", &at, &text::clip(&name, 36));
    let mut before = 0;
    for (phase, us) in &row.phases_us {
        let (x, end) = (scale.at(number(before)), scale.at(number(before + us)));
        let path =
            format!("M{} {}h{w}v18h-{w}z", coordinate(x), coordinate(y + 5.0), w = coordinate((end - x).max(0.5)));
        let says = format!("{name}: {phase} {}", format::duration(Duration::from_micros(*us)));
        page.pointed("path", &[("fill", FailureGroup::of_phase(*phase).fill()), ("d", &path)], &says);
        before += us;
    }
    let at = [("class", "strong"), ("x", &*coordinate(scale.at(number(before)) + 8.0)), ("y", &coordinate(y + 19.0))];
    page.element("text", &at, &format::duration(Duration::from_micros(before)));
}

fn numbers(report: &Report, rows: &[&Waterfall], page: &mut HtmlWriter) {
    let headings: Vec<String> = ["surface and part", "up checks"]
        .into_iter()
        .chain(Phase::ALL.iter().map(|phase| phase.name()))
        .map(str::to_owned)
        .collect();
    table::details("The numbers: median of each phase", page, |page| {
        table::write("Median of each phase of up checks", &headings, page, |table| {
            for row in rows {
                let cell = |phase: &Phase| {
                    row.phases_us.get(phase).map_or_else(|| "–".to_owned(), |us| microseconds(number(*us)))
                };
                let cells = Phase::ALL.iter().map(cell);
                table.row([name(report, row), format::count(row.n)].into_iter().chain(cells));
            }
        });
    });
}
