//! What a receiver is known to have been sent: which conditions and incidents last from one run to the next, and which
//! are over.

use serde_json::Value as Json;
use uptick::alert::{CheckFindings, UnmetWarning};
use uptick::model::{Bracket, Mismatch, SafeText};
use uptick::report::SlowPeriod;

use crate::alerts::{Stage, bodies, events, report_after, report_of, taker, webhook};
use crate::support::server::{ScriptedConnection, Server, refusing_port};

/// What a run finds that checked these probes: those with a `!` do not meet an expectation of `warn`.
fn warnings(probes: &[&str]) -> CheckFindings {
    let unmet = Mismatch {
        assertion: "latency.total".to_owned(),
        expected: SafeText::message("at most 1 s"),
        actual: SafeText::message("2 s"),
    };
    let warnings = probes.iter().map(|probe| {
        let name = probe.trim_end_matches('!').to_owned();
        let warning = UnmetWarning { probe: name.clone(), surface: "web".to_owned(), unmet: unmet.clone() };
        (name, Some(warning).filter(|_| probe.ends_with('!')).into_iter().collect())
    });
    CheckFindings { warnings: warnings.collect(), ..CheckFindings::default() }
}

#[tokio::test]
async fn a_warning_lasts_while_other_runs_check_other_probes() {
    let server = taker();
    let stage = Stage::new(&format!("{}on = \"warning\"\n", webhook(&server)));
    let report = report_of(&stage.config, &[("web", "uuuu")]);
    let day = jiff::SignedDuration::from_hours(24);
    for (days, probes, sent) in [
        (0, &["a!"][..], 1),
        (0, &["a:b!"], 2),
        (0, &["a!"], 2),
        (0, &[], 2),
        (6, &["a:b!"], 2),
        (6, &["a"], 2),
        (6, &["a!", "a:b!"], 3),
        (20, &[], 3),
        (20, &["a:b!"], 4),
    ] {
        let now = report.generated_at + day * days;
        stage.alerts().notify(&report, &warnings(probes), now).await.unwrap();
        assert_eq!(events(&server).len(), sent, "{probes:?} after {days} days");
    }
}

/// The checks of a day.
const DAY: usize = 24 * 60 * 2;

#[tokio::test]
async fn an_outage_after_a_long_silence_is_another_one() {
    for (days, is_of_an_earlier_version) in [(3, false), (8, false), (32, false), (32, true)] {
        let server = taker();
        let stage = Stage::new(&webhook(&server));
        let tell = async |letters: &str, later: usize| {
            let report = report_after(&stage.config, &[("web", letters)], later);
            stage.alerts().notify(&report, &CheckFindings::default(), report.generated_at).await.unwrap();
        };
        tell("uuuudddd", 0).await;
        if is_of_an_earlier_version {
            let text = std::fs::read_to_string(stage.state()).unwrap();
            let mut state: Json = serde_json::from_str(&text).unwrap();
            state["alerts"]["ops"]["incidents"][0].as_object_mut().unwrap().remove("seen_at").unwrap();
            std::fs::write(stage.state(), state.to_string()).unwrap();
        }
        tell("uuuuu", days * DAY).await;
        assert_eq!(events(&server), ["open", "close"], "{days} days");
        tell("uuuuudddd", days * DAY).await;
        tell("uuuuuddddduuu", days * DAY).await;
        assert_eq!(events(&server), ["open", "close", "open", "close"], "{days} days");
        let bodies = bodies(&server);
        let summary = "the outage of web from 2026-03-10T09:02:00Z counts as over: nothing is known of it since 2026-03-10T09:04:00Z";
        assert_eq!((&bodies[1]["summary"], &bodies[1]["severity"]), (&summary.into(), &"resolved".into()));
        assert_eq!(bodies[0]["key"], bodies[1]["key"]);
        assert_ne!(bodies[1]["key"], bodies[2]["key"]);
    }
}

#[tokio::test]
async fn an_outage_that_lasts_through_a_long_silence_is_closed_and_opened_anew() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    for later in [0, 3 * DAY] {
        let report = report_after(&stage.config, &[("web", "dddddddd")], later);
        stage.alerts().notify(&report, &CheckFindings::default(), report.generated_at).await.unwrap();
    }
    assert_eq!(events(&server), ["open", "close", "open"]);
}

