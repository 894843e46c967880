//! Compaction changes no verdict, no figure and no instant of a report: the same reports are made
//! from a raw, an hourly and a daily journal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uptick::journal::{CompactRules, Journal, Line, Options, Range, compact};
use uptick::model::{Check, FailureClass, Outcome, Probe, Timings};
use uptick::report::{Fold, Integrity, Question, answer};
use uptick::window::Collector;

use crate::support::outcomes::ended;

const FROM: &str = "2025-03-10T09:00:00Z";
/// The number of checks: one every ten seconds for three hours.
const CHECKS: i64 = 3 * 360;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The failure of the nth check of a probe, always the same: an outage of web, and a share of app.
/// `None` if it is up.
fn failure(surface: &str, n: i64) -> Option<FailureClass> {
    match surface {
        "web" if (400..520).contains(&n) => Some(FailureClass::ConnectTimeout),
        "app" if (n * 7919 + 13) % 101 < 5 => Some(FailureClass::Status),
        _ => None,
    }
}

fn outcome(vantage: &str, surface: &str, n: i64) -> Outcome {
    let name = format!("{surface}-{vantage}");
    let probe = Arc::new(Probe::plain(&name, surface, "https://x.example/", Duration::from_secs(10)));
    let due = at(FROM) + SignedDuration::from_millis(n * 10_000 + 3_412);
    let lag = Duration::from_micros(u64::try_from(n * 31 % 2_900).unwrap());
    let check = Check { probe, scheduled_at: due, lag };
    let class = failure(surface, n);
    let timings = Timings { total: Duration::from_millis(120), ..Timings::default() };
    Outcome { timings, ..ended(&check, vantage, class, "no") }
}

fn record(folder: &Path) {
    let mut journal = Journal::open(folder, Options::default()).unwrap();
    for vantage in ["iad", "sjc"] {
        let mut collector = Collector::new(vantage, Duration::from_mins(1));
        let mut lines = Vec::new();
        for n in 0..CHECKS {
            for surface in ["app", "web"] {
                lines.extend(collector.record(&outcome(vantage, surface, n)).map(Line::from));
                lines.extend(collector.take_failures().into_iter().map(Line::from));
            }
        }
        lines.extend(collector.close_all().into_iter().map(Line::from));
        journal.append(&lines).unwrap();
    }
}

/// The report as JSON, without the parts that depend on the length of windows or on the evidence
/// that is kept.
fn report(folder: &Path, from: Option<Timestamp>, to: Option<Timestamp>) -> Value {
    let mut fold = Fold::new(Question { from, to, ..Question::default() });
    let range = Range { from: Timestamp::MIN, to: to.unwrap_or(Timestamp::MAX) };
    for line in uptick::journal::read(&[folder.to_owned()], range).unwrap() {
        match line.unwrap() {
            Line::Window(window) => fold.window(&window),
            Line::Failure(outcome) => fold.failure(&outcome),
            Line::Gap(gap) => fold.gap(&gap),
            Line::Plan(_) => {}
        }
    }
    let report = answer(&mut fold, at("2025-03-10T12:00:00Z"), Integrity::default());
    let mut document = serde_json::to_value(&report).unwrap();
    let whole = document.as_object_mut().unwrap();
    let compared =
        ["window", "verdict", "surfaces", "vantages", "probes", "incidents", "no_data", "coverage", "maintenance"];
    whole.retain(|key, _| compared.contains(&key.as_str()));
    without(&mut document);
    document
}

/// Removes what depends on the length of windows: latencies, the width of a chart's bucket, the
/// peak in a bucket, and kept evidence.
fn without(value: &mut Value) {
    const LEFT_OUT: [&str; 13] = [
        "peak",
        "latency_us",
        "failed_latency_us",
        "lag_us",
        "bucket_s",
        "examples",
        "example",
        "evidence",
        "signature",
        "readings",
        "sentence",
        "reasons",
        "samples",
    ];
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
            members.values_mut().for_each(without);
        }
        Value::Array(items) => items.iter_mut().for_each(without),
        _ => {}
    }
}

#[test]
fn compacting_changes_no_verdict_no_figure_and_no_instant() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path());
    let questions = [
        (None, None),
        (Some("2025-03-10T10:00:00Z"), None),
        (Some("2025-03-10T10:07:31.337Z"), Some("2025-03-10T10:41:02.001Z")),
        (None, Some("2025-03-10T10:20:00Z")),
    ];
    let ask = || questions.map(|(from, to)| report(folder.path(), from.map(at), to.map(at)));
    let raw = ask();
    let due = |from: &str, to: &str| {
        let within =
            |n: &i64| (at(from)..at(to)).contains(&(at(FROM) + SignedDuration::from_millis(n * 10_000 + 3_412)));
        2 * (0..CHECKS).filter(within).count()
    };
    for surface in raw[2]["surfaces"].as_array().unwrap() {
        assert_eq!(surface["checks"], due("2025-03-10T10:07:31.337Z", "2025-03-10T10:41:02.001Z"));
    }
    for (kind, hourly_after, daily_after) in [("hourly", 1, 100_000), ("daily", 1, 2)] {
        let day = |days: u64| Duration::from_hours(days * 24);
        let rules =
            CompactRules { hourly_after: day(hourly_after), daily_after: day(daily_after), ..CompactRules::default() };
        let done = compact(folder.path(), at("2025-06-10T00:00:00Z"), &rules).unwrap();
        assert!(done.files > 0, "{kind}: {done:?}");
        for ((before, after), question) in raw.iter().zip(ask()).zip(questions) {
            assert_eq!(*before, after, "{kind}, {question:?}");
        }
    }
}
