//! The tables of a report on a terminal.

use std::collections::BTreeMap;

use anstyle::Style;

use super::layout::{state_style, title};
use crate::format;
use crate::model::FailureClass;
use crate::render::phrases::{chance, class_with_codes, full_label, interval, label, main_failure, mark, word};
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::{terminal, text};
use crate::report::document::slo::{AvailabilitySlo, LatencySlo};
use crate::report::statistics::ratio;
use crate::report::{AddressRow, Report, State, SurfaceRow, SurfaceVantageRow};

/// A column: its heading, and whether it is right-aligned.
struct TableColumn {
    heading: &'static str,
    right: bool,
    /// The least width of a terminal that shows it.
    from: usize,
    /// Whether it is shown only with `--verbose`.
    detail: bool,
}

const SURFACES: [TableColumn; 11] = [
    TableColumn { heading: "surface", right: false, from: 0, detail: false },
    TableColumn { heading: "state", right: false, from: 0, detail: true },
    TableColumn { heading: "checks", right: true, from: 0, detail: false },
    TableColumn { heading: "failed", right: true, from: 0, detail: false },
    TableColumn { heading: "ratio", right: true, from: 0, detail: false },
    TableColumn { heading: "95% interval", right: true, from: 94, detail: true },
    TableColumn { heading: "share", right: true, from: 0, detail: false },
    TableColumn { heading: "p50", right: true, from: 114, detail: false },
    TableColumn { heading: "p95", right: true, from: 0, detail: false },
    TableColumn { heading: "usual p95", right: true, from: 106, detail: false },
    TableColumn { heading: "main failure", right: false, from: 72, detail: false },
];

/// One row per surface, and the results of comparisons.
pub(super) fn surfaces(report: &Report, screen: &mut StyledText) {
    let width = screen.width();
    title("in this range", screen);
    let rows: Vec<(State, Vec<String>)> = report.surfaces.iter().map(|row| (row.state, surface(row))).collect();
    let usual = report.surfaces.iter().any(|row| row.baseline.p95_us.is_some());
    let detail = screen.has_detail();
    let has_place = |at: &usize| {
        SURFACES[*at].from <= width
            && (detail || !SURFACES[*at].detail)
            && (SURFACES[*at].heading != "usual p95" || usual)
    };
    let shown: Vec<usize> = (0..SURFACES.len()).filter(has_place).collect();
    let mut widths: Vec<usize> = shown
        .iter()
        .map(|at| {
            let cells = rows.iter().map(|(_, cells)| text::width(&cells[*at]));
            cells.chain([SURFACES[*at].heading.len()]).max().unwrap_or(0).min(40)
        })
        .collect();
    // If the line is too long, the last column is shortened.
    let taken: usize = widths.iter().map(|width| width + 2).sum::<usize>() - 2;
    if let Some(last) = widths.last_mut() {
        *last = last.saturating_sub(taken.saturating_sub(width)).max(10);
    }
    let heading: Vec<String> = SURFACES.iter().map(|column| column.heading.to_owned()).collect();
    line(&heading, &shown, &widths, |_| DIM, screen);
    for (state, cells) in &rows {
        let style_of = |at: usize| match at {
            0 => BOLD,
            1 => state_style(*state),
            9 => DIM,
            _ => Style::new(),
        };
        line(cells, &shown, &widths, style_of, screen);
    }
    for comparison in report.comparisons.iter().filter(|one| one.significant || detail) {
        if !screen.has_detail() {
            screen.put(DIM, &format!("  {}", comparison.reading));
            screen.end();
            continue;
        }
        let p = chance(comparison.p);
        screen.put(DIM, &format!("  {} (Fisher's exact test, {p})", comparison.reading));
        screen.end();
    }
    screen.end();
}

fn line(
    cells: &[String],
    shown: &[usize],
    widths: &[usize],
    style_of: impl Fn(usize) -> Style,
    screen: &mut StyledText,
) {
    for (at, width) in shown.iter().zip(widths) {
        let cell = if SURFACES[*at].right { text::right(&cells[*at], *width) } else { text::left(&cells[*at], *width) };
        screen.plain(if *at == 0 { "" } else { "  " });
        screen.put(style_of(*at), &cell);
    }
    screen.end();
}

