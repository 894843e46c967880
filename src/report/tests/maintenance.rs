//! Checks in maintenance are in no verdict, alert, share, budget or burn rate, and the report
//! mentions them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, question};
use crate::model::{FailureClass, Objective, Surface};
use crate::report::document::answer::State;
use crate::report::document::report::Report;
use crate::window::Window;

/// The report on two vantages with a check each minute from 09:00 to 12:00; the functions say which
/// checks fail and which are in maintenance.
fn report(to: &str, is_down: fn(Timestamp) -> bool, is_planned: fn(Timestamp) -> bool) -> Report {
    let mut stage = RecordedJournal::default();
    for vantage in ["iad", "lhr"] {
        stage.play(Line::new(vantage, "app", "home", 60), "2026-03-10T09:00:00Z", "2026-03-10T12:00:00Z", |due| {
            let found = if is_down(due) { failed(FailureClass::ConnectRefused, 1) } else { PlayedCheck::Up(80) };
            if is_planned(due) { PlayedCheck::InMaintenance(Box::new(found)) } else { found }
        });
    }
    let objective = Some(Objective { ratio: 0.999, over: Duration::from_hours(720) });
    let mut question = question("2026-03-10T09:00:00Z", to);
    question.surfaces = BTreeMap::from([("app".to_owned(), Surface { objective, ..Surface::default() })]);
    stage.report(question)
}

fn is_between(due: Timestamp, from: &str, to: &str) -> bool {
    (at(&format!("2026-03-10T{from}:00Z"))..at(&format!("2026-03-10T{to}:00Z"))).contains(&due)
}

#[test]
fn an_outage_that_was_announced_is_named_and_nothing_else() {
    let planned: fn(Timestamp) -> bool = |due| is_between(due, "10:00", "11:00");
    let report = report("2026-03-10T12:00:00Z", planned, planned);
    let app = &report.surfaces[0];
    assert_eq!((report.verdict.state, report.incidents.len()), (State::Up, 0), "{}", report.verdict.headline);
    assert_eq!((app.figures.checks, app.figures.down), (240, 0));
    assert_eq!((report.maintenance.scheduled(), report.maintenance.down), (120, 120));
    assert_eq!((report.coverage.expected, report.coverage.observed), (240, 240), "what was planned is not missing");
    assert!(report.no_data.is_empty(), "{:?}", report.no_data);
    for text in [&report.verdict.headline, &report.verdict.sentence] {
        assert!(text.contains("app was in maintenance (120 checks left out, all failed)"), "{text}");
    }
    let slo = app.slo.as_ref().and_then(|slo| slo.availability.as_ref()).expect("an objective");
    assert_eq!((slo.failed, slo.judged), (0, 240));
    assert!(slo.burn.iter().all(|burn| burn.long_failed == 0 && !burn.firing), "{:?}", slo.burn);
    assert!((slo.burn[0].long_seen - 1.0).abs() < 0.05, "the hour after it is whole: {:?}", slo.burn[0]);
}

#[test]
fn a_maintenance_that_goes_on_is_no_silence() {
    let planned: fn(Timestamp) -> bool = |due| is_between(due, "11:00", "12:00");
    let report = report("2026-03-10T12:00:00Z", planned, planned);
    assert_eq!(report.verdict.state, State::Up, "{}", report.verdict.sentence);
    assert!(report.verdict.headline.contains("app in maintenance (120 checks left out"), "{}", report.verdict.headline);
}

#[test]
fn a_maintenance_before_the_range_is_no_silence_in_it() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("iad", "app", "home", 60), "2026-03-10T00:00:00Z", "2026-03-10T12:00:00Z", |due| {
        let found = PlayedCheck::Up(80);
        if is_between(due, "02:00", "02:30") { PlayedCheck::InMaintenance(Box::new(found)) } else { found }
    });
    let report = stage.report(question("2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"));
    assert!(report.no_data.is_empty(), "{:?}", report.no_data);
}

