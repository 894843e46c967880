//! Extra checks while a probe fails, to tell causes apart: another resolver, each address alone, the
//! address that worked last, TCP alone, a control target. They are few, run at the same time with a
//! short timeout, serve as evidence and never count as checks. Only a plain GET or HEAD is repeated, and only
//! at addresses of its own host: for any other the extra check stops once the connection is made.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::engine::check::attempt::Attempts;
use crate::engine::connect::{dial, route};
use crate::engine::host::os_error::connect_class;
use crate::model::{
    Addresses, Body, Captures, Diagnosis, ExtraCheck, ExtraKind, FailureClass, LastGoodAddress, Outcome, Phase, Probe,
    Resolver, Retries, SafeText, Step, Transport,
};

/// The most time one extra check may take.
const TIME: Duration = Duration::from_secs(5);

/// The most addresses of a name that are checked alone.
const ADDRESSES: usize = 4;

/// The most bytes of a body that are read.
const BODY: u64 = 64 * 1024;

/// What is known besides a failed check.
#[derive(Clone, Debug, Default)]
pub struct DiagnosisHints {
    /// The address that answered last.
    pub last_good: Option<LastGoodAddress>,
    /// A resolver other than the probe's.
    pub other_resolver: Option<Resolver>,
    /// A control target.
    pub control: Option<Arc<Probe>>,
}

/// One extra check.
#[derive(Clone, Debug)]
enum DiagnosticCheck {
    Resolve(Resolver),
    /// The first request, at this address of its host.
    Ask(ExtraKind, String, SocketAddr),
    Connect(SocketAddr),
    Control(Arc<Probe>),
}

impl Attempts {
    /// Makes the extra checks that can explain this failure. Ends within seconds, whatever the target
    /// does; empty if no extra check applies, for example behind a proxy.
    pub(crate) async fn diagnose(
        self: &Arc<Self>,
        probe: &Arc<Probe>,
        failed: &Outcome,
        hints: &DiagnosisHints,
    ) -> Diagnosis {
        let mut asking = JoinSet::new();
        for (place, diagnostic) in diagnostic_checks(probe, failed, hints).into_iter().enumerate() {
            let (attempts, probe) = (Arc::clone(self), Arc::clone(probe));
            // Boxed: the future holds a whole check.
            asking.spawn(async move { (place, Box::pin(attempts.ask(&probe, diagnostic)).await) });
        }
        let mut found = Vec::new();
        while let Some(answer) = asking.join_next().await {
            // A task that panicked has no answer.
            found.extend(answer);
        }
        found.sort_by_key(|(place, _)| *place);
        Diagnosis { extra: found.into_iter().map(|(_, extra)| extra).collect() }
    }

    async fn ask(&self, probe: &Arc<Probe>, diagnostic: DiagnosticCheck) -> ExtraCheck {
        let began = Instant::now();
        let limit = TIME.min(probe.timeout);
        let extra = |kind, target: String, class, status| ExtraCheck {
            kind,
            target: SafeText::message(&target),
            class,
            status,
            took: began.elapsed(),
        };
        match diagnostic {
            DiagnosticCheck::Resolve(resolver) => {
                let class = self.resolves(probe, resolver, limit).await.err();
                extra(ExtraKind::OtherResolver, resolver_name(resolver), class, None)
            }
            DiagnosticCheck::Ask(kind, host, address) => {
                let result = self.attempt(&pinned(probe, &host, address.ip(), limit)).await;
                extra(kind, address.to_string(), result.failure.map(|failure| failure.class), result.status)
            }
            DiagnosticCheck::Connect(address) => {
                extra(ExtraKind::Tcp, address.to_string(), connects(&probe.transport, address, limit).await.err(), None)
            }
            DiagnosticCheck::Control(control) => {
                let result = self.attempt(&control).await;
                let class = result.failure.map(|failure| failure.class);
                extra(ExtraKind::Control, control.name.clone(), class, result.status)
            }
        }
    }

    async fn resolves(&self, probe: &Probe, resolver: Resolver, limit: Duration) -> Result<(), FailureClass> {
        let Some((host, _)) = dialed_name(probe) else { return Err(FailureClass::DnsNotFound) };
        let lookup = self.context.requester.names.lookup(resolver, &host, probe.transport.ip, Instant::now() + limit);
        match timeout(limit, lookup).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(none)) => Err(none.class),
            Err(_) => Err(FailureClass::DnsTimeout),
        }
    }
}

