//! How well incidents are detected, measured on generated journals with exact truth: how long
//! detection takes, how often a false incident is found, and whether state, scope and onset are
//! right during a partial failure.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "numbers of checks and probes")]
#![expect(clippy::print_stdout, reason = "what was measured, shown with --nocapture")]

mod alerts;
mod binary;
mod generator;
mod messy;
mod onsets;
mod partial;

use generator::{DAY_MS, HOUR_MS, MINUTE_MS, Outage, ROUND_MS, World, report};
use uptick::report::{Extent, State};

const SEEDS: [u64; 3] = [1, 2, 3];

/// The median.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// Seconds from the onset of a failure with this share of checks until a report shows it, for many
/// onsets.
fn delays(share: f64, usual: f64, bad_rounds: f64, onsets: i64) -> Vec<f64> {
    const LONGEST: i64 = 30 * MINUTE_MS;
    let mut delays = Vec::new();
    for seed in SEEDS {
        for number in 0..onsets {
            let onset = 2 * HOUR_MS + number * 7_300;
            let world = World {
                usual,
                bad_rounds,
                outages: vec![Outage::of_all(onset, i64::MAX, share)],
                ..World::new(seed * 1_000 + number.cast_unsigned())
            };
            let windows = world.windows(0, onset + LONGEST);
            let told = report(&windows, 0, onset + LONGEST);
            let since = told.incidents.iter().filter(|one| one.end.is_none_or(|end| World::ms(end.by) > onset));
            let found = since.map(|one| World::ms(one.detected_at)).filter(|found| *found >= onset).min();
            if let Some(found) = found {
                let then = report(&windows, 0, found + 1);
                let is_open = then.incidents.iter().any(|incident| incident.end.is_none());
                assert!(is_open, "{share} {seed} {number}: an incident is found when it says it is");
            }
            delays.push(found.map_or(f64::INFINITY, |found| (found - onset) as f64 / 1_000.0));
        }
    }
    delays
}

/// The number of incidents found in healthy days, in which a share of checks fails by chance.
fn false_alarms(days: i64, usual: f64, bad_rounds: f64, seed: u64) -> usize {
    let world = World { usual, bad_rounds, ..World::new(seed) };
    let found = world.report(0, days * DAY_MS);
    for incident in &found.incidents {
        println!(
            "  {usual} {bad_rounds} {seed}: {} by {} of {:?} {:?}, {} of {}",
            incident.start.by,
            incident.rule,
            incident.probes,
            incident.vantages,
            incident.actual_failures,
            incident.judged
        );
    }
    found.incidents.len()
}

/// The number of reports on a steady failure, and those that were wrong.
#[derive(Debug, Default)]
struct SteadyFailure {
    asked: usize,
    up: usize,
    local: usize,
    since_errors_min: Vec<f64>,
}

/// Makes a report at regular intervals on a failure with a steady share, from its tenth minute on
/// for four hours.
fn steady(probes: usize, vantages: usize, share: f64, every: i64) -> SteadyFailure {
    let mut found = SteadyFailure::default();
    for seed in SEEDS {
        let onset = 3 * HOUR_MS;
        let world = World {
            probes,
            vantages,
            surfaces: 2.min(probes),
            outages: vec![Outage::of_all(onset, i64::MAX, share)],
            ..World::new(seed)
        };
        let windows = world.windows(0, onset + 5 * HOUR_MS);
        let mut now = onset + 10 * MINUTE_MS;
        while now < onset + 10 * MINUTE_MS + 4 * HOUR_MS {
            let told = report(&windows, 0, now);
            found.asked += 1;
            found.up += usize::from(!matches!(told.verdict.state, State::Down | State::Degraded | State::Flapping));
            found.local += usize::from(told.verdict.scope.extent == Extent::Local);
            let since = told.verdict.incident_since.or(told.verdict.since);
            let error = since.map(|since| (World::ms(since.by) - onset).abs() as f64 / MINUTE_MS as f64);
            found.since_errors_min.push(error.unwrap_or(f64::INFINITY));
            now += every;
        }
    }
    found
}

#[test]
fn a_failure_of_some_or_all_checks_is_found_within_minutes() {
    for (share, bad_rounds, at_most) in [(0.05, 0.0, 300.0), (0.1, 0.0, 120.0), (0.1, 0.01, 120.0), (1.0, 0.0, 75.0)] {
        let found = delays(share, 0.0005, bad_rounds, 3);
        let delay = median(found.clone());
        println!("{share} of all checks fail, {bad_rounds} of the rounds are bad: found after {delay} s");
        assert!(delay <= at_most, "{share} {bad_rounds}: {found:?}");
    }
}

