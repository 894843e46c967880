//! Phrases that the formats of `check` share.

use anstyle::Style;

use super::indexed_report::IndexedReport;
use crate::check_report::regression::Judgement;
use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::format;
use crate::model::Verdict;
use crate::render::{terminal, text};
use crate::report::{SampleBound, State};

/// The probes that were not up, worst first: targets before control targets, down before unknown,
/// then by the share of failures, then in the order of the probe file.
pub(super) fn worst_first(pass: &CheckReport) -> Vec<&ProbeSummary> {
    let mut worst: Vec<&ProbeSummary> = pass.probes.iter().filter(|probe| probe.verdict != Verdict::Up).collect();
    let share = |probe: &ProbeSummary| {
        let counts = probe.counts;
        // In millionths, as an integer that can be sorted.
        (counts.down * 1_000_000).checked_div(counts.judged()).unwrap_or_default()
    };
    worst.sort_by_key(|probe| (probe.control, probe.verdict != Verdict::Down, std::cmp::Reverse(share(probe))));
    worst
}

/// The failures of a probe by class: `4 × connect_refused, 1 × status`.
pub(super) fn classes(probe: &ProbeSummary) -> String {
    let mut classes: Vec<_> = probe.failures.iter().collect();
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    classes.iter().map(|(class, n)| format!("{} × {class}", format::count(**n))).collect::<Vec<_>>().join(", ")
}

/// The surfaces, those with probes that are down first, then those with unknown ones, then in the order of the probe
/// file.
pub(super) fn surfaces_worst_first(pass: &CheckReport) -> Vec<&SurfaceSummary> {
    let mut surfaces: Vec<&SurfaceSummary> = pass.surfaces.iter().collect();
    surfaces.sort_by_key(|surface| match surface {
        _ if surface.probes_down > 0 => 0,
        _ if surface.probes_unknown > 0 => 1,
        _ => 2,
    });
    surfaces
}

/// `1 of 3 probes down (login)`, `all 2 probes up`.
pub(super) fn surface_phrase(
    pass: &IndexedReport<'_>,
    surface: &SurfaceSummary,
    quote: impl Fn(&str) -> String,
) -> String {
    let probes = pass.probes_of(surface);
    let names: Vec<String> = probes
        .iter()
        // If something is down, checks that could not be judged are irrelevant.
        .filter(
            |probe| if surface.probes_down > 0 { probe.verdict == Verdict::Down } else { probe.verdict != Verdict::Up },
        )
        .map(|probe| quote(&probe.probe))
        .collect();
    let list = match names.len() {
        0 => String::new(),
        1..=3 => format!(" ({})", names.join(", ")),
        more => format!(" ({}, {} and {} more)", names[0], names[1], more - 2),
    };
    let total = surface.probes;
    if surface.probes_down > 0 {
        let is_down = probes.iter().any(|probe| probe.state == State::Down);
        let word = if is_down { "down" } else { "degraded" };
        format!("{} of {} {word}{list}", format::count(surface.probes_down), format::counted(total, "probe"))
    } else if surface.verdict == Verdict::Unknown {
        format!("{} of {} unknown{list}", format::count(total.min(names.len() as u64)), format::counted(total, "probe"))
    } else if !names.is_empty() {
        // A watch may end before it has asked all of them.
        let up = format::count(total.saturating_sub(names.len() as u64));
        format!("{up} of {} up, {} not checked", format::counted(total, "probe"), format::count(names.len() as u64))
    } else if total == 1 {
        "up".to_owned()
    } else {
        format!("all {} up", format::counted(total, "probe"))
    }
}

/// `5 checks: 4 up (1 flaky, 2 with warnings), 1 down`.
pub(super) fn counts_phrase(pass: &CheckReport) -> String {
    let counts = pass.counts;
    let list = |counted: &[(u64, &str)]| {
        let counted = counted.iter().filter(|(n, _)| *n > 0);
        counted.map(|(n, word)| format!("{} {word}", format::count(*n))).collect::<Vec<_>>().join(", ")
    };
    // What passed on a later attempt is up, and so is what has warnings.
    let beside = list(&[(pass.flaky(), "flaky"), (pass.warned(), "with warnings")]);
    let up = if beside.is_empty() { "up".to_owned() } else { format!("up ({beside})") };
    let parts =
        list(&[(counts.up, &up), (counts.down, "down"), (counts.unknown, "unknown"), (counts.missed, "missed")]);
    let checks = format::counted(counts.scheduled(), "check");
    // A run may be interrupted before its first check.
    if parts.is_empty() { checks } else { format!("{checks}: {parts}") }
}

