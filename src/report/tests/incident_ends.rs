//! Ends of incidents: silence does not end one; a removed probe costs no coverage; an old answer of
//! a control target proves nothing; slowness has a vantage and a time.

use jiff::Timestamp;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, question, status, usual_ms};
use crate::model::{FailureClass, SafeText};
use crate::report::document::answer::{Extent, State};
use crate::report::statistics::chance::Chance;

const FROM: &str = "2026-03-10T09:00:00Z";
const TO: &str = "2026-03-10T18:00:00Z";

fn refused_from(hour: &str) -> impl FnMut(Timestamp) -> PlayedCheck {
    let since = at(&format!("2026-03-10T{hour}:00Z"));
    move |due| if due < since { PlayedCheck::Up(80) } else { failed(FailureClass::ConnectRefused, 1) }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn a_vantage_that_fell_silent_while_it_was_failing_ended_nothing() {
    for asleep_from in ["11:00", "15:00", "17:30"] {
        let mut stage = RecordedJournal::default();
        let end = format!("2026-03-10T{asleep_from}:00Z");
        stage.play(Line::new("iad", "app", "home", 60), FROM, &end, refused_from("10:30"));
        let report = stage.report(question(FROM, TO));
        let incident = &report.incidents[0];
        assert_eq!((report.verdict.state, incident.end), (State::Unknown, None), "{}", report.verdict.headline);
        let last = incident.last_seen.expect("it was last seen");
        assert!(last < at(&end) && last >= at(&end) - jiff::SignedDuration::from_mins(1), "{last}");
        assert!((incident.duration_s.min - (last.as_second() - incident.start.by.as_second()) as f64).abs() < 2.0);
        let text = &report.verdict.headline;
        assert!(text.contains("app failing when last seen ") && text.contains("since 10:30"), "{text}");
    }
}

#[test]
fn a_partial_failure_that_nobody_sees_any_more_is_failing_when_last_seen() {
    let mut stage = RecordedJournal::default();
    let (since, good) = (at("2026-03-10T10:30:00Z"), at("2026-03-10T14:56:00Z"));
    let mut n = 0;
    // Four good checks before it falls silent end the outage of the probe, but no failure of half of its checks.
    stage.play(Line::new("iad", "app", "home", 60), FROM, "2026-03-10T15:00:00Z", |due| {
        n += 1;
        let fails = due >= since && due < good && n % 2 == 0;
        if fails { failed(FailureClass::ConnectRefused, 1) } else { PlayedCheck::Up(80) }
    });
    let report = stage.report(question(FROM, TO));
    let incident = report.incidents.last().expect("an incident");
    assert_eq!((report.verdict.state, incident.end), (State::Unknown, None), "{}", report.verdict.headline);
    assert!(incident.last_seen.is_some_and(|last| last >= good), "{:?}", incident.last_seen);
    assert!(report.verdict.headline.contains("app failing when last seen "), "{}", report.verdict.headline);
}

#[test]
fn what_cannot_be_judged_says_since_when() {
    let mut stage = RecordedJournal::default();
    let offline = "2026-03-10T17:00:00Z";
    stage.play(Line::new("iad", "app", "home", 60), FROM, "2026-03-10T12:00:00Z", |_| PlayedCheck::Up(80));
    for line in [Line::control("lhr", 60), Line::new("lhr", "app", "home", 60)] {
        stage.play(line, FROM, TO, refused_from("17:00"));
    }
    stage.play(Line::new("sjc", "app", "home", 60), FROM, TO, |_| PlayedCheck::Up(80));
    let report = stage.report(question(FROM, TO));
    for (vantage, since) in [("iad", "2026-03-10T12:00:00Z"), ("lhr", offline)] {
        let place = report.places.iter().find(|row| row.vantage.as_str() == vantage && !row.control).expect("a row");
        let row = report.vantages.iter().find(|row| row.vantage.as_str() == vantage).expect("a row");
        for (state, recent) in [(place.state, &place.recent), (row.state, &row.recent)] {
            assert_eq!(state, State::Unknown, "{vantage}");
            let found = recent.unknown_since.expect("a time");
            let minute = jiff::SignedDuration::from_mins(1);
            assert!(found.after.is_some_and(|after| after < at(since) && after >= at(since) - minute), "{found:?}");
            assert!(found.by >= at(since) && found.by <= at(since) + minute, "{found:?}");
        }
    }
    let known = report.places.iter().find(|row| row.vantage.as_str() == "sjc").expect("a row");
    assert_eq!(known.recent.unknown_since, None);
}

#[test]
fn a_probe_that_was_taken_away_is_over_and_costs_no_coverage() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("iad", "app", "home", 60), FROM, TO, |_| PlayedCheck::Up(80));
    stage.play(Line::new("iad", "app", "old", 60), FROM, "2026-03-10T12:00:00Z", refused_from("11:30"));
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.headline);
    assert!(report.incidents[0].end.is_some(), "the vantage is heard, so the probe is gone");
    assert_eq!(report.coverage.ratio, Some(1.0), "{:?}", report.coverage);
    // If a whole vantage goes silent, everything that was due is missing.
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("iad", "app", "home", 60), FROM, "2026-03-10T12:00:00Z", |_| PlayedCheck::Up(80));
    let report = stage.report(question(FROM, TO));
    assert!(report.coverage.ratio.is_some_and(|ratio| ratio < 0.4), "{:?}", report.coverage);
}

