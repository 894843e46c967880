//! A probe that cron starts for a few checks at a time has full coverage if none of its bursts is
//! missing.

use jiff::Timestamp;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, failed, question};
use super::within;
use crate::model::FailureClass;
use crate::report::document::answer::State;
use crate::report::document::report::Report;

/// Five checks in five seconds, every ten minutes for three hours, except in a span without cron.
fn bursts(without: &[(&str, &str)], broken: &[(&str, &str)]) -> Report {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T12:00:00Z");
    let found = |now: Timestamp| match now.as_second() % 600 {
        0..5 if within(now, broken) => failed(FailureClass::ConnectRefused, 1),
        0..5 if !within(now, without) => PlayedCheck::Up(50),
        _ => PlayedCheck::Asleep,
    };
    stage.play(Line::new("here", "app", "api", 1), from, to, found);
    stage.report(question(from, to))
}

#[test]
fn bursts_of_checks_are_covered() {
    let report = bursts(&[], &[]);
    assert_eq!((report.verdict.state, report.coverage.expected), (State::Up, 90), "{}", report.verdict.sentence);
    assert_eq!(report.coverage.ratio, Some(1.0));
    assert!(report.no_data.is_empty(), "{:?}", report.no_data);
    assert_eq!(report.probes[0].cadence_ms, Some(600_000));
}

#[test]
fn bursts_that_are_missing_are_seen() {
    let report = bursts(&[("10:00", "11:00")], &[]);
    // The last burst may or may not be due by then.
    assert!(matches!((report.coverage.observed, report.coverage.expected), (60, 85..=90)), "{:?}", report.coverage);
    assert_eq!(report.no_data.len(), 1, "{:?}", report.no_data);
    let silent = bursts(&[("10:30", "12:00")], &[]);
    assert_eq!(silent.verdict.state, State::Unknown, "{}", silent.verdict.sentence);
}

#[test]
fn a_failed_check_of_a_burst_stands_for_its_part_of_the_time() {
    let report = bursts(&[], &[("11:00", "12:00")]);
    assert_eq!(report.verdict.state, State::Down);
    assert!((report.surfaces[0].figures.impact_minutes - 60.0).abs() < 1e-6, "thirty checks of two minutes each");
    assert!((report.incidents[0].impact_minutes[0].minutes - 60.0).abs() < 1e-6);
}
