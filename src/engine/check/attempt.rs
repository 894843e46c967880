//! One attempt of a probe: its shared session and all of its steps, at one address or at every address.

use std::sync::Arc;

use tokio::time::Instant;

use crate::engine::check::addresses;
use crate::engine::check::journey::{self, JourneyContext};
use crate::engine::check::shared_session::{Opened, Sessions};
use crate::engine::check::step_result::StepResult;
use crate::engine::check::token::Tokens;
use crate::engine::connect::route::{proxy_tls_settings, tls_settings};
use crate::engine::connect::tunnel_offers::TunnelOffers;
use crate::engine::error::EngineError;
use crate::engine::exchange::requester::Requester;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::connection::KeptConnections;
use crate::engine::http::request_builder::ParsedUrls;
use crate::engine::http::session::Session;
use crate::engine::resolve::HostResolver;
use crate::engine::tls::TlsConfigs;
use crate::model::{Addresses, Captures, ExchangeDetail, Probe, Redactor, Step, Transport, is_tls_scheme};

/// Makes attempts; one instance serves the whole run.
#[derive(Debug)]
pub(crate) struct Attempts {
    redactor: Redactor,
    pub(crate) context: JourneyContext,
    sessions: Sessions,
}

impl Attempts {
    /// Reads the certificate and key files of these probes, and the system's root certificates if a
    /// probe needs them.
    ///
    /// # Errors
    /// A file that cannot be read or used.
    pub(crate) fn new(
        detail: ExchangeDetail,
        redactor: Redactor,
        probes: &[Arc<Probe>],
    ) -> Result<Attempts, EngineError> {
        let transports = probes.iter().flat_map(|probe| {
            std::iter::once(&*probe.transport).chain(probe.session.as_ref().map(|session| &session.transport))
        });
        let settings = transports.flat_map(|transport| {
            let of_proxy = transport.may_have_proxy().then(|| proxy_tls_settings(&transport.tls));
            [true, false].map(|own| tls_settings(&transport.tls, own)).into_iter().chain(of_proxy)
        });
        let tls = TlsConfigs::read(settings, probes.iter().any(|probe| needs_system_roots(probe)))?;
        let requester = Requester {
            names: HostResolver::default(),
            tls,
            kept: KeptConnections::default(),
            tunnel_offers: TunnelOffers::default(),
            urls: ParsedUrls::default(),
            detail,
        };
        let context = JourneyContext { requester, tokens: Tokens::default() };
        Ok(Attempts { redactor, context, sessions: Sessions::default() })
    }

    /// Runs all steps of the probe once. A shared session is opened or waited for before the clock
    /// starts: its time is not the target's. A session that the target refuses is renewed once.
    pub(crate) async fn attempt(&self, probe: &Probe) -> StepResult {
        let Some(shared) = &probe.session else {
            return self.attempt_with(probe, self.session()).await;
        };
        let mut renewed = false;
        loop {
            // Boxed: this future holds a journey, and would enlarge that of every check.
            let made = Box::pin(self.sessions.get(&self.context, shared, &self.redactor)).await;
            let Opened { session, kept, made_at } = match made {
                Ok(opened) => opened,
                Err(fault) => return blocked(&fault, probe, &self.redactor),
            };
            let result = self.attempt_with(probe, session).await;
            let refused = result.failure.is_some() && matches!(result.status, Some(401 | 403));
            if renewed || !(kept && refused) {
                return result;
            }
            renewed = true;
            self.sessions.forget(shared, made_at);
        }
    }

    fn session(&self) -> Session {
        Session { redactor: self.redactor.clone(), ..Session::default() }
    }

    async fn attempt_with(&self, probe: &Probe, mut session: Session) -> StepResult {
        let deadline = Deadline { at: Instant::now() + probe.timeout, limit: probe.timeout };
        match probe.transport.addresses {
            Addresses::All(quorum) if !probe.transport.has_fixed_address() && !probe.transport.may_have_proxy() => {
                // Boxed, so that a caller with many checks holds a pointer for each.
                Box::pin(addresses::run(&self.context, probe, quorum, &session, deadline)).await
            }
            _ => Box::pin(journey::run(&self.context, probe, &mut session, deadline)).await,
        }
    }
}

/// The result of a check that could not start because the session it needs failed.
fn blocked(fault: &Fault, probe: &Probe, redactor: &Redactor) -> StepResult {
    let mut result = StepResult::default();
    if let Some(step) = probe.steps.first() {
        result.fail(fault, Vec::new(), None, probe, step, redactor);
    }
    result
}

fn needs_system_roots(probe: &Probe) -> bool {
    let has_tls = |step: &Step| {
        let url = step.request.url.to_string();
        url.split_once("://").is_some_and(|(scheme, _)| is_tls_scheme(&scheme.to_ascii_lowercase()))
    };
    let needs = |transport: &Transport, steps: &[Step]| {
        let of_environment = transport.proxy_environment.iter().flat_map(|environment| environment.all());
        let mut proxies =
            transport.proxy.iter().chain(of_environment).filter_map(|proxy| proxy.fill(&Captures::new()).ok());
        let https_proxy = proxies.any(|proxy| proxy.starts_with("https:"));
        let of_target = !transport.tls.insecure && steps.iter().any(has_tls);
        transport.tls.ca_file.is_none() && (https_proxy || of_target)
    };
    needs(&probe.transport, &probe.steps)
        || probe.session.as_ref().is_some_and(|session| needs(&session.transport, &session.steps))
}
