//! Many probes: one line per surface, then the failures: in full if they are few, otherwise a line
//! each.

use std::collections::BTreeMap;

use crate::check_report::{ProbeSummary, SurfaceSummary};
use crate::format;
use crate::model::Verdict;
use crate::render::check::indexed_report::IndexedReport;
use crate::render::check::phrases::worst_first;
use crate::render::terminal::{BOLD, DIM, StyledText, WARN};
use crate::render::{evidence, terminal, text};

use super::columns::Columns;
use super::layout::{indented, title};
use super::{findings, summary};

/// The most failures that are shown in full. If there are more, this many have a line each.
pub(super) const FAILURES_SHOWN: usize = 10;

/// The most surfaces with a line each.
const SURFACES_SHOWN: usize = 8;

/// The most probes that are named because they have notes although they are up.
const NOTED_SHOWN: usize = 3;

/// Writes the surfaces, the notes on probes that are up, and the failures.
pub(super) fn write(pass: &IndexedReport<'_>, columns: &Columns, screen: &mut StyledText) {
    surfaces(pass, screen);
    noted(pass, screen);
    let failed = pass.probes.iter().filter(|probe| probe.verdict != Verdict::Up).count();
    if failed > FAILURES_SHOWN {
        listed(pass, screen);
    } else if failed > 0 {
        screen.end();
        whole(pass, columns, screen);
    }
    screen.end();
}

/// A line per surface, those with failures first if there are many.
fn surfaces(pass: &IndexedReport<'_>, screen: &mut StyledText) {
    let mut surfaces: Vec<&SurfaceSummary> = pass.surfaces.iter().collect();
    if surfaces.len() > SURFACES_SHOWN {
        surfaces.sort_by_key(|surface| surface.verdict == Verdict::Up);
    }
    let shown = surfaces.iter().take(SURFACES_SHOWN);
    let name = shown.clone().map(|surface| text::width(&title(surface))).max().unwrap_or_default().min(30);
    let counted = |surface: &&SurfaceSummary| counts(pass, surface);
    let count = shown.clone().map(|surface| text::width(&counted(surface))).max().unwrap_or_default();
    for surface in shown {
        screen.put(terminal::style(surface.verdict), terminal::mark(surface.verdict));
        screen.put(BOLD, &format!(" {}", text::left(&title(surface), name)));
        screen.plain(&format!("  {}", text::left(&counted(surface), count)));
        let room = screen.width().saturating_sub(2 + name + 2 + count);
        screen.put(DIM, &times_that_fit(surface, room));
        screen.end();
    }
    if surfaces.len() > SURFACES_SHOWN {
        let more = format::counted((surfaces.len() - SURFACES_SHOWN) as u64, "more surface");
        screen.put(DIM, &format!("  and {more}: -v"));
        screen.end();
    }
}

/// `  p50 88.0 ms  max 105 ms`, as many times as fit into the room.
fn times_that_fit(surface: &SurfaceSummary, room: usize) -> String {
    let mut times = summary::known_times(&surface.latency);
    let taken = |times: &[String]| times.iter().map(|time| 2 + text::width(time)).sum::<usize>();
    while taken(&times) > room {
        // The first and the last are the most informative.
        times.remove(times.len().saturating_sub(2));
    }
    times.iter().map(|time| format!("  {time}")).collect()
}

/// `25 of 30 probes up`
fn counts(pass: &IndexedReport<'_>, surface: &SurfaceSummary) -> String {
    let up = pass.probes_of(surface).iter().filter(|probe| probe.verdict == Verdict::Up).count() as u64;
    format!("{} of {} up", format::count(up), format::counted(surface.probes, "probe"))
}

/// The notes on probes that are up.
fn noted(pass: &IndexedReport<'_>, screen: &mut StyledText) {
    let is_noted = |probe: &&ProbeSummary| probe.verdict == Verdict::Up && findings::has_notes(pass, probe);
    let noted: Vec<&ProbeSummary> = pass.probes.iter().filter(is_noted).collect();
    if noted.is_empty() {
        return;
    }
    screen.end();
    for probe in noted.iter().take(NOTED_SHOWN) {
        screen.put(WARN, "!");
        screen.plain(&format!(" {}", probe.probe));
        screen.end();
        findings::notes(pass, probe, screen);
    }
    if let Some(more) = noted.len().checked_sub(NOTED_SHOWN).filter(|more| *more > 0) {
        let more = format::counted(more as u64, "more probe");
        screen.put(DIM, &format!("  {more} with notes: -v"));
        screen.end();
    }
}

/// Every probe that failed, with its evidence.
fn whole(pass: &IndexedReport<'_>, columns: &Columns, screen: &mut StyledText) {
    let mut is_first = true;
    for surface in pass.surfaces.iter().filter(|surface| surface.verdict != Verdict::Up) {
        columns.heading(&title(surface), is_first, screen);
        is_first = false;
        for probe in pass.probes_of(surface).iter().filter(|probe| probe.verdict != Verdict::Up) {
            columns.row(pass, probe, screen);
            findings::write(pass, probe, true, screen);
        }
    }
    if let Some(legend) = columns.legend(pass) {
        indented(DIM, &format!("  {legend}"), 2, screen);
    }
}

/// The number of failures of each kind, and a line for the first probes, alternating between kinds.
fn listed(pass: &IndexedReport<'_>, screen: &mut StyledText) {
    let kinds = kinds(pass);
    let failed: usize = kinds.iter().map(|(_, probes)| probes.len()).sum();
    let counts: Vec<String> =
        kinds.iter().map(|(kind, probes)| format!("{} × {kind}", format::count(probes.len() as u64))).collect();
    screen.end();
    let sentence = format!("{} not up: {}", format::counted(failed as u64, "probe"), counts.join(", "));
    indented(BOLD, &sentence, 2, screen);
    for probe in in_turns(&kinds).take(FAILURES_SHOWN) {
        let reason = pass.most_informative(&probe.probe).map(evidence::reason).unwrap_or_default();
        screen.put(terminal::style(probe.verdict), terminal::mark(probe.verdict));
        let line = format!("{} {}  {reason}", probe.surface, probe.probe);
        screen.plain(&format!(" {}", text::clip(&line, screen.width().saturating_sub(2))));
        screen.end();
    }
    let more = format::counted((failed - FAILURES_SHOWN) as u64, "more probe");
    indented(DIM, &format!("  {more} not up: -v shows all, --format json everything"), 2, screen);
}

/// The probes that were not up, by the name of their failure, the most frequent first.
fn kinds<'p>(pass: &'p IndexedReport<'_>) -> Vec<(String, Vec<&'p ProbeSummary>)> {
    let mut kinds: BTreeMap<String, Vec<&'p ProbeSummary>> = BTreeMap::new();
    for probe in worst_first(pass) {
        let outcome = pass.most_informative(&probe.probe);
        let kind = outcome.and_then(|outcome| Some(format::failures(outcome.class()?, outcome.code())));
        kinds
            .entry(kind.unwrap_or_else(|| terminal::word_of(probe.verdict, probe.state).to_lowercase()))
            .or_default()
            .push(probe);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, probes)| std::cmp::Reverse(probes.len()));
    kinds
}

/// The first probe of each kind, then the second of each.
fn in_turns<'p>(kinds: &[(String, Vec<&'p ProbeSummary>)]) -> impl Iterator<Item = &'p ProbeSummary> {
    let longest = kinds.iter().map(|(_, probes)| probes.len()).max().unwrap_or_default();
    (0..longest).flat_map(move |turn| kinds.iter().filter_map(move |(_, probes)| probes.get(turn).copied()))
}
