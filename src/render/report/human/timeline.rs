//! The strip of each surface from each vantage over time, on a terminal.

use anstyle::Style;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::layout::title;
use crate::format;
use crate::format::{STRIP_LEGEND, StripCell};
use crate::render::grouped::grouped;
use crate::render::phrases;
use crate::render::terminal::{DIM, StyledText};
use crate::render::{terminal, text};
use crate::report::{Point, Report};

/// The checks of one cell.
#[derive(Clone, Copy, Default)]
struct TimelineCell {
    judged: u64,
    failed: u64,
    unknown: u64,
}

/// The cells of a strip: how many there are, the length of each in seconds, and the start of the
/// first in seconds since the epoch.
struct TimelineGrid {
    begin: i64,
    seconds: i64,
    cells: usize,
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

impl TimelineGrid {
    fn of(report: &Report, room: usize) -> TimelineGrid {
        let bucket = report.window.bucket_s.max(1);
        // If data starts late, so does the strip.
        let (from, to) = (report.window.from, report.window.to);
        let first = report.series.iter().map(|point| point.t).min().unwrap_or(from).max(from);
        let is_late = first.duration_since(from) * 10 > to.duration_since(from);
        let from = if is_late { first } else { from };
        let begin = from.as_second().div_euclid(signed(bucket)) * signed(bucket);
        let length = u64::try_from(report.window.to.as_second() - begin).unwrap_or(0).max(1);
        let buckets = length.div_ceil(bucket);
        let seconds = bucket * buckets.div_ceil(room.max(1) as u64).max(1);
        let cells = usize::try_from(length.div_ceil(seconds)).unwrap_or(1);
        TimelineGrid { begin, seconds: signed(seconds), cells }
    }

    /// The cell of an instant; `None` if it is outside of the strip.
    fn cell(&self, at: Timestamp) -> Option<usize> {
        let cell = usize::try_from((at.as_second() - self.begin).div_euclid(self.seconds)).ok()?;
        (cell < self.cells).then_some(cell)
    }

    fn begin_of(&self, cell: usize) -> Timestamp {
        let second = self.begin + self.seconds * i64::try_from(cell).unwrap_or_default();
        Timestamp::from_second(second).unwrap_or_default()
    }
}

pub(super) fn write(report: &Report, screen: &mut StyledText) {
    if report.series.is_empty() {
        return;
    }
    let names = report.places.iter().map(|place| text::width(place.vantage.as_str())).max().unwrap_or(0).clamp(4, 16);
    let grid = TimelineGrid::of(report, screen.width().saturating_sub(names + 4));
    let cell = format::duration(std::time::Duration::from_secs(grid.seconds.unsigned_abs()));
    title(&format!("over time, {cell} a cell"), screen);
    for line in text::wrap(STRIP_LEGEND, screen.width().saturating_sub(2)) {
        screen.put(DIM, &format!("  {line}"));
        screen.end();
    }
    let places = grouped(report.places.iter().filter(|place| !place.control).map(|place| (&place.surface, place)));
    let points = report.series.iter().filter(|point| !point.control);
    let points = grouped(points.map(|point| ((&point.surface, &point.vantage), point)));
    for surface in report.surfaces.iter().filter(|row| !row.control) {
        screen.put(Style::new(), &format!("  {}", surface.label()));
        screen.end();
        for place in places.get(&surface.surface).into_iter().flatten() {
            let points = points.get(&(&place.surface, &place.vantage)).map(Vec::as_slice).unwrap_or_default();
            screen.put(DIM, &format!("  {}  ", text::left(place.vantage.as_str(), names)));
            for cell in cells(points, &grid) {
                let cell = StripCell::of(cell.judged, cell.failed, cell.unknown);
                screen.put(terminal::strip_style(cell), cell.sign());
            }
            screen.end();
        }
    }
    screen.plain(&" ".repeat(names + 4));
    screen.put(DIM, &axis(&grid, &phrases::time_zone(report)));
    screen.end();
    screen.end();
}

fn cells(points: &[&Point], grid: &TimelineGrid) -> Vec<TimelineCell> {
    let mut cells = vec![TimelineCell::default(); grid.cells];
    for point in points {
        if let Some(cell) = grid.cell(point.t).map(|at| &mut cells[at]) {
            cell.judged += point.n;
            cell.failed += point.failed;
            cell.unknown += point.unknown;
        }
    }
    cells
}

/// Labels of instants under their cells, as many as there is room for.
fn axis(grid: &TimelineGrid, zone: &TimeZone) -> String {
    let days = grid.seconds * i64::try_from(grid.cells).unwrap_or_default() > 2 * 86_400;
    let seconds = grid.seconds * i64::try_from(grid.cells).unwrap_or_default() < 600;
    let format = if days {
        "%m-%d"
    } else if seconds {
        "%H:%M:%S"
    } else {
        "%H:%M"
    };
    let mut axis = String::new();
    let mut cell = 0;
    while cell < grid.cells {
        let label = grid.begin_of(cell).to_zoned_datetime(zone.clone()).strftime(format).to_string();
        if cell + label.len() > grid.cells && cell > 0 {
            break;
        }
        axis.push_str(&" ".repeat(cell.saturating_sub(axis.len())));
        axis.push_str(&label);
        cell += 14;
    }
    axis
}
