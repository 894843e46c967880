//! How a run turns a check into an outcome: the engine makes it, the control targets and the
//! prober's own delays are then taken into account.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use crate::commands::process::exit::CliError;
use crate::commands::run::diagnoser::{Diagnoser, Diagnosing, LastGood};
use crate::config::Config;
use crate::engine::Engine;
use crate::model::{Check, ExchangeDetail, Outcome, Probe, Resolver};
use crate::runner::{Controls, Monitor};

/// Everything that turns a check into an outcome.
#[derive(Clone)]
pub(crate) struct CheckPipeline {
    engine: Arc<Engine>,
    controls: Controls,
    monitor: Monitor,
    diagnoser: Option<Arc<Diagnoser>>,
}

impl CheckPipeline {
    /// The pipeline for these probes; the control targets are those among them.
    #[must_use]
    pub(crate) fn new(engine: Engine, probes: &[Arc<Probe>]) -> CheckPipeline {
        let engine = Arc::new(engine);
        CheckPipeline { engine, controls: Controls::among(probes), monitor: Monitor::default(), diagnoser: None }
    }

    /// Adds the diagnosis of failures, with the help of a second resolver if one is configured.
    #[must_use]
    pub(crate) fn diagnosing(self, how: Diagnosing, other: Option<Resolver>, probes: &[Arc<Probe>]) -> CheckPipeline {
        CheckPipeline { diagnoser: Diagnoser::new(how, &self.engine, other, probes), ..self }
    }

    /// The address of each probe that answered last; empty if failures are not diagnosed.
    pub(crate) fn last_good(&self) -> LastGood {
        self.diagnoser.as_ref().map(|diagnoser| diagnoser.last_good()).unwrap_or_default()
    }

    /// Measures the prober's own delays forever: spawn it beside the run.
    pub(crate) fn monitor(&self) -> impl Future<Output = ()> + Send + use<> {
        self.monitor.clone().run()
    }

    /// Carries out one check.
    pub(crate) async fn check(self, check: Check) -> Outcome {
        let probe = Arc::clone(&check.probe);
        let outcome = self
            .controls
            .check(check, |check| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
                // Boxed because a control check runs inside another check: otherwise the future
                // would contain itself.
                let CheckPipeline { engine, monitor, .. } = self.clone();
                Box::pin(async move {
                    let (began, probe) = (Instant::now(), Arc::clone(&check.probe));
                    let outcome = engine.check(check).await;
                    monitor.judge(outcome, began, &probe).await
                })
            })
            .await;
        match &self.diagnoser {
            Some(diagnoser) if !probe.control => diagnoser.examine(&probe, outcome).await,
            _ => outcome,
        }
    }
}

/// The engine for these probes, which keeps `detail` of their requests. A file that it cannot read
/// is a configuration error.
pub(crate) fn engine(config: &Config, probes: &[Arc<Probe>], detail: ExchangeDetail) -> Result<Engine, CliError> {
    Engine::keeping(detail, &config.settings.vantage, config.redactor.clone(), probes).map_err(CliError::usage)
}
