//! Reports on recorded days: scenarios that every report must judge right, and properties that hold
//! for any journal.

mod bursts;
mod incident_ends;
mod labels;
mod maintenance;
mod march_2025;
mod outage_kinds;
mod plans;
mod properties;
mod recorded_journal;
mod recurring;
mod shards;
mod signatures;
mod slowdown;
mod slowness;

use std::time::Duration;

use jiff::Timestamp;

use self::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, diagnosed, failed, question, status, usual_ms};
use crate::model::{ExtraKind, FailureClass};
use crate::report::document::answer::{Extent, State};
use crate::report::document::incident::Incident;
use crate::report::document::report::Report;
use crate::report::fold::Question;
use crate::report::statistics::chance::Chance;
use crate::window::Histogram;

const CLOUDFLARE: &[(&str, &str)] = &[("server", "cloudflare"), ("cf-ray", "8a1f-LHR")];

fn matched(incident: &Incident) -> Vec<&str> {
    incident.signature.matched.iter().map(|row| row.id).collect()
}

#[track_caller]
fn one_incident(report: &Report) -> &Incident {
    assert_eq!(report.incidents.len(), 1, "{:#?}", report.incidents);
    &report.incidents[0]
}

fn state_of(report: &Report, surface: &str) -> State {
    report.surfaces.iter().find(|row| row.surface.as_str() == surface).expect("a surface").state
}

/// Whether the time of an instant lies in one of some spans of a day, `HH:MM`.
fn within(instant: Timestamp, spans: &[(&str, &str)]) -> bool {
    let time = instant.to_string()[11..16].to_owned();
    spans.iter().any(|(from, to)| *from <= time.as_str() && time.as_str() < *to)
}

#[test]
fn twitter_2023_03_06_is_degraded_with_403_on_some_functions() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2023-03-06T15:00:00Z", "2023-03-06T16:30:00Z");
    let broken = [("15:45", "16:50")];
    let body =
        r#"{"errors":[{"message":"Your current API plan does not include access to this endpoint","code":467}]}"#;
    stage.play(Line::control("here", 60), from, to, |_| PlayedCheck::Up(40));
    stage.play(Line::new("here", "web", "timeline", 60), from, to, |_| PlayedCheck::Up(90));
    for probe in ["link", "image", "terms"] {
        stage.play(Line::new("here", "web", probe, 60), from, to, |now| {
            if within(now, &broken) { status(403, 20, &[], body) } else { PlayedCheck::Up(90) }
        });
    }
    let report = stage.report(question(from, to));
    assert_eq!(report.verdict.state, State::Degraded);
    let incident = one_incident(&report);
    let rows = matched(incident);
    assert!(rows.contains(&"S15") && rows.contains(&"S20"), "{rows:?}");
    assert!(incident.signature.not_consistent_with.contains(&"network"));
    assert_eq!(report.verdict.kind.as_ref().and_then(|kind| kind.status), Some(403));
    assert!(report.verdict.sentence.contains("status 403"), "{}", report.verdict.sentence);
}

#[test]
fn twitter_2023_03_01_is_an_empty_timeline() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2023-03-01T09:00:00Z", "2023-03-01T11:00:00Z");
    stage.play(Line::control("here", 60), from, to, |_| PlayedCheck::Up(40));
    stage.play(Line::new("here", "app", "timeline", 60), from, to, |now| {
        if within(now, &[("10:00", "12:00")]) { failed(FailureClass::AssertionFailed, 80) } else { PlayedCheck::Up(80) }
    });
    stage.play(Line::new("here", "app", "trends", 60), from, to, |_| PlayedCheck::Up(80));
    let report = stage.report(question(from, to));
    assert_eq!(report.verdict.state, State::Degraded);
    assert!(matched(one_incident(&report)).contains(&"S17"));
}

/// A day on which names fail to resolve, with these results of extra checks.
fn names_fail(extra: &[(ExtraKind, &str, Option<FailureClass>)]) -> Report {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z");
    stage.play(Line::control("here", 60), from, to, |_| PlayedCheck::Up(40));
    stage.play(Line::new("here", "app", "api", 60), from, to, |now| {
        let fails = within(now, &[("09:30", "10:00")]);
        if fails { diagnosed(FailureClass::DnsServerFailure, extra) } else { PlayedCheck::Up(80) }
    });
    stage.report(question(from, to))
}

