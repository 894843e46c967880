//! Partial failures of a part of a world: whether reports have the right onset and extent during
//! the failure, and the right end afterwards.

use uptick::model::FailureClass;
use uptick::report::{Extent, Incident, Recent, Report, State};

use crate::generator::{Absence, HOUR_MS, MINUTE_MS, Outage, World, report};

const ONSET: i64 = 3 * HOUR_MS;
const END: i64 = ONSET + 40 * MINUTE_MS;

/// A failure of a share of some checks, and what the report must say about it.
struct Case {
    name: &'static str,
    share: f64,
    surface: Option<usize>,
    vantage: Option<usize>,
    probe: Option<usize>,
    surfaces: &'static [&'static str],
    vantages: &'static [&'static str],
    extent: Extent,
}

const ALL_SURFACES: &[&str] = &["app", "web"];
const ALL_VANTAGES: &[&str] = &["vantage-0", "vantage-1", "vantage-2"];

const fn case(name: &'static str, share: f64) -> Case {
    Case {
        name,
        share,
        surface: None,
        vantage: None,
        probe: None,
        surfaces: ALL_SURFACES,
        vantages: ALL_VANTAGES,
        extent: Extent::Global,
    }
}

const CASES: &[Case] = &[
    case("everything, 8 %", 0.08),
    case("everything, 30 %", 0.3),
    Case { surface: Some(0), surfaces: &["app"], ..case("one surface, 10 %", 0.1) },
    Case { vantage: Some(1), vantages: &["vantage-1"], extent: Extent::Local, ..case("one vantage, 20 %", 0.2) },
    Case {
        surface: Some(1),
        vantage: Some(2),
        surfaces: &["web"],
        vantages: &["vantage-2"],
        extent: Extent::Local,
        ..case("one surface from one vantage, 40 %", 0.4)
    },
    Case { surface: Some(0), probe: Some(4), surfaces: &["app"], ..case("one probe, 60 %", 0.6) },
];

impl Case {
    fn outage(&self) -> Outage {
        let (surface, vantage, probe) = (self.surface, self.vantage, self.probe);
        Outage { surface, vantage, probe, ..Outage::of_all(ONSET, END, self.share) }
    }
}

fn minutes_off(at: jiff::Timestamp, truth: i64) -> i64 {
    (World::ms(at) - truth).abs() / MINUTE_MS
}

/// The mistakes of a report during the failure.
fn wrong_while_it_lasts(case: &Case, told: &Report, known: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let verdict = &told.verdict;
    if !verdict.state.is_failing() {
        wrong.push(format!("state {}", verdict.state));
    }
    let open: Vec<&Incident> = told.incidents.iter().filter(|one| one.end.is_none()).collect();
    if open.len() != known + 1 {
        let starts: Vec<_> =
            open.iter().map(|one| (&one.rule, one.start.by, &one.surfaces, one.probes.len())).collect();
        wrong.push(format!("open incidents {starts:?}"));
    }
    let off = open.iter().map(|one| minutes_off(one.start.by, ONSET)).min();
    if off.is_none_or(|off| off > 5) {
        wrong.push(format!("since {off:?} minutes off"));
    }
    let vantages: Vec<&str> = verdict.scope.vantages.iter().map(uptick::model::SafeText::as_str).collect();
    if verdict.scope.extent != case.extent || vantages != case.vantages {
        wrong.push(format!("scope {:?} {vantages:?}", verdict.scope.extent));
    }
    wrong.extend(undated(told).into_iter().map(|row| format!("since when {row} fails")));
    let failing = told.surfaces.iter().filter(|row| row.state.is_failing());
    let surfaces: Vec<&str> = failing.map(|row| row.surface.as_str()).collect();
    if surfaces != case.surfaces {
        wrong.push(format!("surfaces {surfaces:?}"));
    }
    wrong
}

/// The rows that fail without saying since when, and those that do not fail and say it.
fn undated(told: &Report) -> Vec<String> {
    let row = |name: String, state: State, recent: &Recent| (name, state.is_failing(), recent.failing_since.is_some());
    let surfaces = told.surfaces.iter().map(|one| row(one.surface.to_string(), one.state, &one.recent));
    let places = told.places.iter().map(|one| row(format!("{} {}", one.surface, one.vantage), one.state, &one.recent));
    let probes = told.probes.iter().map(|one| row(one.probe.to_string(), one.state, &one.recent));
    let vantages = told.vantages.iter().map(|one| row(one.vantage.to_string(), one.state, &one.recent));
    let all = surfaces.chain(places).chain(probes).chain(vantages);
    all.filter(|(_, fails, is_dated)| fails != is_dated).map(|(name, ..)| name).collect()
}

