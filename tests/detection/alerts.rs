//! Compares alerts with the truth of a generated world. Whether a watch or cron asks, and however
//! often, each real outage opens one incident and closes it, soon enough, and the messages agree
//! with the report that is made later.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use uptick::alert::{Alerts, CheckFindings};
use uptick::model::{Alert, AlertEvent, AlertTarget, FailureClass, NetworkRules, Redactor, Value};
use uptick::report::Incident;
use uptick::window::Window;

use crate::generator::{Absence, DAY_MS, HOUR_MS, MINUTE_MS, Outage, World, report};

const ONSET: i64 = 3 * HOUR_MS;
const END: i64 = ONSET + 40 * MINUTE_MS;

/// How long it goes on asking after the last outage, in milliseconds.
const AFTERWARDS: i64 = 70 * MINUTE_MS;

/// A prober that asks for alerts, and what it sees.
#[derive(Clone, Copy, Debug)]
struct AlertingProber {
    name: &'static str,
    /// Milliseconds between two checks of a probe.
    round: i64,
    vantages: usize,
    /// Milliseconds between two judgements.
    every: i64,
}

const ASKERS: [AlertingProber; 4] = [
    AlertingProber { name: "a watch", round: 30_000, vantages: 1, every: 10_000 },
    AlertingProber { name: "a watch whose journal three vantages share", round: 30_000, vantages: 3, every: 10_000 },
    AlertingProber { name: "cron, each minute", round: MINUTE_MS, vantages: 1, every: MINUTE_MS },
    AlertingProber { name: "cron, each five minutes", round: 5 * MINUTE_MS, vantages: 1, every: 5 * MINUTE_MS },
];

/// What really happened, and which messages are expected.
struct Case {
    name: &'static str,
    outages: Vec<Outage>,
    absences: Vec<Absence>,
    bad_rounds: f64,
    truths: Vec<TrueIncident>,
    /// Probers with longer rounds see too little of the case.
    longest_round: i64,
}

/// One incident.
struct TrueIncident {
    onset: i64,
    end: i64,
    /// The most rounds after its onset until it is reported.
    rounds: i64,
    events: &'static [&'static str],
}

/// A message that was sent: when, and its content.
struct SentMessage {
    at: i64,
    event: String,
    key: String,
    start: i64,
    end: Option<i64>,
}

const ONCE: &[&str] = &["open", "close"];

const fn truth(onset: i64, end: i64, rounds: i64) -> TrueIncident {
    TrueIncident { onset, end, rounds, events: ONCE }
}

const fn case(name: &'static str, outages: Vec<Outage>, truths: Vec<TrueIncident>) -> Case {
    Case { name, outages, absences: Vec::new(), bad_rounds: 0.0, truths, longest_round: i64::MAX }
}

fn cases() -> Vec<Case> {
    let all = |from, to, share| Outage::of_all(from, to, share);
    let expired = Outage { class: FailureClass::TlsCertExpired, probe: Some(7), ..all(ONSET, END + HOUR_MS, 1.0) };
    let (paused, again) = (ONSET + 12 * MINUTE_MS, ONSET + 50 * MINUTE_MS);
    let busy = Outage { class: FailureClass::Status, ..all(ONSET, END + HOUR_MS, 0.3) };
    let (hidden, seen) = (ONSET + 40 * MINUTE_MS, ONSET + 70 * MINUTE_MS);
    let waves = TrueIncident { events: &["open", "close", "wave", "close"], ..truth(ONSET, again + 12 * MINUTE_MS, 4) };
    vec![
        case("everything", vec![all(ONSET, END, 1.0)], vec![truth(ONSET, END, 4)]),
        case("30 % of everything", vec![all(ONSET, END, 0.3)], vec![truth(ONSET, END, 8)]),
        case("one surface", vec![Outage { surface: Some(1), ..all(ONSET, END, 1.0) }], vec![truth(ONSET, END, 4)]),
        case("one probe", vec![Outage { probe: Some(4), ..all(ONSET, END, 1.0) }], vec![truth(ONSET, END, 4)]),
        case(
            "a certificate, and the network while it fails",
            vec![expired, all(ONSET + 30 * MINUTE_MS, END + 20 * MINUTE_MS, 1.0)],
            vec![truth(ONSET, END + HOUR_MS, 4), truth(ONSET + 30 * MINUTE_MS, END + 20 * MINUTE_MS, 4)],
        ),
        Case {
            longest_round: MINUTE_MS,
            ..case(
                "30 % of everything, and all of it for another cause meanwhile",
                vec![all(hidden, seen, 1.0), busy],
                vec![truth(ONSET, END + HOUR_MS, 8), truth(hidden, seen, 6)],
            )
        },
        case("two waves", vec![all(ONSET, paused, 1.0), all(again, again + 12 * MINUTE_MS, 1.0)], vec![waves]),
        Case { bad_rounds: 0.01, ..case("rounds in which half of all fails", Vec::new(), Vec::new()) },
    ]
}