#[test]
fn what_is_silent_between_checks_in_maintenance_is_the_same_in_coarser_windows() {
    let play = |line, is_planned: bool| {
        let mut stage = RecordedJournal::default();
        stage.play(
            line,
            "2026-03-10T09:00:00Z",
            if is_planned { "2026-03-10T12:00:00Z" } else { "2026-03-10T10:00:00Z" },
            |due| {
                let found = PlayedCheck::Up(80);
                if is_planned && is_between(due, "10:00", "12:00") {
                    PlayedCheck::InMaintenance(Box::new(found))
                } else {
                    found
                }
            },
        );
        stage.windows
    };
    let (often, seldom) =
        (play(Line::new("iad", "app", "home", 60), false), play(Line::new("iad", "app", "blog", 1_200), true));
    let no_data = |windows: Vec<Window>| {
        let stage = RecordedJournal { windows, ..RecordedJournal::default() };
        stage.report(question("2026-03-10T09:00:00Z", "2026-03-10T12:00:00Z")).no_data
    };
    let raw = no_data([often.clone(), seldom.clone()].concat());
    let mut coarse = often;
    for planned in [false, true] {
        let mut parts = seldom.iter().filter(|window| window.maintenance == planned).cloned();
        let mut sum = parts.next().expect("a window");
        parts.for_each(|part| sum.merge(&part));
        sum.strip.join_even();
        coarse.push(sum);
    }
    assert!(raw.len() > 3, "{raw:?}");
    assert_eq!(raw, no_data(coarse));
}

#[test]
fn an_outage_around_a_maintenance_says_what_it_leaves_out() {
    let report = report(
        "2026-03-10T12:00:00Z",
        |due| is_between(due, "10:00", "11:30"),
        |due| is_between(due, "10:20", "10:50"),
    );
    let incident = &report.incidents[0];
    assert_eq!(report.incidents.len(), 1);
    assert_eq!((incident.actual_failures, incident.judged, incident.maintenance), (120, 120, 60));
    assert_eq!(incident.start.by, at("2026-03-10T10:00:00Z") + spread());
}

/// The offset of the probe's schedule from the full minute.
fn spread() -> Duration {
    Duration::from_millis(u64::from(crc32fast::hash(b"home") % 1000) * 60)
}

#[test]
fn where_all_is_planned_nothing_is_known() {
    let report = report("2026-03-10T12:00:00Z", |_| true, |_| true);
    assert_eq!(report.verdict.state, State::Unknown);
    let text = &report.verdict.headline;
    assert!(text.contains("every check of this time was in maintenance; app in maintenance (360 checks"), "{text}");
}

#[test]
fn half_a_minute_or_three_failures_page_nobody() {
    let mut stage = RecordedJournal::default();
    let refused = |due: Timestamp| {
        if due < at("2026-03-10T10:00:00Z") { PlayedCheck::Up(80) } else { failed(FailureClass::ConnectRefused, 1) }
    };
    let reported = |stage: &RecordedJournal, to: &str| {
        let objective = Some(Objective { ratio: 0.999, over: Duration::from_hours(720) });
        let mut question = question("2026-03-09T10:00:00Z", to);
        question.surfaces = BTreeMap::from([("app".to_owned(), Surface { objective, ..Surface::default() })]);
        let report = stage.report(question);
        let slo = report.surfaces[0].slo.clone().expect("an objective");
        (slo.burnt, slo.availability.expect("availability").burn[0].clone())
    };
    // Half a minute of a new probe, checked every second; all checks fail.
    stage.play(Line::new("iad", "app", "home", 1), "2026-03-10T10:00:00Z", "2026-03-10T10:00:30Z", refused);
    let (burnt, burn) = reported(&stage, "2026-03-10T10:00:30Z");
    assert!(!burnt && !burn.judged, "{burn:?}");
    assert!(burn.why_unjudged().is_some_and(|why| why.starts_with("data for ")), "{burn:?}");
    // Two hours of good checks, then failures: at first three minutes of them, then twenty.
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("iad", "app", "home", 60), "2026-03-10T08:00:00Z", "2026-03-10T10:20:00Z", refused);
    assert!(!reported(&stage, "2026-03-10T10:03:00Z").0);
    let (burnt, burn) = reported(&stage, "2026-03-10T10:20:00Z");
    assert!(burnt && burn.firing, "{burn:?}");
}