#[test]
fn a_vantage_that_fell_silent_is_none_of_those_that_see_an_outage_now() {
    let mut stage = RecordedJournal::default();
    for (vantage, to) in [("iad", "2026-03-10T17:30:00Z"), ("lhr", TO), ("sjc", TO)] {
        stage.play(Line::new(vantage, "app", "home", 60), FROM, to, refused_from("17:00"));
    }
    let line = stage.report(question(FROM, TO)).verdict.headline;
    assert!(line.contains("both vantages"), "{line}");
}

#[test]
fn a_failing_vantage_that_fell_silent_says_nothing_of_where_others_see_it_up() {
    let mut stage = RecordedJournal::default();
    for vantage in ["lhr", "sjc"] {
        stage.play(Line::new(vantage, "app", "home", 60), FROM, TO, |_| PlayedCheck::Up(80));
    }
    stage.play(Line::new("iad", "app", "home", 60), FROM, "2026-03-10T12:00:00Z", refused_from("11:30"));
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.headline);
    let text = &report.verdict.headline;
    assert!(text.contains("app failing when last seen ") && text.contains("from iad"), "{text}");
}

#[test]
fn a_control_target_that_was_not_heard_for_hours_proves_nothing() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::control("iad", 60), FROM, "2026-03-10T10:00:00Z", |_| PlayedCheck::Up(40));
    stage.play(Line::new("iad", "app", "home", 60), FROM, TO, refused_from("17:00"));
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.state, State::Down, "{}", report.verdict.headline);
    assert!(!report.verdict.sentence.contains("control ok"), "{}", report.verdict.sentence);
    let scope = &report.verdict.claims[1];
    assert!(!scope.reason.contains("control targets answer"), "{scope:?}");
}

#[test]
fn slowness_says_from_where_and_since_when() {
    let mut stage = RecordedJournal::default();
    let slow_at = |vantage: &str, slow: &[&str]| slow.contains(&vantage);
    for slow in [&["iad"][..], &["iad", "lhr", "sjc"]] {
        stage.windows.clear();
        let mut chance = Chance::new(5);
        for vantage in ["iad", "lhr", "sjc"] {
            stage.play(Line::new(vantage, "app", "home", 60), "2025-01-01T00:00:00Z", "2025-01-08T00:00:00Z", |due| {
                let is_slow = slow_at(vantage, slow) && due >= at("2025-01-07T23:00:00Z");
                PlayedCheck::Up(if is_slow { 2_500 } else { usual_ms(&mut chance) })
            });
        }
        let report = stage.report(question("2025-01-07T00:00:00Z", "2025-01-08T00:00:00Z"));
        let verdict = &report.verdict;
        assert_eq!(verdict.state, State::Degraded, "{}", verdict.headline);
        let names: Vec<&str> = verdict.scope.vantages.iter().map(SafeText::as_str).collect();
        assert_eq!(names, slow, "{}", verdict.headline);
        let extent = if slow.len() == 1 { Extent::Local } else { Extent::Global };
        assert_eq!(verdict.scope.extent, extent, "{}", verdict.headline);
        let since = verdict.since.expect("since when").by;
        let off = since.duration_since(at("2025-01-07T23:00:00Z")).abs();
        assert!(off <= jiff::SignedDuration::from_mins(15), "{since}");
        assert!(verdict.headline.contains("answers take 2.5"), "{}", verdict.headline);
    }
}

