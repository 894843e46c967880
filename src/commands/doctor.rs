//! Extra checks while probes fail: when to make them, and to which failure they are evidence.
//!
//! A check of `check --diagnose` waits for them. In a watch they are made beside the schedule, and go
//! with the probe's next failure: no check is late for them. They are made at the second failure
//! in a row, and again as often as the number of failures doubles.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Clues, Engine};
use crate::model::{Diagnosis, FailureClass, Outcome, Probe, Resolver, Verdict};

/// Addresses that answered last, by probe.
pub(super) type LastGood = BTreeMap<String, SocketAddr>;

/// Whether and how failures are looked into.
#[derive(Clone, Debug, Default)]
pub(super) enum Diagnosing {
    /// Not at all.
    #[default]
    No,
    /// Each failing probe once, and its check waits for it.
    Waiting(LastGood),
    /// Beside the schedule.
    Beside,
}

/// Looks into failures.
#[derive(Debug)]
pub(super) struct Doctor {
    engine: Arc<Engine>,
    other_resolver: Option<Resolver>,
    control: Option<Arc<Probe>>,
    waits: bool,
    patients: Mutex<BTreeMap<String, Patient>>,
}

/// What is known of one probe.
#[derive(Debug, Default)]
struct Patient {
    last_good: Option<SocketAddr>,
    failures: u32,
    under_way: bool,
    finding: Option<Diagnosis>,
}

impl Doctor {
    /// For a run of these probes; none where failures are not looked into.
    pub(super) fn new(
        diagnosing: Diagnosing,
        engine: &Arc<Engine>,
        other_resolver: Option<Resolver>,
        probes: &[Arc<Probe>],
    ) -> Option<Arc<Doctor>> {
        let (waits, last_good) = match diagnosing {
            Diagnosing::No => return None,
            Diagnosing::Waiting(last_good) => (true, last_good),
            Diagnosing::Beside => (false, LastGood::new()),
        };
        let patient = |(probe, address)| (probe, Patient { last_good: Some(address), ..Patient::default() });
        Some(Arc::new(Doctor {
            engine: Arc::clone(engine),
            other_resolver,
            control: probes.iter().find(|probe| probe.control).cloned(),
            waits,
            patients: Mutex::new(last_good.into_iter().map(patient).collect()),
        }))
    }

    /// Looks at an outcome; one that failed may come back with more evidence.
    pub(super) async fn examine(self: &Arc<Self>, probe: &Arc<Probe>, mut outcome: Outcome) -> Outcome {
        let due = match outcome.verdict {
            Verdict::Up => {
                self.well(probe, &outcome);
                false
            }
            Verdict::Down => self.failed(probe, &mut outcome),
            // Also where the control targets fail: it may be our resolver, and others know better.
            Verdict::Unknown if outcome.class() == Some(FailureClass::ControlFailed) => {
                self.failed(probe, &mut outcome)
            }
            Verdict::Unknown | Verdict::Missed => false,
        };
        if due && self.waits {
            let finding = self.look(probe, &outcome).await;
            attach(&mut outcome, finding);
        } else if due {
            let (doctor, probe, outcome) = (Arc::clone(self), Arc::clone(probe), outcome.clone());
            tokio::spawn(async move {
                let finding = doctor.look(&probe, &outcome).await;
                let mut patients = doctor.patients();
                let patient = patients.entry(probe.name.clone()).or_default();
                patient.under_way = false;
                patient.finding = (patient.failures > 0).then_some(finding);
            });
        }
        outcome
    }

    /// The addresses that answered last.
    pub(super) fn last_good(&self) -> LastGood {
        let patients = self.patients();
        patients.iter().filter_map(|(probe, patient)| Some((probe.clone(), patient.last_good?))).collect()
    }

    fn well(&self, probe: &Probe, outcome: &Outcome) {
        let mut patients = self.patients();
        let patient = patients.entry(probe.name.clone()).or_default();
        *patient = Patient {
            last_good: outcome.remote.or(patient.last_good),
            under_way: patient.under_way,
            ..Patient::default()
        };
    }

    /// Counts a failure, gives it what was found since the last, and says whether to look again.
    fn failed(&self, probe: &Probe, outcome: &mut Outcome) -> bool {
        let mut patients = self.patients();
        let patient = patients.entry(probe.name.clone()).or_default();
        patient.failures = patient.failures.saturating_add(1);
        if let Some(finding) = patient.finding.take() {
            attach(outcome, finding);
        }
        let first = if self.waits { 1 } else { 2 };
        let due = !patient.under_way && patient.failures >= first && patient.failures.is_power_of_two();
        patient.under_way |= due && !self.waits;
        due
    }

    async fn look(&self, probe: &Arc<Probe>, outcome: &Outcome) -> Diagnosis {
        let last_good = self.patients().get(&probe.name).and_then(|patient| patient.last_good);
        let clues = Clues { last_good, other_resolver: self.other_resolver, control: self.control.clone() };
        self.engine.diagnose(probe, outcome, &clues).await
    }

    fn patients(&self) -> MutexGuard<'_, BTreeMap<String, Patient>> {
        self.patients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attach(outcome: &mut Outcome, finding: Diagnosis) {
    if !finding.extra.is_empty() {
        outcome.evidence.get_or_insert_default().diagnosis = Some(finding);
    }
}