fn surface(row: &SurfaceRow) -> Vec<String> {
    let figures = &row.figures;
    let usual = row.baseline.p95_us.map(std::time::Duration::from_micros);
    vec![
        full_label(row),
        format!("{} {}", mark(row.state), word(row.state)),
        format::count(figures.checks),
        format::count(figures.down),
        format::ratio_cell(figures.failed_ratio),
        interval(figures.ci95),
        format::ratio_cell(row.share_of_failures),
        format::duration_cell(figures.latency_us.p50),
        format::duration_cell(figures.latency_us.p95),
        format::duration_cell(usual),
        main_failure(figures),
    ]
}

/// Each surface from each vantage. Only with `--verbose`, and if there are several vantages or one
/// is set aside.
pub(super) fn vantages(report: &Report, screen: &mut StyledText) {
    let is_one = report.vantages.len() < 2 && !report.vantages.iter().any(|row| row.set_aside);
    if is_one || !screen.has_detail() {
        return;
    }
    title("by vantage", screen);
    let names: Vec<&SurfaceRow> = report.surfaces.iter().filter(|row| !row.control).collect();
    let widest = report.vantages.iter().map(|row| text::width(row.vantage.as_str())).max().unwrap_or(0).clamp(8, 24);
    let cell = 30.min((screen.width().saturating_sub(widest + 2)) / names.len().max(1)).max(16);
    screen.plain(&" ".repeat(widest + 2));
    for row in &names {
        screen.put(DIM, &format!("  {}", text::left(row.label().as_str(), cell - 2)));
    }
    screen.end();
    for vantage in &report.vantages {
        screen.plain(&format!("  {}", text::left(vantage.vantage.as_str(), widest)));
        for row in &names {
            let is_here = |place: &&SurfaceVantageRow| {
                place.surface == row.surface && place.control == row.control && place.vantage == vantage.vantage
            };
            let place = report.places.iter().find(is_here);
            let content = place.map_or_else(
                || "-".to_owned(),
                |place| {
                    let figures = &place.figures;
                    format!(
                        "{} {} ({})",
                        mark(place.state),
                        format::ratio_cell(figures.failed_ratio),
                        interval(figures.ci95)
                    )
                },
            );
            let style = place.map_or(DIM, |place| state_style(place.state));
            screen.plain("  ");
            screen.put(style, &text::left(&content, cell - 2));
        }
        if vantage.set_aside {
            let why =
                if vantage.control == Some(State::Down) { "its control targets fail" } else { "it could not judge" };
            screen.put(terminal::WARN, &format!("  set aside: {why}"));
        }
        screen.end();
    }
    screen.end();
}

/// The addresses that checks connected to, each with its own total, for surfaces that have several
/// addresses and failures.
pub(super) fn addresses(report: &Report, screen: &mut StyledText) {
    /// The most addresses that are listed.
    const LISTED: usize = 8;
    let several = |row: &&AddressRow| report.addresses.iter().filter(|other| other.surface == row.surface).count() > 1;
    let is_failing =
        |row: &&AddressRow| report.addresses.iter().any(|other| other.surface == row.surface && other.failed > 0);
    let is_control =
        |row: &&AddressRow| report.surfaces.iter().all(|known| known.control || known.surface != row.surface);
    let rows: Vec<&AddressRow> =
        report.addresses.iter().filter(several).filter(is_failing).filter(|row| !is_control(row)).collect();
    if rows.is_empty() {
        return;
    }
    title("by address", screen);
    let widest = rows.iter().map(|row| text::width(row.address.as_str())).max().unwrap_or_default();
    for row in rows.iter().take(LISTED) {
        let failed = format::count(row.failed);
        let share = match row.checks {
            Some(checks) => format!(
                "{failed} of {} failed, {}",
                format::counted(checks, "check"),
                format::ratio_cell(ratio(row.failed, checks))
            ),
            None => format!("{failed} of the failures whose evidence was kept"),
        };
        let surface = label(report, &row.surface);
        screen.plain(&format!("  {}  IPv{}  {surface}: {share}", text::left(row.address.as_str(), widest), row.family));
        screen.end();
    }
    if rows.len() > LISTED {
        screen.put(DIM, &format!("  and {} more: --format json", rows.len() - LISTED));
        screen.end();
    }
    screen.end();
}

