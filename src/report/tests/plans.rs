//! A plan that changes the interval of a probe changes how many checks were due, and when a probe is silent.

use std::time::Duration;

use jiff::SignedDuration;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, question, status};
use super::within;
use crate::model::{Cron, Probe, RecordedPlan, Schedule};
use crate::report::document::answer::State;
use crate::report::document::report::Report;

const FROM: &str = "2025-03-10T00:00:00Z";
const TO: &str = "2025-03-10T12:00:00Z";

/// A watch of one probe: from an instant on, and every how many seconds.
type Watch = (&'static str, i64);

/// What is reported where each watch ends as the next one begins, and none checks anything in the pauses.
fn report(watches: &[Watch], pauses: &[(&str, &str)]) -> Report {
    let mut stage = RecordedJournal::default();
    let ends = watches.iter().skip(1).map(|(from, _)| *from).chain([TO]);
    for ((from, every), to) in watches.iter().zip(ends) {
        let probe = Probe::plain("home", "web", "http://x.test/", Duration::from_secs(every.unsigned_abs()));
        stage.plans.extend(RecordedPlan::parts("here", None, at(from), [&probe]));
        stage.play(Line::new("here", "web", "home", *every), from, to, |now| {
            if within(now, pauses) { PlayedCheck::Asleep } else { PlayedCheck::Up(50) }
        });
    }
    // Another probe goes on, so that the vantage itself is not silent.
    stage.play(Line::new("here", "other", "on and on", 30), FROM, TO, |_| PlayedCheck::Up(50));
    stage.report(question(FROM, TO))
}

fn home(report: &Report) -> (f64, State) {
    let row = report.probes.iter().find(|row| row.probe.as_str() == "home").unwrap();
    (row.figures.coverage.ratio.unwrap(), row.state)
}

#[test]
fn checks_by_hand_make_no_others_due() {
    let mut stage = RecordedJournal::default();
    let probe = Probe::plain("home", "web", "http://x.test/", Duration::from_mins(10));
    stage.plans.extend(RecordedPlan::parts("here", None, at(FROM), [&probe]));
    stage.play(Line::new("here", "web", "home", 600), FROM, TO, |_| PlayedCheck::Up(50));
    for hour in ["02", "05", "11"] {
        let time = |minute: &str| format!("2025-03-10T{hour}:{minute}:00Z");
        stage.play(Line::new("here", "web", "home", 1), &time("31"), &time("33"), |_| PlayedCheck::Up(50));
    }
    let (ratio, state) = home(&stage.report(question(FROM, TO)));
    assert!(ratio > 0.98 && state == State::Up, "{ratio} {state:?}");
}

#[test]
fn an_interval_of_zero_makes_nothing_due() {
    let mut stage = RecordedJournal::default();
    for (from, interval) in [(FROM, Duration::from_secs(30)), ("2025-03-10T06:00:00Z", Duration::ZERO)] {
        let probe = Probe::plain("home", "web", "http://x.test/", interval);
        stage.plans.extend(RecordedPlan::parts("here", None, at(from), [&probe]));
    }
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |_| PlayedCheck::Up(50));
    let (ratio, _) = home(&stage.report(question(FROM, TO)));
    assert!(ratio > 0.98, "{ratio}");
}

const SLOWER: &[Watch] = &[(FROM, 30), ("2025-03-10T09:00:00Z", 600)];
const FASTER: &[Watch] = &[(FROM, 600), ("2025-03-10T09:00:00Z", 30)];
const BACK_AND_FORTH: &[Watch] = &[(FROM, 60), ("2025-03-10T03:00:00Z", 600), ("2025-03-10T09:00:00Z", 60)];

#[test]
fn an_interval_that_was_changed_misses_no_check() {
    for watches in [SLOWER, FASTER, BACK_AND_FORTH] {
        let (ratio, state) = home(&report(watches, &[]));
        assert!(ratio > 0.98 && state == State::Up, "{watches:?}: {ratio} {state:?}");
    }
}

#[test]
fn a_failed_check_counts_for_the_interval_that_was_planned_then() {
    let mut stage = RecordedJournal::default();
    for (from, every, to) in [(FROM, 30_i64, "2025-03-10T09:00:00Z"), ("2025-03-10T09:00:00Z", 600, TO)] {
        let probe = Probe::plain("home", "web", "http://x.test/", Duration::from_secs(every.unsigned_abs()));
        stage.plans.extend(RecordedPlan::parts("here", None, at(from), [&probe]));
        stage.play(Line::new("here", "web", "home", every), from, to, |now| {
            if within(now, &[("08:00", "11:00")]) { status(503, 20, &[], "") } else { PlayedCheck::Up(50) }
        });
    }
    let report = stage.report(question(FROM, TO));
    let minutes = [report.surfaces[0].figures.impact_minutes, report.incidents[0].impact_minutes[0].minutes];
    assert!(minutes.iter().all(|minutes| (170.0..190.0).contains(minutes)), "three hours: {minutes:?}");
}

