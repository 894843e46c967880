//! The demo's origin plays what its scenarios define: the engine, which knows nothing of them,
//! finds these failures, at these targets, at these times, and no others.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uptick::demo;
use uptick::demo::{Origin, Playback};
use uptick::engine::Engine;
use uptick::model::{FailureClass, Outcome, Redactor};

use crate::support::probes;

const RUN: Duration = Duration::from_secs(4);
const INTERVAL: Duration = Duration::from_millis(250);

/// Enough time for every response, even on a busy machine.
const AMPLE: Duration = Duration::from_secs(5);

/// Less than one second, after which the kernel repeats a lost connection request: a request that
/// is not answered at first then stays unanswered.
const SHORT: Duration = Duration::from_millis(700);

/// When a check started, as a share of the run, and its outcome.
struct TimedOutcome {
    at: f64,
    outcome: Outcome,
}

/// Plays a scenario to its end, and checks all of its probes from all vantages at an interval,
/// spread over it.
fn played(name: &str, timeout: Duration) -> Vec<TimedOutcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let scenario = demo::by_name(name).unwrap();
        let playback = Playback { run: RUN, interval: INTERVAL, timeout };
        let origin = Origin::start(&scenario, playback).await.unwrap();
        let start = Instant::now();
        let mut checks = tokio::task::JoinSet::new();
        let engines = origin
            .views
            .iter()
            .map(|view| Arc::new(Engine::new(&view.vantage, Redactor::default(), &view.probes).unwrap()));
        let engines: Vec<Arc<Engine>> = engines.collect();
        let due: Vec<_> = origin
            .views
            .iter()
            .zip(&engines)
            .flat_map(|(view, engine)| view.probes.iter().map(move |probe| (engine, probe)))
            .collect();
        let apart = INTERVAL / u32::try_from(due.len()).unwrap();
        for (n, (engine, probe)) in (0..).zip(due.iter().cycle()) {
            if apart * n >= RUN {
                break;
            }
            tokio::time::sleep_until((start + apart * n).into()).await;
            let at = start.elapsed().as_secs_f64() / RUN.as_secs_f64();
            let (engine, check) = (Arc::clone(engine), probes::due(probe));
            checks.spawn(async move { TimedOutcome { at, outcome: engine.check(check).await } });
        }
        checks.join_all().await
    })
}

/// How many outcomes have each class.
fn classes<'f>(found: impl IntoIterator<Item = &'f TimedOutcome>) -> BTreeMap<FailureClass, usize> {
    let mut classes = BTreeMap::new();
    for class in found.into_iter().filter_map(|found| found.outcome.class()) {
        *classes.entry(class).or_default() += 1;
    }
    classes
}

fn of<'f>(found: &'f [TimedOutcome], wanted: impl Fn(&Outcome) -> bool + 'f) -> impl Iterator<Item = &'f TimedOutcome> {
    found.iter().filter(move |found| wanted(&found.outcome))
}

fn failed_share<'f>(found: impl IntoIterator<Item = &'f TimedOutcome>) -> f64 {
    let all: Vec<bool> = found.into_iter().map(|found| found.outcome.failure.is_some()).collect();
    assert!(all.len() >= 10, "{} checks say little", all.len());
    #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
    let share = all.iter().filter(|failed| **failed).count() as f64 / all.len() as f64;
    share
}

/// Asserts that exactly these probes failed, all with this class.
#[track_caller]
fn assert_failures(found: &[TimedOutcome], class: FailureClass, probes: &[&str]) {
    assert_eq!(classes(found).into_keys().collect::<Vec<_>>(), [class]);
    let failed: BTreeSet<&str> =
        of(found, |outcome| outcome.failure.is_some()).map(|found| found.outcome.probe.as_str()).collect();
    assert_eq!(failed, probes.iter().copied().collect());
}

/// Asserts that connections are not answered. A connection that arrives at the very moment at which
/// the queue is shortened may be accepted, but gets no handshake, or without TLS no response.
#[track_caller]
fn assert_unanswered<'f>(found: impl IntoIterator<Item = &'f TimedOutcome>) {
    let mut classes = classes(found);
    let unanswered = classes.remove(&FailureClass::ConnectTimeout).unwrap_or_default();
    let left_behind = classes.remove(&FailureClass::TlsHandshakeTimeout).unwrap_or_default()
        + classes.remove(&FailureClass::ResponseTimeout).unwrap_or_default();
    assert!(classes.is_empty() && unanswered > 4 * left_behind, "{unanswered}, {left_behind} and {classes:?}");
}

#[test]
fn a_healthy_origin_is_up() {
    let found = played("healthy", AMPLE);
    assert!(found.len() >= 7 * 15, "{} checks", found.len());
    assert!(classes(&found).is_empty(), "{:?}", classes(&found));
}