/// Rounds in which half of all checks fail together are over by the next: they make no surface degraded.
#[test]
fn a_bad_round_makes_no_state() {
    for (vantages, usual, at_most) in [(1, 0.0, 0.01), (1, 0.01, 0.12), (3, 0.005, 0.05)] {
        let (mut asked, mut failing) = (0, 0);
        for seed in SEEDS {
            let world = World { vantages, usual, bad_rounds: 0.01, ..World::new(seed) };
            let windows = world.windows(0, 8 * HOUR_MS);
            let mut now = HOUR_MS;
            while now < 8 * HOUR_MS {
                let told = report(&windows, 0, now);
                asked += told.surfaces.len();
                failing += told.surfaces.iter().filter(|row| row.state.is_failing()).count();
                now += 7 * MINUTE_MS + ROUND_MS / 7;
            }
        }
        let share = failing as f64 / asked as f64;
        println!("{usual} of all checks fail from {vantages} vantages: failing {:.1} % of the time", share * 100.0);
        assert!(share <= at_most, "{vantages} {usual}: {share}");
    }
}

#[test]
fn chance_makes_no_incident_in_two_days() {
    for (usual, bad_rounds) in [(0.0005, 0.0), (0.005, 0.0), (0.02, 0.0), (0.0005, 0.01)] {
        assert_eq!(false_alarms(2, usual, bad_rounds, 1), 0, "{usual} {bad_rounds}");
    }
}

#[test]
#[ignore = "takes half an hour"]
fn chance_makes_no_incident_in_thirty_days() {
    let all = [(0.0005, 0.0, 0), (0.005, 0.0, 0), (0.02, 0.0, 2), (0.0005, 0.01, 0), (0.005, 0.01, 0), (0.02, 0.01, 2)];
    for (usual, bad_rounds, at_most) in all {
        for seed in SEEDS {
            let found = false_alarms(30, usual, bad_rounds, seed);
            println!(
                "{usual} of all checks fail, {bad_rounds} of the rounds are bad, seed {seed}: {found} false alarms"
            );
            assert!(found <= at_most, "{usual} {bad_rounds} {seed}: {found}");
        }
    }
}

#[test]
fn a_steady_failure_is_never_up_and_never_local() {
    is_judged_right(20, 3, 40);
}

#[test]
#[ignore = "takes minutes"]
fn a_steady_failure_asked_for_every_two_minutes_is_never_up_and_never_local() {
    for (probes, vantages) in [(20, 3), (3, 3)] {
        is_judged_right(probes, vantages, 2);
    }
}

#[test]
fn a_steady_failure_of_one_probe_from_one_place_is_hardly_ever_up() {
    for share in [0.1, 0.15] {
        let found = steady(1, 1, share, 2 * MINUTE_MS + ROUND_MS / 7);
        let up = found.up as f64 / found.asked as f64;
        println!("1 probe from 1 vantage, {share} fails: up {:.1} %", up * 100.0);
    }
    for share in [0.2, 0.3] {
        let found = steady(1, 1, share, 2 * MINUTE_MS + ROUND_MS / 7);
        let (up, since) = (found.up as f64 / found.asked as f64, median(found.since_errors_min.clone()));
        println!("1 probe from 1 vantage, {share} fails: up {:.1} %, since {since:.1} min off", up * 100.0);
        assert!(up < 0.01 && since <= 10.0, "{share}: up {up}, since {since} min off");
    }
}

/// Makes reports on steady failures every `minutes` minutes.
fn is_judged_right(probes: usize, vantages: usize, minutes: i64) {
    for share in [0.2, 0.3] {
        let found = steady(probes, vantages, share, minutes * MINUTE_MS + ROUND_MS / 7);
        let of = |n: usize| n as f64 / found.asked as f64;
        let since = median(found.since_errors_min.clone());
        println!(
            "{probes} probes from {vantages} vantages, {share} fails: up {:.1} %, local {:.1} %, since {since:.1} min off",
            of(found.up) * 100.0,
            of(found.local) * 100.0
        );
        assert!(of(found.up) < 0.01 && of(found.local) < 0.02 && since <= 5.0, "{found:?}");
    }
}
