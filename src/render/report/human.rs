//! The answer for people on a terminal, in the order of their questions: was it down, for whom,
//! since when, what kind, how sure; then how bad compared with usual, and what was not measured.

mod layout;
mod tables;
mod timeline;
mod who;

use std::io;
use std::io::Write;

use crate::format::{self, InstantFormat};
use crate::render::phrases;
use crate::render::phrases::{
    incidents_phrase, insecure_sentence, instants, kind, label, labels, left_out, length, mark, minutes, plain, span,
};
use layout::{labelled, state_style, title};

use crate::render::terminal::{BAD, BOLD, DIM, StyledText, TerminalStyle, WARN};
use crate::render::text;
use crate::report::{Confidence, Incident, Reading, Report};

/// The most waves of an incident that are listed, and the most incidents.
const WAVES: usize = 8;
const INCIDENTS: usize = 10;

pub(super) fn write(report: &Report, style: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut screen = StyledText::new(style);
    answer(report, &mut screen);
    tables::surfaces(report, &mut screen);
    tables::vantages(report, &mut screen);
    timeline::write(report, &mut screen);
    failures(report, &mut screen);
    tables::addresses(report, &mut screen);
    warnings(report, &mut screen);
    incidents(report, &mut screen);
    slow_periods(report, &mut screen);
    objectives(report, &mut screen);
    not_seen(report, &mut screen);
    out.write_all(screen.finish().as_bytes())
}

/// Only the first line, for cron mail and chat.
pub(super) fn brief(report: &Report, style: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut screen = StyledText::new(style);
    screen.put(state_style(report.verdict.state), &report.verdict.headline);
    let met = phrases::conditions_met(report);
    if !met.is_empty() {
        screen.put(BAD, &format!("; fails on {}", met.join("; ")));
    }
    if let Some(passes) = phrases::let_pass(report) {
        screen.plain(&format!("; {passes}"));
    }
    if let Some(sentence) = insecure_sentence(report) {
        screen.put(WARN, &format!(" {sentence}."));
    }
    screen.end();
    out.write_all(screen.finish().as_bytes())
}

fn answer(report: &Report, screen: &mut StyledText) {
    let verdict = &report.verdict;
    headline(report, screen);
    screen.end();
    let met = phrases::conditions_met(report);
    for condition in &met {
        labelled(BAD, "FAILS ON", condition, screen);
    }
    let passes = phrases::let_pass(report);
    if let Some(passes) = passes {
        labelled(DIM, "PASSES", passes, screen);
    }
    if !met.is_empty() || passes.is_some() {
        screen.end();
    }
    if let Some(sentence) = insecure_sentence(report) {
        labelled(WARN, "INSECURE", &sentence, screen);
        screen.end();
    }
    who::write(report, &instants(report), screen);
    why(report, screen);
    let vantages: Vec<String> = report.vantages.iter().map(|row| row.vantage.to_string()).collect();
    let from = if vantages.is_empty() { String::new() } else { format!(": {}", vantages.join(", ")) };
    let from = format!("{}{from}", format::counted(vantages.len() as u64, "vantage"));
    labelled(DIM, "range", &format!("{} · {from} · {}", span(report), incidents_phrase(report)), screen);
    if screen.has_detail() {
        labelled(DIM, "in full", &verdict.sentence, screen);
    }
    screen.end();
}

/// The headline of the answer.
fn headline(report: &Report, screen: &mut StyledText) {
    let verdict = &report.verdict;
    let lines = text::wrap(&verdict.headline, screen.width().saturating_sub(2));
    for (at, line) in lines.iter().enumerate() {
        screen.put(state_style(verdict.state), if at == 0 { mark(verdict.state) } else { " " });
        screen.plain(" ");
        screen.put(BOLD, line);
        screen.end();
    }
}

