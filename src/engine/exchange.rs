//! One request, from the name of its host to the last byte of the body: resolve, connect, tls, send,
//! head, body. Each step is a function that fails in its own way; one deadline lies over all of
//! them, and the phase that it ends is the one it finds the trace in.

use std::io;
use std::net::SocketAddr;

use http::{Method, StatusCode};
use url::Host;

use crate::model::{ExchangeDetail, FailureClass, HttpVersionPreference, Phase, Transport};

use super::body::{Body, Intake, ReadLimits, Taken};
use super::classify::connect_fault;
use super::coding::Decoder;
use super::connection::{Connection, Destination, HeadError, Kept, KeptConnections};
use super::dial::dial;
use super::fault::{Deadline, Fault};
use super::handshake::{SharedHandshake, is_http2, shake_hands};
use super::message::{OutgoingRequest, ResponseHead};
use super::phase_error::{Ending, PhaseError, refusing_proxy};
use super::proxy::{Proxy, ProxyScheme, ProxyTarget};
use super::request_builder::ParsedUrls;
use super::resolve::Names;
use super::route::{Endpoint, Route, TlsRoute};
use super::stream::Stream;
use super::tls::{TlsConfigs, alpn};
use super::tls_fault::{handshake_fault, has_nothing_in_common};
use super::trace::ConnectionTrace;
use super::{http2, redirect, tls};

/// The most addresses of a name that are tried.
pub(super) const ADDRESSES: usize = 32;

/// What requests are made with: one for the whole run.
#[derive(Debug)]
pub(super) struct Requester {
    pub(super) names: Names,
    pub(super) tls: TlsConfigs,
    pub(super) kept: KeptConnections,
    pub(super) urls: ParsedUrls,
    /// How much of each request and its answer an outcome has.
    pub(super) detail: ExchangeDetail,
}

/// One request under way.
pub(super) struct Exchange<'a> {
    pub(super) requester: &'a Requester,
    /// The probe it is made for, by whose name connections are kept.
    pub(super) probe: &'a str,
    pub(super) transport: &'a Transport,
    pub(super) route: &'a Route,
    pub(super) request: &'a OutgoingRequest,
    pub(super) limits: ReadLimits,
    /// Whether a redirect is followed: then its body is not read.
    pub(super) follows: bool,
    pub(super) deadline: Deadline,
}

/// What became of a request.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) trace: ConnectionTrace,
    /// Absent where no answer came.
    pub(super) head: Option<ResponseHead>,
    /// As much as was read.
    pub(super) body: Body,
    pub(super) fault: Option<Fault>,
}

/// What is known of a request that is under way.
struct Progress {
    trace: ConnectionTrace,
    head: Option<ResponseHead>,
    intake: Option<Intake>,
    /// Whether it is sent over a connection of an earlier check.
    was_kept: bool,
}

/// How a connection is come by.
#[derive(Clone, Copy)]
struct Attempt {
    version: HttpVersionPreference,
    /// Whether a connection of an earlier check may be used.
    reuse: bool,
}

/// What a failed request says of another try.
enum Retry {
    No,
    Fresh,
    Http1,
}