impl Case {
    fn world(&self, asker: AlertingProber, seed: u64) -> World {
        World {
            round: asker.round,
            vantages: asker.vantages,
            usual: 0.0005,
            bad_rounds: self.bad_rounds,
            outages: self.outages.clone(),
            absences: self.absences.clone(),
            ..World::new(seed)
        }
    }

    fn until(&self) -> i64 {
        self.truths.iter().map(|truth| truth.end).max().unwrap_or(END) + AFTERWARDS
    }

    /// Whether an outage starts or ends near an instant, so that asking as often as the prober does
    /// is worthwhile.
    fn is_near(&self, at: i64) -> bool {
        let turns = self.outages.iter().flat_map(|outage| [outage.from, outage.to]);
        turns.into_iter().any(|turn| (turn - MINUTE_MS..turn + 12 * MINUTE_MS).contains(&at))
    }
}

/// A receiver that writes its messages to a file.
fn receiver(out: &Path) -> Alert {
    let script = format!("cat >> {0}; echo >> {0}", out.display());
    let command = ["/bin/sh", "-c", &script].map(Value::plain).to_vec();
    Alert {
        name: "ops".to_owned(),
        on: AlertEvent::ALL.to_vec(),
        surfaces: Vec::new(),
        target: AlertTarget::Exec { command },
        retries: 0,
        timeout: Duration::from_mins(1),
        repeat: None,
    }
}

/// Asks repeatedly, as a run does for alerts: about the last day, from the data recorded by then.
async fn ask(case: &Case, asker: AlertingProber, windows: &[Window]) -> Vec<SentMessage> {
    let mut instants = Vec::new();
    let mut now = ONSET - 10 * MINUTE_MS;
    while now < case.until() {
        instants.push(now);
        now += if case.is_near(now) { asker.every } else { asker.every.max(2 * MINUTE_MS) };
    }
    ask_at(&instants, windows).await
}

/// Asks at the given instants.
async fn ask_at(instants: &[i64], windows: &[Window]) -> Vec<SentMessage> {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("told");
    let alerts = Alerts::new(&[receiver(&out)], &Redactor::default(), NetworkRules::default(), folder.path());
    let mut told = Vec::new();
    for now in instants.iter().copied() {
        let report = report(windows, now - DAY_MS, now);
        let found = CheckFindings::default();
        let deliveries = alerts.notify(&report, &found, World::at(now)).await.expect("a state that can be kept");
        assert!(deliveries.warnings.is_empty(), "{:?}", deliveries.warnings);
        if !deliveries.sent.is_empty() {
            let text = std::fs::read_to_string(&out).expect("what was told");
            told.extend(text.lines().skip(told.len()).map(|line| read(line, now)).collect::<Vec<_>>());
        }
    }
    told
}

fn read(line: &str, at: i64) -> SentMessage {
    let message: Json = serde_json::from_str(line).expect("a document");
    let instant = |json: &Json| Some(World::ms(json["by"].as_str()?.parse().expect("an instant")));
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let start = instant(&message["incident"]["start"]).expect("an incident that began");
    SentMessage { at, event: text("event"), key: text("key"), start, end: instant(&message["incident"]["end"]) }
}

/// The mistakes in the messages of a case.
async fn wrong(case: &Case, asker: AlertingProber, seed: u64) -> Vec<String> {
    let windows = case.world(asker, seed).windows(0, case.until());
    let told = ask(case, asker, &windows).await;
    let mut wrong = Vec::new();
    let mut keys: Vec<&str> = told.iter().map(|one| one.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() != case.truths.len() {
        wrong.push(format!("{} incidents are told", keys.len()));
    }
    let later = report(&windows, 0, case.until());
    for truth in &case.truths {
        let near = |one: &&SentMessage| (one.start - truth.onset).abs() <= 5 * MINUTE_MS.max(asker.round);
        let Some(key) = told.iter().find(near).map(|one| one.key.as_str()) else {
            wrong.push(format!("nothing is told of what began at {}", World::at(truth.onset)));
            continue;
        };
        let of_key: Vec<&SentMessage> = told.iter().filter(|one| one.key == key).collect();
        let events: Vec<&str> = of_key.iter().map(|one| one.event.as_str()).collect();
        if events != truth.events {
            wrong.push(format!("{events:?} are told"));
        }
        let (opened, closed) = (of_key[0].at - truth.onset, of_key[of_key.len() - 1].at - truth.end);
        if !(0..=truth.rounds * asker.round + asker.every).contains(&opened) {
            wrong.push(format!("it is told after {} s", opened / 1_000));
        }
        // A partial failure is over when the pause cannot be chance: the fewer checks there are,
        // the longer that takes.
        if !(0..=(15 * MINUTE_MS).max(7 * asker.round)).contains(&closed) {
            wrong.push(format!("it closes {} s after its end", closed / 1_000));
        }
        let last = of_key[of_key.len() - 1];
        let is_same = |incident: &&Incident| {
            let end = incident.end.map(|end| World::ms(end.by));
            World::ms(incident.start.by).abs_diff(last.start) <= 60_000
                && end.zip(last.end).is_some_and(|(end, told)| end.abs_diff(told) <= 60_000)
        };
        if !later.incidents.iter().any(|incident| is_same(&incident)) {
            let found: Vec<_> = later.incidents.iter().map(|one| (one.start.by, one.end.map(|end| end.by))).collect();
            wrong.push(format!("{:?} is told, {found:?} reported", (last.start, last.end)));
        }
    }
    if later.incidents.len() != case.truths.len() {
        wrong.push(format!("the later report has {} incidents", later.incidents.len()));
    }
    wrong.into_iter().map(|what| format!("{}, {}, seed {seed}: {what}", asker.name, case.name)).collect()
}

/// Runs one prober on all cases that suit it, each with the seeds for its number. Returns the
/// mistakes.
async fn told_wrongly(asker: AlertingProber, seeds: impl Fn(usize) -> Vec<u64>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, case) in cases().iter().enumerate().filter(|(_, case)| asker.round <= case.longest_round) {
        for seed in seeds(number) {
            found.extend(wrong(case, asker, seed).await);
        }
    }
    found
}