/// What fails, what that is consistent with, and how confident each claim is.
fn why(report: &Report, screen: &mut StyledText) {
    let verdict = &report.verdict;
    if let Some(now) = verdict.kind.as_ref().filter(|_| verdict.state.is_failing()) {
        labelled(DIM, "what", &kind(now), screen);
        let whole = report.incident_told().and_then(|incident| incident.kind.as_ref());
        if let Some(whole) = whole.filter(|whole| (whole.class, whole.status) != (now.class, now.status)) {
            labelled(DIM, "at first", &format!("{}, over the whole incident", kind(whole)), screen);
        }
    }
    if verdict.state.is_failing() || report.incidents.is_empty() {
        reading(&verdict.signature, "", screen);
        let told = report.incident_told();
        let whole = told.filter(|told| told.signature.consistent_with != verdict.signature.consistent_with);
        if let Some(whole) = whole.filter(|told| !told.signature.consistent_with.is_empty()) {
            let causes = plain(&whole.signature.consistent_with);
            labelled(DIM, "fitted", &format!("{causes}, over the whole incident"), screen);
        }
    }
    for claim in &verdict.claims {
        if screen.has_detail() {
            labelled(
                DIM,
                "how sure",
                &format!("{} {}: {}", claim.claim.name(), claim.confidence, claim.reason),
                screen,
            );
        }
    }
    if !screen.has_detail() {
        let sure: Vec<String> =
            verdict.claims.iter().map(|claim| format!("{} {}", claim.claim.name(), claim.confidence)).collect();
        labelled(DIM, "how sure", &sure.join(" · "), screen);
        // Claims of low confidence have their reason.
        for claim in verdict.claims.iter().filter(|claim| claim.confidence == Confidence::Low) {
            labelled(DIM, "", &format!("{}: {}", claim.claim.name(), claim.reason), screen);
        }
    }
}

/// What the evidence is consistent with, under labels with an indent.
fn reading(reading: &Reading, indent: &str, screen: &mut StyledText) {
    let ids: Vec<&str> = reading.matched.iter().map(|row| row.id).collect();
    let ids = if screen.has_detail() { format!(" ({})", ids.join(", ")) } else { String::new() };
    let mut line = |name: &str, content: &str| labelled(DIM, &format!("{indent}{name}"), content, screen);
    if !reading.consistent_with.is_empty() {
        line("fits", &format!("{}{ids}", plain(&reading.consistent_with)));
    }
    if !reading.not_consistent_with.is_empty() {
        line("not", &plain(&reading.not_consistent_with));
    }
    if !reading.cannot_distinguish.is_empty() {
        line("looks alike", &plain(&reading.cannot_distinguish));
    }
    for check in &reading.extra_checks {
        line("extra", check);
    }
}

/// The failures by class, in the order of the phases, with one example each.
fn failures(report: &Report, screen: &mut StyledText) {
    let rows = tables::classes(report);
    if rows.is_empty() {
        return;
    }
    title("failures", screen);
    let widest = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or(0);
    let mut last = None;
    for row in rows {
        let name = text::left(&row.name, widest);
        screen.plain(&format!("  {name}  {}  ", text::right(&format::count(row.n), 7)));
        let indent = widest + 13;
        let room = screen.width().saturating_sub(indent);
        for (at, line) in begun(&row.example, room).iter().enumerate() {
            screen.plain(&" ".repeat(if at == 0 { 0 } else { indent }));
            screen.put(DIM, line);
            screen.end();
        }
        // Several failures of the same request share one command.
        if row.curl.is_some() && row.curl != last {
            screen.put(DIM, &format!("{}{}", " ".repeat(indent), row.curl.as_deref().unwrap_or_default()));
            screen.end();
            last = row.curl;
        }
    }
    screen.end();
}

/// A text on at most two lines; a cut is marked.
fn begun(example: &str, columns: usize) -> Vec<String> {
    let mut lines = text::wrap(example, columns);
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(text::clip(&rest, columns));
    }
    lines
}

/// Warnings on checks that were up.
fn warnings(report: &Report, screen: &mut StyledText) {
    let mut warned = report.probes.iter().filter(|row| row.figures.warnings > 0).peekable();
    if warned.peek().is_none() {
        return;
    }
    title("warnings", screen);
    for row in warned {
        for warning in phrases::warnings(row) {
            labelled(WARN, row.probe.as_str(), &warning, screen);
        }
    }
    screen.end();
}

fn incidents(report: &Report, screen: &mut StyledText) {
    if report.incidents.is_empty() {
        return;
    }
    let clock = instants(report);
    title("incidents", screen);
    let left_out = report.incidents.len().saturating_sub(INCIDENTS);
    if left_out > 0 {
        screen.put(DIM, &format!("  {}: --format json", format::counted(left_out as u64, "earlier incident")));
        screen.end();
    }
    for incident in report.incidents.iter().skip(left_out) {
        one_incident(report, incident, &clock, screen);
    }
    screen.end();
}