#[test]
fn the_tenth_of_march_is_waves_of_lost_connections_and_worse_in_the_app() {
    let found = played("x-2025-03-10", SHORT);
    let mut seen = classes(&found);
    for class in [FailureClass::ConnectTimeout, FailureClass::TlsHandshakeTimeout, FailureClass::Status] {
        assert!(seen.remove(&class).is_some_and(|count| count >= 5), "{class}: {:?}", classes(&found));
    }
    // The remaining failures are due to the load of the machine.
    assert!(seen.values().sum::<usize>() * 20 < found.len(), "{seen:?}");
    let codes: BTreeSet<Option<u16>> =
        of(&found, |outcome| outcome.class() == Some(FailureClass::Status)).map(|found| found.outcome.status).collect();
    assert_eq!(codes, [Some(522)].into());
    // The waves of the story, as shares of its nine hours.
    let waves = [(0.06, 0.15), (0.50, 0.60), (0.68, 0.97)];
    let in_a_wave = |found: &&TimedOutcome| waves.iter().any(|(from, until)| (*from..*until).contains(&found.at));
    let share = |wanted: &dyn Fn(&Outcome) -> bool| {
        failed_share(found.iter().filter(in_a_wave).filter(|found| wanted(&found.outcome)))
    };
    let (app, web) = (share(&|outcome| outcome.surface == "app"), share(&|outcome| outcome.surface == "web"));
    assert!(app > web, "the app is worse: {app} and {web}");
    let coasts = share(&|outcome| outcome.surface == "app" && outcome.vantage != "lhr");
    let london = share(&|outcome| outcome.surface == "app" && outcome.vantage == "lhr");
    assert!(coasts > london, "London is better: {coasts} and {london}");
    assert!(failed_share(of(&found, |outcome| outcome.control)) < 0.01, "the control target is well");
    // Before the first wave, and well after the second, nothing fails.
    let calm = |found: &&TimedOutcome| found.at < 0.04 || (0.62..0.66).contains(&found.at);
    assert!(failed_share(found.iter().filter(calm)) < 0.2);
}

#[test]
fn the_sixth_of_march_is_403_on_links_images_and_pages_alone() {
    let found = played("twitter-2023-03-06", AMPLE);
    assert_failures(&found, FailureClass::Status, &["link", "image", "terms"]);
    let failed: Vec<&TimedOutcome> = of(&found, |outcome| outcome.failure.is_some()).collect();
    assert!(failed.iter().all(|found| found.outcome.status == Some(403)));
    let evidence = failed[0].outcome.evidence.as_ref().unwrap();
    assert!(evidence.body.as_ref().unwrap().as_str().contains("\"code\":467"), "{evidence:?}");
}

#[test]
fn the_first_of_march_is_an_empty_timeline_under_200() {
    let found = played("twitter-2023-03-01", AMPLE);
    assert_failures(&found, FailureClass::AssertionFailed, &["timeline"]);
}

#[test]
fn a_failed_zone_is_told_from_a_dead_address_and_from_one_resolver() {
    let alive = played("dns-servfail", AMPLE);
    let by_name = ["timeline", "login", "home", "link", "image", "terms", "home-by-other-resolver"];
    assert_failures(&alive, FailureClass::DnsServerFailure, &by_name);

    let one = played("dns-one-resolver", AMPLE);
    let by_first = ["timeline", "login", "home", "link", "image", "terms", "internet"];
    assert_failures(&one, FailureClass::DnsServerFailure, &by_first);

    let dead = played("dns-servfail-and-dead", SHORT);
    assert_unanswered(of(&dead, |outcome| outcome.probe == "home-by-address"));
    assert!(classes(of(&dead, |outcome| outcome.control)).is_empty());
}

#[test]
fn a_certificate_expires_when_it_says() {
    let found = played("expired-certificate", AMPLE);
    assert_failures(&found, FailureClass::TlsCertExpired, &["home", "link", "image", "terms"]);
    for found in of(&found, |outcome| outcome.surface == "web" && outcome.tls.is_some()) {
        let end = found.outcome.tls.as_ref().unwrap().certificate.as_ref().unwrap().not_after;
        let (expired, began) = (found.outcome.failure.is_some(), found.outcome.started_at);
        // A certificate expires at a whole second, and is checked shortly after the check started.
        let margin = jiff::SignedDuration::from_millis(1_100);
        assert!(expired || began <= end.saturating_add(margin).unwrap(), "up at {began}, ended at {end}");
        assert!(!expired || began >= end.saturating_sub(margin).unwrap(), "expired at {began}, ended at {end}");
    }
}

#[test]
fn a_failing_edge_answers_at_once_and_its_shallow_path_is_well() {
    let found = played("cdn-500", AMPLE);
    assert_failures(&found, FailureClass::Status, &["timeline", "login", "home", "link", "image", "terms", "same-cdn"]);
    let evidence = of(&found, |outcome| outcome.failure.is_some()).next().unwrap();
    let headers = &evidence.outcome.evidence.as_ref().unwrap().headers;
    assert!(headers.iter().any(|(name, value)| name == "server" && value.as_str() == "cloudflare"), "{headers:?}");
    assert!(headers.iter().any(|(name, _)| name == "cf-ray"), "{headers:?}");
}

#[test]
fn flapping_is_half_of_the_time() {
    let found = played("flapping", AMPLE);
    assert_failures(&found, FailureClass::Status, &["timeline", "login"]);
    let share = failed_share(of(&found, |outcome| outcome.surface == "app"));
    assert!((0.3..0.7).contains(&share), "{share}");
}

#[test]
fn when_we_are_offline_the_control_target_is_silent_too() {
    let found = played("control-down", SHORT);
    assert_unanswered(of(&found, |outcome| outcome.control));
}

#[test]
fn a_brown_out_fails_three_of_ten() {
    let found = played("brown-out", AMPLE);
    let share = failed_share(of(&found, |outcome| outcome.surface == "app"));
    assert!((0.1..0.55).contains(&share), "{share}");
    assert_failures(&found, FailureClass::Status, &["timeline", "login"]);
}

#[test]
fn truncated_bodies_and_resets_are_found_as_such() {
    let found = played("truncated", AMPLE);
    let seen: Vec<FailureClass> = classes(&found).into_keys().collect();
    assert_eq!(seen, [FailureClass::ConnectionReset, FailureClass::BodyTruncated]);
}

#[test]
fn one_vantage_of_three_has_no_way() {
    let found = played("one-vantage", SHORT);
    let vantages: BTreeSet<&str> =
        of(&found, |outcome| outcome.failure.is_some()).map(|found| found.outcome.vantage.as_str()).collect();
    assert_eq!(vantages, ["sjc"].into());
    assert_unanswered(&found);
}
