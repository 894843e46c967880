//! What began long before the range that is asked about keeps its onset, whenever it is asked, as far as the journal
//! has it; else it may have begun earlier.

use uptick::report::Incident;

use crate::generator::{DAY_MS, HOUR_MS, MINUTE_MS, Outage, World, report};

/// Six probes from two vantages, each two minutes.
fn world(seed: u64, onset: i64, outage: &Outage) -> World {
    let outages = vec![Outage { from: onset, to: i64::MAX, ..outage.clone() }];
    World { round: 2 * MINUTE_MS, probes: 6, vantages: 2, outages, ..World::new(seed) }
}

/// Failures of everything, of a third, of one probe and of one vantage.
fn outages() -> [(&'static str, Outage); 4] {
    let all = |share| Outage::of_all(0, i64::MAX, share);
    [
        ("everything", all(1.0)),
        ("a third", all(0.33)),
        ("one probe", Outage { probe: Some(3), ..all(1.0) }),
        ("a fifth of a vantage", Outage { vantage: Some(1), ..all(0.2) }),
    ]
}

/// The one incident that is open in the last day, asked so many hours after the world began.
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
        // Once it has lasted for a day more, no new check changes it.
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
