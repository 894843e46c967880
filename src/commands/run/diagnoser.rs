//! Extra checks while a probe fails: when to make them, and which failure carries their findings.
//!
//! With `check --diagnose` a check waits for its extra checks, from the first failure on. In a
//! watch they run beside the schedule from the second failure in a row on, so that they delay no
//! check, and the probe's next failure carries the findings. Both repeat them each time that the
//! number of failures in a row has doubled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{DiagnosisHints, Engine};
use crate::model::{Diagnosis, FailureClass, LastGoodAddress, Outcome, Probe, Resolver, Verdict};

/// By probe: the address that answered last.
pub(crate) type LastGood = BTreeMap<String, LastGoodAddress>;

/// Whether and how failures are diagnosed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Diagnosing {
    /// Failures are not diagnosed.
    #[default]
    No,
    /// A failed check waits for its diagnosis.
    Waiting(LastGood),
    /// The diagnosis runs beside the schedule.
    Beside,
}

/// Makes extra checks for failures.
#[derive(Debug)]
pub(crate) struct Diagnoser {
    engine: Arc<Engine>,
    other_resolver: Option<Resolver>,
    control: Option<Arc<Probe>>,
    waits: bool,
    states: Mutex<BTreeMap<String, ProbeState>>,
}

/// The state of one probe.
#[derive(Debug, Default)]
struct ProbeState {
    last_good: Option<LastGoodAddress>,
    failures: u32,
    under_way: bool,
    finding: Option<Diagnosis>,
}

impl Diagnoser {
    /// A diagnoser for these probes; `None` if failures are not diagnosed.
    pub(crate) fn new(
        diagnosing: Diagnosing,
        engine: &Arc<Engine>,
        other_resolver: Option<Resolver>,
        probes: &[Arc<Probe>],
    ) -> Option<Arc<Diagnoser>> {
        let (waits, last_good) = match diagnosing {
            Diagnosing::No => return None,
            Diagnosing::Waiting(last_good) => (true, last_good),
            Diagnosing::Beside => (false, LastGood::new()),
        };
        let state = |(probe, address)| (probe, ProbeState { last_good: Some(address), ..ProbeState::default() });
        Some(Arc::new(Diagnoser {
            engine: Arc::clone(engine),
            other_resolver,
            control: probes.iter().find(|probe| probe.control).cloned(),
            waits,
            states: Mutex::new(last_good.into_iter().map(state).collect()),
        }))
    }

    /// Examines an outcome. A failed one may be returned with more evidence.
    pub(crate) async fn examine(self: &Arc<Self>, probe: &Arc<Probe>, mut outcome: Outcome) -> Outcome {
        let due = match outcome.verdict {
            Verdict::Up => {
                self.on_up(probe, &outcome);
                false
            }
            Verdict::Down => self.failed(probe, &mut outcome),
            // Diagnose even if the control targets fail: the cause may be this machine's resolver,
            // and another one may work.
            Verdict::Unknown if outcome.class() == Some(FailureClass::ControlFailed) => {
                self.failed(probe, &mut outcome)
            }
            Verdict::Unknown | Verdict::Missed => false,
        };
        if due && self.waits {
            // Boxed, because otherwise the future of every check would reserve space for extra
            // checks.
            let finding = Box::pin(self.diagnose(probe, &outcome)).await;
            attach(&mut outcome, finding);
        } else if due {
            let (diagnoser, probe, outcome) = (Arc::clone(self), Arc::clone(probe), outcome.clone());
            tokio::spawn(async move {
                let finding = diagnoser.diagnose(&probe, &outcome).await;
                let mut states = diagnoser.states();
                let state = states.entry(probe.name.clone()).or_default();
                state.under_way = false;
                state.finding = (state.failures > 0).then_some(finding);
            });
        }
        outcome
    }

    /// By probe: the address that answered last.
    pub(crate) fn last_good(&self) -> LastGood {
        let states = self.states();
        states.iter().filter_map(|(probe, state)| Some((probe.clone(), state.last_good.clone()?))).collect()
    }

    fn on_up(&self, probe: &Probe, outcome: &Outcome) {
        let mut states = self.states();
        let state = states.entry(probe.name.clone()).or_default();
        *state = ProbeState {
            last_good: Engine::first_answer(probe, outcome).or(state.last_good.take()),
            under_way: state.under_way,
            ..ProbeState::default()
        };
    }

    /// Counts a failure, attaches the finding since the previous one, and returns whether to
    /// diagnose again.
    fn failed(&self, probe: &Probe, outcome: &mut Outcome) -> bool {
        let mut states = self.states();
        let state = states.entry(probe.name.clone()).or_default();
        state.failures = state.failures.saturating_add(1);
        if let Some(finding) = state.finding.take() {
            attach(outcome, finding);
        }
        let first = if self.waits { 1 } else { 2 };
        let due = !state.under_way && state.failures >= first && state.failures.is_power_of_two();
        state.under_way |= due && !self.waits;
        due
    }

    async fn diagnose(&self, probe: &Arc<Probe>, outcome: &Outcome) -> Diagnosis {
        let last_good = self.states().get(&probe.name).and_then(|state| state.last_good.clone());
        let hints = DiagnosisHints { last_good, other_resolver: self.other_resolver, control: self.control.clone() };
        self.engine.diagnose(probe, outcome, &hints).await
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<String, ProbeState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attach(outcome: &mut Outcome, finding: Diagnosis) {
    if !finding.extra.is_empty() {
        outcome.evidence.get_or_insert_default().diagnosis = Some(finding);
    }
}