fn one_incident(report: &Report, incident: &Incident, clock: &InstantFormat, screen: &mut StyledText) {
    let style = if incident.end.is_none() { BAD } else { BOLD };
    let from = format::plain_list(&incident.vantages);
    screen.plain("  ");
    screen.put(style, &labels(report, &incident.surfaces));
    screen.plain(&format!(" from {from}: {}", phrases::stretch(incident, clock)));
    screen.end();
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
    let failed = format!("{failed}{}", left_out(incident).map(|text| format!(", {text}")).unwrap_or_default());
    let opened = format!("opened by {} at {}", incident.rule, clock.at(incident.detected_at));
    labelled(DIM, "  lasted", &format!("{}{flapping} · {failed} · {opened}", length(incident)), screen);
    labelled(DIM, "  impact", &format!("{} of full outage", impact.join(", ")), screen);
    let skipped = incident.waves.len().saturating_sub(WAVES);
    if incident.waves.len() > 1 {
        if skipped > 0 {
            labelled(
                DIM,
                "  waves",
                &format!("{}: --format json", format::counted(skipped as u64, "earlier wave")),
                screen,
            );
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
            labelled(DIM, &format!("  wave {}", number + 1), &content, screen);
        }
    }
    if let Some(dominant) = &incident.kind {
        labelled(DIM, "  kind", &kind(dominant), screen);
    }
    reading(&incident.signature, "  ", screen);
}

/// The periods in which responses took far longer than usual.
fn slow_periods(report: &Report, screen: &mut StyledText) {
    if report.slow_periods.is_empty() {
        return;
    }
    title("slow answers", screen);
    let left_out = report.slow_periods.len().saturating_sub(INCIDENTS);
    if left_out > 0 {
        screen.put(DIM, &format!("  {} earlier times: --format json", format::count(left_out as u64)));
        screen.end();
    }
    for period in report.slow_periods.iter().skip(left_out) {
        let style = if period.is_open() { WARN } else { DIM };
        let name = label(report, &period.surface).as_str();
        labelled(style, name, &phrases::slow_period(report, period), screen);
    }
    screen.end();
}

fn objectives(report: &Report, screen: &mut StyledText) {
    let rows = tables::objectives(report);
    if rows.is_empty() {
        return;
    }
    title("objectives", screen);
    for (surface, content, missed) in rows {
        labelled(if missed { BAD } else { DIM }, &surface, &content, screen);
    }
    screen.end();
}

/// Coverage, gaps, and what must not be concluded.
fn not_seen(report: &Report, screen: &mut StyledText) {
    let clock = instants(report);
    title("limits", screen);
    let coverage = report.coverage;
    if let Some(ratio) = coverage.ratio {
        let (observed, expected) = (format::count(coverage.observed), format::counted(coverage.expected, "check"));
        labelled(DIM, "coverage", &format!("{}: {observed} of {expected} made", format::ratio(ratio)), screen);
    }
    for gap in report.no_data.iter().take(5) {
        let why = if gap.clock_jump { ": the machine slept or its clock was set" } else { "" };
        labelled(
            DIM,
            "no data",
            &format!("{}: {} to {}{why}", gap.vantage, clock.at(gap.from), clock.at(gap.to)),
            screen,
        );
    }
    if report.no_data.len() > 5 {
        labelled(DIM, "", &format!("and {}", format::counted(report.no_data.len() as u64 - 5, "more gap")), screen);
    }
    for limit in &report.limits {
        labelled(DIM, "limit", limit, screen);
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
        screen,
    );
}

/// The lines that could not be used: `; skipped: 1 corrupt, 2 newer, 1 torn`.
fn unusable(report: &Report) -> String {
    let integrity = &report.integrity;
    let counted =
        [(integrity.corrupt_lines, "corrupt"), (integrity.newer_lines, "newer"), (integrity.torn_tails, "torn")];
    let parts: Vec<String> =
        counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", format::count(n))).collect();
    if parts.is_empty() { String::new() } else { format!("; skipped: {}", parts.join(", ")) }
}