fn one_seed(case: usize) -> Vec<u64> {
    vec![crate::SEEDS[case % crate::SEEDS.len()]]
}

#[tokio::test]
async fn a_watch_tells_of_each_outage_once_and_when_it_is_over() {
    let wrong = told_wrongly(ASKERS[0], one_seed).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn cron_tells_of_each_outage_once_and_when_it_is_over() {
    for asker in &ASKERS[2..] {
        let wrong = told_wrongly(*asker, one_seed).await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// The messages about an outage in the middle of which a vantage falls silent for good: events, and
/// minutes after the onset.
async fn told_of_silence(outage: Outage, over: i64) -> Vec<(String, i64)> {
    let asker = AlertingProber { every: MINUTE_MS, ..ASKERS[1] };
    let silence = Absence { from: ONSET + 20 * MINUTE_MS, to: i64::MAX, vantage: Some(2), probe: None };
    let case =
        Case { absences: vec![silence], ..case("a vantage falls silent", vec![outage], vec![truth(ONSET, over, 4)]) };
    let windows = case.world(asker, 1).windows(0, case.until());
    let told = ask(&case, asker, &windows).await.into_iter();
    told.map(|one| (one.event, (one.at - ONSET) / MINUTE_MS)).collect()
}

#[tokio::test]
async fn a_vantage_that_falls_silent_in_an_outage_keeps_no_incident_open() {
    let all = Outage::of_all(ONSET, END, 1.0);
    let told = told_of_silence(all.clone(), END).await;
    let [(open, opened), (close, closed)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((open.as_str(), close.as_str()), ("open", "close"));
    assert!(*opened <= 4 && (40..46).contains(closed), "the others see it end: {told:?}");
    // Nobody knows more about an outage that only this vantage saw, and the others see everything
    // up.
    let told = told_of_silence(Outage { vantage: Some(2), ..all }, ONSET + 3 * HOUR_MS).await;
    let [(open, opened), (close, closed)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((open.as_str(), close.as_str()), ("open", "close"));
    assert!(*opened <= 4 && (140..145).contains(closed), "two hours after it was last heard: {told:?}");
}

#[tokio::test]
async fn what_was_told_as_open_and_turns_out_to_be_of_another_incident_is_told_as_over_with_that() {
    let changed = ONSET + 30 * MINUTE_MS;
    let outages = vec![
        Outage { class: FailureClass::Status, ..Outage::of_all(ONSET, changed, 0.6) },
        Outage::of_all(changed, changed + 30 * MINUTE_MS, 0.6),
    ];
    let windows = World { vantages: 3, outages, ..World::new(3) }.windows(0, changed + 2 * HOUR_MS);
    // A different failure looks like a separate incident until it turns out that everything fails.
    let told = ask_at(&[25, 34, 36, 38, 40, 45, 55, 90].map(|minute| ONSET + minute * MINUTE_MS), &windows).await;
    let of = |event: &str| {
        let mut keys: Vec<&str> = told.iter().filter(|one| one.event == event).map(|one| one.key.as_str()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!((of("open").len(), of("open")), (2, of("close")));
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn everybody_tells_of_each_outage_once_and_when_it_is_over() {
    let mut wrong = Vec::new();
    for asker in ASKERS {
        wrong.extend(told_wrongly(asker, |_| crate::SEEDS.to_vec()).await);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
