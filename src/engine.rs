//! One check in, one [`Outcome`] out, never an error. The engine knows probes and the network, but
//! neither schedules nor files.

mod check;
mod classify;
mod connect;
mod error;
mod evidence;
mod exchange;
mod expectation;
mod fault;
mod host;
mod host_facts;
mod http;
mod limits;
mod protocol;
mod resolve;
mod tls;
mod transport;

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{
    Check, Diagnosis, EarlierAttempt, ExchangeDetail, LastGoodAddress, Outcome, Probe, Redactor, Verdict,
};

pub use check::diagnose::DiagnosisHints;
pub use error::EngineError;
pub(crate) use host_facts::HostFacts;

use check::attempt::Attempts;
use check::diagnose;
use check::step_result::StepResult;

/// Carries out checks. One engine is shared by the whole run.
#[derive(Debug)]
pub struct Engine {
    vantage: String,
    attempts: Arc<Attempts>,
}

impl Engine {
    /// An engine for these probes. Certificate and key files are read once, here, and so are the
    /// system's root certificates if a probe needs them.
    ///
    /// # Errors
    /// A certificate or key file cannot be read or used.
    pub fn new(vantage: &str, redactor: Redactor, probes: &[Arc<Probe>]) -> Result<Engine, EngineError> {
        Engine::keeping(ExchangeDetail::default(), vantage, redactor, probes)
    }

    /// Like [`Engine::new`]; outcomes keep this much detail of each request and response.
    ///
    /// # Errors
    /// A certificate or key file cannot be read or used.
    pub fn keeping(
        detail: ExchangeDetail,
        vantage: &str,
        redactor: Redactor,
        probes: &[Arc<Probe>],
    ) -> Result<Engine, EngineError> {
        Ok(Engine { vantage: vantage.to_owned(), attempts: Arc::new(Attempts::new(detail, redactor, probes)?) })
    }

    /// A problem of this host that affects these probes, for the user: root certificates that could
    /// not be read. `None` if there is none.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.attempts.context.requester.tls.warning()
    }

    /// Carries out one check. Each attempt ends within the probe's timeout. The check ends with the
    /// first attempt that passes, or with the last one.
    pub async fn check(&self, check: Check) -> Outcome {
        let started_at = Timestamp::now();
        let retries = check.probe.retries;
        let mut earlier: Vec<EarlierAttempt> = Vec::new();
        for _ in 0..retries.attempts {
            let answered = Box::pin(self.attempts.attempt(&check.probe)).await;
            let Some(failure) = answered.failure else { return self.outcome(&check, started_at, earlier, answered) };
            earlier.push(EarlierAttempt { failure, timings: answered.timings, remote: answered.remote });
            tokio::time::sleep(retries.delay).await;
        }
        let last = Box::pin(self.attempts.attempt(&check.probe)).await;
        self.outcome(&check, started_at, earlier, last)
    }

    /// Makes the extra checks that may explain a failure. It ends within seconds, whatever the
    /// target does. The diagnosis is empty if no extra checks are possible, for example behind a
    /// proxy.
    pub async fn diagnose(&self, probe: &Arc<Probe>, failed: &Outcome, hints: &DiagnosisHints) -> Diagnosis {
        self.attempts.diagnose(probe, failed, hints).await
    }

    /// The address that answered the first request of a check, to compare with when one fails.
    #[must_use]
    pub fn first_answer(probe: &Probe, outcome: &Outcome) -> Option<LastGoodAddress> {
        diagnose::first_answer(probe, outcome)
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
            dns: answered.dns,
            grpc_status: answered.grpc_status,
            http_version: answered.http_version,
            remote: answered.remote,
            tls: answered.tls,
            redirects: answered.redirects,
            content_length: answered.content_length,
            body_bytes: answered.body.read,
            body_cut: answered.body.cut,
            http3_offered: answered.http3_offered,
            warnings: if is_up { answered.warnings } else { Vec::new() },
            earlier_attempts: earlier,
            steps: answered.steps,
            assets: answered.assets,
            addresses: answered.addresses,
            exchanges: answered.exchanges,
            evidence: answered.evidence,
        }
    }
}
