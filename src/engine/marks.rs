//! The instants and facts taken inside a connection attempt, through reqwest's own seams: the
//! connector layer sees where connecting begins and ends, the TLS session store where the
//! handshake begins. A phase that was not seen is absent, and what has been seen so far can be
//! asked at any moment, so that a timeout knows its phase. It knows nothing of HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use rustls::CipherSuite;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::time::Instant;

use crate::model::{DeniedNetworks, FailureClass, IpFamily, Phase, Resolver, Timings};

use super::connect::Gate;
use super::resolve::{Names, NoAddress};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    static ATTEMPT: Arc<Attempt>;
}

/// One attempt to ask one address: what it is told, and what is seen of it.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Where each name leads: nothing else is looked up by the connector.
    pub(super) pinned: Vec<(String, SocketAddr)>,
    /// The name the certificate must be for, where it is not the one in the handshake.
    pub(super) certificate_name: Option<ServerName<'static>>,
    /// The address this attempt connects to.
    pub(super) address: SocketAddr,
    /// Decides which of several attempts may send its request.
    pub(super) gate: Option<(Arc<Gate>, usize)>,
    /// What to look up if a connection has to be made: for a client that may still have one.
    pub(super) late: Option<LateLookup>,
    seen: Mutex<Seen>,
}

/// What has been seen of an attempt so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    resolving: Option<Instant>,
    resolved: Option<Instant>,
    dialled: Option<Instant>,
    tls_began: Option<Instant>,
    connected: Option<Instant>,
    answered: Option<Instant>,
    /// Why a late lookup found nothing.
    pub(super) no_address: Option<NoAddress>,
    /// The address at the other end, once connected.
    pub(super) remote: Option<SocketAddr>,
    /// Whether HTTP/2 is spoken, by ALPN or by prior knowledge.
    pub(super) h2: bool,
    /// `"1.2"` or `"1.3"`, once the server has chosen.
    pub(super) tls_version: Option<&'static str>,
    /// The cipher suite, once the server has chosen.
    pub(super) cipher: Option<CipherSuite>,
    /// The certificates the server sent, leaf first, also when they were refused.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether the certificates were accepted.
    pub(super) verified: bool,
    /// Whether the server asked for a client certificate and there was none.
    pub(super) client_cert_missing: bool,
}

impl Attempt {
    pub(super) fn new(address: SocketAddr, pinned: Vec<(String, SocketAddr)>) -> Attempt {
        Attempt { pinned, certificate_name: None, address, gate: None, late: None, seen: Mutex::default() }
    }

    /// Runs a future in which [`current`] answers with this attempt.
    pub(super) async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        ATTEMPT.scope(Arc::clone(self), future).await
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that connecting begins now, or began earlier with another address of the same name.
    pub(super) fn dial(&self, at: Instant) {
        self.seen().dialled = Some(at);
    }

    /// Notes that HTTP/2 is spoken whatever the handshake says.
    pub(super) fn speak_h2(&self) {
        self.seen().h2 = true;
    }

    /// Notes that the response head is complete.
    pub(super) fn answer(&self) {
        self.seen().answered = Some(Instant::now());
    }

    /// Notes that the TLS handshake begins. The first handshake of an attempt through a TLS
    /// proxy is the proxy's; the last one counts.
    pub(super) fn begin_tls(&self) {
        let mut seen = self.seen();
        seen.tls_began = Some(Instant::now());
        seen.tls_version = None;
        seen.cipher = None;
        seen.chain.clear();
    }
}

impl Seen {
    /// The phase the attempt has reached.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Seen { answered: Some(_), .. } => Phase::Transfer,
            Seen { connected: Some(_), .. } => Phase::Processing,
            Seen { tls_began: Some(_), .. } => Phase::Tls,
            Seen { resolving: Some(_), resolved: None, .. } => Phase::Resolve,
            // The connector was not asked: the connection was there already.
            Seen { resolving: None, dialled: None, .. } => Phase::Processing,
            _ => Phase::Connect,
        }
    }

    /// Whether TLS was begun.
    pub(super) fn is_tls(&self) -> bool {
        self.tls_began.is_some()
    }

    /// The phases that have happened, the last one until `now`. `asked` is when the request was
    /// handed over, which is where processing begins on a connection that was there already.
    pub(super) fn timings(&self, asked: Instant, now: Instant) -> Timings {
        let mut timings = Timings::default();
        let mut span = |phase: Phase, from: Option<Instant>, to: Option<Instant>| {
            if let Some(from) = from {
                timings.add(phase, to.unwrap_or(now).saturating_duration_since(from));
            }
        };
        span(Phase::Resolve, self.resolving, self.resolved);
        span(Phase::Connect, self.dialled, self.tls_began.or(self.connected));
        span(Phase::Tls, self.tls_began, self.connected);
        let ready = if self.dialled.is_none() { Some(asked) } else { self.connected };
        span(Phase::Processing, ready, self.answered);
        span(Phase::Transfer, self.answered, None);
        timings
    }
}

