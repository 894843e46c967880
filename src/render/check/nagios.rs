//! The output of a Nagios plugin: one line and performance data, according to the plugin
//! guidelines. <https://www.monitoring-plugins.org/doc/guidelines.html>

use std::fmt::Write as _;
use std::io;
use std::io::Write;
use std::time::Duration;

use super::indexed_report::IndexedReport;
use super::phrases::{
    counts_phrase, failing_sentences, insecure_sentence, judgement_sentences, not_compared, warned, warnings,
    worst_first,
};
use crate::check_report::{CheckReport, ProbeSummary};
use crate::model::Verdict;
use crate::render::{evidence, text};

/// The most failed probes that are named on the first line: many pagers cut it.
const NAMED: usize = 3;

/// The most columns of one reason on the first line.
const REASON: usize = 160;

/// The most failed probes that are listed on the lines after the first.
const LISTED: usize = 50;

/// The exit status by Nagios' rules: 0 OK; 1 WARNING, which is up, but only on a later attempt, not
/// in every pass or with a warning, or down within what `--fail-on` allows; 2 CRITICAL, the run
/// fails; 3 UNKNOWN.
#[must_use]
pub fn exit_status(pass: &CheckReport) -> u8 {
    match pass.verdict {
        _ if pass.fails() => 2,
        Verdict::Unknown | Verdict::Missed => 3,
        // Down, but `--fail-on` allows it.
        Verdict::Down => 1,
        Verdict::Up if pass.flaky() > 0 || pass.blips() > 0 || pass.warned() > 0 => 1,
        Verdict::Up => 0,
    }
}

pub(super) fn write(pass: &IndexedReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][usize::from(exit_status(pass))];
    let worst = worst_first(pass);
    let mut line = format!("UPTICK {word}: {}", counts_phrase(pass));
    for probe in worst.iter().take(NAMED) {
        let _ = write!(line, "; {} {}: {}", probe.probe, probe.verdict, text::clip(&reason(pass, probe), REASON));
    }
    if worst.len() > NAMED {
        let _ = write!(line, "; and {} more", worst.len() - NAMED);
    }
    let failing = judgement_sentences(pass).into_iter().take(failing_sentences(pass)).take(NAMED);
    for sentence in failing.chain(not_compared(pass).take(NAMED)) {
        let _ = write!(line, "; {}", text::clip(&sentence, REASON));
    }
    for probe in warned(pass).take(NAMED) {
        let _ = write!(line, "; {} warning: {}", probe.probe, text::clip(&warnings(probe).join(", "), REASON));
    }
    if let Some(sentence) = insecure_sentence(pass) {
        let _ = write!(line, "; {sentence}");
    }
    writeln!(out, "{} |{}", harmless(&line), performance(pass))?;
    for probe in worst.iter().skip(NAMED).take(LISTED) {
        writeln!(out, "{}", harmless(&format!("{} {}: {}", probe.probe, probe.verdict, reason(pass, probe))))?;
    }
    Ok(())
}

/// The only line of a run that ended before it had an answer. Of a message of several lines, such
/// as a diagnostic of the configuration, it has the first line and the position (`-->`) that
/// follows.
#[must_use]
pub fn unknown(message: &str) -> String {
    let mut lines = message.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let place = lines.find_map(|line| line.strip_prefix("--> ")).map(|place| format!(" ({place})"));
    format!("UPTICK UNKNOWN: {}", harmless(&format!("{first}{}", place.unwrap_or_default())))
}

fn reason(pass: &IndexedReport<'_>, probe: &ProbeSummary) -> String {
    match pass.last_failure(&probe.probe) {
        Some(outcome) => evidence::reason(outcome),
        None => "due and not run".to_owned(),
    }
}

/// `'home'=0.105800s;0.8;2;0 'login'=U;;;0 'up'=1;;;0;2 …`: for each probe the median of its up
/// checks, or `U` if there are none, then the limits of `warn.latency` and `expect.latency`.
fn performance(pass: &CheckReport) -> String {
    let mut data = String::new();
    for probe in &pass.probes {
        let time = probe.window.latency.total.quantile(0.5);
        let time = time.map_or_else(|| "U".to_owned(), |time| format!("{:.6}s", time.as_secs_f64()));
        let seconds = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64().to_string()).unwrap_or_default();
        let (warning, critical) = (seconds(probe.latency_warning), seconds(probe.latency_limit));
        let _ = write!(data, "'{}'={time};{warning};{critical};0 ", label(&probe.probe));
    }
    let counts = pass.counts;
    let scheduled = counts.scheduled();
    for (name, n) in [("up", counts.up), ("down", counts.down), ("unknown", counts.unknown), ("missed", counts.missed)]
    {
        let _ = write!(data, "'checks_{name}'={n};;;0;{scheduled} ");
    }
    if pass.warned() > 0 {
        let _ = write!(data, "'checks_warnings'={};;;0;{scheduled} ", pass.warned());
    }
    data.trim_end().to_owned()
}

/// A label of performance data: `=` is replaced and quotes are doubled.
fn label(name: &str) -> String {
    harmless(name).replace('=', "_").replace('\'', "''")
}

/// Escapes text before the performance data, which start at the first `|`.
fn harmless(content: &str) -> String {
    text::visible(content).replace('|', "¦")
}
