//! The part of a connection that all protocols share: the name is resolved, its addresses are dialled,
//! through the proxy if there is one, and the TLS handshake is made.

use std::io;
use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout};
use url::Host;

use crate::engine::classify::connect_fault;
use crate::engine::classify::phase_error::PhaseError;
use crate::engine::classify::tls_fault::{handshake_fault, has_nothing_in_common};
use crate::engine::connect::dial::{self, dial, dial_unix};
#[cfg(feature = "http3")]
use crate::engine::connect::quic::{QuicConnection, QuicDialer};
use crate::engine::connect::route::{Endpoint, Route, TlsRoute, endpoint, proxy_tls_settings};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::requester::Requester;
use crate::engine::fault::Deadline;
use crate::engine::tls;
use crate::engine::tls::alpn;
use crate::engine::tls::handshake::{SharedHandshake, is_http2, shake_hands};
use crate::engine::transport::proxy::{Proxy, ProxyScheme, ProxyTarget};
use crate::engine::transport::stream::Stream;
use crate::model::{HttpVersionPreference, MessageText, Phase, Protocol, Transport, message};

/// The most addresses of a name that are tried.
pub(crate) const ADDRESSES: usize = 32;

/// Connects to one target.
pub(crate) struct Connector<'a> {
    pub(crate) requester: &'a Requester,
    pub(crate) transport: &'a Transport,
    pub(crate) route: &'a Route,
    pub(crate) deadline: Deadline,
}

