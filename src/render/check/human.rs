//! A pass for people on a terminal: one line a probe, failures with their evidence, and a
//! summary that says what was found and what it proves.

mod columns;
mod findings;

use std::io;
use std::io::Write;

use super::phrases::{belongs, counts_phrase, insecure_sentence, judgement_sentences, proof_sentence, surface_phrase};
use crate::check_report::{CheckReport, SurfaceSummary};
use crate::format;
use crate::model::Verdict;
use crate::render::terminal::{BAD, BOLD, DIM, StyledText, TerminalStyle};
use crate::render::{terminal, text};
use crate::report::LatencySummary;
use columns::Columns;

/// The probes whose evidence is shown; the others have their reason alone.
const EVIDENCE_SHOWN: usize = 20;

pub(super) fn write(pass: &CheckReport, style: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut screen = StyledText::new(style);
    let columns = Columns::of(pass, screen.width());
    let mut shown = 0;
    for (at, surface) in pass.surfaces.iter().enumerate() {
        columns.heading(&title(surface), at == 0, &mut screen);
        for probe in pass.probes.iter().filter(|probe| belongs(probe, surface)) {
            columns.row(pass, probe, &mut screen);
            shown += usize::from(probe.verdict != Verdict::Up);
            let with_evidence = shown <= EVIDENCE_SHOWN || screen.has_detail();
            findings::write(pass, probe, with_evidence, &mut screen);
        }
        screen.end();
    }
    if shown > EVIDENCE_SHOWN && !screen.has_detail() {
        let more = format::count((shown - EVIDENCE_SHOWN) as u64);
        screen.put(DIM, &format!("  evidence of {more} more failed probes: -v, or --format json"));
        screen.end();
    }
    summary(pass, &mut screen);
    out.write_all(screen.finish().as_bytes())
}

fn title(surface: &SurfaceSummary) -> String {
    if surface.control { "control".to_owned() } else { surface.surface.clone() }
}

fn summary(pass: &CheckReport, screen: &mut StyledText) {
    let style = terminal::style(pass.verdict);
    screen.put(style.bold(), &format!("{} {}", terminal::mark(pass.verdict), terminal::word(pass.verdict)));
    let phrases: Vec<String> = pass
        .surfaces
        .iter()
        .map(|surface| format!("{} {}", title(surface), surface_phrase(pass, surface, str::to_owned)))
        .collect();
    indented(BOLD, &format!("  {}", phrases.join(" · ")), terminal::word(pass.verdict).len() + 4, screen);
    let took = format::duration(pass.elapsed);
    indented(DIM, &format!("  {} · from {} · in {took}", counts_phrase(pass), pass.vantage), 2, screen);
    for surface in pass.surfaces.iter().filter(|surface| !surface.control && surface.counts.up > 0) {
        let line = format!("  {} latency: {}", title(surface), percentiles(&surface.latency));
        indented(DIM, &line, 2, screen);
    }
    indented(DIM, &format!("  {}", proof_sentence(&pass.proof)), 2, screen);
    if pass.maintenance.scheduled() > 0 {
        let n = format::counted(pass.maintenance.scheduled(), "check");
        indented(DIM, &format!("  {n} within maintenance: not judged"), 2, screen);
    }
    if pass.outcomes_left_out > 0 {
        let left_out = format::count(pass.outcomes_left_out);
        indented(DIM, &format!("  {left_out} outcomes are counted but not kept individually"), 2, screen);
    }
    let style = if pass.fails() { BAD } else { DIM };
    for sentence in judgement_sentences(pass) {
        indented(style, &format!("  {sentence}"), 2, screen);
    }
    if let Some(sentence) = insecure_sentence(pass) {
        indented(BAD, &format!("  {sentence}"), 2, screen);
    }
}

/// `p50 88.0 ms  p95 -  p99 -  max 105 ms of 4 up checks`.
fn percentiles(latency: &LatencySummary) -> String {
    let show = |time: Option<std::time::Duration>| time.map_or_else(|| "-".to_owned(), format::duration);
    format!(
        "p50 {}  p95 {}  p99 {}  max {}  of {}",
        show(latency.p50),
        show(latency.p95),
        show(latency.p99),
        show(latency.max),
        format::counted(latency.count, "up check")
    )
}

/// A text that starts where the line stands, its further lines indented.
fn indented(style: anstyle::Style, content: &str, indent: usize, screen: &mut StyledText) {
    let lead = content.len() - content.trim_start().len();
    let body = content.trim_start();
    let room = screen.width().saturating_sub(indent.max(lead));
    for (at, line) in text::wrap(body, room).iter().enumerate() {
        let blanks = if at == 0 { lead } else { indent };
        screen.plain(&" ".repeat(blanks));
        screen.put(style, line);
        screen.end();
    }
}
