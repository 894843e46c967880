//! The answer as Markdown, for tickets and job summaries. All text from outside is in code spans,
//! where nothing is interpreted as markup, a link or a mention.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use crate::format::{self, InstantFormat};
use crate::render::escape;
use crate::render::phrases::{
    chance, class_with_codes, conditions_met, fits_now, full_label, going, incidents_phrase, insecure_sentence,
    instants, interval, kind, label, labels, left_out, length, let_pass, main_failure, mark, minutes, plain,
    slow_period, span, stretch, warnings, word, zone,
};
use crate::report::{Figures, Incident, Reading, Report, State};

/// The most probes and incidents that are listed.
const ROWS: usize = 100;

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut page = String::new();
    let verdict = &report.verdict;
    // A report that fails has a cross, even if all is up.
    let (mark, fails) = match conditions_met(report).as_slice() {
        [] => (mark(verdict.state), ""),
        _ if verdict.state.is_failing() => (mark(verdict.state), ""),
        _ => (mark(State::Down), "FAILS, "),
    };
    let _ = writeln!(page, "## {mark} {fails}{}\n", word(verdict.state));
    let _ = writeln!(page, "**{}**\n", prose(&verdict.headline));
    for claim in &verdict.claims {
        let _ = writeln!(page, "- {}: {} ({})", claim.claim.name(), claim.confidence, prose(&claim.reason));
    }
    for met in conditions_met(report) {
        let _ = writeln!(page, "- ✗ {}", escape::code_span(&format!("fails on {met}"), false));
    }
    if let Some(passes) = let_pass(report) {
        let _ = writeln!(page, "- passes: {}", prose(passes));
    }
    let _ = writeln!(page, "- range: {}, {}\n", span(report), incidents_phrase(report));
    if report.incidents.is_empty() && !verdict.signature.matched.is_empty() {
        reading(&verdict.signature, &mut page);
        page.push('\n');
    }
    if let Some(sentence) = insecure_sentence(report) {
        let _ = writeln!(page, "**{}**\n", prose(&sentence));
    }
    surfaces(report, &mut page);
    places(report, &mut page);
    failures(report, &mut page);
    for row in report.probes.iter().filter(|row| row.figures.warnings > 0).take(ROWS) {
        for warning in warnings(row) {
            let _ = writeln!(page, "- ⚠ warning: {} {}\n", code(row.probe.as_str()), prose(&warning));
        }
    }
    for incident in report.incidents.iter().rev().take(ROWS) {
        one_incident(report, incident, &instants(report), &mut page);
    }
    if !report.slow_periods.is_empty() {
        let _ = writeln!(page, "### Slow answers\n");
        for period in report.slow_periods.iter().rev().take(ROWS) {
            let name = prose(label(report, &period.surface).as_str());
            let _ = writeln!(page, "- {name}: {}", prose(&slow_period(report, period)));
        }
        page.push('\n');
    }
    if !report.limits.is_empty() {
        let _ = writeln!(page, "### Limits\n");
        for limit in &report.limits {
            let _ = writeln!(page, "- {}", prose(limit));
        }
        page.push('\n');
    }
    let _ = writeln!(page, "### In full\n\n{}", prose(&verdict.sentence));
    out.write_all(page.as_bytes())
}

/// A sentence of the report, which may contain names from the probe file. Characters that Markdown
/// would interpret are escaped, and `@` and `://` cannot become a mention or a link.
fn prose(sentence: &str) -> String {
    escape::markdown(sentence)
}

fn code(name: &str) -> String {
    escape::code_span(name, true)
}