#[test]
fn many_probes_that_fail_at_random_do_not_flap() {
    for (seed, share) in crate::SEEDS.into_iter().chain([13]).flat_map(|seed| [(seed, 0.3), (seed, 0.5)]) {
        let outages = vec![Outage::of_all(ONSET, END, share)];
        let world = World { vantages: 2, usual: 0.001, outages, ..World::new(seed) };
        let windows = world.windows(0, END);
        for minute in (5..40).step_by(5) {
            let told = report(&windows, 0, ONSET + minute * MINUTE_MS);
            assert_ne!(told.verdict.state, State::Flapping, "{seed} {share} {minute}: {}", told.verdict.headline);
        }
    }
}

#[test]
fn what_comes_and_goes_says_since_when_also_while_it_is_up() {
    let waves = (0..12).map(|n| ONSET + n * 20 * MINUTE_MS);
    let outages = waves.map(|from| Outage::of_all(from, from + 10 * MINUTE_MS, 1.0)).collect();
    let world = World { probes: 4, outages, ..World::new(13) };
    let windows = world.windows(0, ONSET + 4 * HOUR_MS);
    for minute in (150..230).step_by(4) {
        let told = report(&windows, 0, ONSET + minute * MINUTE_MS);
        let headline = &told.verdict.headline;
        assert_eq!(told.verdict.state, State::Flapping, "{minute}: {headline}");
        assert!(headline.contains("since 03:00 UTC"), "{minute}: {headline}");
        assert!(undated(&told).is_empty(), "{minute}: {:?}", undated(&told));
    }
}

#[test]
fn a_partial_failure_of_a_probe_that_gets_another_name_is_over_in_time() {
    let (end, renamed) = (ONSET + 40 * HOUR_MS, ONSET + 10 * HOUR_MS);
    for (seed, share) in crate::SEEDS.into_iter().chain([13]).flat_map(|seed| [(seed, 0.5), (seed, 0.8)]) {
        let absent = |from, to, probe| Absence { from, to, vantage: None, probe: Some(probe) };
        let world = World {
            round: HOUR_MS,
            probes: 2,
            vantages: 1,
            surfaces: 1,
            outages: vec![Outage::of_all(ONSET, end, share)],
            absences: vec![absent(renamed, i64::MAX, 0), absent(0, renamed, 1)],
            ..World::new(seed)
        };
        let later = world.report(0, end + 60 * HOUR_MS);
        let open = later.incidents.iter().filter(|one| one.end.is_none()).count();
        assert_eq!((later.verdict.state, open), (State::Up, 0), "{seed} {share}: {}", later.verdict.headline);
    }
}

/// The mistakes of a report one hour after its end.
fn wrong_afterwards(told: &Report, known: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    if told.verdict.state != State::Up && known == 0 {
        wrong.push(format!("state {} afterwards", told.verdict.state));
    }
    let ended: Vec<&Incident> = told.incidents.iter().filter(|one| one.end.is_some()).collect();
    let ends: Vec<_> = ended.iter().filter_map(|one| Some(minutes_off(one.end?.by, END))).collect();
    if ended.len() != 1 || ends.iter().any(|off| *off > 5) {
        let told: Vec<_> = ended.iter().map(|one| (&one.rule, one.start.by, one.end.map(|end| end.by))).collect();
        wrong.push(format!("ended incidents {told:?}"));
    }
    wrong
}

/// The mistakes of all cases, in worlds with additional outages, of which `known` incidents are
/// open.
fn wrong(beside: &[Outage], known: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    for (case, seed) in CASES.iter().flat_map(|case| crate::SEEDS.map(|seed| (case, seed))) {
        let outages = beside.iter().cloned().chain([case.outage()]).collect();
        let world = World { usual: 0.0005, outages, ..World::new(seed) };
        let windows = world.windows(0, END + HOUR_MS);
        let now = report(&windows, 0, ONSET + 20 * MINUTE_MS);
        let later = report(&windows, 0, END + HOUR_MS);
        let found = wrong_while_it_lasts(case, &now, known).into_iter().chain(wrong_afterwards(&later, known));
        wrong.extend(found.map(|what| format!("{}, seed {seed}: {what}", case.name)));
    }
    wrong
}