#[test]
fn a_control_target_that_is_never_right_is_named_and_blames_nobody() {
    for (found, told) in [
        (status(404, 20, &[], "no"), "Control target internet never meets its expectations (status 404)"),
        (failed(FailureClass::ConnectRefused, 1), "never answers (refused connections) while other targets do"),
    ] {
        let PlayedCheck::Failed(outcome) = found else { panic!("a failure") };
        let mut stage = RecordedJournal::default();
        stage.play(Line::control("iad", 60), FROM, TO, |_| PlayedCheck::Failed(outcome.clone()));
        stage.play(Line::new("iad", "app", "home", 60), FROM, TO, |_| PlayedCheck::Up(80));
        let report = stage.report(question(FROM, TO));
        assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.headline);
        assert!(report.limits.iter().any(|limit| limit.contains(told)), "{:#?}", report.limits);
        let reading = &report.verdict.signature;
        assert!(reading.matched.is_empty(), "we are online: {:?}", reading.consistent_with);
        assert!(!report.verdict.sentence.contains("control targets fail"), "{}", report.verdict.sentence);
    }
}

#[test]
fn control_targets_that_do_not_answer_are_no_bad_ones_where_most_of_what_is_asked_does_not_either() {
    for controls in [&["internet"] as &[&str], &["internet", "other"]] {
        for (failing, is_bad) in [(&["one", "two", "three"] as &[&str], false), (&["one"], true)] {
            let mut stage = RecordedJournal::default();
            for control in controls {
                let control = Line { probe: control, ..Line::control("iad", 60) };
                stage.play(control, FROM, TO, |_| failed(FailureClass::ConnectTimeout, 10_000));
            }
            for target in ["home", "one", "two", "three"] {
                let fails = failing.contains(&target);
                stage.play(Line::new("iad", "app", target, 60), FROM, TO, |_| {
                    if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(80) }
                });
            }
            let report = stage.report(question(FROM, TO));
            let named = report.limits.iter().filter(|limit| limit.starts_with("Control target")).count();
            assert_eq!(named, if is_bad { controls.len() } else { 0 }, "{:#?}", report.limits);
            let sentence = &report.verdict.sentence;
            assert!(!sentence.contains("control ok"), "{sentence}");
            assert_eq!(sentence.contains("control targets fail"), !is_bad, "{sentence}");
        }
    }
}

#[test]
fn a_vantage_that_is_offline_takes_its_dead_control_with_it() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::control("iad", 60), FROM, TO, refused_from("17:00"));
    stage.play(Line::new("iad", "app", "home", 60), FROM, TO, refused_from("17:00"));
    for vantage in ["lhr", "sjc"] {
        stage.play(Line::control(vantage, 60), FROM, TO, |_| PlayedCheck::Up(40));
        stage.play(Line::new(vantage, "app", "home", 60), FROM, TO, refused_from("17:10"));
    }
    let report = stage.report(question(FROM, TO));
    let scope = &report.verdict.claims[1];
    assert_eq!(report.verdict.state, State::Down, "{}", report.verdict.headline);
    assert!(scope.reason.contains("control targets answer"), "{scope:?}");
    assert!(!report.verdict.signature.consistent_with.contains(&"local_outage"), "{:?}", report.verdict.signature);
    assert!(!report.limits.iter().any(|limit| limit.starts_with("Control target")), "{:#?}", report.limits);
}
