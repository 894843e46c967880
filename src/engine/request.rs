//! One request to one target: lookup, dial, send, until the response head is there. Every
//! failure becomes a [`Fault`] with its phase, and every instant is kept.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use reqwest::{Client, Response};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::model::{DeniedNetworks, FailureClass, HttpVersionPreference, IpFamily, Phase, Resolver, Timings};

use super::certificate;
use super::connect::{Gate, Lookup, Route};
use super::fault::{Deadline, Fault, fault_in, timed_out, unresolved};
use super::marks::{Attempt, LateLookup, Seen};
use super::resolve::Names;

/// How long one address is given before the next is tried beside it (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(300);

/// The most addresses of a name that are tried.
pub(super) const ADDRESSES: usize = 32;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// What is known of one request besides its answer.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// When the request was begun.
    pub(super) began: Instant,
    /// When it was handed to the client.
    asked: Instant,
    resolve: Option<Duration>,
    /// The addresses the name has.
    pub(super) addresses: Vec<SocketAddr>,
    attempt: Option<Arc<Attempt>>,
}

impl Trace {
    pub(super) fn new() -> Trace {
        let now = Instant::now();
        Trace { began: now, asked: now, resolve: None, addresses: Vec::new(), attempt: None }
    }

    /// What was seen of the connection.
    pub(super) fn seen(&self) -> Seen {
        self.attempt.as_ref().map(|attempt| attempt.seen().clone()).unwrap_or_default()
    }

    /// The address that was dialled.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        let attempt = self.attempt.as_ref()?;
        attempt.seen().remote.or((!attempt.address.ip().is_unspecified()).then_some(attempt.address))
    }

    /// The time each phase took until now.
    pub(super) fn timings(&self) -> Timings {
        let now = Instant::now();
        let mut timings = match &self.attempt {
            Some(attempt) => attempt.seen().timings(self.asked, now),
            None => Timings::default(),
        };
        if let Some(resolve) = self.resolve {
            timings.add(Phase::Resolve, resolve);
        }
        timings.total = now.saturating_duration_since(self.began);
        timings
    }
}

/// What requests are sent with.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    pub(super) names: &'a Arc<Names>,
    pub(super) resolver: Resolver,
    pub(super) ip: IpFamily,
    /// Networks that may not be asked.
    pub(super) deny: DeniedNetworks,
    pub(super) client: Client,
    /// Whether the client may still have a connection.
    pub(super) keeps: bool,
}