/// The attempt that the current task is in.
pub(super) fn current() -> Option<Arc<Attempt>> {
    ATTEMPT.try_with(Arc::clone).ok()
}

/// Marks where connecting begins and ends.
#[derive(Clone, Debug)]
pub(super) struct MarkLayer;

impl<S> tower::Layer<S> for MarkLayer {
    type Service = MarkConnect<S>;

    fn layer(&self, inner: S) -> MarkConnect<S> {
        MarkConnect { inner }
    }
}

/// A connector that marks.
#[derive(Clone, Debug)]
pub(super) struct MarkConnect<S> {
    inner: S,
}

/// Another address of the same name connected first; this attempt may not send its request.
#[derive(Debug, thiserror::Error)]
#[error("another address connected first")]
pub(super) struct Outrun;

impl<S, R> tower::Service<R> for MarkConnect<S>
where
    S: tower::Service<R>,
    S::Response: Connection,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let Some(attempt) = current() else {
            return Box::pin(async move { connecting.await.map_err(Into::into) });
        };
        attempt.seen().dialled.get_or_insert_with(Instant::now);
        Box::pin(async move {
            // hyper may move a connection that is being made to another task: the scope goes with it.
            let connection = attempt.scope(connecting).await.map_err(Into::into)?;
            if let Some((gate, place)) = &attempt.gate
                && !gate.pass(*place)
            {
                return Err(Outrun.into());
            }
            mark_connected(&attempt, &connection);
            Ok(connection)
        })
    }
}

fn mark_connected(attempt: &Attempt, connection: &impl Connection) {
    let connected = connection.connected();
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    let mut seen = attempt.seen();
    seen.connected = Some(Instant::now());
    seen.h2 |= connected.is_negotiated_h2();
    seen.remote = extras.get::<HttpInfo>().map(HttpInfo::remote_addr);
}

/// Answers the connector's lookups from what the attempt has pinned: names are looked up by
/// [`super::resolve`] before, where their time and their failures are known.
#[derive(Debug)]
pub(super) struct PinnedNames;

/// The connector asked for a name that was not looked up before.
#[derive(Debug, thiserror::Error)]
#[error("no address is pinned for the name")]
struct NotPinned;

impl reqwest::dns::Resolve for PinnedNames {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let Some(attempt) = current() else { return Box::pin(std::future::ready(Err(NotPinned.into()))) };
        let of_name = attempt.pinned.iter().filter(|(pinned, _)| pinned == name.as_str());
        let found: Vec<SocketAddr> = of_name.map(|(_, address)| *address).collect();
        Box::pin(async move {
            let found = if found.is_empty() { late_lookup(&attempt).await? } else { found };
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

/// A lookup that is made only if a connection has to be made.
#[derive(Debug)]
pub(super) struct LateLookup {
    pub(super) names: Arc<Names>,
    pub(super) by: Resolver,
    pub(super) ip: IpFamily,
    pub(super) deny: DeniedNetworks,
    pub(super) host: String,
    pub(super) port: u16,
}

async fn late_lookup(attempt: &Attempt) -> Result<Vec<SocketAddr>, NotPinned> {
    let late = attempt.late.as_ref().ok_or(NotPinned)?;
    attempt.seen().resolving = Some(Instant::now());
    let answer = late.names.lookup(late.by, &late.host, late.ip).await.and_then(|addresses| {
        match addresses.iter().find_map(|address| Some((address, late.deny.denies(*address)?))) {
            Some((address, network)) => Err(NoAddress {
                class: FailureClass::TargetBlocked,
                detail: format!("leads to {address}, which is in the denied network \"{network}\""),
            }),
            None => Ok(addresses),
        }
    });
    let now = Instant::now();
    let mut seen = attempt.seen();
    seen.resolved = Some(now);
    seen.dialled = Some(now);
    match answer {
        Ok(addresses) => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, late.port)).collect()),
        Err(failure) => {
            seen.no_address = Some(failure);
            Err(NotPinned)
        }
    }
}