#[test]
fn names_that_fail_are_told_apart_by_extra_checks() {
    let resolver = |class| (ExtraKind::OtherResolver, "1.1.1.1:53", class);
    let last = |class| (ExtraKind::LastGoodAddress, "203.0.113.7:443", class);
    let (servfail, timeout) = (Some(FailureClass::DnsServerFailure), Some(FailureClass::ConnectTimeout));
    for (extra, row, others) in [
        (vec![resolver(servfail), last(timeout)], "S2", ["S3", "S4"]),
        (vec![resolver(servfail), last(None)], "S4", ["S2", "S3"]),
        (vec![resolver(None), last(None)], "S3", ["S2", "S4"]),
        (vec![], "S2-S4", ["S2", "S4"]),
    ] {
        let report = names_fail(&extra);
        let rows = matched(one_incident(&report));
        assert!(rows.contains(&row), "{row}: {rows:?}");
        assert!(!rows.iter().any(|found| others.contains(found)), "{row}: {rows:?}");
        assert_eq!(report.verdict.state, State::Down);
    }
}

#[test]
fn an_expired_certificate_has_its_onset_within_one_interval() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2020-02-03T13:00:00Z", "2020-02-03T15:00:00Z");
    let expiry = at("2020-02-03T14:00:07Z");
    for vantage in ["iad", "lhr"] {
        stage.play(Line::control(vantage, 60), from, to, |_| PlayedCheck::Up(40));
        stage.play(Line::new(vantage, "app", "teams", 30), from, to, |now| {
            if now >= expiry { failed(FailureClass::TlsCertExpired, 15) } else { PlayedCheck::Up(80) }
        });
    }
    let report = stage.report(question(from, to));
    assert_eq!(report.verdict.state, State::Down);
    let incident = one_incident(&report);
    let after = incident.start.after.expect("a good check before");
    assert!(after < expiry && expiry <= incident.start.by);
    assert!(incident.start.width().is_some_and(|width| width <= Duration::from_secs(30)));
    assert_eq!(matched(incident)[0], "S9");
    assert_eq!(incident.kind.as_ref().map(|kind| kind.class), Some(FailureClass::TlsCertExpired));
}

#[test]
fn a_content_network_that_fails_is_not_hidden_by_a_shallow_probe() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-12-05T08:00:00Z", "2025-12-05T09:10:00Z");
    let broken = [("08:47", "10:00")];
    let fails = |now| if within(now, &broken) { status(500, 3, CLOUDFLARE, "error") } else { PlayedCheck::Up(50) };
    for vantage in ["iad", "lhr"] {
        stage.play(Line::control(vantage, 60), from, to, |_| PlayedCheck::Up(40));
        stage.play(Line { probe: "same network", ..Line::control(vantage, 60) }, from, to, fails);
        stage.play(Line::new(vantage, "app", "api", 30), from, to, fails);
        stage.play(Line::new(vantage, "web", "home", 30), from, to, fails);
        stage.play(Line::new(vantage, "web", "trace", 30), from, to, |_| PlayedCheck::Up(10));
    }
    let report = stage.report(question(from, to));
    assert!(report.verdict.state.is_failing());
    assert_eq!(state_of(&report, "web"), State::Degraded);
    assert_eq!(state_of(&report, "app"), State::Down);
    let incident = one_incident(&report);
    let found = incident.signature.matched.iter().find(|row| row.id == "S11").expect("S11");
    assert!(found.evidence.iter().any(|words| words == "answered by Cloudflare"), "{found:#?}");
    assert!(found.evidence.iter().any(|words| words.starts_with("a control target behind the same")), "{found:#?}");
}

#[test]
fn what_comes_and_goes_is_one_flapping_incident() {
    for (every, half) in [(60, 150), (30, 150), (30, 300), (15, 150)] {
        let mut stage = RecordedJournal::default();
        let (from, to) = ("2025-11-18T11:00:00Z", "2025-11-18T13:00:00Z");
        let broken = at("2025-11-18T11:20:00Z").as_second();
        stage.play(Line::control("here", 60), from, to, |_| PlayedCheck::Up(40));
        stage.play(Line::new("here", "web", "home", every), from, to, |now| {
            let into = now.as_second() - broken;
            if into >= 0 && (into / half) % 2 == 0 { status(500, 5, CLOUDFLARE, "error") } else { PlayedCheck::Up(50) }
        });
        let report = stage.report(question(from, to));
        let incident = one_incident(&report);
        assert!(incident.flapping && incident.flap_percent >= 30.0, "{every} {half}: {incident:#?}");
        assert_eq!(report.verdict.state, State::Flapping, "{every} {half}: {}", report.verdict.sentence);
        assert!(matched(incident).contains(&"S21"));
    }
}

