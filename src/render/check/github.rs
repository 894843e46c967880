//! Annotations of GitHub Actions that point at the probe's line in the probe file, and the Markdown
//! of the job summary.

use std::io;
use std::io::Write;
use std::path::Path;

use super::indexed_report::IndexedReport;
use super::markdown;
use super::phrases::{
    classes, counts_phrase, failing_sentences, fails_as_down, insecure_sentence, judgement_sentences, surface_phrase,
    surfaces_worst_first, verdict_words, warned, warnings, worst_first,
};
use crate::check_report::{CheckReport, ProbeSummary};
use crate::render::{evidence, text};

/// GitHub shows ten annotations per level and step, and silently drops the rest. So there are at
/// most nine, the worst ones, and one that says how many more there are.
const SHOWN: usize = 9;

/// The most bytes of a job summary: GitHub rejects the whole summary of a step if it is larger than
/// 1 MiB.
const SUMMARY_LIMIT: usize = 1_000_000;

pub(super) fn write(pass: &IndexedReport<'_>, workspace: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let worst = worst_first(pass);
    let (down, unsure): (Vec<_>, Vec<_>) = worst.into_iter().partition(|probe| fails_as_down(pass, probe));
    annotations("error", pass, &down, workspace, out)?;
    annotations("warning", pass, &unsure, workspace, out)?;
    for probe in warned(pass).take(SHOWN) {
        let mut place = place(probe, workspace);
        place.push(format!("title={}", property(&format!("{} ({}) warning", probe.probe, probe.surface))));
        writeln!(out, "::warning {}::{}", place.join(","), message(&text::visible(&warnings(probe).join("; "))))?;
    }
    for (at, sentence) in judgement_sentences(pass).iter().enumerate().take(SHOWN) {
        let level = if at < failing_sentences(pass) { "error" } else { "notice" };
        writeln!(out, "::{level} title=uptick::{}", message(&text::visible(sentence)))?;
    }
    if let Some(sentence) = insecure_sentence(pass) {
        writeln!(out, "::warning title=insecure TLS::{}", message(&text::visible(&sentence)))?;
    }
    let phrases: Vec<String> = surfaces_worst_first(pass)
        .into_iter()
        .map(|surface| format!("{} {}", surface.surface, surface_phrase(pass, surface, str::to_owned)))
        .collect();
    let line = format!("uptick: {}: {}; {}", verdict_words(pass).2, phrases.join("; "), counts_phrase(pass));
    writeln!(out, "{}", harmless(&line))
}

/// Writes the job summary, for the file that `GITHUB_STEP_SUMMARY` names.
///
/// # Errors
/// Errors of the writer.
pub fn job_summary(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let mut page = Vec::new();
    markdown::write(&IndexedReport::new(pass), &mut page)?;
    if page.len() > SUMMARY_LIMIT {
        let page = String::from_utf8_lossy(&page);
        let end = page.floor_char_boundary(SUMMARY_LIMIT);
        // Evidence has no empty lines, so a cut at an empty line is outside of any code block.
        let end = page[..end].rfind("\n\n").unwrap_or(end);
        return writeln!(out, "{}\n\nThe summary is cut here: it is longer than a job summary may be.", &page[..end]);
    }
    out.write_all(&page)
}

fn annotations(
    level: &str,
    pass: &IndexedReport<'_>,
    probes: &[&ProbeSummary],
    workspace: Option<&Path>,
    out: &mut impl Write,
) -> io::Result<()> {
    for probe in probes.iter().take(SHOWN) {
        let mut properties = place(probe, workspace);
        let title = format!("{} ({}) {}", probe.probe, probe.surface, probe.verdict);
        properties.push(format!("title={}", property(&title)));
        writeln!(out, "::{level} {}::{}", properties.join(","), message(&details(pass, probe)))?;
    }
    let more = probes.len().saturating_sub(SHOWN);
    if more > 0 {
        let names: Vec<&str> = probes[SHOWN..].iter().take(20).map(|probe| probe.probe.as_str()).collect();
        let rest = format!("{more} more: {}{}", names.join(", "), if more > 20 { ", …" } else { "" });
        writeln!(out, "::{level} title={more} more::{}", message(&text::visible(&rest)))?;
    }
    Ok(())
}

/// The properties that say where a probe is defined; empty if that is unknown.
fn place(probe: &ProbeSummary, workspace: Option<&Path>) -> Vec<String> {
    let (Some(file), Some(line)) = (&probe.file, probe.line) else { return Vec::new() };
    // GitHub expects paths relative to the root of the repository.
    let file = workspace.and_then(|workspace| file.strip_prefix(workspace).ok()).unwrap_or(file);
    vec![format!("file={}", property(&file.to_string_lossy())), format!("line={line}")]
}

/// The reason, the unmet expectations, and the URL and address of the request.
fn details(pass: &IndexedReport<'_>, probe: &ProbeSummary) -> String {
    let Some(outcome) = pass.last_failure(&probe.probe) else {
        return "due and not run".to_owned();
    };
    let mut lines = vec![evidence::reason(outcome)];
    if probe.counts.scheduled() > 1 {
        lines.push(format!("{} of {} checks: {}", probe.counts.down, probe.counts.scheduled(), classes(probe)));
    }
    let is_shown = |fact: &evidence::EvidenceLine| matches!(fact.label, "expected" | "asked" | "address" | "repeat");
    lines.extend(
        evidence::facts(outcome)
            .iter()
            .filter(|fact| is_shown(fact))
            .map(|fact| format!("{}: {}", fact.label, fact.text)),
    );
    lines.iter().map(|line| text::visible(line)).collect::<Vec<_>>().join("\n")
}

/// Escapes the message of a workflow command. Old runners also treat `##[` anywhere in a line as a
/// command.
fn message(text: &str) -> String {
    text.replace("##[", "# #[").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(content: &str) -> String {
    message(&text::visible(content)).replace(':', "%3A").replace(',', "%2C")
}

/// Makes a line that is not a command: runners look for `::` at the start of a line and for `##[`
/// anywhere.
fn harmless(line: &str) -> String {
    text::visible(line).replace("##[", "# #[")
}
