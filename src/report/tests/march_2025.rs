//! X on 10 March 2025, as three vantages would have recorded it.

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, json, question, status, usual_ms};
use super::{CLOUDFLARE, matched, one_incident, state_of, within};
use crate::model::FailureClass;
use crate::report::document::answer::{Confidence, Extent, State};
use crate::report::document::report::Report;
use crate::report::statistics::chance::Chance;

/// X on 10 March 2025: three waves, from three vantages, with control targets.
fn x_march_2025() -> Report {
    let waves = [("09:32", "10:21"), ("13:31", "14:28"), ("15:04", "18:00")];
    let mut stage = RecordedJournal::default();
    let mut chance = Chance::new(20_250_310);
    for vantage in ["iad", "lhr", "sjc"] {
        let (from, to) = ("2025-03-10T09:00:00Z", "2025-03-10T18:00:00Z");
        stage.play(Line::control(vantage, 60), from, to, |_| PlayedCheck::Up(40));
        for (surface, probe, share) in
            [("app", "timeline", 0.71), ("app", "login", 0.71), ("web", "home", 0.417), ("web", "profile", 0.417)]
        {
            stage.play(Line::new(vantage, surface, probe, 30), from, to, |now| {
                if !within(now, &waves) || !chance.happens(share) {
                    return PlayedCheck::Up(usual_ms(&mut chance));
                }
                match chance.below(100) {
                    0..60 => failed(FailureClass::ConnectTimeout, 10_000),
                    60..72 => failed(FailureClass::TlsHandshakeTimeout, 10_000),
                    _ => status(522, 9_000, CLOUDFLARE, "error code: 522"),
                }
            });
        }
    }
    stage.report(question("2025-03-10T09:00:00Z", "2025-03-10T18:00:00Z"))
}

#[test]
fn x_2025_03_10_is_one_incident_of_three_waves() {
    let report = x_march_2025();
    let incident = one_incident(&report);
    let begins: Vec<String> = incident.waves.iter().map(|wave| wave.start.by.to_string()[11..15].to_owned()).collect();
    assert_eq!(begins, ["09:3", "13:3", "15:0"]);
    assert!(incident.end.is_none() && !incident.flapping, "{incident:#?}");
    assert_eq!(state_of(&report, "app"), State::Down);
    assert_eq!(state_of(&report, "web"), State::Degraded);
    assert_eq!(state_of(&report, "control"), State::Up);
    assert_eq!((report.verdict.state, report.verdict.scope.extent), (State::Down, Extent::Global));
    assert_eq!(report.verdict.confidence, Confidence::High);
    assert!(report.verdict.since.is_some_and(|since| since.by >= at("2025-03-10T15:04:00Z")));
    let rows = matched(incident);
    assert!(rows.contains(&"S5") && rows.contains(&"S12"), "{rows:?}");
    assert!(!rows.iter().any(|row| ["S1", "S2", "S3", "S4", "S9", "S15"].contains(row)), "{rows:?}");
    assert_eq!(incident.signature.consistent_with[..2], ["network_loss", "origin_overload"]);
    for cause in ["dns", "certificate", "application_auth"] {
        assert!(incident.signature.not_consistent_with.contains(&cause), "{cause}");
    }
    let share = |surface: &str| {
        let row = report.surfaces.iter().find(|row| row.surface.as_str() == surface).expect("a surface");
        row.share_of_failures.expect("a share")
    };
    assert!((share("app") - 0.63).abs() < 0.02, "{}", share("app"));
    assert!((share("web") - 0.37).abs() < 0.02);
    assert_eq!(report.comparisons[0].reading, "app is worse than web");
    assert_eq!(incident.attribution, "undetermined");
}

#[test]
fn the_sentence_could_stand_in_a_newspaper() {
    let sentence = x_march_2025().verdict.sentence;
    assert!(sentence.starts_with("app is down from 3 of 3 vantages since 15:0"), "{sentence}");
    for part in [
        "ongoing, wave 3 of this incident",
        "checks failed (",
        "mostly connect_timeout (",
        "; web degraded, ",
        "; control ok; consistent with network-level loss",
        "Confidence high (3 of 3 vantages agree, control ok, ",
    ] {
        assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
    }
}

#[test]
fn no_report_says_attack() {
    assert!(!json(&x_march_2025()).to_lowercase().contains("attack"));
}