#[test]
fn a_laptop_asleep_is_no_data_and_no_incident() {
    let sleeping = |spans: &'static [(&'static str, &'static str)]| {
        let mut stage = RecordedJournal::default();
        let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T18:00:00Z");
        for line in [Line::control("laptop", 60), Line::new("laptop", "app", "api", 60)] {
            stage.play(
                line,
                from,
                to,
                |now| if within(now, spans) { PlayedCheck::Asleep } else { PlayedCheck::Up(50) },
            );
        }
        stage.report(question(from, to))
    };
    let still_asleep = sleeping(&[("15:00", "18:00")]);
    assert_eq!(still_asleep.verdict.state, State::Unknown);
    assert!(
        still_asleep.verdict.sentence.starts_with("unknown: no check since 14:59"),
        "{}",
        still_asleep.verdict.sentence
    );
    let awake_again = sleeping(&[("12:00", "15:00")]);
    assert_eq!(awake_again.verdict.state, State::Up);
    for report in [&still_asleep, &awake_again] {
        assert!(report.incidents.is_empty());
        assert!(report.coverage.ratio.is_some_and(|ratio| (ratio - 2.0 / 3.0).abs() < 0.01), "{:?}", report.coverage);
        assert_eq!(report.no_data.len(), 1);
        let app = &report.surfaces[0];
        assert_eq!((app.figures.up, app.figures.down, app.time_up_ratio), (360, 0, Some(1.0)));
        let buckets = report.series.iter().filter(|point| point.surface.as_str() == "app").count();
        assert!(report.series.iter().all(|point| point.n > 0), "a bucket without a check is absent");
        assert_eq!(buckets, 72, "six of nine hours in five minutes");
    }
}

#[test]
fn when_the_control_target_fails_too_nothing_is_known() {
    for class in [FailureClass::ConnectTimeout, FailureClass::ControlFailed] {
        let mut stage = RecordedJournal::default();
        let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z");
        let broken = [("09:40", "10:00")];
        stage.play(Line::control("here", 60), from, to, |now| {
            if within(now, &broken) { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
        });
        stage.play(Line::new("here", "app", "api", 60), from, to, |now| {
            if within(now, &broken) { failed(class, 10_000) } else { PlayedCheck::Up(40) }
        });
        let report = stage.report(question(from, to));
        assert_eq!(report.verdict.state, State::Unknown);
        assert!(report.incidents.is_empty());
        assert!(report.vantages[0].set_aside);
        assert!(report.verdict.signature.matched.iter().any(|row| row.id == "S8"));
        assert!(report.verdict.sentence.contains("this vantage itself is offline"), "{}", report.verdict.sentence);
    }
}

#[test]
fn a_vantage_whose_control_target_fails_is_set_aside_and_the_others_are_believed() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z");
    for vantage in ["iad", "lhr", "sjc"] {
        let offline = vantage == "sjc";
        for line in [Line::control(vantage, 60), Line::new(vantage, "app", "api", 60)] {
            stage.play(line, from, to, |now| {
                let fails = offline && within(now, &[("09:30", "10:00")]);
                if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
            });
        }
    }
    let report = stage.report(question(from, to));
    assert_eq!(report.verdict.state, State::Up);
    assert!(report.incidents.is_empty());
    let aside: Vec<&str> = report.vantages.iter().filter(|row| row.set_aside).map(|row| row.vantage.as_str()).collect();
    assert_eq!(aside, ["sjc"]);
    assert!(report.verdict.sentence.contains("sjc set aside"), "{}", report.verdict.sentence);
}

#[test]
fn a_green_run_of_twenty_checks_says_what_it_can_prove() {
    let mut stage = RecordedJournal::default();
    for probe in 0..20 {
        let name = format!("probe {probe}");
        stage.play(Line::new("ci", "app", &name, 60), "2025-01-01T09:00:00Z", "2025-01-01T09:01:00Z", |_| {
            PlayedCheck::Up(50)
        });
    }
    let report = stage.report(Question::default());
    assert_eq!((report.verdict.state, report.coverage.ratio), (State::Up, Some(1.0)));
    let sentence = &report.verdict.sentence;
    assert!(sentence.contains("availability ≥ 86% (95% confidence); 99.9% needs 2,995 checks"), "{sentence}");
    assert!(report.proof.at_least.is_some_and(|shown| (shown - 0.861).abs() < 1e-3));
}

