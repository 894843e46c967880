//! A pass for people on a terminal: one line a probe, failures with their evidence, and a
//! summary that says what was found and what it proves.

mod columns;

use std::io;
use std::io::Write;

use super::{classes, counts_phrase, insecure_sentence, judgement_sentences, proof_sentence, surface_phrase};
use crate::format;
use crate::model::{Outcome, Verdict};
use crate::render::evidence::Fact;
use crate::render::paint::{BAD, BOLD, Canvas, DIM, Look, ODD};
use crate::render::{evidence, paint, text};
use crate::report::pass::{LatencySummary, Pass, ProbeSummary, SurfaceSummary};
use columns::Columns;

/// The probes whose evidence is shown; the others have their reason alone.
const EVIDENCE_SHOWN: usize = 20;

/// The lines that one piece of evidence may take.
const LINES_OF_A_FACT: usize = 6;

/// The columns of a label of evidence.
const LABEL: usize = 12;

pub(in crate::render) fn write(pass: &Pass, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut canvas = Canvas::new(look);
    let columns = Columns::of(pass, canvas.width());
    let mut shown = 0;
    for (at, surface) in pass.surfaces.iter().enumerate() {
        columns.heading(&title(surface), at == 0, &mut canvas);
        for probe in pass.probes.iter().filter(|probe| belongs(probe, surface)) {
            columns.row(pass, probe, &mut canvas);
            shown += usize::from(probe.verdict != Verdict::Up);
            findings(pass, probe, shown <= EVIDENCE_SHOWN, &mut canvas);
        }
        canvas.end();
    }
    if shown > EVIDENCE_SHOWN {
        let more = format::count((shown - EVIDENCE_SHOWN) as u64);
        canvas.put(DIM, &format!("  evidence of {more} more failed probes: --format json"));
        canvas.end();
    }
    summary(pass, &mut canvas);
    out.write_all(canvas.finish().as_bytes())
}

pub(super) fn belongs(probe: &ProbeSummary, surface: &SurfaceSummary) -> bool {
    probe.surface == surface.surface && probe.control == surface.control
}

fn title(surface: &SurfaceSummary) -> String {
    if surface.control { "control".to_owned() } else { surface.surface.clone() }
}

/// Below a probe's line: why it was not up, and what else must be known of it.
fn findings(pass: &Pass, probe: &ProbeSummary, with_evidence: bool, canvas: &mut Canvas) {
    if probe.insecure {
        note(ODD, "INSECURE", "tls.insecure is set: any certificate is accepted", canvas);
    }
    if probe.flaky > 0 {
        let times = format::counted(probe.flaky, "check");
        note(ODD, "FLAKY", &format!("{times} failed at first and passed on a later attempt"), canvas);
    }
    if probe.counts.missed > 0 {
        let content = format!("{} due and not run", format::counted(probe.counts.missed, "check"));
        note(ODD, paint::word(Verdict::Missed), &content, canvas);
    }
    let Some(outcome) = pass.telling(&probe.probe).filter(|outcome| outcome.failure.is_some()) else { return };
    let style = paint::style(outcome.verdict);
    if probe.counts.scheduled() > 1 {
        note(style, paint::word(probe.verdict), &classes(probe), canvas);
        let when = format::date_time(outcome.started_at);
        note(DIM, "last", &format!("{when} {}", evidence::reason(outcome)), canvas);
    } else {
        note(style, paint::word(outcome.verdict), &evidence::reason(outcome), canvas);
    }
    if with_evidence {
        evidence_of(outcome, canvas);
    }
}

fn evidence_of(outcome: &Outcome, canvas: &mut Canvas) {
    for fact in evidence::facts(outcome) {
        let Fact { label, text } = fact;
        if label == "repeat" {
            // Not wrapped: this line is there to be copied.
            canvas.put(DIM, &format!("    {}", text::left(label, LABEL)));
            canvas.plain(&text);
            canvas.end();
        } else {
            note(DIM, label, &text, canvas);
        }
    }
}

/// A labelled text with a hanging indent.
fn note(style: anstyle::Style, label: &str, content: &str, canvas: &mut Canvas) {
    let room = canvas.width().saturating_sub(4 + LABEL);
    let mut lines = text::wrap(content, room);
    if lines.len() > LINES_OF_A_FACT {
        lines.truncate(LINES_OF_A_FACT);
        lines.push("…".to_owned());
    }
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        canvas.plain("    ");
        canvas.put(style, &text::left(label, LABEL));
        canvas.plain(line);
        canvas.end();
    }
}

fn summary(pass: &Pass, canvas: &mut Canvas) {
    let style = paint::style(pass.verdict);
    canvas.put(style.bold(), &format!("{} {}", paint::mark(pass.verdict), paint::word(pass.verdict)));
    let phrases: Vec<String> = pass
        .surfaces
        .iter()
        .map(|surface| format!("{} {}", title(surface), surface_phrase(pass, surface, str::to_owned)))
        .collect();
    indented(BOLD, &format!("  {}", phrases.join(" · ")), paint::word(pass.verdict).len() + 4, canvas);
    let took = format::duration(pass.elapsed);
    indented(DIM, &format!("  {} · from {} · in {took}", counts_phrase(pass), pass.vantage), 2, canvas);
    for surface in pass.surfaces.iter().filter(|surface| !surface.control && surface.counts.up > 0) {
        let line = format!("  {} latency: {}", title(surface), percentiles(&surface.latency));
        indented(DIM, &line, 2, canvas);
    }
    indented(DIM, &format!("  {}", proof_sentence(&pass.proof)), 2, canvas);
    if pass.maintenance.scheduled() > 0 {
        let n = format::counted(pass.maintenance.scheduled(), "check");
        indented(DIM, &format!("  {n} fell into maintenance and have no say in the verdict"), 2, canvas);
    }
    if pass.outcomes_left_out > 0 {
        let left_out = format::count(pass.outcomes_left_out);
        indented(DIM, &format!("  {left_out} outcomes are counted and not kept one by one"), 2, canvas);
    }
    let style = if pass.fails() { BAD } else { DIM };
    for sentence in judgement_sentences(pass) {
        indented(style, &format!("  {sentence}"), 2, canvas);
    }
    if let Some(sentence) = insecure_sentence(pass) {
        indented(BAD, &format!("  {sentence}"), 2, canvas);
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
fn indented(style: anstyle::Style, content: &str, indent: usize, canvas: &mut Canvas) {
    let lead = content.len() - content.trim_start().len();
    let body = content.trim_start();
    let room = canvas.width().saturating_sub(indent.max(lead));
    for (at, line) in text::wrap(body, room).iter().enumerate() {
        let blanks = if at == 0 { lead } else { indent };
        canvas.plain(&" ".repeat(blanks));
        canvas.put(style, line);
        canvas.end();
    }
}
