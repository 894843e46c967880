//! Worlds with several complications at once: overlapping outages, vantages that come and go, names
//! and clocks that change during a failure.

use uptick::model::{FailureClass, SafeText};
use uptick::report::{Incident, Report};

use crate::generator::{Absence, HOUR_MS, MINUTE_MS, Outage, World, WrongClock, report};

const ONSET: i64 = 3 * HOUR_MS;
const END: i64 = ONSET + 40 * MINUTE_MS;
const LATER: i64 = END + 2 * HOUR_MS;

/// One real incident.
#[derive(Clone, Copy, Debug)]
struct TrueIncident {
    onset: i64,
    end: i64,
    surfaces: &'static [&'static str],
    class: FailureClass,
}

struct Case {
    name: &'static str,
    world: World,
    truths: Vec<TrueIncident>,
    /// How exactly the end of an incident must be reported, in milliseconds.
    end_known_to: i64,
}

const BOTH: &[&str] = &["app", "web"];
const APP: &[&str] = &["app"];
const WEB: &[&str] = &["web"];

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases(seed: u64) -> Vec<Case> {
    let world = World { usual: 0.0005, ..World::new(seed) };
    let all = |from, to, share| Outage::of_all(from, to, share);
    let timeout = |onset, end, surfaces| TrueIncident { onset, end, surfaces, class: FailureClass::ConnectTimeout };
    let (middle, after) = (ONSET + 20 * MINUTE_MS, END + 20 * MINUTE_MS);
    let status = |outage: Outage| Outage { class: FailureClass::Status, ..outage };
    let case = |name, world, truths| Case { name, world, truths, end_known_to: 5 * MINUTE_MS };
    let one = || vec![timeout(ONSET, END, BOTH)];
    vec![
        case(
            "two surfaces, two causes, one after the other began",
            World {
                outages: vec![
                    Outage { surface: Some(0), ..all(ONSET, END, 1.0) },
                    status(Outage { surface: Some(1), ..all(middle, after, 1.0) }),
                ],
                ..world.clone()
            },
            vec![
                timeout(ONSET, END, APP),
                TrueIncident { onset: middle, end: after, surfaces: WEB, class: FailureClass::Status },
            ],
        ),
        case(
            "a part of a surface, and all of it for another cause meanwhile",
            World {
                outages: vec![
                    Outage { class: FailureClass::TlsCertExpired, probe: Some(4), ..all(ONSET, after, 1.0) },
                    Outage { surface: Some(0), ..all(middle, END, 1.0) },
                ],
                ..world.clone()
            },
            vec![
                TrueIncident { onset: ONSET, end: after, surfaces: APP, class: FailureClass::TlsCertExpired },
                timeout(middle, END, APP),
            ],
        ),
        case(
            "everything in part, and all of it for another cause meanwhile",
            World { outages: vec![all(middle, END, 1.0), status(all(ONSET, after, 0.3))], ..world.clone() },
            vec![
                TrueIncident { onset: ONSET, end: after, surfaces: BOTH, class: FailureClass::Status },
                timeout(middle, END, BOTH),
            ],
        ),
        case(
            "one probe in part, and whole for another cause meanwhile",
            World {
                outages: vec![
                    Outage { probe: Some(4), ..all(middle, END, 1.0) },
                    status(Outage { probe: Some(4), ..all(ONSET, after, 0.5) }),
                ],
                ..world.clone()
            },
            vec![
                TrueIncident { onset: ONSET, end: after, surfaces: APP, class: FailureClass::Status },
                timeout(middle, END, APP),
            ],
        ),
        case(
            "a third of a surface, and a third of the other meanwhile",
            World {
                outages: vec![
                    Outage { surface: Some(0), ..all(ONSET, after, 0.3) },
                    Outage { surface: Some(1), ..all(middle, END, 0.3) },
                ],
                ..world.clone()
            },
            vec![timeout(ONSET, after, APP), timeout(middle, END, WEB)],
        ),
        case(
            "a fifth of everything from one vantage, and all of it from all meanwhile",
            World {
                outages: vec![all(middle, END, 1.0), Outage { vantage: Some(0), ..all(ONSET, after, 0.2) }],
                ..world.clone()
            },
            vec![timeout(ONSET, after, BOTH), timeout(middle, END, BOTH)],
        ),
        // What goes on in part holds the outage of a probe open for some checks more.
        Case {
            end_known_to: 6 * MINUTE_MS,
            ..case(
                "a tenth of everything, and a surface for another cause meanwhile",
                World {
                    outages: vec![Outage { surface: Some(1), ..all(middle, END, 1.0) }, status(all(ONSET, after, 0.1))],
                    ..world.clone()
                },
                vec![
                    TrueIncident { onset: ONSET, end: after, surfaces: BOTH, class: FailureClass::Status },
                    timeout(middle, END, WEB),
                ],
            )
        },
        case(
            "a vantage falls silent for good while everything fails",
            World {
                outages: vec![all(ONSET, END, 1.0)],
                absences: vec![Absence { from: middle, to: i64::MAX, vantage: Some(2), probe: None }],
                ..world.clone()
            },
            one(),
        ),
        case(
            "a vantage joins while everything fails",
            World {
                outages: vec![all(ONSET, END, 1.0)],
                absences: vec![Absence { from: 0, to: middle, vantage: Some(2), probe: None }],
                ..world.clone()
            },
            one(),
        ),
        case(
            "a probe gets another name while everything fails",
            World {
                probes: 21,
                outages: vec![all(ONSET, END, 1.0)],
                absences: vec![
                    Absence { from: middle, to: i64::MAX, vantage: None, probe: Some(4) },
                    Absence { from: 0, to: middle, vantage: None, probe: Some(20) },
                ],
                ..world.clone()
            },
            one(),
        ),
        case(
            "the only probe that fails gets another name",
            World {
                probes: 21,
                outages: vec![
                    Outage { probe: Some(4), ..all(ONSET, END, 1.0) },
                    Outage { probe: Some(20), ..all(ONSET, END, 1.0) },
                ],
                absences: vec![
                    Absence { from: middle, to: i64::MAX, vantage: None, probe: Some(4) },
                    Absence { from: 0, to: middle, vantage: None, probe: Some(20) },
                ],
                ..world.clone()
            },
            vec![timeout(ONSET, END, APP)],
        ),
        case(
            "the clock of a vantage is set back while everything fails",
            World {
                outages: vec![all(ONSET, END, 1.0)],
                wrong_clocks: vec![WrongClock { from: 0, to: middle, vantage: 1, by: 4 * MINUTE_MS }],
                ..world.clone()
            },
            one(),
        ),
        case(
            "the machine of a vantage sleeps over the onset and the end",
            World {
                outages: vec![all(ONSET, END, 1.0)],
                absences: vec![
                    Absence { from: ONSET - 10 * MINUTE_MS, to: ONSET + 10 * MINUTE_MS, vantage: Some(0), probe: None },
                    Absence { from: END - 10 * MINUTE_MS, to: END + 10 * MINUTE_MS, vantage: Some(0), probe: None },
                ],
                ..world.clone()
            },
            one(),
        ),
        case(
            "nobody looks when it ends",
            World {
                outages: vec![all(ONSET, END, 1.0)],
                absences: vec![Absence {
                    from: END - 5 * MINUTE_MS,
                    to: END + 3 * MINUTE_MS,
                    vantage: None,
                    probe: None,
                }],
                ..world
            },
            one(),
        ),
    ]
}

