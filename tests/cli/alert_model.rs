//! Alerts against a model: checks arrive, the prober restarts between any two of them, and the
//! receiver is away for a while. Whatever the order, the receiver gets every incident as one story
//! with a start, ends and waves, each event once, and in the end it knows what the report knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value as Json;
use uptick::alert::{Alerts, CheckFindings};

use crate::alerts::{Stage, report_of, webhook};
use crate::support::server::{Server, answer};

#[derive(Clone, Debug)]
enum Step {
    /// `count` checks with the same verdict: `u` up, `d` down, `x` unknown. Then alerts are sent.
    Checks { letter: char, count: usize },
    /// The prober ends and another one starts.
    Restart,
    /// From now on the receiver refuses alerts, or accepts them again.
    Receiver { takes: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let checks = |letter| (1..9_usize).prop_map(move |count| Step::Checks { letter, count });
    prop_oneof![
        4 => checks('u'),
        4 => checks('d'),
        1 => checks('x'),
        2 => Just(Step::Restart),
        1 => any::<bool>().prop_map(|takes| Step::Receiver { takes }),
    ]
}

/// The receiver, and the prober that sends alerts to it.
struct AlertedProber {
    stage: Stage,
    alerts: Alerts,
    takes: Arc<AtomicBool>,
    bodies: Arc<Mutex<Vec<Json>>>,
    runtime: tokio::runtime::Runtime,
    _server: Server,
}

impl AlertedProber {
    fn new() -> AlertedProber {
        let takes = Arc::new(AtomicBool::new(true));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start({
            let (takes, bodies) = (Arc::clone(&takes), Arc::clone(&bodies));
            move |conn| {
                let request = conn.request();
                if takes.load(Ordering::Relaxed) {
                    let text = String::from_utf8(request).unwrap();
                    let (_, body) = text.split_once("\r\n\r\n").unwrap();
                    bodies.lock().unwrap().push(serde_json::from_str(body).unwrap());
                    conn.send(answer(200, &[], "ok"));
                } else {
                    conn.send(answer(503, &[], "later"));
                }
            }
        });
        let stage = Stage::new(&format!("{}retries = 0\n", webhook(&server)));
        let alerts = stage.alerts();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        AlertedProber { stage, alerts, takes, bodies, runtime, _server: server }
    }

    fn notify(&self, letters: &str) {
        let report = report_of(&self.stage.config, &[("web", letters)]);
        let findings = CheckFindings::default();
        self.runtime.block_on(self.alerts.notify(&report, &findings, report.generated_at)).unwrap();
    }

    /// The events of each incident, in the order in which they arrived.
    fn stories(&self) -> BTreeMap<String, Vec<String>> {
        let mut stories: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for body in self.bodies.lock().unwrap().iter() {
            let text = |key: &str| body[key].as_str().unwrap().to_owned();
            if ["open", "wave", "close"].contains(&body["event"].as_str().unwrap()) {
                stories.entry(text("key")).or_default().push(text("event"));
            }
        }
        stories
    }
}

/// `open` comes first or not at all, and `wave` never comes first. A start or a wave that is over
/// before the next evaluation is sent only as an end, so a `close` may be the first event; a short
/// end may never be sent, so a `wave` may follow an `open`.
fn is_a_story(events: &[String]) -> bool {
    events.iter().enumerate().all(|(at, event)| match event.as_str() {
        "open" => at == 0,
        "wave" => at > 0,
        _ => true,
    })
}

/// The failures since the last three good checks in a row.
fn failures_since_recovery(letters: &str) -> usize {
    let judged = letters.replace('x', "");
    judged.rsplit("uuu").next().unwrap_or_default().matches('d').count()
}

#[test]
fn an_incident_that_is_seen_more_closely_is_no_news() {
    let (told, mut letters) = (AlertedProber::new(), "uuuu".to_owned());
    told.notify(&letters);
    for (letter, count) in [('d', 2), ('d', 3), ('u', 5), ('d', 8), ('d', 5)] {
        letters.extend(std::iter::repeat_n(letter, count));
        told.notify(&letters);
    }
    let stories: Vec<Vec<String>> = told.stories().into_values().collect();
    assert_eq!(stories, [["open", "close", "wave"]]);
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_receiver_is_told_of_each_incident_as_one_story(steps in prop::collection::vec(step(), 1..16)) {
        // The prober first evaluates while all is well: it sends nothing about incidents that were
        // over before.
        let mut letters = "uuuu".to_owned();
        let mut told = AlertedProber::new();
        told.notify(&letters);
        for step in steps {
            match step {
                Step::Checks { letter, count } => {
                    letters.extend(std::iter::repeat_n(letter, count));
                    told.notify(&letters);
                }
                Step::Restart => told.alerts = told.stage.alerts(),
                Step::Receiver { takes } => told.takes.store(takes, Ordering::Relaxed),
            }
            for (key, events) in told.stories() {
                prop_assert!(is_a_story(&events), "{key}: {events:?}");
            }
        }
        told.takes.store(true, Ordering::Relaxed);
        told.notify(&letters);
        let count = told.bodies.lock().unwrap().len();
        told.notify(&letters);
        prop_assert_eq!(told.bodies.lock().unwrap().len(), count, "nothing is told twice");
        let report = report_of(&told.stage.config, &[("web", &letters)]);
        let open = report.incidents.iter().filter(|incident| incident.end.is_none()).count();
        let goes_on = |events: &&Vec<String>| events.last().is_some_and(|event| event != "close");
        let known = told.stories().values().filter(goes_on).count();
        // An incident that was sent as closed is sent again at its third failure, not before.
        let waits = open.saturating_sub(known) == 1 && failures_since_recovery(&letters) < 3;
        prop_assert!(known == open || waits, "{:?} after {}", told.stories(), letters);
    }
}
