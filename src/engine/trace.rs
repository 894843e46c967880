//! The instants and facts of one request's connection: which phase it is in, how long each took,
//! whom it spoke to, and what TLS showed.

use std::net::SocketAddr;
#[cfg(feature = "http3")]
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tokio::time::Instant;

use crate::model::{Phase, Timings};

use super::handshake::SharedHandshake;
#[cfg(feature = "http3")]
use super::quic::ServerSocket;

/// What is known of one request besides its answer.
#[derive(Clone, Debug)]
pub(super) struct ConnectionTrace {
    began: Instant,
    /// The phase it is in, and since when.
    phase: Option<(Phase, Instant)>,
    timings: Timings,
    /// The address that is or was last dialled.
    pub(super) remote: Option<SocketAddr>,
    /// The addresses that the name has.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether a TCP connection stands: to the proxy, where there is one.
    pub(super) reached: bool,
    /// What the TLS handshake with the target showed; absent without TLS.
    pub(super) handshake: Option<SharedHandshake>,
    /// The socket of QUIC, which knows what came over it; absent over TCP.
    #[cfg(feature = "http3")]
    pub(super) udp: Option<Arc<ServerSocket>>,
}

impl ConnectionTrace {
    pub(super) fn new() -> ConnectionTrace {
        ConnectionTrace {
            began: Instant::now(),
            phase: None,
            timings: Timings::default(),
            remote: None,
            addresses: Vec::new(),
            reached: false,
            handshake: None,
            #[cfg(feature = "http3")]
            udp: None,
        }
    }

    /// A phase begins, and the one before it ends.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// A phase began at this instant, and the one before it ended.
    pub(super) fn enter_at(&mut self, phase: Phase, at: Instant) {
        self.close(at);
        self.phase = Some((phase, at));
    }

    /// The last phase ends.
    pub(super) fn end(&mut self) {
        let now = Instant::now();
        self.close(now);
        self.timings.total = now - self.began;
    }

    fn close(&mut self, now: Instant) {
        if let Some((phase, since)) = self.phase.take() {
            self.timings.add(phase, now - since);
        }
    }

    /// The phase it is in.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.phase.map(|(phase, _)| phase)
    }

    /// How long each phase took, once it has ended.
    pub(super) fn timings(&self) -> Timings {
        self.timings
    }

    /// The server's own certificate, as far as one was shown.
    pub(super) fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.handshake.as_ref()?.facts().chain.first().cloned()
    }

    /// What was dialled, for a message; `host` where nothing was.
    pub(super) fn target(&self, host: &str) -> String {
        self.remote.map_or_else(|| host.to_owned(), |remote| remote.to_string())
    }
}