#[test]
fn one_vantage_of_three_is_a_local_trouble() {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z");
    for vantage in ["iad", "lhr", "sjc"] {
        stage.play(Line::control(vantage, 60), from, to, |_| PlayedCheck::Up(40));
        stage.play(Line::new(vantage, "app", "api", 60), from, to, |now| {
            let fails = vantage == "iad" && within(now, &[("09:30", "10:00")]);
            if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
        });
    }
    let report = stage.report(question(from, to));
    assert_eq!((report.verdict.state, report.verdict.scope.extent), (State::Degraded, Extent::Local));
    let rows = matched(one_incident(&report));
    assert!(rows.contains(&"S7") && !rows.contains(&"S5"), "{rows:?}");
    assert!(report.verdict.sentence.contains("from iad alone (1 of 3 vantages)"), "{}", report.verdict.sentence);
}

#[test]
fn what_is_usual_comes_from_earlier_days_and_slow_answers_stand_out() {
    let mut stage = RecordedJournal::default();
    let mut chance = Chance::new(11);
    stage.play(Line::control("here", 60), "2025-01-01T00:00:00Z", "2025-01-08T00:00:00Z", |_| PlayedCheck::Up(40));
    stage.play(Line::new("here", "app", "api", 60), "2025-01-01T00:00:00Z", "2025-01-08T00:00:00Z", |now| {
        if now >= at("2025-01-07T23:00:00Z") {
            PlayedCheck::Up(1_500)
        } else if chance.happens(0.01) {
            failed(FailureClass::ResponseTimeout, 10_000)
        } else {
            PlayedCheck::Up(usual_ms(&mut chance))
        }
    });
    let report = stage.report(question("2025-01-07T00:00:00Z", "2025-01-08T00:00:00Z"));
    let app = &report.surfaces[0];
    assert_eq!((app.baseline.days, app.state), (6, State::Degraded));
    let expected = app.baseline.expected_failures.expect("a baseline");
    assert!((6.0..18.0).contains(&expected), "1 % of 1,380 checks: {expected}");
    assert!(app.baseline.p95_us.is_some_and(|p95| (90_000..200_000).contains(&p95)));
    assert!(
        report.verdict.sentence.contains("answers take far longer than usual, p95 1.50 s"),
        "{}",
        report.verdict.sentence
    );
    let early = stage.report(question("2025-01-04T00:00:00Z", "2025-01-05T00:00:00Z"));
    assert_eq!(early.surfaces[0].baseline.method, None);
    assert!(early.limits.iter().any(|limit| limit.starts_with("No baseline yet: 3 days")), "{:?}", early.limits);
}

#[test]
fn an_incident_that_began_before_the_window_has_its_start() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "app", "api", 60), "2025-01-01T08:00:00Z", "2025-01-01T10:00:00Z", |now| {
        if within(now, &[("08:30", "10:00")]) { failed(FailureClass::ConnectRefused, 1) } else { PlayedCheck::Up(50) }
    });
    let report = stage.report(question("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z"));
    let incident = one_incident(&report);
    assert_eq!(incident.start.by.to_string()[11..16], *"08:30");
    assert_eq!(report.surfaces[0].figures.checks, 60);
}

#[test]
fn no_journal_is_unknown() {
    let report = RecordedJournal::default().report(question("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z"));
    assert_eq!(report.verdict.state, State::Unknown);
    assert!(report.verdict.sentence.starts_with("unknown: no check was made"), "{}", report.verdict.sentence);
    assert_eq!(RecordedJournal::default().report(Question::default()).verdict.state, State::Unknown);
}

#[test]
fn the_percentiles_of_three_vantages_are_those_of_all_their_checks() {
    let mut stage = RecordedJournal::default();
    let mut chance = Chance::new(5);
    let mut union = Histogram::default();
    for vantage in ["iad", "lhr", "sjc"] {
        stage.play(Line::new(vantage, "app", "api", 30), "2025-01-01T09:00:00Z", "2025-01-01T12:00:00Z", |_| {
            let ms = usual_ms(&mut chance);
            union.record(Duration::from_millis(ms));
            PlayedCheck::Up(ms)
        });
    }
    let report = stage.report(Question::default());
    let merged = report.surfaces[0].figures.latency_us;
    assert_eq!(merged.count, union.count());
    let (merged, union) = (merged.p95.expect("p95").as_secs_f64(), union.percentile(0.95).expect("p95").as_secs_f64());
    assert!((merged - union).abs() <= union * 0.01);
}
