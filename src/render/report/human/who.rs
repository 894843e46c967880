//! For whom, since when and with what trend: the share of failures now beside the share in the
//! range.

use std::collections::HashMap;

use anstyle::Style;

use super::layout::{labelled, state_style};
use crate::format::{self, InstantFormat};
use crate::model::{Bracket, SafeText};
use crate::render::grouped::grouped;
use crate::render::phrases::{full_label, label, mark, word};
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::text;
use crate::report::{
    Change, ChangeKind, Figures, ProbeRow, Recent, Report, State, SurfaceRow, SurfaceVantageRow, Trend,
};

/// The most rows listed per surface, of vantages and of probes each, and the most changes that are
/// named.
const LISTED: usize = 8;
const NAMED: usize = 3;

/// The columns of a state, and the fewest columns of a name.
const STATE: usize = 10;
const NAME: usize = 12;

/// One row: its name, its share of failures now, and in the range.
struct WhoRow {
    name: String,
    state: State,
    is_surface: bool,
    now: String,
    range: String,
    trend: String,
    since: String,
    /// The same, without the day if it is the last one of the range.
    since_of_day: String,
}

/// The vantages and the probes of each surface, those of control targets apart.
struct SurfaceParts<'r> {
    places: HashMap<(&'r SafeText, bool), Vec<&'r SurfaceVantageRow>>,
    probes: HashMap<(&'r SafeText, bool), Vec<&'r ProbeRow>>,
}

pub(super) fn write(report: &Report, clock: &InstantFormat, screen: &mut StyledText) {
    let mut rows = Vec::new();
    let mut left_out = 0;
    let by_surface = SurfaceParts {
        places: grouped(report.places.iter().map(|place| ((&place.surface, place.control), place))),
        probes: grouped(report.probes.iter().map(|probe| ((&probe.surface, probe.control), probe))),
    };
    for surface in &report.surfaces {
        rows.push(row(full_label(surface), surface.state, (&surface.recent, &surface.figures), true, report, clock));
        left_out += parts(report, &by_surface, surface, clock, &mut rows);
    }
    if rows.is_empty() {
        return;
    }
    table(&rows, screen);
    if left_out > 0 {
        screen.put(DIM, &format!("  and {left_out} more rows: -v, or --format json"));
        screen.end();
    }
    changes(report, clock, screen);
    screen.end();
}

/// Adds the vantages and the probes of a surface, if not all of them are up. Returns how many are
/// left out.
fn parts(
    report: &Report,
    by_surface: &SurfaceParts<'_>,
    surface: &SurfaceRow,
    clock: &InstantFormat,
    rows: &mut Vec<WhoRow>,
) -> usize {
    let is_well = |state: State, recent: &Recent| state == State::Up && recent.failed == 0;
    let key = (&surface.surface, surface.control);
    let places = by_surface.places.get(&key).map(Vec::as_slice).unwrap_or_default();
    let all_well = places.iter().all(|place| is_well(place.state, &place.recent));
    if all_well && is_well(surface.state, &surface.recent) {
        return 0;
    }
    let mut left_out = 0;
    if places.len() > 1 {
        left_out += places.len().saturating_sub(LISTED);
        for place in places.iter().take(LISTED) {
            let aside = report.vantages.iter().any(|row| row.vantage == place.vantage && row.set_aside);
            let aside = if aside { " (set aside)" } else { "" };
            let name = format!("  from {}{aside}", place.vantage);
            rows.push(row(name, place.state, (&place.recent, &place.figures), false, report, clock));
        }
    }
    let probes = by_surface.probes.get(&key).map(Vec::as_slice).unwrap_or_default();
    if probes.len() > 1 {
        let mut failing: Vec<_> = probes.iter().filter(|probe| !is_well(probe.state, &probe.recent)).collect();
        let share = |recent: &Recent| recent.failed_ratio.unwrap_or_default();
        failing.sort_by(|a, b| share(&b.recent).total_cmp(&share(&a.recent)));
        left_out += failing.len().saturating_sub(LISTED);
        for probe in failing.iter().take(LISTED) {
            let name = format!("  {}", probe.probe);
            rows.push(row(name, probe.state, (&probe.recent, &probe.figures), false, report, clock));
        }
        let well = probes.len() - failing.len();
        if well > 0 && !failing.is_empty() {
            rows.push(WhoRow {
                name: format!("  {} well", format::counted(well as u64, "other probe")),
                state: State::Up,
                is_surface: false,
                now: String::new(),
                range: String::new(),
                trend: String::new(),
                since: String::new(),
                since_of_day: String::new(),
            });
        }
    }
    left_out
}

fn row(
    name: String,
    state: State,
    (recent, figures): (&Recent, &Figures),
    is_surface: bool,
    report: &Report,
    clock: &InstantFormat,
) -> WhoRow {
    let of_recent =
        recent.failed_ratio.map(|ratio| format!("{} of {}", format::ratio(ratio), format::count(recent.judged)));
    let ago = recent.last_failure.map(|at| {
        let ms = report.window.to.as_millisecond() - at.as_millisecond();
        format!("last failed {} ago", format::lasting(ms))
    });
    let trend = match recent.trend {
        Trend::None => String::new(),
        _ if state == State::Up => ago.unwrap_or_default(),
        trend => trend.name().to_owned(),
    };
    let since = if state == State::Unknown { recent.unknown_since } else { recent.failing_since };
    let written = |clock: &InstantFormat| {
        let earlier = |bracket: Bracket| if bracket.after.is_none() { " or earlier" } else { "" };
        since.map(|since| format!("{}{}", clock.short(since.by), earlier(since))).unwrap_or_default()
    };
    WhoRow {
        name,
        state,
        is_surface,
        now: of_recent.unwrap_or_else(|| "-".to_owned()),
        range: figures.failed_ratio.map_or_else(
            || "-".to_owned(),
            |ratio| format!("{} of {}", format::ratio(ratio), format::count(figures.up + figures.down)),
        ),
        trend,
        since: written(clock),
        since_of_day: written(&clock.after(report.window.to)),
    }
}

/// A column beside the name: its heading, how to get its text, its width, and whether it is
/// right-aligned.
struct WhoColumn {
    heading: &'static str,
    of: fn(&WhoRow) -> &str,
    width: usize,
    right: bool,
}

/// The columns that there is room for, in order. An on-call person needs the share now and since
/// when, so these always stay. The trend is dropped first, then the share in the range, which the
/// next table has too.
fn columns(rows: &[WhoRow], width: usize) -> Vec<WhoColumn> {
    let column = |heading: &'static str, right: bool, of: fn(&WhoRow) -> &str| {
        let widest = rows.iter().map(|row| text::width(of(row))).max().unwrap_or_default();
        WhoColumn { heading, of, width: if widest > 0 { widest.max(heading.len()) } else { 0 }, right }
    };
    let mut columns = vec![
        column("failing now", true, |row| &row.now),
        column("in this range", true, |row| &row.range),
        column("trend", false, |row| &row.trend),
        column("since", false, |row| &row.since),
    ];
    columns.retain(|column| column.width > 0);
    let names = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or_default().max(NAME);
    for (dropped, name) in [("trend", names), ("in this range", NAME)] {
        if name + taken(&columns) > width {
            columns.retain(|column| column.heading != dropped);
        }
    }
    if NAME + taken(&columns) > width
        && let Some(since) = columns.last_mut().filter(|last| last.heading == "since")
    {
        *since = column("since", false, |row| &row.since_of_day);
    }
    let over = (NAME + taken(&columns)).saturating_sub(width);
    columns
        .last_mut()
        .into_iter()
        .for_each(|last| last.width = last.width.saturating_sub(over).max(last.heading.len()));
    columns
}