/// A row of the failures.
pub(super) struct ClassLine {
    pub(super) name: String,
    pub(super) n: u64,
    pub(super) example: String,
    pub(super) curl: Option<String>,
}

/// The failures of all surfaces by class, in the order of the phases.
pub(super) fn classes(report: &Report) -> Vec<ClassLine> {
    let mut lines: BTreeMap<FailureClass, ClassLine> = BTreeMap::new();
    let mut codes: BTreeMap<FailureClass, BTreeMap<u16, u64>> = BTreeMap::new();
    for (class, row) in report.surfaces.iter().flat_map(|surface| &surface.figures.classes) {
        for (code, n) in &row.statuses {
            *codes.entry(*class).or_default().entry(*code).or_default() += n;
        }
        let line = lines.entry(*class).or_insert_with(|| ClassLine {
            name: String::new(),
            n: 0,
            example: String::new(),
            curl: None,
        });
        line.n += row.n;
        if let Some(example) = row.example.as_ref().filter(|_| line.example.is_empty()) {
            line.example = format!("{} from {}: {}", example.probe, example.vantage, example.message);
            line.curl = example.curl.as_ref().map(ToString::to_string);
        }
    }
    let named = |(class, line): (FailureClass, ClassLine)| {
        let codes: Vec<(u16, u64)> = codes.get(&class).into_iter().flatten().map(|(code, n)| (*code, *n)).collect();
        ClassLine { name: class_with_codes(class, &codes), ..line }
    };
    lines.into_iter().map(named).collect()
}

/// The objectives: the surface, the objective and its result, and whether it is missed.
pub(super) fn objectives(report: &Report) -> Vec<(String, String, bool)> {
    let mut lines = Vec::new();
    for row in &report.surfaces {
        let Some(slo) = &row.slo else { continue };
        if let Some(availability) = &slo.availability {
            let firing = availability.burn.iter().any(|burn| burn.firing);
            lines.push((row.label().to_string(), promised(availability), firing || availability.budget_used > 1.0));
        }
        if let Some(latency) = &slo.latency {
            lines.push((row.label().to_string(), promised_latency(latency), latency.missed));
        }
    }
    lines
}

/// `99.9% over 30 d: error budget used 410%, by the 12% of it that was seen; burning 31× over 1 h:
/// page`
fn promised(slo: &AvailabilitySlo) -> String {
    let over = format::duration(std::time::Duration::from_secs(slo.over_s));
    let seen = if slo.span_seen < 0.995 {
        format!(", by the {} of it that was seen", format::ratio(slo.span_seen))
    } else {
        String::new()
    };
    let mut parts = vec![format!(
        "{} over {over}: error budget used {}{seen}",
        format::ratio(slo.objective),
        format::budget(slo.budget_used)
    )];
    for burn in slo.burn.iter().filter(|burn| burn.firing) {
        let window = format::duration(std::time::Duration::from_secs(burn.long_s));
        parts.push(format!("burning {:.0}× over {window}: {}", burn.long_burn.unwrap_or_default(), burn.severity));
    }
    let unjudged: Vec<String> = slo
        .burn
        .iter()
        .filter_map(|burn| {
            let window = format::duration(std::time::Duration::from_secs(burn.long_s));
            Some(format!("{window} ({})", burn.why_unjudged()?))
        })
        .collect();
    if !unjudged.is_empty() {
        parts.push(format!("burn not judged over {}", unjudged.join(", ")));
    }
    if !slo.provable {
        parts.push(format!("{} checks would be needed to show it", format::count(slo.checks_needed)));
    }
    parts.join("; ")
}

fn promised_latency(slo: &LatencySlo) -> String {
    let under = format::duration(std::time::Duration::from_micros(slo.under_us));
    let found = slo.ratio.map_or_else(
        || "nothing measured".to_owned(),
        |ratio| {
            format!(
                "{} of {} were ({})",
                format::ratio(ratio),
                format::counted(slo.checks, "check"),
                interval(slo.ci95)
            )
        },
    );
    format!("{} under {under}: {found}{}", format::ratio(slo.objective), if slo.missed { ", missed" } else { "" })
}
