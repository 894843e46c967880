//! A check of every address of a name, so that one dead address out of six is noticed.

use std::net::{IpAddr, SocketAddr};

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;
use url::Url;

use crate::engine::check::journey::{self, JourneyContext};
use crate::engine::check::step_result::StepResult;
use crate::engine::classify::resolve_fault;
use crate::engine::connect::route::dialed_name;
use crate::engine::exchange::connector::ADDRESSES;
use crate::engine::fault::{Deadline, Fault, timed_out};
use crate::engine::http::session::Session;
use crate::model::{AddressOutcome, Addresses, FailureClass, Mismatch, Phase, Probe, Quorum, Verdict, message};

/// How many addresses are checked at a time.
const AT_ONCE: usize = 8;

/// Checks each address of the first step's host, and judges the results by the quorum.
pub(crate) async fn run(
    context: &JourneyContext,
    probe: &Probe,
    quorum: Quorum,
    session: &Session,
    deadline: Deadline,
) -> StepResult {
    let began = Instant::now();
    let found = find(context, probe, session, deadline).await;
    let resolve = began.elapsed();
    let (name, addresses) = match found {
        Ok(Some(found)) => found,
        // An address in the URL is the only one there is.
        Ok(None) => return journey::run(context, probe, &mut session.clone(), deadline).await,
        Err(fault) => {
            let mut answered = StepResult::default();
            answered.timings.add(Phase::Resolve, resolve);
            answered.timings.total = resolve;
            if let Some(step) = probe.steps.first() {
                answered.fail(&fault, Vec::new(), None, probe, step, &session.redactor);
            }
            return answered;
        }
    };
    let probes: Vec<Probe> = addresses.iter().map(|address| at(probe, &name, address.ip())).collect();
    let runs: Vec<_> =
        probes.iter().map(|probe| Box::pin(run_one(context, probe, session.clone(), deadline))).collect();
    let answers: Vec<StepResult> = stream::iter(runs).buffered(AT_ONCE).collect().await;
    let mut judged = judge(&addresses, answers, quorum);
    if judged.failure.is_none() && !quorum.is_met(addresses.len(), addresses.len()) {
        too_few(&mut judged, addresses.len(), quorum, probe, session);
    }
    judged.timings.add(Phase::Resolve, resolve);
    judged.note_total(began);
    judged
}

async fn run_one(context: &JourneyContext, probe: &Probe, mut session: Session, deadline: Deadline) -> StepResult {
    journey::run(context, probe, &mut session, deadline).await
}

/// A copy of the probe that connects to this address only where it would connect to the name.
fn at(probe: &Probe, name: &str, address: IpAddr) -> Probe {
    let mut probe = probe.clone();
    probe.transport.pinned = Some((name.to_owned(), address));
    probe.transport.addresses = Addresses::First;
    probe
}

/// The name that the first step connects to, and its addresses; none if it connects to an address.
async fn find(
    context: &JourneyContext,
    probe: &Probe,
    session: &Session,
    deadline: Deadline,
) -> Result<Option<(String, Vec<SocketAddr>)>, Fault> {
    let first = probe.steps.first().and_then(|step| step.request.url.fill(&session.captures).ok());
    let Some(url) = first.and_then(|url| Url::parse(&url).ok()) else { return Ok(None) };
    let transport = &probe.transport;
    let Some((host, port)) = dialed_name(transport, &url) else { return Ok(None) };
    let lookup = context.requester.names.lookup(transport.resolver, &host, transport.ip, deadline.at);
    match tokio::time::timeout_at(deadline.at, lookup).await {
        Ok(Ok(found)) => {
            let found = found.into_iter().take(ADDRESSES).map(|address| SocketAddr::new(address, port)).collect();
            Ok(Some((host, found)))
        }
        Ok(Err(failure)) => Err(resolve_fault(&host, &failure)),
        Err(_) => Err(timed_out(Phase::Resolve, deadline, &host)),
    }
}

/// The combined result: that of the first address that is up if the quorum is met, else that of the
/// first that is down.
fn judge(addresses: &[SocketAddr], mut answers: Vec<StepResult>, quorum: Quorum) -> StepResult {
    let outcomes: Vec<AddressOutcome> =
        addresses.iter().zip(&answers).map(|(address, answered)| outcome(*address, answered)).collect();
    let up = answers.iter().filter(|answered| answered.failure.is_none()).count();
    let is_met = quorum.is_met(up, answers.len());
    let telling = answers.iter().position(|answered| answered.failure.is_none() == is_met).unwrap_or_default();
    if answers.is_empty() {
        return StepResult::default();
    }
    let total = answers.len();
    let mut warnings: Vec<Mismatch> = Vec::new();
    for warning in answers.iter().filter(|answered| answered.failure.is_none()).flat_map(|answered| &answered.warnings)
    {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let mut telling = answers.swap_remove(telling);
    if let Some(failure) = &mut telling.failure {
        let message = format!("{up} of {total} addresses are up: {}", failure.message);
        failure.message = crate::model::SafeText::message(&message);
    }
    telling.addresses = outcomes;
    telling.warnings = warnings;
    telling
}

/// Fails a check whose addresses are all up and fewer than the quorum.
fn too_few(judged: &mut StepResult, total: usize, quorum: Quorum, probe: &Probe, session: &Session) {
    let (Quorum::AtLeast(least), Some(step)) = (quorum, probe.steps.first()) else { return };
    let expected = message!("at least {least} addresses that are up");
    let message =
        message!("addresses-up: expected ").then(expected.clone()).then(message!(", got {total}, all of them up"));
    let redactor = &session.redactor;
    let mismatch = Mismatch {
        assertion: "addresses-up".to_owned(),
        expected: redactor.message(expected),
        actual: redactor.message(message!("{total}")),
    };
    let url = judged.page.as_ref().map(|page| page.url.clone());
    let fault = Fault::new(FailureClass::AssertionFailed, None, message);
    judged.fail(&fault, vec![mismatch], url.as_ref(), probe, step, redactor);
}

fn outcome(address: SocketAddr, answered: &StepResult) -> AddressOutcome {
    AddressOutcome {
        address,
        verdict: answered.failure.as_ref().map_or(Verdict::Up, |failure| failure.class.verdict()),
        failure: answered.failure.clone(),
        status: answered.status,
        timings: answered.timings,
    }
}