/// The width of a line behind the name.
fn taken(columns: &[WhoColumn]) -> usize {
    2 + STATE + columns.iter().map(|column| column.width + 2).sum::<usize>()
}

fn table(rows: &[WhoRow], screen: &mut StyledText) {
    let columns = columns(rows, screen.width());
    let widest = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or_default();
    let name = widest.min(screen.width().saturating_sub(taken(&columns))).max(NAME);
    let cell = |column: &WhoColumn, content: &str| {
        if column.right { text::right(content, column.width) } else { text::left(content, column.width) }
    };
    screen.plain(&" ".repeat(name + 2));
    screen.put(DIM, &text::left("now", STATE));
    for column in &columns {
        screen.put(DIM, &format!("  {}", cell(column, column.heading)));
    }
    screen.end();
    for row in rows {
        let word = if row.now.is_empty() { String::new() } else { format!("{} {}", mark(row.state), word(row.state)) };
        screen.put(if row.is_surface { BOLD } else { Style::new() }, &text::left(&row.name, name));
        screen.plain("  ");
        screen.put(state_style(row.state), &text::left(&word, STATE));
        for column in &columns {
            let style = if column.heading == "failing now" { state_style(row.state) } else { Style::new() };
            screen.plain("  ");
            screen.put(style, &cell(column, (column.of)(row)));
        }
        screen.end();
    }
}

/// What started and what ended in the last 15 minutes, by surface and probe. Nothing for a short
/// range.
fn changes(report: &Report, clock: &InstantFormat, screen: &mut StyledText) {
    /// In a range shorter than this, in seconds, everything is recent.
    const LATELY: i64 = 30 * 60;
    if report.window.to.as_second() - report.window.from.as_second() < LATELY {
        return;
    }
    for (kind, verb) in [(ChangeKind::Began, "began"), (ChangeKind::Ended, "ended")] {
        let mut groups: Vec<(&Change, Vec<&str>)> = Vec::new();
        for change in report.changes.iter().filter(|change| change.change == kind) {
            match groups.iter_mut().find(|(first, _)| first.probe == change.probe && first.surface == change.surface) {
                Some((_, vantages)) if vantages.contains(&change.vantage.as_str()) => {}
                Some((_, vantages)) => vantages.push(change.vantage.as_str()),
                None => groups.push((change, vec![change.vantage.as_str()])),
            }
        }
        let named = groups.iter().take(NAMED).map(|(first, vantages)| {
            let from = if report.vantages.len() > 1 { format!(" from {}", vantages.join(", ")) } else { String::new() };
            format!("{} {}{from} {}", label(report, &first.surface), first.probe, clock.short(first.at.by))
        });
        let mut content = named.collect::<Vec<_>>().join("; ");
        if groups.len() > NAMED {
            content.push_str(&format!("; and {} more probes", groups.len() - NAMED));
        }
        if !groups.is_empty() {
            labelled(DIM, "last 15 min", &format!("{verb}: {content}"), screen);
        }
    }
}