/// The extra checks for a failure: of name resolution if that failed, of addresses if the way to them may be at fault.
fn diagnostic_checks(probe: &Arc<Probe>, failed: &Outcome, hints: &DiagnosisHints) -> Vec<DiagnosticCheck> {
    // When the control targets fail too, the resolver that they all use may be the cause.
    let theirs = |class: FailureClass| !class.is_ours() || class == FailureClass::ControlFailed;
    let Some(failure) = failed.failure.as_ref().filter(|failure| theirs(failure.class)) else { return Vec::new() };
    if probe.transport.may_have_proxy() {
        return Vec::new();
    }
    let mut diagnostic_checks = Vec::new();
    let of_names = failure.phase == Some(Phase::Resolve);
    let name = dialed_name(probe);
    let ask = |kind, address: SocketAddr, is_own: bool| match &name {
        Some((host, port)) if is_own && may_repeat(probe) => {
            DiagnosticCheck::Ask(kind, host.clone(), SocketAddr::new(address.ip(), *port))
        }
        _ => DiagnosticCheck::Connect(address),
    };
    if of_names && name.is_some() {
        diagnostic_checks.extend(other_resolver(probe, hints).map(DiagnosticCheck::Resolve));
    }
    let answered_now = first_remote(probe, failed);
    let last_good = hints.last_good.as_ref().filter(|last| name.as_ref().is_some_and(|(name, _)| *name == last.host));
    if let Some(last_good) = last_good.filter(|last| answered_now != Some(last.address)) {
        diagnostic_checks.push(ask(ExtraKind::LastGoodAddress, last_good.address, true));
    }
    let addresses = failed.evidence.iter().flat_map(|evidence| &evidence.addresses);
    let addresses: Vec<SocketAddr> = addresses.take(ADDRESSES).copied().collect();
    if addresses.len() > 1 && !probe.transport.has_fixed_address() {
        let is_own = is_at_own_host(probe, failed);
        diagnostic_checks.extend(addresses.into_iter().map(|address| ask(ExtraKind::Address, address, is_own)));
    }
    diagnostic_checks.extend(failed.remote.filter(|_| may_repeat(probe)).map(DiagnosticCheck::Connect));
    diagnostic_checks
        .extend(hints.control.clone().filter(|control| control.name != probe.name).map(DiagnosticCheck::Control));
    diagnostic_checks
}

/// The configured second resolver; without one, the system's, if the probe uses another.
fn other_resolver(probe: &Probe, hints: &DiagnosisHints) -> Option<Resolver> {
    let other = hints.other_resolver.unwrap_or(Resolver::System);
    (other != probe.transport.resolver).then_some(other)
}

/// Whether the first request may be repeated without side effects.
fn may_repeat(probe: &Probe) -> bool {
    let request = probe.steps.first().map(|step| &step.request);
    request.is_some_and(|request| {
        let is_plain = matches!(request.method, Method::GET | Method::HEAD) && matches!(request.body, Body::Empty);
        is_plain && request.send.is_none()
    })
}

/// A copy of the probe with only its first request, to this address of its host, without retries.
fn pinned(probe: &Probe, host: &str, address: IpAddr, limit: Duration) -> Probe {
    let mut pinned = probe.clone();
    pinned.steps.truncate(1);
    for step in &mut pinned.steps {
        step.request.redirects = 0;
        step.request.body_limit = step.request.body_limit.min(BODY);
    }
    pinned.timeout = limit;
    pinned.retries = Retries { attempts: 0, ..probe.retries };
    let transport = &mut *pinned.transport;
    (transport.pinned, transport.reuse) = (Some((host.to_owned(), address)), false);
    transport.addresses = Addresses::First;
    pinned
}

async fn connects(transport: &Transport, address: SocketAddr, limit: Duration) -> Result<(), FailureClass> {
    match timeout(limit, dial::connect(address, &route::source_of(transport))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(connect_class(&error)),
        Err(_) => Err(FailureClass::ConnectTimeout),
    }
}

/// The address that an answer to the first request came from, with the host that it was found for, as far as the
/// outcome tells. None if the request goes to an address, whatever its host.
pub(crate) fn first_answer(probe: &Probe, outcome: &Outcome) -> Option<LastGoodAddress> {
    let (host, _) = dialed_name(probe).filter(|_| !probe.transport.may_have_proxy())?;
    Some(LastGoodAddress { host, address: first_remote(probe, outcome)? })
}

/// The address that the first request was sent to, as far as the outcome tells: later ones may go to other hosts.
fn first_remote(probe: &Probe, outcome: &Outcome) -> Option<SocketAddr> {
    match (&*probe.steps, outcome.redirects.first()) {
        ([_], Some(hop)) => hop.remote,
        (steps, None) if steps.iter().all(|step| host(step) == probe.steps.first().and_then(host)) => outcome.remote,
        _ => None,
    }
}

/// Whether the request that failed was for the host of the first one.
fn is_at_own_host(probe: &Probe, failed: &Outcome) -> bool {
    let asked = failed.evidence.as_ref().and_then(|evidence| Url::parse(evidence.url.as_str()).ok());
    let asked = asked.and_then(|url| url.host_str().map(str::to_owned));
    asked.is_some() && asked == probe.steps.first().and_then(host)
}

/// The host in the URL of a step, as configured.
fn host(step: &Step) -> Option<String> {
    Url::parse(&step.request.url.to_string()).ok()?.host_str().map(str::to_owned)
}

/// The host name and the port that the first request dials; none if it dials an address or depends on a capture.
fn dialed_name(probe: &Probe) -> Option<(String, u16)> {
    let url = probe.steps.first()?.request.url.fill(&Captures::new()).ok()?;
    route::dialed_name(&probe.transport, &Url::parse(&url).ok()?)
}

fn resolver_name(resolver: Resolver) -> String {
    match resolver {
        Resolver::System => "system".to_owned(),
        Resolver::Udp(server) => server.to_string(),
    }
}
