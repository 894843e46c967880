//! Slow periods have vantages, a start, waves and an end, as incidents have.

use std::time::Duration;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, question, usual_ms};
use crate::model::SafeText;
use crate::report::document::answer::State;
use crate::report::document::report::Report;
use crate::report::statistics::chance::Chance;

const VANTAGES: [&str; 3] = ["iad", "lhr", "sjc"];

/// The report, at instant `to` of the seventh day, after six usual days. On the seventh, answers to
/// `sjc` take two seconds from 13:07 to 13:52 and from 14:33 to 14:53.
fn asked(seed: u64, to: &str) -> Report {
    let mut stage = RecordedJournal::default();
    let slow = [("2025-01-07T13:07:00Z", "2025-01-07T13:52:00Z"), ("2025-01-07T14:33:00Z", "2025-01-07T14:53:00Z")];
    let mut chance = Chance::new(seed);
    for vantage in VANTAGES {
        stage.play(Line::new(vantage, "web", "home", 30), "2025-01-01T00:00:00Z", to, |now| {
            // It is checked in the afternoon only.
            if !(12..16).contains(&(now.as_second().rem_euclid(86_400) / 3_600)) {
                return PlayedCheck::Asleep;
            }
            let is_slow = vantage == "sjc" && slow.iter().any(|(from, to)| (at(from)..at(to)).contains(&now));
            PlayedCheck::Up(if is_slow { 2_000 + chance.below(500) } else { usual_ms(&mut chance) })
        });
    }
    stage.report(question("2025-01-07T12:00:00Z", to))
}

fn minutes_off(at: jiff::Timestamp, truth: &str) -> i64 {
    (at.as_second() - super::recorded_journal::at(truth).as_second()).abs() / 60
}

#[test]
fn answers_that_are_slow_from_one_vantage_are_told_with_it_and_since_when() {
    for seed in 1..=3 {
        let report = asked(seed, "2025-01-07T13:40:00Z");
        assert_eq!(report.verdict.state, State::Degraded, "{}", report.verdict.headline);
        let [period] = report.slow_periods.as_slice() else { panic!("{:?}", report.slow_periods) };
        assert!(period.is_open() && period.waves.len() == 1, "{period:?}");
        assert_eq!(period.vantages.iter().map(SafeText::as_str).collect::<Vec<_>>(), ["sjc"]);
        assert!(minutes_off(period.start.by, "2025-01-07T13:07:00Z") <= 3, "{period:?}");
        assert_eq!(report.surfaces[0].recent.failing_since, Some(period.start), "the row says since when too");
        let text = &report.verdict.headline;
        assert!(text.contains("web since 13:0") && text.contains("only from sjc"), "{text}");
        assert!(text.contains("answers take 2."), "{text}");
    }
}

#[test]
fn slow_answers_that_ended_are_remembered_with_their_waves() {
    for seed in 1..=3 {
        let report = asked(seed, "2025-01-07T15:40:00Z");
        assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.headline);
        let [period] = report.slow_periods.as_slice() else { panic!("{:?}", report.slow_periods) };
        assert_eq!(period.waves.len(), 2, "{period:?}");
        let [first, second] = [period.waves[0], period.waves[1]];
        let ends = [first.end.expect("an end").after, second.end.expect("an end").after].map(Option::unwrap);
        for (found, truth) in [
            (first.start.by, "2025-01-07T13:07:00Z"),
            (ends[0], "2025-01-07T13:52:00Z"),
            (second.start.by, "2025-01-07T14:33:00Z"),
            (ends[1], "2025-01-07T14:53:00Z"),
        ] {
            assert!(minutes_off(found, truth) <= 4, "{truth}: {period:?}");
        }
        let text = &report.verdict.headline;
        assert!(text.contains("answers of web took 2.") && text.contains("in 2 waves, from sjc"), "{text}");
    }
}

#[test]
fn usual_answers_are_never_slow() {
    for seed in 1..=3 {
        let report = asked(seed, "2025-01-07T13:00:00Z");
        assert_eq!((report.verdict.state, report.slow_periods.len()), (State::Up, 0), "{:?}", report.slow_periods);
    }
}

#[test]
fn a_moment_of_slow_answers_is_no_time_of_slowness() {
    let mut stage = RecordedJournal::default();
    let mut chance = Chance::new(4);
    let (from, to) = ("2025-01-01T00:00:00Z", "2025-01-07T01:00:00Z");
    for vantage in VANTAGES {
        stage.play(Line::new(vantage, "web", "home", 60), from, to, |now| {
            if now.as_second().rem_euclid(86_400) >= 3_600 {
                return PlayedCheck::Asleep;
            }
            let moment = (at("2025-01-07T00:30:00Z")..at("2025-01-07T00:31:00Z")).contains(&now);
            PlayedCheck::Up(if moment { 3_000 } else { usual_ms(&mut chance) })
        });
    }
    let mut asked = question("2025-01-07T00:00:00Z", to);
    asked.bucket = Some(Duration::from_mins(1));
    let report = stage.report(asked);
    assert!(report.slow_periods.is_empty(), "{:?}", report.slow_periods);
}