/// What the sample can and cannot prove, in one sentence.
pub(super) fn proof_sentence(proof: &SampleBound) -> String {
    let Some(at_least) = proof.at_least else {
        return "no check could be judged: availability is not known".to_owned();
    };
    let shown = format::ratio_floor(at_least);
    if proof.down > 0 && proof.down == proof.checks {
        return format!("all {} failed", format::counted(proof.checks, "check"));
    }
    if proof.down > 0 {
        let failed = format!("{} of {} failed", format::count(proof.down), format::counted(proof.checks, "check"));
        return format!("{failed}: availability is at least {shown} (95% confidence)");
    }
    let good = format::counted(proof.checks, "good check");
    let verb = if proof.checks == 1 { "shows" } else { "show" };
    let more = match (proof.not_shown, proof.not_shown_needs) {
        (Some(promise), Some(needs)) => format!("; {} would need {}", format::ratio(promise), format::count(needs)),
        _ => String::new(),
    };
    format!("{good} {verb} availability of at least {shown} (95% confidence){more}")
}

/// The probes that accept any certificate.
pub(super) fn insecure(pass: &CheckReport) -> Vec<&str> {
    pass.probes.iter().filter(|probe| probe.insecure).map(|probe| probe.probe.as_str()).collect()
}

/// The mark, its style and the word of the verdict. A run that fails has a cross, even if nothing was down.
pub(super) fn verdict_words(pass: &CheckReport) -> (&'static str, Style, String) {
    let word = terminal::word_of(pass.verdict, pass.state);
    if pass.fails() && pass.verdict == Verdict::Up {
        return (terminal::mark(Verdict::Down), terminal::style(Verdict::Down), format!("FAILS, {word}"));
    }
    (terminal::mark(pass.verdict), terminal::style(pass.verdict), word.to_owned())
}

/// The results of `--fail-on` and `--baseline`, one sentence each. Those that make the run fail
/// come first.
pub(super) fn judgement_sentences(pass: &CheckReport) -> Vec<String> {
    let violations = pass.violations.iter().flatten();
    let met = violations.map(|met| format!("fails on {}: {}: {}", met.condition, met.probe, met.found));
    let worse = compared(pass, Judgement::Worse, "worse than recorded");
    let rest = compared(pass, Judgement::NotWorse, "no worse than recorded").chain(not_compared(pass));
    met.chain(worse).chain(let_pass(pass)).chain(rest).collect()
}

/// One sentence for each probe that could not be compared with the baseline.
pub(super) fn not_compared(pass: &CheckReport) -> impl Iterator<Item = String> {
    let of = |why| compared(pass, why, "not compared");
    of(Judgement::TooFew).chain(of(Judgement::NotRecorded))
}

fn compared(pass: &CheckReport, wanted: Judgement, word: &'static str) -> impl Iterator<Item = String> {
    let regressions = pass.regressions.iter().flatten().filter(move |regression| regression.judgement == wanted);
    regressions.map(move |regression| format!("{word}: {}: {}", regression.probe, regression.sentence))
}

/// How many of the sentences are about something that makes the run fail.
pub(super) fn failing_sentences(pass: &CheckReport) -> usize {
    let worse = pass.regressions.iter().flatten().filter(|regression| regression.judgement == Judgement::Worse);
    pass.violations.iter().flatten().count() + worse.count()
}

/// A sentence if checks were down but `--fail-on` tolerates that.
fn let_pass(pass: &CheckReport) -> Option<String> {
    let passes = pass.verdict == Verdict::Down && !pass.availability_judged && !pass.fails();
    passes.then(|| "checks that were down are within what --fail-on allows".to_owned())
}

/// Whether a probe that was down makes the run fail.
pub(super) fn fails_as_down(pass: &CheckReport, probe: &ProbeSummary) -> bool {
    pass.availability_judged && probe.verdict == Verdict::Down && !is_excused(pass, probe)
}

/// Whether the verdict ignores a probe: a control target, unless nothing else was checked.
pub(super) fn is_excused(pass: &CheckReport, probe: &ProbeSummary) -> bool {
    probe.control && pass.counts.scheduled() > 0
}

/// Each unmet `warn.*` of a probe: `certificate-days: expected at least 30 days, got 12 days (3 of
/// 20 checks)`.
pub(super) fn warnings(probe: &ProbeSummary) -> Vec<String> {
    let checks = match probe.counts.scheduled() {
        1 => String::new(),
        all => format!(" ({} of {})", format::count(probe.warnings), format::counted(all, "check")),
    };
    probe.unmet_warnings.iter().map(|unmet| format!("{unmet}{checks}")).collect()
}

/// The probes with warnings.
pub(super) fn warned(pass: &CheckReport) -> impl Iterator<Item = &ProbeSummary> {
    pass.probes.iter().filter(|probe| !probe.unmet_warnings.is_empty())
}

/// A conspicuous sentence if any probe accepts any certificate.
pub(super) fn insecure_sentence(pass: &CheckReport) -> Option<String> {
    text::insecure_sentence(&insecure(pass))
}