impl Asker<'_> {
    /// Sends one request and waits for the response head.
    pub(super) async fn ask(
        &self,
        route: &Route,
        outgoing: &Outgoing,
        deadline: Deadline,
    ) -> (Trace, Result<Response, Fault>) {
        let mut trace = Trace::new();
        let answer = self.ask_traced(route, outgoing, deadline, &mut trace).await;
        if answer.is_ok()
            && let Some(attempt) = &trace.attempt
        {
            attempt.answer();
        }
        (trace, answer)
    }

    async fn ask_traced(
        &self,
        route: &Route,
        outgoing: &Outgoing,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Result<Response, Fault> {
        self.admit(route.told.iter(), route)?;
        if self.keeps && route.second.is_none() {
            if let Lookup::Address(address) = &route.lookup {
                self.admit(std::iter::once(address), route)?;
            }
            let attempt = self.late_attempt(route);
            trace.attempt = Some(Arc::clone(&attempt));
            return self.send(route, outgoing, deadline, &attempt).await;
        }
        let addresses = self.addresses(&route.lookup, deadline, trace).await?;
        let mut pinned = Vec::new();
        if let Some((host, port)) = &route.second {
            let lookup = Lookup::Name { host: host.clone(), port: *port };
            let found = self.addresses(&lookup, deadline, trace).await?;
            pinned.extend(found.first().map(|address| (host.clone(), *address)));
        }
        trace.addresses.clone_from(&addresses);
        self.admit(addresses.iter().chain(pinned.iter().map(|(_, address)| address)), route)?;
        trace.asked = Instant::now();
        let attempts = attempts(route, &addresses, &pinned, trace.asked);
        match &attempts[..] {
            [attempt] => {
                trace.attempt = Some(Arc::clone(attempt));
                self.send(route, outgoing, deadline, attempt).await
            }
            attempts => {
                let (attempt, answer) = self.race(route, outgoing, deadline, attempts).await;
                trace.attempt = Some(attempt);
                answer
            }
        }
    }

    /// The addresses to dial, and the time it took to find them.
    async fn addresses(
        &self,
        lookup: &Lookup,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Fault> {
        let (host, port) = match lookup {
            Lookup::Address(address) => return Ok(vec![*address]),
            Lookup::Name { host, port } => (host, *port),
        };
        let began = Instant::now();
        let found = tokio::time::timeout_at(deadline.at, self.names.lookup(self.resolver, host, self.ip)).await;
        trace.resolve = Some(trace.resolve.unwrap_or_default() + began.elapsed());
        match found {
            Ok(Ok(found)) => {
                Ok(found.into_iter().take(ADDRESSES).map(|address| SocketAddr::new(address, port)).collect())
            }
            Ok(Err(failure)) => Err(unresolved(host, &failure)),
            Err(_) => Err(timed_out(Phase::Resolve, deadline, host)),
        }
    }

    /// Whether all addresses may be asked: one that may not is reason enough, since which of
    /// them would be dialled is for the name's owner to say.
    fn admit<'a>(&self, addresses: impl Iterator<Item = &'a SocketAddr>, route: &Route) -> Result<(), Fault> {
        for address in addresses {
            if let Some(network) = self.deny.denies(address.ip()) {
                let host = route.url.host_str().unwrap_or_default();
                let message = format!("{host} leads to {}, which is in the denied network \"{network}\"", address.ip());
                return Err(Fault::new(FailureClass::TargetBlocked, None, message));
            }
        }
        Ok(())
    }

    /// The one attempt of a client that may still have a connection: it looks the name up only
    /// if it has none.
    fn late_attempt(&self, route: &Route) -> Arc<Attempt> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut attempt = match &route.lookup {
            Lookup::Address(address) => Attempt::new(*address, vec![(route.dialled_name.clone(), *address)]),
            Lookup::Name { .. } => Attempt::new(unknown, Vec::new()),
        };
        if let Lookup::Name { host, port } = &route.lookup {
            let names = Arc::clone(self.names);
            let (by, ip, deny) = (self.resolver, self.ip, self.deny);
            let late = LateLookup { names, by, ip, deny, host: host.clone(), port: *port };
            attempt.late = Some(late);
        }
        attempt.certificate_name.clone_from(&route.certificate_name);
        Arc::new(attempt)
    }

    /// Sends the request through one attempt.
    async fn send(
        &self,
        route: &Route,
        outgoing: &Outgoing,
        deadline: Deadline,
        attempt: &Arc<Attempt>,
    ) -> Result<Response, Fault> {
        let request = outgoing.request(route);
        if route.key.version == HttpVersionPreference::Http2 {
            attempt.speak_h2();
        }
        let asked = attempt.scope(self.client.execute(request));
        match tokio::time::timeout_at(deadline.at, asked).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(fault_of(&error, attempt, route)),
            Err(_) => Err(timed_out(attempt.seen().phase(), deadline, &target_of(attempt, route))),
        }
    }

    /// Dials the addresses one after the other, each a little later than the one before and at
    /// once where that one failed. The first that connects sends its request, and its answer or
    /// failure is the outcome; where none connects, it is the most telling failure.
    async fn race(
        &self,
        route: &Route,
        outgoing: &Outgoing,
        deadline: Deadline,
        attempts: &[Arc<Attempt>],
    ) -> (Arc<Attempt>, Result<Response, Fault>) {
        let mut waiting = attempts.iter().enumerate();
        let mut under_way: JoinSet<(usize, Result<Response, reqwest::Error>)> = JoinSet::new();
        let mut failed: Vec<(usize, Fault)> = Vec::new();
        let mut dial_next = true;
        loop {
            if dial_next && let Some((place, attempt)) = waiting.next() {
                let (attempt, client, request) = (Arc::clone(attempt), self.client.clone(), outgoing.request(route));
                if route.key.version == HttpVersionPreference::Http2 {
                    attempt.speak_h2();
                }
                under_way.spawn(async move { (place, attempt.scope(client.execute(request)).await) });
            }
            dial_next = tokio::select! {
                ended = under_way.join_next() => match ended {
                    Some(Ok((place, Ok(response)))) => return (Arc::clone(&attempts[place]), Ok(response)),
                    Some(Ok((place, Err(error)))) => {
                        let fault = fault_of(&error, &attempts[place], route);
                        if fault.phase > Some(Phase::Connect) && !is_outrun(&error) {
                            return (Arc::clone(&attempts[place]), Err(fault));
                        }
                        if !is_outrun(&error) {
                            failed.push((place, fault));
                        }
                        true
                    }
                    Some(Err(_)) => true,
                    None => return none_connected(attempts, failed),
                },
                () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {
                    !attempts.iter().any(|attempt| attempt.seen().phase() > Phase::Connect)
                }
                () = tokio::time::sleep_until(deadline.at) => {
                    let dialled = &attempts[..attempts.len() - waiting.len()];
                    let hung = |attempt: &&Arc<Attempt>| !failed.iter().any(|(place, _)| Arc::ptr_eq(attempt, &attempts[*place]));
                    let furthest = dialled.iter().filter(hung).max_by_key(|attempt| attempt.seen().phase());
                    let attempt = furthest.unwrap_or(&attempts[0]);
                    let fault = timed_out(attempt.seen().phase(), deadline, &target_of(attempt, route));
                    return (Arc::clone(attempt), Err(fault));
                }
            };
        }
    }
}