#[test]
fn what_is_missing_at_the_new_interval_is_missing() {
    let pause = &[("10:00", "11:00")];
    // Of 1,080 and 18 checks that were due, six were not made; of 54 and 360, 120.
    let (ratio, _) = home(&report(SLOWER, pause));
    assert!((0.99..0.997).contains(&ratio), "{ratio}");
    let (ratio, _) = home(&report(FASTER, pause));
    assert!((0.7..0.72).contains(&ratio), "{ratio}");
}

/// What is reported at an instant where a cron expression says when checks are due, with further checks by hand.
fn by_cron(expression: &str, to: &str, pauses: &[(&str, &str)], by_hand: &[(&str, &str)]) -> Report {
    let mut stage = RecordedJournal::default();
    let mut probe = Probe::plain("home", "web", "http://x.test/", Duration::from_mins(10));
    let cron = Cron::new(expression).unwrap();
    probe.schedule = Schedule::Cron(cron.clone());
    stage.plans.extend(RecordedPlan::parts("here", None, at(FROM), [&probe]));
    let mut due = cron.next_after(at(FROM)).unwrap();
    while due < at(to) {
        let next = due + SignedDuration::from_secs(1);
        if !within(due, pauses) {
            stage.play_exactly(Line::new("here", "web", "home", 3_600), due, next, |_| PlayedCheck::Up(50));
        }
        due = cron.next_after(due).unwrap();
    }
    for (from, to) in by_hand {
        stage.play(Line::new("here", "web", "home", 60), from, to, |_| PlayedCheck::Up(50));
    }
    stage.report(question(FROM, to))
}

#[test]
fn what_a_cron_expression_leaves_out_is_not_missing() {
    const HAND: &[(&str, &str)] = &[("2025-03-11T09:00:00Z", "2025-03-11T17:00:00Z")];
    for to in ["2025-03-13T06:00:00Z", "2025-03-13T12:00:00Z"] {
        for by_hand in [&[][..], HAND] {
            let report = by_cron("*/10 9-17 * * *", to, &[], by_hand);
            let (ratio, state) = home(&report);
            assert!(ratio > 0.98 && state == State::Up, "{to} {by_hand:?}: {ratio} {state:?}");
            assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.sentence);
            assert!(report.no_data.is_empty(), "{:?}", report.no_data);
            let report = by_cron("*/10 9-17 * * *", to, &[("10:00", "14:30")], &[]);
            let (ratio, _) = home(&report);
            assert!((0.48..0.51).contains(&ratio), "{to}: {ratio}");
            assert!(report.no_data.len() >= 3, "{:?}", report.no_data);
        }
    }
}

#[test]
fn an_interval_that_became_a_cron_expression_misses_no_check_and_back() {
    let cron = |expression: &str| Schedule::Cron(Cron::new(expression).unwrap());
    let at_interval = |seconds| Schedule::Every(Duration::from_secs(seconds));
    for (schedules, lines) in [
        ([at_interval(30), cron("*/10 * * * *")], [30, 600]),
        ([cron("*/10 * * * *"), at_interval(30)], [600, 30]),
        ([cron("*/10 * * * *"), cron("*/2 * * * *")], [600, 120]),
    ] {
        let coverage = |pauses: &[(&str, &str)]| {
            let mut stage = RecordedJournal::default();
            for (at_time, to, schedule, every) in [
                (FROM, "2025-03-10T09:00:00Z", &schedules[0], lines[0]),
                ("2025-03-10T09:00:00Z", TO, &schedules[1], lines[1]),
            ] {
                let probe = Probe {
                    schedule: schedule.clone(),
                    ..Probe::plain("home", "web", "http://x.test/", Duration::ZERO)
                };
                stage.plans.extend(RecordedPlan::parts("here", None, at(at_time), [&probe]));
                stage.play(Line::new("here", "web", "home", every), at_time, to, |now| {
                    if within(now, pauses) { PlayedCheck::Asleep } else { PlayedCheck::Up(50) }
                });
            }
            stage.play(Line::new("here", "other", "on and on", 30), FROM, TO, |_| PlayedCheck::Up(50));
            home(&stage.report(question(FROM, TO))).0
        };
        assert!(coverage(&[]) > 0.98, "{lines:?}: {}", coverage(&[]));
        assert!(coverage(&[("03:00", "05:00"), ("10:00", "11:00")]) < 0.85, "{lines:?}: two pauses");
    }
}
