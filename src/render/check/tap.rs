//! TAP 14: a test point a probe, with YAML diagnostics where it was not up. A probe that could not
//! be judged is skipped: neither passed nor failed, and the exit status tells.

use std::io;
use std::io::Write;

use super::phrases::{classes, counts_phrase, insecure_sentence};
use crate::check_report::{CheckReport, ProbeSummary};
use crate::model::{Outcome, Phase, Verdict, micros, timestamp};
use crate::render::{evidence, text};

pub(super) fn write(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "TAP version 14")?;
    writeln!(out, "1..{}", pass.probes.len())?;
    if let Some(sentence) = insecure_sentence(pass) {
        writeln!(out, "# {}", comment(&sentence))?;
    }
    for (at, probe) in pass.probes.iter().enumerate() {
        point(at + 1, pass, probe, out)?;
    }
    writeln!(out, "# {}", comment(&counts_phrase(pass)))
}

fn point(number: usize, pass: &CheckReport, probe: &ProbeSummary, out: &mut impl Write) -> io::Result<()> {
    let told = pass.telling(&probe.probe);
    let surface = if probe.control { "control" } else { &probe.surface };
    let name = escaped(&format!("{surface} / {}", probe.probe));
    match probe.verdict {
        Verdict::Up => writeln!(out, "ok {number} - {name}")?,
        Verdict::Down => writeln!(out, "not ok {number} - {name}")?,
        Verdict::Unknown | Verdict::Missed => {
            let why = told.and_then(Outcome::class).map_or("not run", crate::model::FailureClass::name);
            writeln!(out, "ok {number} - {name} # SKIP could not be judged: {why}")?;
        }
    }
    match told {
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
    if !facts.is_empty() {
        writeln!(out, "  evidence:")?;
    }
    for fact in facts {
        writeln!(out, "    - {}", quoted(&format!("{}: {}", fact.label, fact.text)))?;
    }
    writeln!(out, "  ...")
}

/// A double-quoted YAML scalar: what JSON writes is one.
fn quoted(content: &str) -> String {
    serde_json::Value::from(text::visible(content)).to_string()
}

/// A description: `#` would begin a directive, a backslash an escape.
fn escaped(content: &str) -> String {
    // A description begins and ends with a word: blanks at its ends are not part of it.
    comment(content).replace('\\', "\\\\").replace('#', "\\#")
}

/// Text on one line.
fn comment(content: &str) -> String {
    text::visible(content)
}