impl Outgoing {
    fn request(&self, route: &Route) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), route.url.clone());
        request.headers_mut().clone_from(&self.headers);
        if let Some(authority) = &route.authority {
            request.headers_mut().insert(http::header::HOST, authority.clone());
        }
        if let Some(body) = &self.body {
            *request.body_mut() = Some(body.clone().into());
        }
        request
    }
}

fn attempts(
    route: &Route,
    addresses: &[SocketAddr],
    pinned: &[(String, SocketAddr)],
    dialled: Instant,
) -> Vec<Arc<Attempt>> {
    let gate = (addresses.len() > 1).then(|| Arc::new(Gate::new()));
    let attempt = |(place, address): (usize, &SocketAddr)| {
        let mut names = vec![(route.dialled_name.clone(), *address)];
        names.extend_from_slice(pinned);
        let mut attempt = Attempt::new(*address, names);
        attempt.certificate_name.clone_from(&route.certificate_name);
        attempt.gate = gate.as_ref().map(|gate| (Arc::clone(gate), place));
        attempt.dial(dialled);
        Arc::new(attempt)
    };
    addresses.iter().enumerate().map(attempt).collect()
}

fn is_outrun(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<super::marks::Outrun>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The most telling of the failures of all addresses.
fn none_connected(attempts: &[Arc<Attempt>], failed: Vec<(usize, Fault)>) -> (Arc<Attempt>, Result<Response, Fault>) {
    let tried = failed.len();
    let told = failed.into_iter().max_by_key(|(place, fault)| (weight(fault.class), usize::MAX - place));
    let (place, mut fault) = told.unwrap_or_else(|| {
        (0, Fault::new(FailureClass::ProberResources, Phase::Connect, "the attempts to connect were lost"))
    });
    fault.message = format!("{} ({tried} addresses tried)", fault.message);
    (Arc::clone(&attempts[place]), Err(fault))
}

/// Which of several failures to connect says most: that we lack something, that the host is
/// there and refuses, that it is silent, and last that there is no way to it, which is how a
/// machine without IPv6 sees every IPv6 address.
fn weight(class: FailureClass) -> u8 {
    match class {
        FailureClass::ProberFdLimit | FailureClass::ProberResources => 5,
        FailureClass::ConnectRefused | FailureClass::ConnectionReset => 4,
        FailureClass::ConnectTimeout => 3,
        FailureClass::ProberPortsExhausted => 2,
        _ => 1,
    }
}

fn target_of(attempt: &Attempt, route: &Route) -> String {
    if attempt.address.ip().is_unspecified() && attempt.address.port() == 0 {
        return route.url.host_str().unwrap_or_default().to_owned();
    }
    attempt.address.to_string()
}

/// The failure that an error of the client is.
fn fault_of(error: &reqwest::Error, attempt: &Attempt, route: &Route) -> Fault {
    let seen = attempt.seen().clone();
    if let Some(failure) = &seen.no_address {
        return unresolved(route.url.host_str().unwrap_or_default(), failure);
    }
    let mut fault = fault_in(error, seen.phase(), &seen, &target_of(attempt, route));
    if fault.class == FailureClass::TlsCertNameMismatch {
        let wanted = match &attempt.certificate_name {
            Some(name) => name.to_str().into_owned(),
            None => route.url.host_str().unwrap_or_default().to_owned(),
        };
        fault.message = format!("the certificate is not for {wanted} but for {}", certificate::names_text(&seen.chain));
    }
    fault
}
