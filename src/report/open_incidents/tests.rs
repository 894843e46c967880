use std::time::Duration;

use super::*;
use crate::model::{Check, Failure, FailureClass, SafeText};

/// Probes of a surface that are checked each second.
fn probes(names: &[&str]) -> Vec<Arc<Probe>> {
    let probe = |name: &&str| Arc::new(Probe::plain(name, "web", "http://x.test/", Duration::from_secs(1)));
    names.iter().map(probe).collect()
}

fn outcome(probe: &Arc<Probe>, second: i64, is_up: bool) -> Outcome {
    let at = Timestamp::from_second(second).expect("an instant");
    let check = Check { probe: Arc::clone(probe), scheduled_at: at, lag: Duration::ZERO };
    let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("no"));
    let down = Outcome::without_measurement(&check, "here", at, failure);
    if is_up { Outcome { verdict: Verdict::Up, failure: None, ..down } } else { down }
}

/// The seconds at which a row of checks, `u` up or `d` down, opens and closes an incident.
fn changes(checks: &str) -> Vec<(i64, bool)> {
    let probes = probes(&["home"]);
    let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
    let mut changes = Vec::new();
    for (second, check) in (0_i64..).zip(checks.chars()) {
        match incidents.record(&outcome(&probes[0], second, check == 'u')) {
            Some(IncidentChange::Opened { .. }) => changes.push((second, true)),
            Some(IncidentChange::Closed { .. }) => changes.push((second, false)),
            Some(IncidentChange::ChangedCause { .. }) | None => {}
        }
    }
    changes
}

#[test]
fn a_probe_that_is_no_longer_watched_holds_no_incident_open() {
    let (both, one) = (probes(&["home", "cart"]), probes(&["cart"]));
    let mut incidents = OpenIncidents::new(IncidentRules::default(), &both);
    let opened = (0..3).filter_map(|second| incidents.record(&outcome(&both[0], second, false))).count();
    assert_eq!(opened, 1);
    incidents.replace_probes(&one);
    let mut cart = |seconds: std::ops::Range<i64>, is_up: bool| -> Vec<bool> {
        let changes = seconds.filter_map(|second| incidents.record(&outcome(&one[0], second, is_up)));
        changes.map(|change| matches!(change, IncidentChange::Opened { .. })).collect()
    };
    assert_eq!(cart(3..6, true), [false], "the surface is up again");
    assert_eq!(cart(6..9, false), [true]);
    incidents.replace_probes(&[]);
    assert_eq!(incidents.open().count(), 0, "a surface without probes is forgotten");
}

#[test]
fn an_incident_opens_and_closes_as_in_the_report() {
    assert_eq!(changes("uudduu"), []);
    assert_eq!(changes("uudddduuu"), [(4, true), (8, false)]);
    assert_eq!(changes("duduudud"), [(7, true)]);
    assert_eq!(changes("uudddduduuuuuuu"), [(4, true)], "three good checks are no end of a partial failure");
    assert_eq!(changes(&format!("uudddduduu{}", "u".repeat(20))), [(4, true), (17, false)]);
}

#[test]
fn another_cause_within_an_incident_is_told_once_it_is_certain() {
    let probes = probes(&["home"]);
    let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
    let mut told = Vec::new();
    for second in 0..90 {
        let mut found = outcome(&probes[0], second, second < 10);
        // One failure of another kind is no change, and what comes back is one.
        if (30..60).contains(&second) || second == 20 {
            found.fail(Failure::new(FailureClass::Status, None, SafeText::message("no")));
            found.status = Some(503);
        }
        if let Some(IncidentChange::ChangedCause { failures, .. }) = incidents.record(&found) {
            told.push((second, failures));
        }
    }
    let told: Vec<(i64, &str)> = told.iter().map(|(second, failures)| (*second, failures.as_str())).collect();
    assert!(matches!(told[..], [(31..40, "status 503"), (61..70, "refused connections")]), "{told:?}");
    let open: Vec<_> = incidents.open().map(|(surface, _, now)| (surface, now)).collect();
    assert_eq!(open, [("web", Some("refused connections"))]);
}

#[test]
fn an_incident_of_a_surface_is_open_while_one_of_its_probes_is() {
    let probes = probes(&["a", "b"]);
    let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
    for second in 0..4 {
        probes.iter().for_each(|probe| drop(incidents.record(&outcome(probe, second, false))));
    }
    let closing: Vec<_> = (4..8).filter_map(|second| incidents.record(&outcome(&probes[0], second, true))).collect();
    assert_eq!((closing.len(), incidents.open().count()), (0, 1));
    let closing: Vec<_> = (8..12).filter_map(|second| incidents.record(&outcome(&probes[1], second, true))).collect();
    assert_eq!((closing.len(), incidents.open().count()), (1, 0));
}

#[test]
fn a_failure_of_one_in_twenty_checks_opens_one_though_no_probe_fails_twice_in_a_row() {
    let names: Vec<String> = (0..20).map(|n| format!("probe-{n}")).collect();
    let probes = probes(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
    let mut opened = None;
    for second in 0..400_i64 {
        for (n, probe) in (0_i64..).zip(&probes) {
            let is_up = second < 200 || (second * 7 + n) % 20 >= 2;
            if let Some(IncidentChange::Opened { since, .. }) = incidents.record(&outcome(probe, second, is_up)) {
                opened = opened.or(Some((since.as_second(), second)));
            }
        }
    }
    let (since, at) = opened.expect("an incident");
    assert!((200..205).contains(&since) && at < 230, "{since} {at}");
}