impl Connector<'_> {
    /// Opens a TCP connection to the target: resolve and connect.
    ///
    /// # Errors
    /// Where it ended, and why.
    pub(crate) async fn connect(&self, trace: &mut ConnectionTrace) -> Result<Stream, PhaseError> {
        if let Endpoint::Unix(path) = &self.route.endpoint {
            trace.enter(Phase::Connect);
            return dial_unix(path).await.map_err(|error| PhaseError::UnixSocket { path: path.clone(), error });
        }
        let addresses = self.resolve(trace).await?;
        trace.enter(Phase::Connect);
        self.reach(&addresses, trace).await
    }

    /// Opens a connection for HTTP: resolve, connect and tls. The flag says whether it is HTTP/2, which is configured
    /// or agreed on by ALPN.
    ///
    /// # Errors
    /// Where it ended, and why.
    pub(crate) async fn connect_http(
        &self,
        version: HttpVersionPreference,
        trace: &mut ConnectionTrace,
    ) -> Result<(Stream, bool), PhaseError> {
        let mut stream = self.connect(trace).await?;
        let mut speaks_http2 = version == HttpVersionPreference::Http2;
        if let Some(tls) = &self.route.tls {
            stream = self.secure(tls, alpn(version), stream, trace).await?;
            speaks_http2 |= is_http2(&stream);
        }
        Ok((stream, speaks_http2))
    }

    /// Opens a QUIC connection to the target: resolve, connect and tls.
    ///
    /// # Errors
    /// Where it ended, and why.
    #[cfg(feature = "http3")]
    pub(crate) async fn connect_quic(
        &self,
        tls: &TlsRoute,
        trace: &mut ConnectionTrace,
    ) -> Result<QuicConnection, PhaseError> {
        let addresses = self.resolve(trace).await?;
        trace.enter(Phase::Connect);
        let settings = self.requester.tls.get(&tls.settings).ok_or(PhaseError::Unprepared)?;
        let name = tls.name.as_ref().ok_or(PhaseError::Nameless)?;
        let dialer = QuicDialer { settings: &settings, name, source: &self.route.source };
        dialer.connect(&addresses, trace).await.map_err(PhaseError::Quic)
    }

    /// The addresses to dial: the proxy's if there is one.
    ///
    /// # Errors
    /// Why there are none, or that one of them is denied.
    pub(crate) async fn resolve(&self, trace: &mut ConnectionTrace) -> Result<Vec<SocketAddr>, PhaseError> {
        let dialed = match &self.route.proxy {
            None => self.route.endpoint.clone(),
            Some(proxy) => endpoint(&proxy.host, proxy.port),
        };
        let addresses = match (self.addresses(&dialed, trace).await, &self.route.proxy) {
            (Err(PhaseError::Resolve { error, .. }), Some(_)) => {
                // The proxy is part of the way to the target.
                trace.enter(Phase::Connect);
                return Err(PhaseError::ProxyUnreachable(
                    MessageText::from("its name does not resolve: ").then(error.detail),
                ));
            }
            (found, _) => found?,
        };
        match &self.route.proxy {
            None => self.admit(&addresses, &self.route.host).map_err(PhaseError::Denied)?,
            // That says nothing about the target.
            Some(proxy) => self.admit(&addresses, &proxy.host.to_string()).map_err(PhaseError::ProxyUnreachable)?,
        }
        trace.addresses.clone_from(&addresses);
        Ok(addresses)
    }

    async fn addresses(&self, of: &Endpoint, trace: &mut ConnectionTrace) -> Result<Vec<SocketAddr>, PhaseError> {
        let (host, port) = match of {
            Endpoint::Address(address) => return Ok(vec![*address]),
            // Nothing to resolve: `connect` handles a Unix socket before this.
            Endpoint::Unix(_) => return Ok(Vec::new()),
            Endpoint::Name { host, port } => (host, *port),
        };
        trace.enter(Phase::Resolve);
        let found =
            self.requester.names.lookup(self.transport.resolver, host, self.transport.ip, self.deadline.at).await;
        let found = found.map_err(|error| PhaseError::Resolve { host: host.clone(), error })?;
        Ok(found.into_iter().take(ADDRESSES).map(|address| SocketAddr::new(address, port)).collect())
    }

    /// Fails if any address is denied: one is enough, because the owner of the name decides which of them
    /// would be dialled.
    fn admit(&self, addresses: &[SocketAddr], host: &str) -> Result<(), MessageText> {
        let denied = |address: &SocketAddr| Some((address.ip(), self.transport.deny.denies(address.ip())?));
        let Some((ip, network)) = addresses.iter().find_map(denied) else { return Ok(()) };
        let is_named = host.trim_matches(['[', ']']) != ip.to_string();
        let leads = if is_named { message!("{host} leads to {ip}, which") } else { message!("{ip}") };
        Err(leads.then(message!(" is in the denied network \"{network}\"")))
    }

    /// Opens a TCP connection, through the proxy if there is one.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn reach(
        &self,
        addresses: &[SocketAddr],
        trace: &mut ConnectionTrace,
    ) -> Result<Stream, PhaseError> {
        let Some(proxy) = &self.route.proxy else {
            return dial(addresses, &self.route.source, trace).await.map(Stream::from).map_err(PhaseError::Connect);
        };
        // The targets are resolved before the proxy is dialled.
        let mut targets = self.proxy_targets(proxy, trace).await?.into_iter();
        trace.enter(Phase::Connect);
        let is_asked_first = !matches!(self.route.protocol, Protocol::Tcp | Protocol::Tls);
        while let Some(target) = targets.next() {
            trace.proxy_serves = false;
            let mut stream = self.connect_proxy(proxy, addresses, trace).await?;
            proxy.greet(&mut stream).await.map_err(PhaseError::Proxy)?;
            trace.proxy_serves = true;
            match proxy.open(stream, &target, is_asked_first).await {
                Ok(stream) => return Ok(stream),
                // The next address of the name may be reachable.
                Err(error) if targets.len() > 0 && error.is_of_target() => {}
                Err(error) => return Err(PhaseError::Proxy(error)),
            }
        }
        let stream = self.connect_proxy(proxy, addresses, trace).await?;
        trace.proxy_serves = true;
        Ok(stream)
    }

    async fn connect_proxy(
        &self,
        proxy: &Proxy,
        addresses: &[SocketAddr],
        trace: &mut ConnectionTrace,
    ) -> Result<Stream, PhaseError> {
        let dialed = dial(addresses, &self.route.source, trace).await;
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

    /// The targets to name to the proxy, tried in order until one can be reached; none if it
    /// forwards the request itself.
    async fn proxy_targets(&self, proxy: &Proxy, trace: &mut ConnectionTrace) -> Result<Vec<ProxyTarget>, PhaseError> {
        if let Endpoint::Address(address) = self.route.endpoint {
            self.admit(&[address], &self.route.host).map_err(PhaseError::Denied)?;
        }
        if self.route.forwarding_proxy().is_some() {
            return Ok(Vec::new());
        }
        let looks_up = matches!(proxy.scheme, ProxyScheme::Socks5 { names: false });
        Ok(match &self.route.endpoint {
            Endpoint::Unix(_) => Vec::new(),
            Endpoint::Address(address) => vec![ProxyTarget::Address(*address)],
            Endpoint::Name { host, port } if !looks_up => vec![ProxyTarget::Name(host.clone(), *port)],
            name @ Endpoint::Name { .. } => {
                let found = self.addresses(name, trace).await?;
                self.admit(&found, &self.route.host).map_err(PhaseError::Denied)?;
                found.into_iter().map(ProxyTarget::Address).collect()
            }
        })
    }

    /// Makes the TLS handshake with the proxy itself. It gets the proxy's password, so `tls.insecure` is not for it.
    async fn secure_proxy(&self, proxy: &Proxy, stream: Stream) -> Result<Stream, PhaseError> {
        let name = match &proxy.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let unusable = |why: MessageText| PhaseError::ProxyUnreachable(why);
        let server = name.clone().try_into().map_err(|_| unusable("its host cannot be named in TLS".into()))?;
        let settings = self.requester.tls.get(&proxy_tls_settings(&self.transport.tls));
        let settings = settings.ok_or(PhaseError::Unprepared)?;
        let shown = SharedHandshake::default();
        shake_hands(&settings, alpn(HttpVersionPreference::Http1), server, stream, &shown).await.map_err(|error| {
            let fault = handshake_fault(&error, &shown.facts(), &proxy.name(), &name);
            unusable(fault.message)
        })
    }

    /// Makes the TLS handshake with the target, offering these protocols by ALPN.
    ///
    /// # Errors
    /// Why it failed.
    pub(crate) async fn secure(
        &self,
        tls: &TlsRoute,
        protocols: Vec<Vec<u8>>,
        stream: Stream,
        trace: &mut ConnectionTrace,
    ) -> Result<Stream, PhaseError> {
        trace.enter(Phase::Tls);
        let settings = self.requester.tls.get(&tls.settings).ok_or(PhaseError::Unprepared)?;
        let name = tls.name.clone().ok_or(PhaseError::Nameless)?;
        let shown = SharedHandshake::default();
        trace.handshake = Some(shown.clone());
        match shake_hands(&settings, protocols, name.clone(), stream, &shown).await {
            Ok(stream) => Ok(stream),
            Err(error) => Err(self.handshake_error(error, &name, &shown, trace).await),
        }
    }

    /// Why the handshake failed; a server that found nothing in common is probed for what it speaks, in a part of the
    /// time that is left: the refusal is known, and neither its phase nor the check takes longer for it.
    async fn handshake_error(
        &self,
        error: io::Error,
        name: &ServerName<'_>,
        shown: &SharedHandshake,
        trace: &mut ConnectionTrace,
    ) -> PhaseError {
        let has_nothing_in_common = has_nothing_in_common(&error, &shown.facts());
        let Some(address) = trace.remote.filter(|_| has_nothing_in_common && self.route.proxy.is_none()) else {
            return PhaseError::Tls(error);
        };
        trace.end();
        let began = Instant::now();
        let most = self.deadline.at.saturating_duration_since(began) / 2;
        let source = &self.route.source;
        let unsupported = timeout(most, tls::unknown(|| dial::connect(address, source), &name.to_str())).await;
        trace.close_time += began.elapsed();
        unsupported.ok().flatten().map_or(PhaseError::Tls(error), PhaseError::Unsupported)
    }
}
