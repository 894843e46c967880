//! The answer for people on a terminal, in the order of the questions: was it down, for whom, since
//! when, what kind, how sure; then how bad against usual, and what we did not see.

mod tables;
mod timeline;

use std::io;
use std::io::Write;

use anstyle::Style;

use super::{
    class_name, incidents_phrase, insecure_sentence, instants, kind, label, labels, length, list, mark, minutes, plain,
    span,
};
use crate::format::{self, InstantFormat};
use crate::render::paint::{BAD, BOLD, Canvas, DIM, GOOD, Look, ODD};
use crate::render::{paint, text};
use crate::report::{Incident, Reading, Report, State};

/// The columns of a label.
const LABEL: usize = 12;

/// The waves of an incident that are listed, and the incidents.
const WAVES: usize = 8;
const INCIDENTS: usize = 10;

pub(in crate::render) fn write(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut canvas = Canvas::new(look);
    answer(report, &mut canvas);
    tables::surfaces(report, &mut canvas);
    tables::vantages(report, &mut canvas);
    timeline::write(report, &mut canvas);
    failures(report, &mut canvas);
    incidents(report, &mut canvas);
    objectives(report, &mut canvas);
    not_seen(report, &mut canvas);
    out.write_all(canvas.finish().as_bytes())
}

/// The sentence alone, for cron mail and chat.
pub(in crate::render) fn brief(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut canvas = Canvas::new(look);
    canvas.put(style(report.verdict.state), &report.verdict.sentence);
    if let Some(sentence) = insecure_sentence(report) {
        canvas.put(ODD, &format!(" {sentence}."));
    }
    canvas.end();
    out.write_all(canvas.finish().as_bytes())
}

/// The style of a state.
fn style(state: State) -> Style {
    match state {
        State::Up => GOOD,
        State::Degraded | State::Flapping | State::Unknown => ODD,
        State::Down => BAD,
    }
}

fn answer(report: &Report, canvas: &mut Canvas) {
    let verdict = &report.verdict;
    let lines = text::wrap(&verdict.sentence, canvas.width().saturating_sub(2));
    for (at, line) in lines.iter().enumerate() {
        let lead = if at == 0 { mark(verdict.state) } else { " " };
        canvas.put(style(verdict.state), lead);
        canvas.plain(" ");
        canvas.put(BOLD, line);
        canvas.end();
    }
    canvas.end();
    let vantages: Vec<String> = report.vantages.iter().map(|row| row.vantage.to_string()).collect();
    let from = if vantages.is_empty() { String::new() } else { format!(": {}", vantages.join(", ")) };
    let from = format!("{}{from}", format::counted(vantages.len() as u64, "vantage"));
    labelled(DIM, "window", &format!("{} · {from} · {}", span(report), incidents_phrase(report)), canvas);
    let reasons = verdict.reasons.join(" · ");
    labelled(DIM, "confidence", &format!("{} · {reasons}", verdict.confidence), canvas);
    if let Some(dominant) = &verdict.kind {
        labelled(DIM, "kind", &kind(dominant), canvas);
    }
    if report.incidents.is_empty() {
        reading(&verdict.signature, "", canvas);
    }
    if let Some(sentence) = insecure_sentence(report) {
        labelled(ODD, "INSECURE", &sentence, canvas);
    }
    canvas.end();
}

/// What the evidence reads as, under names with an indent.
fn reading(reading: &Reading, indent: &str, canvas: &mut Canvas) {
    let mut line = |name: &str, content: &str| labelled(DIM, &format!("{indent}{name}"), content, canvas);
    if !reading.consistent_with.is_empty() {
        let rows: Vec<&str> = reading.matched.iter().map(|row| row.id).collect();
        line("reads as", &format!("{} ({})", plain(&reading.consistent_with), rows.join(", ")));
    }
    if !reading.not_consistent_with.is_empty() {
        line("not", &plain(&reading.not_consistent_with));
    }
    if !reading.cannot_distinguish.is_empty() {
        line("cannot say", &plain(&reading.cannot_distinguish));
    }
    for check in &reading.extra_checks {
        line("extra", check);
    }
}

/// A text with its name before it and a hanging indent.
fn labelled(style: Style, name: &str, content: &str, canvas: &mut Canvas) {
    let room = canvas.width().saturating_sub(LABEL + 3);
    for (at, line) in text::wrap(content, room).iter().enumerate() {
        canvas.plain("  ");
        canvas.put(style, &text::left(if at == 0 { name } else { "" }, LABEL));
        canvas.plain(" ");
        canvas.plain(line);
        canvas.end();
    }
}

/// A title over a part.
fn title(name: &str, canvas: &mut Canvas) {
    canvas.put(BOLD, name);
    canvas.end();
}

/// What failed, by class in the order of the phases, with one example each.
fn failures(report: &Report, canvas: &mut Canvas) {
    let rows = tables::classes(report);
    if rows.is_empty() {
        return;
    }
    title("failures", canvas);
    let widest = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or(0);
    let mut last = None;
    for row in rows {
        let name = text::left(&row.name, widest);
        canvas.plain(&format!("  {name}  {}  ", text::right(&format::count(row.n), 7)));
        let indent = widest + 13;
        let room = canvas.width().saturating_sub(indent);
        for (at, line) in text::wrap(&row.example, room).iter().take(2).enumerate() {
            canvas.plain(&" ".repeat(if at == 0 { 0 } else { indent }));
            canvas.put(DIM, line);
            canvas.end();
        }
        // One command for several failures of one request.
        if row.curl.is_some() && row.curl != last {
            canvas.put(DIM, &format!("{}{}", " ".repeat(indent), row.curl.as_deref().unwrap_or_default()));
            canvas.end();
            last = row.curl;
        }
    }
    canvas.end();
}

