//! The last lines of a run: the results, and what they show. A few checks show nothing beyond
//! themselves.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::check_report::CheckReport;
use crate::format;
use crate::render::check::indexed_report::IndexedReport;
use crate::render::check::phrases::{
    counts_phrase, failing_sentences, insecure_sentence, judgement_sentences, proof_sentence, surface_phrase,
    surfaces_worst_first, verdict_words,
};
use crate::render::terminal::{BAD, BOLD, DIM, StyledText};
use crate::render::text;
use crate::report::LatencySummary;

use super::layout::{indented, title};

/// The fewest checks for which statistics are printed.
const LEAST_FOR_STATISTICS: u64 = 20;

/// The most surfaces that are named in the sentence.
const SURFACES_NAMED: usize = 8;

/// The verdict, the counts and what they show.
pub(super) fn write(pass: &IndexedReport<'_>, with_latency: bool, screen: &mut StyledText) {
    verdict(pass, screen);
    let took = format::duration(pass.elapsed);
    indented(DIM, &format!("  {} · from {} · in {took}", counts_phrase(pass), pass.vantage), 2, screen);
    let is_enough = |n: u64| n >= LEAST_FOR_STATISTICS;
    let surfaces = pass.surfaces.iter().filter(|surface| !surface.control && is_enough(surface.counts.up));
    for surface in surfaces.filter(|_| with_latency) {
        let line = format!("  {} latency: {}", title(surface), percentiles(&surface.latency));
        indented(DIM, &line, 2, screen);
    }
    if is_enough(pass.counts.judged()) {
        indented(DIM, &format!("  {}", proof_sentence(&pass.proof)), 2, screen);
    }
    remarks(pass, screen);
}

/// Why a run fails although all is up, in one line.
///
/// # Errors
/// Errors of the writer.
pub(crate) fn failing_line(pass: &CheckReport, out: &mut dyn Write) -> io::Result<()> {
    let sentences: Vec<String> = judgement_sentences(pass).into_iter().take(failing_sentences(pass)).collect();
    writeln!(out, "{}", text::visible(&sentences.join("; ")))
}

/// Remarks on the run.
pub(super) fn remarks(pass: &IndexedReport<'_>, screen: &mut StyledText) {
    if pass.maintenance.scheduled() > 0 {
        let n = format::counted(pass.maintenance.scheduled(), "check");
        indented(DIM, &format!("  {n} within maintenance: not judged"), 2, screen);
    }
    if pass.outcomes_left_out > 0 {
        let left_out = format::count(pass.outcomes_left_out);
        indented(DIM, &format!("  {left_out} outcomes are counted but not kept individually"), 2, screen);
    }
    for (at, sentence) in judgement_sentences(pass).iter().enumerate() {
        let style = if at < failing_sentences(pass) { BAD } else { DIM };
        indented(style, &format!("  {sentence}"), 2, screen);
    }
    if let Some(sentence) = insecure_sentence(pass) {
        indented(BAD, &format!("  {sentence}"), 2, screen);
    }
}

fn verdict(pass: &IndexedReport<'_>, screen: &mut StyledText) {
    let (mark, style, words) = verdict_words(pass);
    screen.put(style.bold(), &format!("{mark} {words}"));
    // If there are many, the last ones are only counted.
    let surfaces = surfaces_worst_first(pass);
    let more = surfaces.len().saturating_sub(SURFACES_NAMED) as u64;
    let phrase = |surface| format!("{} {}", title(surface), surface_phrase(pass, surface, str::to_owned));
    let mut phrases: Vec<String> = surfaces.into_iter().take(SURFACES_NAMED).map(phrase).collect();
    if more > 0 {
        phrases.push(format::counted(more, "more surface"));
    }
    indented(BOLD, &format!("  {}", phrases.join(" · ")), words.len() + 4, screen);
}

/// `p50 88.0 ms  max 105 ms  of 24 up checks`: the percentiles that there are enough checks for.
fn percentiles(latency: &LatencySummary) -> String {
    format!("{}  of {}", known_times(latency).join("  "), format::counted(latency.count, "up check"))
}

/// The percentiles that there are enough checks for: `p50 88.0 ms`, `max 105 ms`.
pub(super) fn known_times(latency: &LatencySummary) -> Vec<String> {
    let times = [("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99), ("max", latency.max)];
    let known = |(name, time): (&str, Option<Duration>)| Some(format!("{name} {}", format::duration(time?)));
    times.into_iter().filter_map(known).collect()
}
