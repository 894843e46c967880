//! A probe whose interval was made longer, in a journal without a plan.

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, failed, question};
use super::within;
use crate::model::FailureClass;
use crate::report::document::answer::State;
use crate::report::document::report::Report;

/// Every 30 seconds until 11:00, then every ten minutes until `to`.
fn slower(to: &str, without: &[(&str, &str)], broken: &[(&str, &str)]) -> Report {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", format!("2025-01-01T{to}:00Z"));
    stage.play(Line::new("here", "app", "api", 1), from, &to, |now| {
        let interval = if within(now, &[("09:00", "11:00")]) { 30 } else { 600 };
        match now.as_second() % interval {
            0 if within(now, without) => PlayedCheck::Asleep,
            0 if within(now, broken) => failed(FailureClass::ConnectRefused, 1),
            0 => PlayedCheck::Up(50),
            _ => PlayedCheck::Asleep,
        }
    });
    stage.report(question(from, &to))
}

#[test]
fn the_latest_checks_say_what_is_due() {
    let report = slower("12:05", &[], &[]);
    assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.sentence);
    assert_eq!((report.coverage.observed, report.coverage.expected), (247, 247));
    assert!(report.no_data.is_empty(), "{:?}", report.no_data);
}

#[test]
fn a_few_long_pauses_are_lost_checks() {
    let report = slower("11:24", &[], &[]);
    assert_eq!(report.verdict.state, State::Unknown, "{}", report.verdict.sentence);
    assert_eq!(report.coverage.observed, 243);
    assert!(report.coverage.expected > 260, "{:?}", report.coverage);
}

#[test]
fn checks_that_are_lost_at_the_longer_interval_are_missing_at_that() {
    let report = slower("12:35", &[("11:35", "11:55")], &[]);
    assert_eq!((report.coverage.observed, report.coverage.expected), (248, 250));
    let silent = slower("13:00", &[("12:00", "13:00")], &[]);
    assert_eq!(silent.verdict.state, State::Unknown, "{}", silent.verdict.sentence);
}

#[test]
fn an_outage_is_found_and_ends_at_the_longer_interval() {
    let during = slower("14:05", &[], &[("13:00", "15:00")]);
    assert_eq!(during.verdict.state, State::Down, "{}", during.verdict.sentence);
    let onset = during.incidents[0].start.by.to_string();
    assert!(onset.starts_with("2025-01-01T13:00:00"), "{onset}");
    let after = slower("16:05", &[], &[("13:00", "15:00")]);
    assert_eq!(after.verdict.state, State::Up, "{}", after.verdict.sentence);
    let end = after.incidents[0].end.map(|end| end.by.to_string()).unwrap_or_default();
    assert!(end.starts_with("2025-01-01T15:00:00"), "{end}");
}