fn incidents(report: &Report, canvas: &mut Canvas) {
    if report.incidents.is_empty() {
        return;
    }
    let clock = instants(report);
    title("incidents", canvas);
    let left_out = report.incidents.len().saturating_sub(INCIDENTS);
    if left_out > 0 {
        canvas.put(DIM, &format!("  {} earlier ones: --format json", format::count(left_out as u64)));
        canvas.end();
    }
    for incident in report.incidents.iter().skip(left_out) {
        one_incident(report, incident, &clock, canvas);
    }
    canvas.end();
}

fn one_incident(report: &Report, incident: &Incident, clock: &InstantFormat, canvas: &mut Canvas) {
    let style = if incident.end.is_none() { BAD } else { BOLD };
    let from = list(&incident.vantages);
    canvas.plain("  ");
    canvas.put(style, &labels(report, &incident.surfaces));
    canvas.plain(&format!(" from {from}: {}", clock.stretch(&incident.start, incident.end.as_ref())));
    canvas.end();
    let impact: Vec<String> = incident
        .impact_minutes
        .iter()
        .map(|impact| format!("{} {}", label(report, &impact.surface), minutes(impact.minutes)))
        .collect();
    let flapping = if incident.flapping { ", flapping" } else { "" };
    let expected = incident.expected_failures.map(|n| format!(", {n:.1} expected")).unwrap_or_default();
    let failed = format!(
        "{} of {} failed{expected}",
        format::count(incident.actual_failures),
        format::counted(incident.judged, "check")
    );
    let opened = format!("opened by {} at {}", incident.rule, clock.at(incident.detected_at));
    labelled(DIM, "  lasted", &format!("{}{flapping} · {failed} · {opened}", length(incident)), canvas);
    labelled(DIM, "  impact", &format!("{} of full outage", impact.join(", ")), canvas);
    let skipped = incident.waves.len().saturating_sub(WAVES);
    if incident.waves.len() > 1 {
        if skipped > 0 {
            labelled(DIM, "  waves", &format!("{skipped} earlier ones: --format json"), canvas);
        }
        for (number, wave) in incident.waves.iter().enumerate().skip(skipped) {
            let peak = wave.peak.map(|peak| format!(" · worst {} at {}", format::ratio(peak.ratio), clock.at(peak.at)));
            let content = format!(
                "{} · {} of {} failed{}",
                clock.stretch(&wave.start, wave.end.as_ref()),
                format::count(wave.failed),
                format::count(wave.judged),
                peak.unwrap_or_default()
            );
            labelled(DIM, &format!("  wave {}", number + 1), &content, canvas);
        }
    }
    if let Some(dominant) = &incident.kind {
        labelled(DIM, "  kind", &kind(dominant), canvas);
    }
    reading(&incident.signature, "  ", canvas);
}

fn objectives(report: &Report, canvas: &mut Canvas) {
    let rows = tables::objectives(report);
    if rows.is_empty() {
        return;
    }
    title("objectives", canvas);
    for (surface, content, missed) in rows {
        labelled(if missed { BAD } else { DIM }, &surface, &content, canvas);
    }
    canvas.end();
}

/// What was not seen, and what must not be concluded.
fn not_seen(report: &Report, canvas: &mut Canvas) {
    let clock = instants(report);
    title("not seen", canvas);
    let coverage = report.coverage;
    if let Some(ratio) = coverage.ratio {
        let (observed, expected) = (format::count(coverage.observed), format::counted(coverage.expected, "check"));
        labelled(DIM, "coverage", &format!("{}: {observed} of {expected} made", format::ratio(ratio)), canvas);
    }
    for gap in report.no_data.iter().take(5) {
        let why = if gap.clock_jump { ", the prober says that its machine slept or its clock was set" } else { "" };
        labelled(
            DIM,
            "no data",
            &format!("{}: {} to {}{why}", gap.vantage, clock.at(gap.from), clock.at(gap.to)),
            canvas,
        );
    }
    if report.no_data.len() > 5 {
        labelled(DIM, "", &format!("and {} more stretches", report.no_data.len() - 5), canvas);
    }
    for limit in &report.limits {
        labelled(DIM, "limit", limit, canvas);
    }
    let integrity = &report.integrity;
    let read = format!(
        "{} of {}",
        format::counted(integrity.windows, "window"),
        format::counted(integrity.journals, "journal")
    );
    labelled(
        DIM,
        "read",
        &format!("{read}, {} evidence lines{}", format::count(integrity.failures), unusable(report)),
        canvas,
    );
}

/// Lines that could not be used: `; 1 corrupt, 2 newer, 1 torn`.
fn unusable(report: &Report) -> String {
    let integrity = &report.integrity;
    let counted =
        [(integrity.corrupt_lines, "corrupt"), (integrity.newer_lines, "newer"), (integrity.torn_tails, "torn")];
    let parts: Vec<String> =
        counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", format::count(n))).collect();
    if parts.is_empty() { String::new() } else { format!("; skipped: {}", parts.join(", ")) }
}
