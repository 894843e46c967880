//! For whom, since when, and where it is going: how it is now beside the share in the range.

use anstyle::Style;

use super::layout::{labelled, state_style};
use crate::format::{self, InstantFormat};
use crate::render::report::phrases::{full_label, label, mark, word};
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::text;
use crate::report::{Change, ChangeKind, Figures, Recent, Report, State, SurfaceRow, Trend};

/// The rows of one surface that are listed, of vantages and of probes each, and the changes that are named.
const LISTED: usize = 8;
const NAMED: usize = 3;

/// The columns from which on the trend and the since have room.
const TREND_FROM: usize = 66;
const SINCE_FROM: usize = 78;

/// One row: its name, how it is now, and in the range.
struct WhoRow {
    name: String,
    state: State,
    is_surface: bool,
    now: String,
    range: String,
    trend: String,
    since: String,
}

pub(super) fn write(report: &Report, clock: &InstantFormat, screen: &mut StyledText) {
    let mut rows = Vec::new();
    let mut left_out = 0;
    for surface in &report.surfaces {
        rows.push(row(full_label(surface), surface.state, (&surface.recent, &surface.figures), true, report, clock));
        left_out += parts(report, surface, clock, &mut rows);
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

/// The vantages and the probes of a surface, where not all of them are well; the number that is left out.
fn parts(report: &Report, surface: &SurfaceRow, clock: &InstantFormat, rows: &mut Vec<WhoRow>) -> usize {
    let is_well = |state: State, recent: &Recent| state == State::Up && recent.failed == 0;
    let places: Vec<_> = report
        .places
        .iter()
        .filter(|place| place.surface == surface.surface && place.control == surface.control)
        .collect();
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
    let of_surface =
        |probe: &&crate::report::ProbeRow| probe.surface == surface.surface && probe.control == surface.control;
    let probes: Vec<_> = report.probes.iter().filter(of_surface).collect();
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
        format!("last failed {} ago", format::milliseconds(ms - ms % 1_000))
    });
    let trend = match recent.trend {
        Trend::None => String::new(),
        _ if state == State::Up => ago.unwrap_or_default(),
        trend => trend.name().to_owned(),
    };
    let since = recent.failing_since.filter(|_| state != State::Unknown);
    let since = since.map(|since| {
        let earlier = if since.after.is_none() { " or earlier" } else { "" };
        format!("{}{earlier}", clock.short(since.by))
    });
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
        since: since.unwrap_or_default(),
    }
}

fn table(rows: &[WhoRow], screen: &mut StyledText) {
    let width = screen.width();
    let widest = |of: fn(&WhoRow) -> &str, heading: &str| {
        rows.iter().map(|row| text::width(of(row))).chain([heading.len()]).max().unwrap_or_default()
    };
    let (now, range) = (widest(|row| &row.now, "failing now"), widest(|row| &row.range, "in this range"));
    let trend = if width >= TREND_FROM { widest(|row| &row.trend, "trend") } else { 0 };
    let since = if width >= SINCE_FROM { widest(|row| &row.since, "since") } else { 0 };
    let state = 10;
    let taken =
        state + now + range + trend + since + 2 * 3 + if trend > 0 { 2 } else { 0 } + if since > 0 { 2 } else { 0 };
    let name = widest(|row| &row.name, "").min(width.saturating_sub(taken)).max(12);
    let line = |cells: [&str; 6], styles: [Style; 3], screen: &mut StyledText| {
        screen.put(styles[0], &text::left(cells[0], name));
        screen.plain("  ");
        screen.put(styles[1], &text::left(cells[1], state));
        screen.plain("  ");
        screen.put(styles[1], &text::right(cells[2], now));
        screen.plain("  ");
        screen.put(styles[2], &text::right(cells[3], range));
        for (cell, columns) in [(cells[4], trend), (cells[5], since)] {
            if columns > 0 {
                screen.plain("  ");
                screen.put(styles[2], &text::left(cell, columns));
            }
        }
        screen.end();
    };
    line(["", "now", "failing now", "in this range", "trend", "since"], [DIM, DIM, DIM], screen);
    for row in rows {
        let word = if row.now.is_empty() { String::new() } else { format!("{} {}", mark(row.state), word(row.state)) };
        let name = if row.is_surface { BOLD } else { Style::new() };
        let cells = [row.name.as_str(), &word, &row.now, &row.range, &row.trend, &row.since];
        line(cells, [name, state_style(row.state), Style::new()], screen);
    }
}

/// What began and what ended in the last 15 minutes, by surface and probe. In a shorter range nothing is older.
fn changes(report: &Report, clock: &InstantFormat, screen: &mut StyledText) {
    /// In a range shorter than this, in seconds, all is of late.
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
