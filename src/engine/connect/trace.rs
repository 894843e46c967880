//! The instants and facts of one request's connection: which phase it is in, how long each took,
//! whom it spoke to, and what TLS showed.

use std::net::SocketAddr;
#[cfg(feature = "http3")]
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::time::Instant;

#[cfg(feature = "http3")]
use crate::engine::connect::quic::ServerSocket;
use crate::engine::tls::handshake::SharedHandshake;
use crate::model::{Phase, Timings};

/// What is known of one request besides its answer.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionTrace {
    began: Instant,
    /// The phase it is in, and since when.
    phase: Option<(Phase, Instant)>,
    timings: Timings,
    /// The address that is or was last dialled.
    pub(crate) remote: Option<SocketAddr>,
    /// The addresses that the name has.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether a TCP connection stands: to the proxy, if there is one.
    pub(crate) reached: bool,
    /// What the TLS handshake with the target showed; absent without TLS.
    pub(crate) handshake: Option<SharedHandshake>,
    /// How long was waited, after the last phase, for the server to close what is over: no part of any time.
    pub(crate) farewell: Duration,
    /// The socket of QUIC, which knows what came over it; absent over TCP.
    #[cfg(feature = "http3")]
    pub(crate) udp: Option<Arc<ServerSocket>>,
}

impl ConnectionTrace {
    pub(crate) fn new() -> ConnectionTrace {
        ConnectionTrace {
            began: Instant::now(),
            phase: None,
            timings: Timings::default(),
            remote: None,
            addresses: Vec::new(),
            reached: false,
            handshake: None,
            farewell: Duration::ZERO,
            #[cfg(feature = "http3")]
            udp: None,
        }
    }

    /// A phase begins, and the one before it ends.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// A phase began at this instant, and the one before it ended.
    pub(crate) fn enter_at(&mut self, phase: Phase, at: Instant) {
        self.close(at);
        self.phase = Some((phase, at));
    }

    /// The last phase ends.
    pub(crate) fn end(&mut self) {
        let now = Instant::now();
        self.close(now);
        self.timings.total = (now - self.began).saturating_sub(self.farewell);
    }

    fn close(&mut self, now: Instant) {
        if let Some((phase, since)) = self.phase.take() {
            self.timings.add(phase, now - since);
        }
    }

    /// The phase it is in.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.phase.map(|(phase, _)| phase)
    }

    /// How long each phase took, once it has ended.
    pub(crate) fn timings(&self) -> Timings {
        self.timings
    }

    /// The server's own certificate, as far as one was shown.
    pub(crate) fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.handshake.as_ref()?.facts().chain.first().cloned()
    }

    /// What was dialled, for a message; `host` where nothing was.
    pub(crate) fn target(&self, host: &str) -> String {
        self.remote.map_or_else(|| host.to_owned(), |remote| remote.to_string())
    }
}
