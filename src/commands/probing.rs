//! The probe function of a run: the engine, judged by the controls and by our own lateness.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::doctor::{Diagnosing, Doctor, LastGood};
use crate::engine::Engine;
use crate::model::{Check, Outcome, Probe, Resolver};
use crate::runner::{Controls, Monitor};

/// Everything that turns a check into an outcome.
#[derive(Clone)]
pub(super) struct Probing {
    engine: Arc<Engine>,
    controls: Controls,
    monitor: Monitor,
    doctor: Option<Arc<Doctor>>,
}

impl Probing {
    /// For these probes; the controls are those among them.
    #[must_use]
    pub(super) fn new(engine: Engine, probes: &[Arc<Probe>]) -> Probing {
        let engine = Arc::new(engine);
        Probing { engine, controls: Controls::among(probes), monitor: Monitor::default(), doctor: None }
    }

    /// Looks into failures, with the help of another resolver where one is configured.
    #[must_use]
    pub(super) fn diagnosing(self, how: Diagnosing, other: Option<Resolver>, probes: &[Arc<Probe>]) -> Probing {
        Probing { doctor: Doctor::new(how, &self.engine, other, probes), ..self }
    }

    /// The addresses that answered last, where failures are looked into.
    pub(super) fn last_good(&self) -> LastGood {
        self.doctor.as_ref().map(|doctor| doctor.last_good()).unwrap_or_default()
    }

    /// Measures our own lateness for ever: spawn it beside the run.
    pub(super) fn monitor(&self) -> impl Future<Output = ()> + Send + use<> {
        self.monitor.clone().run()
    }

    /// Carries one check out.
    pub(super) async fn check(self, check: Check) -> Outcome {
        let probe = Arc::clone(&check.probe);
        let outcome = self
            .controls
            .check(check, |check| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
                // Boxed, since a control that is checked again inside a check would otherwise be
                // a future that holds itself.
                let Probing { engine, monitor, .. } = self.clone();
                Box::pin(async move {
                    let (began, limit) = (Instant::now(), check.probe.timeout);
                    let outcome = engine.check(check).await;
                    monitor.judge(outcome, began, limit).await
                })
            })
            .await;
        match &self.doctor {
            Some(doctor) if !probe.control => doctor.examine(&probe, outcome).await,
            _ => outcome,
        }
    }
}

/// The wall clock.
#[must_use]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}
