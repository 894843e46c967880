//! One row of the fault catalogue: its number, what goes wrong in words, the expected outcome, and
//! how to set it up. All rows are run in the same way, by this file.

use std::any::Any;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uptick::engine::Engine;
use uptick::model::{FailureClass, Outcome, Phase, Probe, Redactor, Step, Verdict};

use crate::support::probes;

/// How much longer than its timeout a check may take because of the machine: with two cores and six
/// busy loops a thread may have to wait for hundreds of milliseconds.
const GRACE: Duration = Duration::from_secs(2);

/// How many times a check is repeated if this machine was too busy to judge.
const OVERLOADED_TRIES: usize = 5;

/// A row of the catalogue.
pub(crate) struct Row {
    /// Its number in the catalogue. Several rows may be cases of one number.
    pub(crate) number: u16,
    /// What goes wrong, for the documentation: it follows "when".
    pub(crate) when: &'static str,
    /// The expected outcome.
    pub(crate) wanted: Wanted,
    /// Sets up the fault.
    pub(crate) setup: fn() -> Case,
}

/// The expected outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The target is up nevertheless.
    Up,
    /// The check fails with this class in this phase; `None` if the whole response arrived.
    Fails(FailureClass, Option<Phase>),
}

/// A row that fails in a phase.
pub(crate) const fn fails(
    number: u16,
    when: &'static str,
    class: FailureClass,
    phase: Phase,
    setup: fn() -> Case,
) -> Row {
    Row { number, when, wanted: Wanted::Fails(class, Some(phase)), setup }
}

/// A row whose response is not as expected.
pub(crate) const fn answers(number: u16, when: &'static str, class: FailureClass, setup: fn() -> Case) -> Row {
    Row { number, when, wanted: Wanted::Fails(class, None), setup }
}

/// A row that is up.
pub(crate) const fn up(number: u16, when: &'static str, setup: fn() -> Case) -> Row {
    Row { number, when, wanted: Wanted::Up, setup }
}

/// A fault that is set up: the probe that encounters it, and the servers that cause it.
pub(crate) struct Case {
    probe: Probe,
    before: usize,
    tries: usize,
    kept: Vec<Box<dyn Any>>,
    also: Vec<Also>,
}

/// An additional assertion about the outcome.
type Also = Box<dyn FnOnce(&Outcome)>;

impl Case {
    /// A probe that gets a URL.
    pub(crate) fn get(url: impl AsRef<str>) -> Case {
        Case { probe: probes::get(url.as_ref()), before: 0, tries: 1, kept: Vec::new(), also: Vec::new() }
    }

    /// Sets the timeout of the check, in milliseconds.
    pub(crate) fn within(mut self, milliseconds: u64) -> Case {
        self.probe.timeout = Duration::from_millis(milliseconds);
        self
    }

    /// Changes the probe.
    pub(crate) fn probe(mut self, change: impl FnOnce(&mut Probe)) -> Case {
        change(&mut self.probe);
        self
    }

    /// Changes the probe's request and expectations.
    pub(crate) fn step(mut self, change: impl FnOnce(&mut Step)) -> Case {
        change(&mut self.probe.steps[0]);
        self
    }

    /// Connects to this address, whatever the URL's host is.
    pub(crate) fn at(mut self, address: std::net::SocketAddr) -> Case {
        self.probe.transport.address = Some(address);
        self
    }

    /// Keeps a server until the check has ended.
    pub(crate) fn keep(mut self, server: impl Any) -> Case {
        self.kept.push(Box::new(server));
        self
    }

    /// Makes this many checks, which all must be up, before the one that counts.
    pub(crate) fn after_good_checks(mut self, count: usize) -> Case {
        self.before = count;
        self
    }

    /// Makes at most this many checks. The first one that is not up is the one that counts.
    pub(crate) fn until_it_fails(mut self, tries: usize) -> Case {
        self.tries = tries;
        self
    }

    /// Whether a single check on new connections shows the fault.
    #[allow(dead_code, reason = "the scorecard has the binary make one check of each row")]
    pub(crate) fn is_one_check(&self) -> bool {
        self.before == 0 && self.tries == 1
    }

