//! An incident that started long before the reported range keeps its onset, whenever the report is
//! made, as far back as the journal goes; otherwise the report says that it may have started
//! earlier.

use uptick::report::Incident;

use crate::generator::{DAY_MS, HOUR_MS, MINUTE_MS, Outage, World, report};

/// Six probes from two vantages, each checked every two minutes.
fn world(seed: u64, onset: i64, outage: &Outage) -> World {
    let outages = vec![Outage { from: onset, to: i64::MAX, ..outage.clone() }];
    World { round: 2 * MINUTE_MS, probes: 6, vantages: 2, outages, ..World::new(seed) }
}

/// Failures of everything, of a third of all checks, of one probe, and of a fifth of the checks of
/// one vantage.
fn outages() -> [(&'static str, Outage); 4] {
    let all = |share| Outage::of_all(0, i64::MAX, share);
    [
        ("everything", all(1.0)),
        ("a third", all(0.33)),
        ("one probe", Outage { probe: Some(3), ..all(1.0) }),
        ("a fifth of a vantage", Outage { vantage: Some(1), ..all(0.2) }),
    ]
}

/// The only open incident of the last day, reported this many hours after the world's start.
fn open(world: &World, windows: &[uptick::window::Window], hours: i64) -> Incident {
    let told = report(windows, hours * HOUR_MS - DAY_MS, hours * HOUR_MS);
    let open: Vec<&Incident> = told.incidents.iter().filter(|one| one.end.is_none()).collect();
    let [one] = open.as_slice() else { panic!("{world:?}, after {hours} h: {:?}", told.verdict.headline) };
    (*one).clone()
}

#[test]
fn an_outage_keeps_its_onset_with_every_hour_that_passes() {
    let onset = 30 * HOUR_MS;
    for ((name, outage), seed) in outages().into_iter().zip([1, 2, 3, 1]) {
        let world = world(seed, onset, &outage);
        let windows = world.windows(0, 12 * DAY_MS);
        let mut starts = Vec::new();
        for hours in [31, 55, 56, 79, 110, 285] {
            let start = open(&world, &windows, hours).start;
            let off = (World::ms(start.by) - onset).abs();
            assert!(off <= 10 * MINUTE_MS && start.after.is_some(), "{name}, after {hours} h: {start:?}");
            starts.push(start);
        }
        // Once it has lasted one more day, no new check changes it.
        assert!(starts[1..].iter().all(|start| *start == starts[1]), "{name}: {starts:?}");
    }
}

#[test]
fn an_outage_that_is_older_than_the_journal_may_have_begun_earlier() {
    for ((name, outage), seed) in outages().into_iter().zip([3, 1, 2, 3]) {
        let world = world(seed, i64::MIN, &outage);
        let windows = world.windows(0, 5 * DAY_MS);
        for hours in [2, 55, 110] {
            let start = open(&world, &windows, hours).start;
            assert_eq!(start.after, None, "{name}, after {hours} h: {start:?}");
            assert!(World::ms(start.by) <= 30 * MINUTE_MS, "{name}, after {hours} h: {start:?}");
        }
    }
}
