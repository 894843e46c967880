//! One check in, one [`Outcome`] out, never an error. It knows probes and the network, and
//! neither schedules nor files.

mod body;
mod certificate;
mod classify;
mod client;
mod connect;
mod cookies;
mod curl;
mod diagnose;
mod evidence;
mod exchange;
mod expect;
mod marks;
mod multipart;
mod redirect;
mod request;
mod resolver;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::Check;
use crate::model::EarlierAttempt;
use crate::model::Outcome;
use crate::model::Probe;
use crate::model::Redactor;
use crate::model::Verdict;

pub use diagnose::Clues;

use client::Clients;
use exchange::Answered;
use exchange::Exchange;
use exchange::Session;
use request::Deadline;
use resolver::Names;

/// Carries checks out. Shareable: one for the whole run.
#[derive(Debug)]
pub struct Engine {
    vantage: String,
    redactor: Redactor,
    clients: Clients,
    names: Arc<Names>,
}

/// Why an engine could not be built: something of ours is missing, no target was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file that a probe's TLS settings name cannot be read or used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No client can be built for a probe.
    #[error("probe \"{probe}\": no HTTP client can be built: {reason}")]
    Client {
        /// The probe's name.
        probe: String,
        /// What is wrong.
        reason: String,
    },
}

impl Engine {
    /// An engine for these probes. Certificate and key files are read once, here, and so are the
    /// system's root certificates, if a probe needs them.
    ///
    /// # Errors
    /// A certificate or key file that cannot be read or used, or a proxy that cannot be.
    pub fn new(vantage: &str, redactor: Redactor, probes: &[Arc<Probe>]) -> Result<Engine, EngineError> {
        let clients = Clients::new(probes)?;
        Ok(Engine { vantage: vantage.to_owned(), redactor, clients, names: Arc::default() })
    }

    /// Carries one check out. Each attempt ends within the probe's timeout, and the check with
    /// the first attempt that passes or with the last.
    pub async fn check(&self, check: Check) -> Outcome {
        let started_at = Timestamp::now();
        let retries = check.probe.retries;
        let mut earlier: Vec<EarlierAttempt> = Vec::new();
        for _ in 0..retries.attempts {
            let answered = self.attempt(&check.probe).await;
            let Some(failure) = answered.failure else { return self.outcome(&check, started_at, earlier, answered) };
            earlier.push(EarlierAttempt { failure, timings: answered.timings, remote: answered.remote });
            tokio::time::sleep(retries.delay).await;
        }
        let last = self.attempt(&check.probe).await;
        self.outcome(&check, started_at, earlier, last)
    }

    /// All steps of the probe once.
    async fn attempt(&self, probe: &Probe) -> Answered {
        let began = Instant::now();
        let deadline = Deadline { at: began + probe.timeout, limit: probe.timeout };
        let mut session = Session { redactor: self.redactor.clone(), ..Session::default() };
        let mut all = Answered::default();
        for step in &probe.steps {
            let exchange = Exchange { engine: self, probe, step, session: &mut session, deadline };
            let mut answered = exchange.run().await;
            answered.timings.add_all(&all.timings);
            all.redirects.append(&mut answered.redirects);
            answered.redirects = std::mem::take(&mut all.redirects);
            all = answered;
            if all.failure.is_some() {
                break;
            }
        }
        all.timings.total = began.elapsed();
        all
    }

    fn outcome(
        &self,
        check: &Check,
        started_at: Timestamp,
        earlier: Vec<EarlierAttempt>,
        answered: Answered,
    ) -> Outcome {
        let is_up = answered.failure.is_none();
        Outcome {
            probe: check.probe.name.clone(),
            surface: check.probe.surface.clone(),
            vantage: self.vantage.clone(),
            control: check.probe.control,
            scheduled_at: check.scheduled_at,
            started_at,
            lag: check.lag,
            verdict: answered.failure.as_ref().map_or(Verdict::Up, |failure| failure.class.verdict()),
            failure: answered.failure,
            timings: answered.timings,
            attempts: u32::try_from(earlier.len()).unwrap_or(u32::MAX).saturating_add(1),
            flaky: !earlier.is_empty() && is_up,
            status: answered.status,
            http_version: answered.http_version,
            remote: answered.remote,
            tls: answered.tls,
            redirects: answered.redirects,
            body_bytes: answered.body.read,
            body_cut: answered.body.cut,
            http3_offered: answered.http3_offered,
            earlier_attempts: earlier,
            steps: answered.steps,
            assets: answered.assets,
            addresses: answered.addresses,
            evidence: answered.evidence,
        }
    }
}