impl Exchange<'_> {
    /// Sends the request, and once more where the server asked for that or a kept connection was gone.
    pub(super) async fn run(&self) -> Exchanged {
        let first = Attempt { version: self.route.version, reuse: self.transport.reuse };
        let (exchanged, retry) = self.attempt(first).await;
        match retry {
            Retry::No => exchanged,
            Retry::Fresh => self.attempt(Attempt { reuse: false, ..first }).await.0,
            Retry::Http1 => self.attempt(Attempt { version: HttpVersionPreference::Http1, reuse: false }).await.0,
        }
    }

    async fn attempt(&self, attempt: Attempt) -> (Exchanged, Retry) {
        let mut progress = Progress { trace: ConnectionTrace::new(), head: None, intake: None, was_kept: false };
        let phases = Box::pin(self.phases(attempt, &mut progress));
        let ended = tokio::time::timeout_at(self.deadline.at, phases).await;
        let mut retry = Retry::No;
        let fault = match ended.unwrap_or(Err(PhaseError::OutOfTime)) {
            Ok(()) => progress.head.as_ref().and_then(|head| refusing_proxy(self.route, head.status)),
            Err(error) => {
                let Progress { trace, intake, .. } = &progress;
                let ending = Ending { route: self.route, deadline: self.deadline, trace, intake: intake.as_ref() };
                let fault = ending.fault(&error);
                retry = self.retry(&error, &fault, &progress, attempt);
                Some(fault)
            }
        };
        let Progress { mut trace, head, intake, .. } = progress;
        trace.end();
        let body = intake.map(Intake::into_body).unwrap_or_default();
        (Exchanged { trace, head, body, fault }, retry)
    }

    /// The five phases, in order.
    async fn phases(&self, attempt: Attempt, progress: &mut Progress) -> Result<(), PhaseError> {
        let mut connection = match self.take_kept(attempt, progress) {
            Some(kept) => kept,
            None => self.connection(attempt, &mut progress.trace).await?,
        };
        let head = connection.send(self.request).await.map_err(PhaseError::Head)?;
        progress.trace.enter(Phase::Transfer);
        let head = progress.head.insert(head);
        let is_whole = if self.has_body(head.status) {
            let intake = progress.intake.insert(Intake::new(Decoder::for_headers(&head.headers), self.limits));
            !self.goes_on(head.status) && self.read(&mut connection, intake).await?
        } else {
            connection.chunk().await.is_ok_and(|bytes| bytes.is_none())
        };
        progress.trace.end();
        if attempt.reuse && is_whole {
            let (remote, handshake) = (progress.trace.remote, progress.trace.handshake.clone());
            self.requester.kept.keep(self.probe, self.destination(), Kept { connection, remote, handshake });
        } else {
            connection.close(is_whole);
        }
        Ok(())
    }

    /// A connection that speaks HTTP: resolve, connect, tls.
    async fn connection(&self, attempt: Attempt, trace: &mut ConnectionTrace) -> Result<Connection, PhaseError> {
        let addresses = self.resolve(trace).await?;
        trace.enter(Phase::Connect);
        let stream = self.connect(&addresses, trace).await?;
        let (stream, speaks_http2) = match &self.route.tls {
            None => (stream, attempt.version == HttpVersionPreference::Http2),
            Some(tls) => {
                trace.enter(Phase::Tls);
                self.secure(tls, attempt.version, stream, trace).await?
            }
        };
        trace.enter(Phase::Processing);
        Connection::open(stream, speaks_http2).await.map_err(PhaseError::Head)
    }

    /// The addresses to dial: the proxy's where there is one.
    async fn resolve(&self, trace: &mut ConnectionTrace) -> Result<Vec<SocketAddr>, PhaseError> {
        let dialed = match &self.route.proxy {
            None => self.route.endpoint.clone(),
            Some(proxy) => proxy_endpoint(proxy),
        };
        let addresses = match (self.addresses(&dialed, trace).await, &self.route.proxy) {
            (Err(PhaseError::Resolve { error, .. }), Some(_)) => {
                return Err(PhaseError::ProxyUnreachable(format!("its name does not resolve: {}", error.detail)));
            }
            (found, _) => found?,
        };
        self.admit(&addresses)?;
        trace.addresses.clone_from(&addresses);
        Ok(addresses)
    }

    async fn addresses(&self, of: &Endpoint, trace: &mut ConnectionTrace) -> Result<Vec<SocketAddr>, PhaseError> {
        let (host, port) = match of {
            Endpoint::Address(address) => return Ok(vec![*address]),
            Endpoint::Name { host, port } => (host, *port),
        };
        trace.enter(Phase::Resolve);
        let found =
            self.requester.names.lookup(self.transport.resolver, host, self.transport.ip, self.deadline.at).await;
        let found = found.map_err(|error| PhaseError::Resolve { host: host.clone(), error })?;
        Ok(found.into_iter().take(ADDRESSES).map(|address| SocketAddr::new(address, port)).collect())
    }

    /// Whether all addresses may be asked: one that may not is reason enough, since which of
    /// them would be dialled is for the name's owner to say.
    fn admit(&self, addresses: &[SocketAddr]) -> Result<(), PhaseError> {
        for address in addresses {
            if let Some(network) = self.transport.deny.denies(address.ip()) {
                let (host, ip) = (&self.route.host, address.ip());
                let message = format!("{host} leads to {ip}, which is in the denied network \"{network}\"");
                return Err(PhaseError::Denied(message));
            }
        }
        Ok(())
    }

    /// A TCP connection, through the proxy where there is one.
    async fn connect(&self, addresses: &[SocketAddr], trace: &mut ConnectionTrace) -> Result<Stream, PhaseError> {
        let Some(proxy) = &self.route.proxy else {
            return dial(addresses, self.route.source, trace).await.map(Stream::from).map_err(PhaseError::Connect);
        };
        // What the proxy is told is decided before it is dialled.
        let mut targets = self.proxy_targets(proxy, trace).await?.into_iter();
        trace.enter(Phase::Connect);
        while let Some(target) = targets.next() {
            let mut stream = self.connect_proxy(proxy, addresses, trace).await?;
            match proxy.open(&mut stream, &target).await {
                Ok(()) => return Ok(stream),
                // The next address of the name may be reached where this one is not.
                Err(error) if targets.len() > 0 && error.is_of_target() => {}
                Err(error) => return Err(PhaseError::Proxy(error)),
            }
        }
        self.connect_proxy(proxy, addresses, trace).await
    }

    /// A connection to the proxy itself.
    async fn connect_proxy(
        &self,
        proxy: &Proxy,
        addresses: &[SocketAddr],
        trace: &mut ConnectionTrace,
    ) -> Result<Stream, PhaseError> {
        let dialed = dial(addresses, self.route.source, trace).await;
        let stream = dialed.map(Stream::from).map_err(|failed| {
            let fault = connect_fault(&failed);
            if fault.class.is_ours() {
                PhaseError::Connect(failed)
            } else {
                PhaseError::ProxyUnreachable(fault.message)
            }
        })?;
        trace.reached = true;
        if proxy.scheme == ProxyScheme::Https { self.secure_proxy(proxy, stream).await } else { Ok(stream) }
    }

    /// What the proxy is to connect to, one after the other until one can be reached; none where it
    /// forwards the request itself.
    async fn proxy_targets(&self, proxy: &Proxy, trace: &mut ConnectionTrace) -> Result<Vec<ProxyTarget>, PhaseError> {
        if let Endpoint::Address(address) = self.route.endpoint {
            self.admit(&[address])?;
        }
        if self.route.forwarding_proxy().is_some() {
            return Ok(Vec::new());
        }
        let looks_up = matches!(proxy.scheme, ProxyScheme::Socks5 { names: false });
        Ok(match &self.route.endpoint {
            Endpoint::Address(address) => vec![ProxyTarget::Address(*address)],
            Endpoint::Name { host, port } if !looks_up => vec![ProxyTarget::Name(host.clone(), *port)],
            name @ Endpoint::Name { .. } => {
                let found = self.addresses(name, trace).await?;
                self.admit(&found)?;
                found.into_iter().map(ProxyTarget::Address).collect()
            }
        })
    }

    /// TLS with the proxy itself, by the system's roots.
    async fn secure_proxy(&self, proxy: &Proxy, stream: Stream) -> Result<Stream, PhaseError> {
        let name = match &proxy.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let unusable = |why: String| PhaseError::ProxyUnreachable(why);
        let server = name.clone().try_into().map_err(|_| unusable("its host cannot be named in TLS".to_owned()))?;
        let settings = self.requester.tls.get(&super::route::tls_settings(&self.transport.tls, false));
        let settings = settings.ok_or(PhaseError::Unprepared)?;
        let shown = SharedHandshake::default();
        shake_hands(&settings, alpn(HttpVersionPreference::Http1), server, stream, &shown).await.map_err(|error| {
            let fault = handshake_fault(&error, &shown.facts(), &proxy.name(), &name);
            unusable(fault.message)
        })
    }

    /// TLS with the target, and whether HTTP/2 is spoken over it.
    async fn secure(
        &self,
        tls: &TlsRoute,
        version: HttpVersionPreference,
        stream: Stream,
        trace: &mut ConnectionTrace,
    ) -> Result<(Stream, bool), PhaseError> {
        let settings = self.requester.tls.get(&tls.settings).ok_or(PhaseError::Unprepared)?;
        let shown = SharedHandshake::default();
        trace.handshake = Some(shown.clone());
        let stream = shake_hands(&settings, alpn(version), tls.name.clone(), stream, &shown).await;
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => return Err(self.handshake_error(error, tls, &shown, trace).await),
        };
        let speaks_http2 = is_http2(&stream) || version == HttpVersionPreference::Http2;
        Ok((stream, speaks_http2))
    }

    /// Why there is no TLS; a server that found nothing in common is asked what it speaks.
    async fn handshake_error(
        &self,
        error: io::Error,
        tls: &TlsRoute,
        shown: &SharedHandshake,
        trace: &ConnectionTrace,
    ) -> PhaseError {
        let has_nothing_in_common = has_nothing_in_common(&error, &shown.facts());
        if let Some(address) = trace.remote.filter(|_| has_nothing_in_common && self.route.proxy.is_none())
            && let Some(suite) = tls::unknown_suite(address, &tls.name.to_str()).await
        {
            return PhaseError::UnknownSuite(suite);
        }
        PhaseError::Tls(error)
    }

    /// Reads the body, and says whether it was read to its end.
    async fn read(&self, connection: &mut Connection, intake: &mut Intake) -> Result<bool, PhaseError> {
        while let Some(bytes) = connection.chunk().await.map_err(PhaseError::Body)? {
            match intake.take_all(&bytes, self.deadline).map_err(PhaseError::Decode)? {
                Taken::All => {}
                Taken::Enough => return Ok(false),
                Taken::OutOfTime => return Err(PhaseError::OutOfTime),
            }
        }
        intake.finish().map_err(PhaseError::Decode)?;
        Ok(true)
    }

    fn has_body(&self, status: StatusCode) -> bool {
        self.request.method != Method::HEAD && !matches!(status.as_u16(), 204 | 304)
    }

    /// Whether the answer is a redirect that is followed.
    fn goes_on(&self, status: StatusCode) -> bool {
        self.follows && redirect::is_redirect(status)
    }

    fn destination(&self) -> Destination {
        let own = self.route.tls.as_ref().is_some_and(|tls| tls.settings.client_cert.is_some());
        Destination { origin: self.route.origin.clone(), endpoint: self.route.endpoint.clone(), own }
    }

    /// A connection of an earlier check, which is past the first three phases.
    fn take_kept(&self, attempt: Attempt, progress: &mut Progress) -> Option<Connection> {
        if !attempt.reuse {
            return None;
        }
        let kept = self.requester.kept.take(self.probe, &self.destination())?;
        progress.was_kept = true;
        progress.trace.remote = kept.remote;
        progress.trace.handshake = kept.handshake;
        progress.trace.enter(Phase::Processing);
        Some(kept.connection)
    }

    /// Whether a fresh connection is worth one more try. An idle connection may have been used that
    /// the server had closed: its failure says nothing about the target, and a request that may be
    /// sent twice is.
    fn retry(&self, error: &PhaseError, fault: &Fault, progress: &Progress, attempt: Attempt) -> Retry {
        if let PhaseError::Head(HeadError::Http2(http2::HeadError::Failed(error))) = error {
            if http2::asks_for_http1(error) && attempt.version != HttpVersionPreference::Http2 {
                return Retry::Http1;
            }
            if http2::asks_to_retry(error) {
                return Retry::Fresh;
            }
        }
        let is_gone =
            matches!(fault.class, FailureClass::ConnectionReset | FailureClass::EmptyReply | FailureClass::Http2Error);
        let is_head = matches!(error, PhaseError::Head(_));
        if progress.was_kept && is_head && is_gone && self.request.method.is_idempotent() {
            Retry::Fresh
        } else {
            Retry::No
        }
    }
}

fn proxy_endpoint(proxy: &Proxy) -> Endpoint {
    match &proxy.host {
        Host::Domain(name) => Endpoint::Name { host: name.clone(), port: proxy.port },
        Host::Ipv4(address) => Endpoint::Address(SocketAddr::new((*address).into(), proxy.port)),
        Host::Ipv6(address) => Endpoint::Address(SocketAddr::new((*address).into(), proxy.port)),
    }
}