    /// The probe and what causes the fault, for tests that run it in another way.
    #[allow(dead_code, reason = "the canary has the binary carry the rows out")]
    pub(crate) fn into_parts(self) -> (Probe, Vec<Box<dyn Any>>) {
        (self.probe, self.kept)
    }

    /// Adds an assertion about the outcome.
    pub(crate) fn also(mut self, claim: impl FnOnce(&Outcome) + 'static) -> Case {
        self.also.push(Box::new(claim));
        self
    }
}

/// Runs rows one after the other, and fails with a list of all that differ from the expected
/// outcome.
#[track_caller]
pub(crate) fn hold(rows: &[Row]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut wrong = String::new();
    for row in rows {
        let problems = runtime.block_on(problems_of(row));
        for problem in problems {
            let _ = writeln!(wrong, "row {}, when {}: {problem}", row.number, row.when);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

async fn problems_of(row: &Row) -> Vec<String> {
    let case = (row.setup)();
    let limit = case.probe.timeout;
    let probe = Arc::new(case.probe);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    for _ in 0..case.before {
        let outcome = engine.check(probes::due(&probe)).await;
        assert_eq!(outcome.verdict, Verdict::Up, "row {}: a check before: {:?}", row.number, outcome.failure);
    }
    let (mut outcome, mut took) = timed_check(&engine, &probe).await;
    let (mut tries, mut overloaded) = (1, 0);
    loop {
        if outcome.class() == Some(FailureClass::ProberOverloaded) && overloaded < OVERLOADED_TRIES {
            overloaded += 1;
        } else if outcome.verdict == Verdict::Up && tries < case.tries {
            tries += 1;
        } else {
            break;
        }
        (outcome, took) = timed_check(&engine, &probe).await;
    }
    let mut problems = judge(row.wanted, &outcome);
    if let Some(class) = outcome.class().filter(|class| !probe.possible_failures().contains(class)) {
        problems.push(format!("{class} is not among the classes that the probe can fail with"));
    }
    if took > limit + GRACE {
        problems.push(format!("took {took:?} with a limit of {limit:?}"));
    }
    if problems.is_empty() {
        for claim in case.also {
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| claim(&outcome)));
            if held.is_err() {
                problems.push(format!("a claim does not hold of {outcome:?}"));
            }
        }
    }
    drop(case.kept);
    problems
}

async fn timed_check(engine: &Engine, probe: &Arc<Probe>) -> (Outcome, Duration) {
    let start = Instant::now();
    let outcome = engine.check(probes::due(probe)).await;
    (outcome, start.elapsed())
}

fn judge(wanted: Wanted, outcome: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    let found = match &outcome.failure {
        None => Wanted::Up,
        Some(failure) => Wanted::Fails(failure.class, failure.phase),
    };
    if found != wanted {
        let said = outcome.failure.as_ref().map(|failure| failure.message.to_string()).unwrap_or_default();
        problems.push(format!("{wanted:?} is wanted, found {found:?} after {:?}: {said}", outcome.timings.total));
    }
    let verdict = outcome.class().map_or(Verdict::Up, FailureClass::verdict);
    if outcome.verdict != verdict {
        problems.push(format!("the verdict is {} and the class says {verdict}", outcome.verdict));
    }
    if let Some(failure) = &outcome.failure {
        if failure.message.is_empty() || failure.message.as_str().chars().count() > 301 {
            problems.push(format!("the message is {:?}", failure.message));
        }
        if failure.message.as_str().contains("tokio") || failure.message.as_str().contains("hyper") {
            problems.push(format!("the message speaks of our parts: {:?}", failure.message));
        }
        if let Some(phase) = failure.phase
            && outcome.timings.phase(phase).is_none()
        {
            problems.push(format!("it broke in {phase}, and no time is given for that: {:?}", outcome.timings));
        }
    }
    let phases: Duration = Phase::ALL.iter().filter_map(|&phase| outcome.timings.phase(phase)).sum();
    if phases > outcome.timings.total {
        problems.push(format!("the phases are longer than the whole: {:?}", outcome.timings));
    }
    problems
}
