use super::*;
use crate::report::statistics::chance::Chance;

const ROUND_MS: i64 = 30_000;

/// The rises found in rounds of `judged` checks, given the failures of each round.
fn rises(judged: u32, rounds: impl Iterator<Item = u32>) -> Vec<Rise> {
    rises_by(&IncidentRules::default(), judged, rounds)
}

fn rises_by(rules: &IncidentRules, judged: u32, rounds: impl Iterator<Item = u32>) -> Vec<Rise> {
    let mut cusum = Cusum::new(rules, 12, ROUND_MS);
    for (at, failed) in (0..).map(|n| UnixMillis(n * ROUND_MS)).zip(rounds) {
        if failed == 0 {
            cusum.push_good(at, 1.0, f64::from(judged));
        } else {
            cusum.push(&Round { first: at, last: at + 1_000, failed, judged: f64::from(judged) });
        }
    }
    cusum.finish()
}

/// The number of checks that fail by chance.
fn failed(chance: &mut Chance, judged: u32, share: f64) -> u32 {
    (0..judged).map(|_| u32::from(chance.happens(share))).sum()
}

#[test]
fn a_round_has_the_likelihood_of_its_failures() {
    // A round without a failure is not bad: 60 × ln(0.95 / 0.99).
    assert!((llr(0.0, 60.0, 0.01, 0.05) - 60.0 * (0.95_f64 / 0.99).ln()).abs() < 1e-9);
    assert!(llr(5.0, 60.0, 0.01, 0.05) > 4.0, "five of sixty are five times what is usual");
    assert!(llr(30.0, 60.0, 0.01, 0.05).abs() < 0.01, "half of all is a bad round, at either share");
    assert!((llr(4.0, 60.0, 0.01, 0.05) + llr(4.0, 60.0, 0.05, 0.01)).abs() < 1e-9);
}

#[test]
fn a_rise_lasts_as_many_rounds_as_are_set_by_hand() {
    let by_hand = |n: u32| IncidentRules {
        open_after: n.try_into().expect("not zero"),
        open_is_set: true,
        ..IncidentRules::default()
    };
    // Of a single series, and of many.
    for (judged, failed) in [(1, 1), (9, 3), (60, 6)] {
        let fails_for = |rounds: u32| (0..400).map(move |n| if (100..100 + rounds).contains(&n) { failed } else { 0 });
        let found = |rules: &IncidentRules, rounds| {
            let found = rises_by(rules, judged, fails_for(rounds));
            found.first().map(|rise| (rise.detected_at - rise.onset) / ROUND_MS + 1)
        };
        assert!(found(&IncidentRules::default(), 30).is_some_and(|rounds| rounds < 10), "{judged}");
        assert_eq!(found(&by_hand(10), 9), None, "{judged}");
        assert_eq!(found(&by_hand(10), 10), Some(10), "{judged}");
        assert_eq!(found(&by_hand(3), 30), found(&IncidentRules::default(), 30), "{judged}");
    }
}

#[test]
fn five_percent_are_found_within_minutes_and_end_when_they_end() {
    let (mut delays, mut ends) = (Vec::new(), Vec::new());
    for seed in 0..21 {
        let mut chance = Chance::new(seed);
        let share = |round: u32| if (2_880..3_360).contains(&round) { 0.05 } else { 0.0005 };
        let found = rises(60, (0..3_840).map(|round| failed(&mut chance, 60, share(round))));
        assert_eq!(found.len(), 1, "{seed}: {found:?}");
        let (onset, end) = (UnixMillis(2_880 * ROUND_MS), UnixMillis(3_360 * ROUND_MS));
        assert!((found[0].onset - onset).abs() < 5 * 60_000, "{seed}: {found:?}");
        delays.push(found[0].detected_at - onset);
        ends.push(found[0].last_failed.map_or(i64::MAX, |last| (last - end).abs()));
    }
    delays.sort_unstable();
    ends.sort_unstable();
    assert!(delays[10] <= 5 * 60_000 && ends[10] <= 3 * 60_000, "{delays:?} {ends:?}");
}

#[test]
fn what_is_usual_is_no_rise_nor_are_rounds_in_which_half_of_all_fail() {
    for (seed, share, bad) in [(1, 0.0005, 0.0), (2, 0.02, 0.0), (3, 0.0005, 0.01), (4, 0.02, 0.01)] {
        for judged in [10, 60] {
            let mut chance = Chance::new(seed);
            let round = |_| {
                let is_bad = chance.happens(bad);
                failed(&mut chance, judged, if is_bad { 0.5 } else { share })
            };
            let found = rises(judged, (0..30 * 2_880).map(round));
            assert!(found.is_empty(), "{share} {bad} {judged}: {found:?}");
        }
    }
}

#[test]
fn what_goes_on_has_no_end() {
    let found = rises(60, (0..200).map(|round| if round < 100 { 0 } else { 6 }));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].onset, found[0].last_failed), (UnixMillis(100 * ROUND_MS), None));
}