fn surfaces(report: &Report, page: &mut String) {
    let _ = writeln!(
        page,
        "| surface | state | checks | failed | ratio | 95% interval | share | p50 | p95 | p99 | usual p95 | main failure |"
    );
    let _ = writeln!(page, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    for row in &report.surfaces {
        let usual = row.baseline.p95_us.map(std::time::Duration::from_micros);
        let _ = writeln!(
            page,
            "| {} | {} {} | {} | {} | {} | {} | {} |",
            code(&full_label(row)),
            mark(row.state),
            word(row.state),
            counted(&row.figures),
            format::ratio_cell(row.share_of_failures),
            latency(&row.figures),
            format::duration_cell(usual),
            code(&main_failure(&row.figures)),
        );
    }
    page.push('\n');
    for comparison in &report.comparisons {
        let _ = writeln!(page, "- {} (Fisher's exact test, {})", prose(&comparison.reading), chance(comparison.p));
    }
    if !report.comparisons.is_empty() {
        page.push('\n');
    }
}

/// Checks, failed, ratio and interval, as four cells.
fn counted(figures: &Figures) -> String {
    format!(
        "{} | {} | {} | {}",
        format::count(figures.checks),
        format::count(figures.down),
        format::ratio_cell(figures.failed_ratio),
        interval(figures.ci95)
    )
}

/// Three percentiles, as three cells.
fn latency(figures: &Figures) -> String {
    let latency = &figures.latency_us;
    format!(
        "{} | {} | {}",
        format::duration_cell(latency.p50),
        format::duration_cell(latency.p95),
        format::duration_cell(latency.p99)
    )
}

fn places(report: &Report, page: &mut String) {
    if report.vantages.len() < 2 {
        return;
    }
    let _ = writeln!(page, "| surface | vantage | state | checks | failed | ratio | 95% interval |");
    let _ = writeln!(page, "|---|---|---|--:|--:|--:|--:|");
    for row in report.places.iter().take(ROWS) {
        let _ = writeln!(
            page,
            "| {} | {} | {} {} | {} |",
            code(label(report, &row.surface).as_str()),
            code(row.vantage.as_str()),
            mark(row.state),
            word(row.state),
            counted(&row.figures)
        );
    }
    page.push('\n');
}

fn failures(report: &Report, page: &mut String) {
    let rows: Vec<_> = report
        .surfaces
        .iter()
        .flat_map(|surface| surface.figures.classes.iter().map(move |(class, row)| (surface, class, row)))
        .collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(page, "| failure | surface | n | share | example |\n|---|---|--:|--:|---|");
    for (surface, class, row) in rows.into_iter().take(ROWS) {
        let example = row.example.as_ref().map(|example| code(example.message.as_str())).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {example} |",
            code(&class_with_codes(*class, &row.statuses)),
            code(surface.label().as_str()),
            format::count(row.n),
            format::ratio(row.share),
        );
    }
    page.push('\n');
}

fn one_incident(report: &Report, incident: &Incident, clock: &InstantFormat, page: &mut String) {
    let going = if incident.end.is_none() { format!(" ({})", going(incident)) } else { String::new() };
    let _ = writeln!(page, "### Incident {}{going}\n", escape::code_span(&labels(report, &incident.surfaces), false));
    let mut item = |name: &str, content: &str| {
        let _ = writeln!(page, "- {name}: {}", prose(content));
    };
    item(&format!("when ({})", zone(report)), &stretch(incident, clock));
    item("seen from", &format::plain_list(&incident.vantages));
    item("lasted", &length(incident));
    let failed =
        format!("{} of {} failed", format::count(incident.actual_failures), format::counted(incident.judged, "check"));
    let expected = incident.expected_failures.map(|n| format!(", {n:.1} expected")).unwrap_or_default();
    item("failures", &format!("{failed}{expected}"));
    if let Some(left_out) = left_out(incident) {
        item("maintenance", &left_out);
    }
    for impact in &incident.impact_minutes {
        item("impact", &format!("{} {} of full outage", label(report, &impact.surface), minutes(impact.minutes)));
    }
    if let Some(dominant) = &incident.kind {
        item("kind", &kind(dominant));
    }
    if incident.waves.len() > 1 {
        for (number, wave) in incident.waves.iter().enumerate().take(ROWS) {
            let failed = format!("{} of {} failed", format::count(wave.failed), format::count(wave.judged));
            let name = format!("wave {}", number + 1);
            item(&name, &format!("{}, {failed}", clock.stretch(&wave.start, wave.end.as_ref())));
        }
    }
    reading(&incident.signature, page);
    if let Some(now) = fits_now(incident) {
        let _ = writeln!(page, "- consistent with now: {}", prose(&now));
    }
    page.push('\n');
}

/// What the evidence is consistent with, what it contradicts, and what looks the same from outside.
fn reading(reading: &Reading, page: &mut String) {
    for (name, words) in [
        ("consistent with", &reading.consistent_with),
        ("not consistent with", &reading.not_consistent_with),
        ("cannot distinguish", &reading.cannot_distinguish),
    ] {
        if !words.is_empty() {
            let _ = writeln!(page, "- {name}: {}", prose(&plain(words)));
        }
    }
}