#[tokio::test]
async fn an_outage_that_ends_while_its_receiver_is_away_is_sent_when_it_is_back() {
    // Whether the receiver was there before the outage or not.
    for before in [None, Some("uuuu")] {
        let port = refusing_port();
        let stage =
            Stage::new(&format!("[[alert]]\nname = \"ops\"\nwebhook = \"http://127.0.0.1:{port}/\"\nretries = 0\n"));
        let down = "uuuudddd";
        for letters in before.into_iter().chain([down, "uuuudddddd", "uuuuddddddu", "uuuudddddduu"]) {
            stage.notify(&[("web", letters)]).await;
        }
        let server = taker();
        let repaired = stage.with(&webhook(&server));
        for letters in ["uuuudddddduuuuu", "uuuudddddduuuuuu"] {
            repaired.notify(&[("web", letters)]).await;
        }
        assert_eq!(events(&server), ["close"], "{before:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_makes_nobody_hear_anything_again() {
    let (server, hangs) = (taker(), Server::start(ScriptedConnection::stall));
    let hanging = format!("[[alert]]\nname = \"hangs\"\nwebhook = \"{}\"\n", hangs.url("/"));
    let stage = Stage::new(&format!("{hanging}{}", webhook(&server)));
    let report = report_of(&stage.config, &[("web", "uuuudddd")]);
    for run in 0..2 {
        let (alerts, findings) = (stage.alerts(), CheckFindings::default());
        let notify = alerts.notify(&report, &findings, report.generated_at);
        let is_recorded = async {
            let recorded = || std::fs::read_to_string(stage.state()).is_ok_and(|text| text.contains("told_at"));
            while !recorded() || hangs.connections() <= run {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        // The run is stopped while one receiver hangs.
        tokio::select! {
            _ = notify => panic!("nobody hangs"),
            () = is_recorded => {}
        }
    }
    assert_eq!(events(&server), ["open"]);
}

#[tokio::test]
async fn pagerduty_resolves_each_condition_that_is_over() {
    let server = taker();
    let pagerduty =
        "on = [\"warning\", \"slo-burn\", \"cannot-judge\"]\ntemplate = \"pagerduty\"\nrouting-key = \"R0KEY\"\n";
    let stage = Stage::new(&format!("{}{pagerduty}", webhook(&server)));
    let good = "u".repeat(100);
    let burning = format!("{good}{}", "d".repeat(40));
    let blind = format!("{good}xxxxxxx");
    for (web, probes) in [(&burning, &["a!"][..]), (&burning, &["b"]), (&good, &["a"]), (&blind, &[]), (&good, &[])] {
        let report = report_of(&stage.config, &[("web", web)]);
        stage.alerts().notify(&report, &warnings(probes), report.generated_at).await.unwrap();
    }
    let text = |body: &Json, name: &str| body[name].as_str().unwrap().to_owned();
    let sent = bodies(&server).into_iter().map(|body| (text(&body, "event_action"), text(&body, "dedup_key")));
    let mut sent: Vec<(String, String)> = sent.collect();
    sent.sort_unstable();
    let keys = ["uptick:cannot-judge:lon", "uptick:slo:web:page", "uptick:warning:web:a:latency.total"];
    let expected = ["resolve", "trigger"].map(|action| keys.map(|key| (action.to_owned(), key.to_owned())));
    assert_eq!(sent, expected.concat());
}

#[tokio::test]
async fn slowness_that_was_sent_ends_though_its_surface_failed_in_between() {
    let server = taker();
    let stage = Stage::new(&format!("{}on = [\"slow\", \"slow-end\"]\n", webhook(&server)));
    let tell = async |letters: &str, is_over: bool| {
        let mut report = report_of(&stage.config, &[("web", letters)]);
        let now = report.generated_at;
        let bracket = Bracket { after: None, by: now };
        report.slow_periods.push(SlowPeriod {
            id: "1".to_owned(),
            surface: SafeText::message("web"),
            vantages: Vec::new(),
            start: bracket,
            end: Some(bracket).filter(|_| is_over),
            waves: Vec::new(),
            answers: 10,
            slow: 9,
            p95_us: 9,
            usual_p95_us: 1,
        });
        stage.alerts().notify(&report, &CheckFindings::default(), now).await.unwrap();
        events(&server)
    };
    assert_eq!(tell("uuuudddd", false).await.len(), 0, "a surface that fails is sent as failing");
    assert_eq!(tell("uuuuuuuu", true).await.len(), 0, "its start was not sent");
    assert_eq!(tell("uuuuuuuu", false).await, ["slow"]);
    assert_eq!(tell("uuuuuuuu", false).await.len(), 1);
    assert_eq!(tell("uuuudddd", false).await.len(), 1);
    assert_eq!(tell("uuuudddd", true).await, ["slow", "slow-end"]);
    assert_eq!(tell("uuuudddd", true).await.len(), 2);
}
