//! A run as Markdown, for tickets, merge requests and job summaries. Names and all text from
//! outside are in code spans or blocks, where nothing is interpreted as markup, a link or a
//! mention.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::indexed_report::IndexedReport;
use super::phrases::{
    classes, counts_phrase, failing_sentences, insecure_sentence, judgement_sentences, proof_sentence, surface_phrase,
    surfaces_worst_first, verdict_words, warned, warnings, worst_first,
};
use crate::check_report::ProbeSummary;
use crate::format;
use crate::model::{Outcome, Verdict};
use crate::render::{escape, evidence, terminal, text};

/// The most probes in the table; if there are more, the worst ones.
const ROWS: usize = 500;

/// The most failed probes that are shown with their evidence.
const EVIDENCE: usize = 30;

/// The most characters of one piece of evidence.
const FACT: usize = 1_000;

pub(super) fn write(pass: &IndexedReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = String::new();
    heading(pass, &mut page);
    table(pass, &mut page);
    let worst = worst_first(pass);
    for probe in worst.iter().take(EVIDENCE) {
        if let Some(outcome) = pass.last_failure(&probe.probe) {
            block(probe, outcome, &mut page);
        }
    }
    if worst.len() > EVIDENCE {
        let _ = writeln!(page, "Evidence of {} more failed probes is in the JSON output.\n", worst.len() - EVIDENCE);
    }
    for probe in warned(pass) {
        for warning in warnings(probe) {
            let (name, warning) = (escape::code_span(&probe.probe, false), escape::code_span(&warning, false));
            let _ = writeln!(page, "- ⚠ warning: {name} {warning}");
        }
    }
    for (at, sentence) in judgement_sentences(pass).iter().enumerate() {
        let cross = if at < failing_sentences(pass) { "✗ " } else { "" };
        let _ = writeln!(page, "- {cross}{}", escape::code_span(sentence, false));
    }
    // Otherwise the sentence would become part of the last list item.
    if page.lines().last().is_some_and(|line| line.starts_with("- ")) {
        page.push('\n');
    }
    let _ = writeln!(page, "{}.", capitalised(&proof_sentence(&pass.proof)));
    out.write_all(page.as_bytes())
}

fn heading(pass: &IndexedReport<'_>, page: &mut String) {
    let quote = |name: &str| escape::code_span(name, false);
    let phrases: Vec<String> = surfaces_worst_first(pass)
        .into_iter()
        .map(|surface| {
            let name = if surface.control { "control".to_owned() } else { quote(&surface.surface) };
            format!("{name} {}", surface_phrase(pass, surface, quote))
        })
        .collect();
    let (mark, _, words) = verdict_words(pass);
    let _ = writeln!(page, "## {mark} {words}: {}\n", phrases.join(" · "));
    let (at, took) = (format::date_time(pass.started_at), format::duration(pass.elapsed));
    let _ = writeln!(page, "{} from {} at {at} UTC, in {took}.\n", counts_phrase(pass), quote(&pass.vantage));
    if let Some(sentence) = insecure_sentence(pass) {
        let _ = writeln!(page, "**{}**\n", escape::code_span(&sentence, false));
    }
}

fn table(pass: &IndexedReport<'_>, page: &mut String) {
    let _ = writeln!(page, "| | probe | surface | checks | down | p50 | p95 | p99 | max | reason |");
    let _ = writeln!(page, "|---|---|---|--:|--:|--:|--:|--:|--:|---|");
    let rows: Vec<&ProbeSummary> = if pass.probes.len() > ROWS {
        let good = pass.probes.iter().filter(|probe| probe.verdict == Verdict::Up);
        worst_first(pass).into_iter().chain(good).take(ROWS).collect()
    } else {
        pass.probes.iter().collect()
    };
    for probe in &rows {
        let latency = probe.latency;
        let _ = writeln!(
            page,
            "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            terminal::mark(probe.verdict),
            terminal::word_of(probe.verdict, probe.state),
            escape::code_span(&probe.probe, true),
            if probe.control { "control".to_owned() } else { escape::code_span(&probe.surface, true) },
            format::count(probe.counts.scheduled()),
            format::count(probe.counts.down),
            format::duration_cell(latency.p50),
            format::duration_cell(latency.p95),
            format::duration_cell(latency.p99),
            format::duration_cell(latency.max),
            escape::code_span(&reason(pass, probe), true),
        );
    }
    page.push('\n');
    if pass.probes.len() > rows.len() {
        let _ = writeln!(page, "{} more probes are not in the table.\n", pass.probes.len() - rows.len());
    }
}

/// Why a probe was not up, or another remark on it.
fn reason(pass: &IndexedReport<'_>, probe: &ProbeSummary) -> String {
    let failed = pass.last_failure(&probe.probe);
    let flaky =
        if probe.flaky > 0 { format!("flaky: {} passed on a later attempt", probe.flaky) } else { String::new() };
    match failed {
        Some(outcome) if probe.counts.scheduled() == 1 => evidence::reason(outcome),
        Some(_) => classes(probe),
        None if probe.verdict != Verdict::Up => "due and not run".to_owned(),
        None if !flaky.is_empty() => flaky,
        None => warnings(probe).join("; "),
    }
}

/// The evidence of one failed check, as a code block.
fn block(probe: &ProbeSummary, outcome: &Outcome, page: &mut String) {
    let facts = evidence::facts(outcome);
    let mut lines = vec![evidence::reason(outcome)];
    lines.extend(facts.iter().map(|fact| format!("{:<12}{}", fact.label, text::clip(&fact.text, FACT))));
    let code = lines.iter().map(|line| text::visible(line)).collect::<Vec<_>>().join("\n");
    let fence = escape::fence(&code);
    let at = format::date_time(outcome.started_at);
    let _ =
        writeln!(page, "### {}, {at} UTC\n\n{fence}text\n{code}\n{fence}\n", escape::code_span(&probe.probe, false));
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