#[test]
fn a_partial_failure_is_told_with_its_onset_its_place_and_its_end() {
    let wrong = wrong(&[], 0);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_has_failed_for_long_hides_no_partial_failure() {
    let old =
        Outage { class: FailureClass::TlsCertExpired, probe: Some(7), ..Outage::of_all(10 * MINUTE_MS, i64::MAX, 1.0) };
    // The state of the older outage's surface, and the scope, are about both.
    let mut wrong = wrong(&[old], 1);
    wrong.retain(|what| !what.contains("surfaces [") && !what.contains("scope "));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Makes reports repeatedly, as cron does for alerts. Returns the incidents that were open, each
/// with the first and the last instant at which it was.
fn told_open(case: &Case, seed: u64) -> Vec<(String, i64, i64)> {
    const EVERY: i64 = 4 * MINUTE_MS;
    let world = World { usual: 0.0005, outages: vec![case.outage()], ..World::new(seed) };
    let windows = world.windows(0, END + HOUR_MS / 2);
    let mut open: Vec<(String, i64, i64)> = Vec::new();
    let mut now = ONSET - EVERY;
    while now < END + HOUR_MS / 2 {
        for incident in report(&windows, 0, now).incidents.iter().filter(|one| one.end.is_none()) {
            match open.iter_mut().find(|(id, ..)| *id == incident.id) {
                Some((.., last)) => *last = now,
                None => open.push((incident.id.clone(), now, now)),
            }
        }
        now += EVERY;
    }
    open
}

#[test]
fn an_incident_opens_once_and_closes_once_whoever_asks_when() {
    for (case, seed) in CASES.iter().zip([1, 2, 3, 1, 2, 3]) {
        let told = told_open(case, seed);
        let [(_, first, last)] = told.as_slice() else { panic!("{}: {told:?}", case.name) };
        let (opened, closed) = (first - ONSET, last - END);
        assert!((0..=8 * MINUTE_MS).contains(&opened), "{}: opens after {opened} ms", case.name);
        assert!(closed.abs() <= 15 * MINUTE_MS, "{}: closes after {closed} ms", case.name);
    }
}

/// A partial failure whose cause is another from its thirtieth minute on, without a pause.
fn changing(share: f64, causes: [FailureClass; 2]) -> Vec<Outage> {
    let changes = ONSET + 30 * MINUTE_MS;
    let [first, second] = causes.map(|class| Outage { class, ..Outage::of_all(ONSET, changes, share) });
    vec![first, Outage { from: changes, to: changes + 30 * MINUTE_MS, ..second }]
}

#[test]
fn a_partial_failure_that_changes_how_it_fails_without_a_pause_stays_one_incident() {
    let worlds = [(6, 3, 2, 30_000, 0.19), (16, 4, 3, MINUTE_MS, 0.41), (12, 2, 2, 30_000, 0.26)];
    let causes = [FailureClass::Status, FailureClass::ConnectTimeout];
    for ((probes, vantages, surfaces, round, share), seed) in
        worlds.into_iter().flat_map(|world| crate::SEEDS.map(|seed| (world, seed)))
    {
        let world = World { probes, vantages, surfaces, round, outages: changing(share, causes), ..World::new(seed) };
        let windows = world.windows(0, ONSET + 90 * MINUTE_MS);
        let asked = [25, 31, 32, 33, 35, 37, 40, 45, 55, 90].map(|minute| ONSET + minute * MINUTE_MS);
        let mut ids: Vec<String> =
            asked.into_iter().flat_map(|now| report(&windows, 0, now).incidents).map(|incident| incident.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{share} of {probes} probes, seed {seed}: {ids:?}");
    }
}

/// A world with one probe and one vantage.
fn one_probe(seed: u64, outages: Vec<Outage>) -> World {
    World { probes: 1, vantages: 1, surfaces: 1, outages, ..World::new(seed) }
}

#[test]
fn what_fails_in_part_again_after_a_pause_is_another_incident_where_its_cause_is_another() {
    let (end, again) = (ONSET + HOUR_MS, ONSET + 90 * MINUTE_MS);
    let outages = [
        Outage { class: FailureClass::Status, ..Outage::of_all(ONSET, end, 0.2) },
        Outage::of_all(again, again + HOUR_MS, 0.2),
    ];
    for seed in crate::SEEDS {
        let windows = one_probe(seed, outages.to_vec()).windows(0, again + 4 * HOUR_MS);
        for now in [again + 55 * MINUTE_MS, again + 4 * HOUR_MS] {
            let told = report(&windows, 0, now);
            let classes = told.incidents.iter().filter_map(|one| Some(one.kind.as_ref()?.class));
            assert!(
                classes.eq([FailureClass::Status, FailureClass::ConnectTimeout]),
                "seed {seed}: {:#?}",
                told.incidents
            );
            let (first, second) = (&told.incidents[0], &told.incidents[1]);
            let first_end = first.end.unwrap_or_else(|| panic!("seed {seed}: the first goes on"));
            assert!(minutes_off(first_end.by, end) <= 5, "seed {seed}: the first ends {first_end:?}");
            assert!(minutes_off(second.start.by, again) <= 6, "seed {seed}: the second begins {:?}", second.start);
            assert_eq!(second.end.is_some(), now > again + HOUR_MS, "seed {seed}");
            for one in &told.incidents {
                assert_eq!(one.surface_spans[0].end, one.end, "seed {seed}: the only surface ends with its incident");
            }
        }
    }
}

#[test]
fn a_partial_failure_that_few_checks_see_is_over_when_enough_of_them_are_good() {
    let (round, end) = (5 * MINUTE_MS, ONSET + 4 * HOUR_MS);
    for seed in [3, 4, 8] {
        let world = World { round, ..one_probe(seed, vec![Outage::of_all(ONSET, end, 0.2)]) };
        let windows = world.windows(0, end + 3 * HOUR_MS);
        let told = report(&windows, 0, end + 3 * HOUR_MS);
        let [one] = told.incidents.as_slice() else { panic!("seed {seed}: {:#?}", told.incidents) };
        let ended = one.end.unwrap_or_else(|| panic!("seed {seed}: it goes on three hours later"));
        assert!(minutes_off(ended.by, end) <= 30 && told.verdict.state == State::Up, "seed {seed}: {ended:?}");
    }
}

#[test]
fn the_id_of_a_partial_failure_stays_while_probes_of_it_open_outages_of_their_own() {
    for (share, probes, vantages, round, seed) in
        [(0.1, 6, 2, 30_000, 4), (0.2, 6, 2, 30_000, 2), (0.3, 6, 2, 30_000, 2), (0.2, 10, 1, MINUTE_MS, 1)]
    {
        let outages = vec![Outage::of_all(ONSET, END, share)];
        let world = World { probes, vantages, round, usual: 0.0005, outages, ..World::new(seed) };
        let windows = world.windows(0, END + 30 * MINUTE_MS);
        let asked = (0..40).map(|n| ONSET + n * MINUTE_MS / 4).chain([END + 30 * MINUTE_MS]);
        let mut ids: Vec<String> =
            asked.flat_map(|now| report(&windows, 0, now).incidents).map(|incident| incident.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{share} of {probes} probes, seed {seed}: {ids:?}");
    }
}

#[test]
fn a_total_outage_of_another_cause_makes_no_waves_of_the_partial_failure_that_it_hides() {
    let (hidden, seen) = (ONSET + 40 * MINUTE_MS, ONSET + 70 * MINUTE_MS);
    let partial = Outage { class: FailureClass::Status, ..Outage::of_all(ONSET, END + HOUR_MS, 0.3) };
    for seed in crate::SEEDS {
        let outages = vec![Outage::of_all(hidden, seen, 1.0), partial.clone()];
        let now = World { vantages: 3, outages, ..World::new(seed) }.report(0, seen + 15 * MINUTE_MS);
        let found = now.incidents.iter().map(|incident| (World::ms(incident.start.by), incident.waves.len()));
        let found: Vec<_> = found.collect();
        let [(first, of_partial), (second, of_total)] = found[..] else { panic!("seed {seed}: {found:?}") };
        assert_eq!((of_partial, of_total), (1, 1), "seed {seed}");
        assert!((first - ONSET).abs() <= MINUTE_MS && (second - hidden).abs() <= MINUTE_MS, "seed {seed}: {found:?}");
    }
}

#[test]
fn a_chance_failure_near_the_onset_makes_a_healthy_surface_no_part_of_it() {
    let worlds = [
        (77_015, 1, MINUTE_MS, 0.9),
        (77_038, 3, 30_000, 0.7),
        (2_000_079, 2, 30_000, 0.47),
        (3_000_082, 2, 30_000, 0.47),
        (3_000_082, 3, 30_000, 0.47),
    ];
    for (seed, vantages, round, share) in worlds {
        let outages = vec![Outage { surface: Some(0), ..Outage::of_all(ONSET, END, share) }];
        let world = World { probes: 6, vantages, round, usual: 0.002, outages, ..World::new(seed) };
        let windows = world.windows(0, END + HOUR_MS);
        for now in [10, 15, 25, 38, 70].map(|minute| ONSET + minute * MINUTE_MS) {
            let told = report(&windows, 0, now);
            let [one] = told.incidents.as_slice() else { panic!("seed {seed}: {}", told.verdict.headline) };
            assert_eq!(one.surfaces.len(), 1, "seed {seed} at {}: {}", World::at(now), told.verdict.headline);
        }
    }
}

#[test]
fn what_is_over_for_twice_as_long_as_it_came_and_went_flaps_no_more() {
    for (seed, share) in [(1, 0.6), (15, 0.3), (23, 0.6), (26, 0.3), (27, 0.6), (38, 0.6)] {
        let outages = vec![Outage::of_all(ONSET, END, share)];
        let world = World { probes: 8, round: MINUTE_MS, usual: 0.002, outages, ..World::new(99_000 + seed) };
        let told = world.report(0, END + 25 * MINUTE_MS);
        assert_eq!(told.verdict.state, State::Up, "seed {seed}: {}", told.verdict.headline);
    }
}