fn off(at: jiff::Timestamp, truth: i64) -> i64 {
    (World::ms(at) - truth).abs()
}

/// The mistakes of a report: there must be one incident for each truth, and no other.
fn wrong(told: &Report, case: &Case, now: i64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut left: Vec<&Incident> = told.incidents.iter().collect();
    // The tolerance includes a clock that is wrong by four minutes.
    let near = 5 * MINUTE_MS;
    for truth in case.truths.iter().filter(|truth| truth.onset + 5 * MINUTE_MS < now) {
        let is_of = |one: &&Incident| {
            let surfaces: Vec<&str> = one.surfaces.iter().map(SafeText::as_str).collect();
            off(one.start.by, truth.onset) <= near
                && surfaces == truth.surfaces
                && one.kind.as_ref().is_some_and(|kind| kind.class == truth.class)
        };
        let Some(at) = left.iter().position(is_of) else {
            wrong.push(format!("not told: {truth:?}"));
            continue;
        };
        let one = left.remove(at);
        let is_over = truth.end + 10 * MINUTE_MS < now;
        if is_over && one.end.is_none_or(|end| off(end.by, truth.end) > case.end_known_to) {
            wrong.push(format!("it ends {:?}", one.end));
        }
        if now < truth.end && one.end.is_some() {
            wrong.push(format!("it is over {:?} while it lasts", one.end));
        }
    }
    let more = left.iter().map(|one| {
        let kind = one.kind.as_ref().map(|kind| kind.class);
        format!(
            "told: {:?} {:?} {} to {:?} {kind:?} by {}",
            one.surfaces,
            one.probes.len(),
            one.start.by,
            one.end,
            one.rule
        )
    });
    wrong.extend(more);
    wrong
}

#[test]
fn each_real_incident_is_one_with_its_own_times_and_cause() {
    let mut found = Vec::new();
    for seed in crate::SEEDS {
        for case in cases(seed) {
            let windows = case.world.windows(0, LATER);
            for now in [ONSET + 12 * MINUTE_MS, ONSET + 32 * MINUTE_MS, END + 18 * MINUTE_MS, LATER] {
                let told = report(&windows, 0, now);
                let minute = (now - ONSET) / MINUTE_MS;
                let wrong = wrong(&told, &case, now).into_iter();
                found.extend(wrong.map(|what| format!("{}, seed {seed}, minute {minute}: {what}", case.name)));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
