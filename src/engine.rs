//! One check in, one [`Outcome`] out, never an error. It knows probes and the network, and
//! neither schedules nor files.

mod addresses;
mod assets;
mod body;
mod capture;
mod certificate;
mod classify;
mod client;
mod coding;
mod connect;
mod cookies;
mod curl;
mod diagnose;
mod errno;
mod error;
mod evidence;
mod expect;
mod fault;
mod html;
mod journey;
mod json;
mod marks;
mod multipart;
mod redirect;
mod request;
mod request_builder;
mod resolve;
mod session;
mod shared_session;
mod step;
mod step_result;
mod symptoms;
mod tls;
mod token;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::{Addresses, Check, EarlierAttempt, Outcome, Probe, Redactor, Verdict};

pub use diagnose::Clues;
pub use error::EngineError;

use client::Clients;
use fault::{Deadline, Fault};
use resolve::Names;
use session::Session;
use shared_session::Sessions;
use step_result::StepResult;
use token::Tokens;

/// Carries checks out. Shareable: one for the whole run.
#[derive(Debug)]
pub struct Engine {
    vantage: String,
    redactor: Redactor,
    clients: Clients,
    names: Arc<Names>,
    tokens: Tokens,
    sessions: Sessions,
}

impl Engine {
    /// An engine for these probes. Certificate and key files are read once, here, and so are the
    /// system's root certificates, if a probe needs them.
    ///
    /// # Errors
    /// A certificate or key file that cannot be read or used, or a proxy that cannot be.
    pub fn new(vantage: &str, redactor: Redactor, probes: &[Arc<Probe>]) -> Result<Engine, EngineError> {
        let clients = Clients::new(probes)?;
        Ok(Engine {
            vantage: vantage.to_owned(),
            redactor,
            clients,
            names: Arc::default(),
            tokens: Tokens::default(),
            sessions: Sessions::default(),
        })
    }

    /// Carries one check out. Each attempt ends within the probe's timeout, and the check with
    /// the first attempt that passes or with the last.
    pub async fn check(&self, check: Check) -> Outcome {
        let started_at = Timestamp::now();
        let retries = check.probe.retries;
        let mut earlier: Vec<EarlierAttempt> = Vec::new();
        for _ in 0..retries.attempts {
            let answered = Box::pin(self.attempt(&check.probe)).await;
            let Some(failure) = answered.failure else { return self.outcome(&check, started_at, earlier, answered) };
            earlier.push(EarlierAttempt { failure, timings: answered.timings, remote: answered.remote });
            tokio::time::sleep(retries.delay).await;
        }
        let last = Box::pin(self.attempt(&check.probe)).await;
        self.outcome(&check, started_at, earlier, last)
    }

    /// All steps of the probe once. A shared session is made or waited for before the clock
    /// starts: its time is not the target's. One that a target refuses is made anew, once.
    async fn attempt(&self, probe: &Probe) -> StepResult {
        let Some(shared) = &probe.session else {
            return self.attempt_with(probe, self.session()).await;
        };
        let mut renewed = false;
        loop {
            let (session, kept) = match self.sessions.get(self, shared).await {
                Ok(made) => made,
                Err(fault) => return blocked(&fault, probe, &self.redactor),
            };
            let answered = self.attempt_with(probe, session).await;
            let refused = answered.failure.is_some() && matches!(answered.status, Some(401 | 403));
            if renewed || !(kept && refused) {
                return answered;
            }
            renewed = true;
            self.sessions.forget(shared).await;
        }
    }

    fn session(&self) -> Session {
        Session { redactor: self.redactor.clone(), ..Session::default() }
    }

    async fn attempt_with(&self, probe: &Probe, mut session: Session) -> StepResult {
        let deadline = Deadline { at: Instant::now() + probe.timeout, limit: probe.timeout };
        match probe.transport.addresses {
            Addresses::All(quorum) if probe.transport.address.is_none() && probe.transport.proxy.is_none() => {
                // Boxed, so that whoever holds many checks holds many pointers.
                Box::pin(addresses::run(self, probe, quorum, &session, deadline)).await
            }
            _ => Box::pin(journey::run(self, probe, &mut session, deadline)).await,
        }
    }

    fn outcome(
        &self,
        check: &Check,
        started_at: Timestamp,
        earlier: Vec<EarlierAttempt>,
        answered: StepResult,
    ) -> Outcome {
        let is_up = answered.failure.is_none();
        Outcome {
            probe: check.probe.name.clone(),
            surface: check.probe.surface.clone(),
            vantage: self.vantage.clone(),
            control: check.probe.control,
            maintenance: check.probe.is_in_maintenance(check.scheduled_at),
            insecure: check.probe.is_insecure(),
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

/// A check that could not be made because the session it needs failed.
fn blocked(fault: &Fault, probe: &Probe, redactor: &Redactor) -> StepResult {
    let mut answered = StepResult::default();
    if let Some(step) = probe.steps.first() {
        answered.fail(fault, Vec::new(), None, probe, step, redactor);
    }
    answered
}
