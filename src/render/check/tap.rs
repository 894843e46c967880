//! TAP 13, the version that `prove` and tap.py support: a test point per probe, with YAML
//! diagnostics if it was not up. A probe that could not be judged is skipped, and so is a control
//! target that failed: neither passed nor failed. The exit status shows whether the run failed.

use std::io;
use std::io::Write;

use super::indexed_report::IndexedReport;
use super::phrases::{classes, counts_phrase, fails_as_down, insecure_sentence, is_excused, warnings};
use crate::check_report::regression::Judgement;
use crate::check_report::{CheckReport, ProbeSummary};
use crate::model::{Outcome, Phase, Verdict, micros, timestamp};
use crate::render::{evidence, text};

pub(super) fn write(pass: &IndexedReport<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "TAP version 13")?;
    let judgements = judgements(pass);
    writeln!(out, "1..{}", pass.probes.len() + judgements.len())?;
    if let Some(sentence) = insecure_sentence(pass) {
        writeln!(out, "# {}", comment(&sentence))?;
    }
    for (at, probe) in pass.probes.iter().enumerate() {
        point(at + 1, pass, probe, out)?;
    }
    for (at, (fails, skipped, name)) in judgements.iter().enumerate() {
        let (number, name) = (pass.probes.len() + at + 1, escaped(name));
        let (not, skip) = (if *fails { "not " } else { "" }, skipped.as_deref().map(escaped));
        let skip = skip.map(|why| format!(" # SKIP {why}")).unwrap_or_default();
        writeln!(out, "{not}ok {number} - {name}{skip}")?;
    }
    writeln!(out, "# {}", comment(&counts_phrase(pass)))
}

/// The results of `--fail-on` and `--baseline`: for each whether it fails, why it is skipped, and
/// its description.
fn judgements(pass: &CheckReport) -> Vec<(bool, Option<String>, String)> {
    let met = pass.violations.iter().flatten();
    let met = met.map(|met| (true, None, format!("{}: {}: {}", met.probe, met.condition, met.found)));
    let compared = pass.regressions.iter().flatten().map(|regression| {
        let name = format!("{}: baseline", regression.probe);
        match regression.judgement {
            Judgement::Worse => (true, None, format!("{name}: {}", regression.sentence)),
            Judgement::NotWorse => (false, None, format!("{name}: {}", regression.sentence)),
            Judgement::TooFew | Judgement::NotRecorded => (false, Some(regression.sentence.to_string()), name),
        }
    });
    met.chain(compared).collect()
}

fn point(number: usize, pass: &IndexedReport<'_>, probe: &ProbeSummary, out: &mut impl Write) -> io::Result<()> {
    let outcome = pass.most_informative(&probe.probe);
    let surface = if probe.control { "control" } else { &probe.surface };
    let name = escaped(&format!("{surface} / {}", probe.probe));
    match probe.verdict {
        Verdict::Up => writeln!(out, "ok {number} - {name}")?,
        Verdict::Down if is_excused(pass, probe) => {
            let class = outcome.and_then(Outcome::class).map_or("down", crate::model::FailureClass::name);
            writeln!(out, "ok {number} - {name} # SKIP a control target failed: {class}")?;
        }
        // A failure that `--fail-on` tolerates is no failure here either.
        Verdict::Down if !fails_as_down(pass, probe) => writeln!(out, "ok {number} - {name}")?,
        Verdict::Down => writeln!(out, "not ok {number} - {name}")?,
        Verdict::Unknown | Verdict::Missed => {
            let why = outcome.and_then(Outcome::class).map_or("not run", crate::model::FailureClass::name);
            writeln!(out, "ok {number} - {name} # SKIP could not be judged: {why}")?;
        }
    }
    for warning in warnings(probe) {
        writeln!(out, "# warning: {}", comment(&format!("{}: {warning}", probe.probe)))?;
    }
    match outcome {
        Some(outcome) if probe.verdict != Verdict::Up || probe.flaky > 0 => diagnostics(probe, outcome, out),
        _ => Ok(()),
    }
}

fn diagnostics(probe: &ProbeSummary, outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  ---")?;
    let mut field = |name: &str, value: String| writeln!(out, "  {name}: {value}");
    if outcome.failure.is_some() {
        field("message", quoted(&evidence::reason(outcome)))?;
    }
    if let Some(class) = outcome.class() {
        field("class", quoted(class.name()))?;
    }
    field("url", quoted(probe.url.as_str()))?;
    field("at", quoted(&timestamp::text(outcome.started_at)))?;
    field("checks", probe.counts.scheduled().to_string())?;
    if probe.counts.scheduled() > 1 {
        field("failures", quoted(&classes(probe)))?;
    }
    if probe.flaky > 0 {
        field("flaky", probe.flaky.to_string())?;
    }
    for phase in Phase::ALL {
        if let Some(time) = outcome.timings.phase(phase) {
            field(&format!("{phase}_us"), micros::of(time).to_string())?;
        }
    }
    field("total_us", micros::of(outcome.timings.total).to_string())?;
    let facts = evidence::facts(outcome);
    // As a block scalar: Perl's parser takes a text with a colon in a list for a map.
    if !facts.is_empty() {
        writeln!(out, "  evidence: |")?;
    }
    for fact in facts {
        writeln!(out, "    {}: {}", fact.label, text::visible(&fact.text))?;
    }
    writeln!(out, "  ...")
}

/// A double-quoted YAML scalar: a JSON string is one.
fn quoted(content: &str) -> String {
    serde_json::Value::from(text::visible(content)).to_string()
}

/// A description without `#`, which would start a directive: parsers do not agree on how it is
/// escaped. Backslashes are replaced, because one at the end of a name would escape what follows.
fn escaped(content: &str) -> String {
    comment(content).replace('#', "").replace('\\', "/")
}

/// Text on one line.
fn comment(content: &str) -> String {
    text::visible(content)
}
