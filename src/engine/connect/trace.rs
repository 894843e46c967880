//! The trace of one request's connection: its current phase, how long each phase took, the server's
//! address, and the facts of the TLS handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::time::Instant;

#[cfg(feature = "http3")]
use crate::engine::connect::server_socket::ServerSocket;
use crate::engine::tls::handshake::SharedHandshake;
use crate::engine::transport::wire::Received;
use crate::model::{Phase, Timings};

/// What is known about one request besides its answer.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionTrace {
    began: Instant,
    /// The current phase, and when it began.
    phase: Option<(Phase, Instant)>,
    timings: Timings,
    /// The address being dialled, or dialled last.
    pub(crate) remote: Option<SocketAddr>,
    /// The addresses of the name.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether a TCP connection was made to the proxy.
    pub(crate) reached: bool,
    /// Whether the proxy was ready to be told the target: from then on, it may be the target that it waits for.
    pub(crate) proxy_serves: bool,
    /// The facts of the TLS handshake with the target; absent without TLS.
    pub(crate) handshake: Option<SharedHandshake>,
    /// What the server sent over HTTP/2; absent over other versions.
    pub(crate) http2: Option<Arc<Http2Facts>>,
    /// Time spent after the last phase, waiting for the server to close or finding out why it refused; no phase and no
    /// total includes it.
    pub(crate) close_time: Duration,
    /// The QUIC socket, which knows what arrived on it; absent over TCP.
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
            proxy_serves: false,
            handshake: None,
            http2: None,
            close_time: Duration::ZERO,
            #[cfg(feature = "http3")]
            udp: None,
        }
    }

    /// Begins a phase, and ends the one before it.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// Begins a phase as of this instant, and ends the one before it.
    pub(crate) fn enter_at(&mut self, phase: Phase, at: Instant) {
        self.close(at);
        self.phase = Some((phase, at));
    }

    /// Ends the current phase.
    pub(crate) fn end(&mut self) {
        let now = Instant::now();
        self.close(now);
        self.timings.total = (now - self.began).saturating_sub(self.close_time);
    }

    fn close(&mut self, now: Instant) {
        if let Some((phase, since)) = self.phase.take() {
            self.timings.add(phase, now - since);
        }
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.phase.map(|(phase, _)| phase)
    }

    /// The duration of each phase that has ended.
    pub(crate) fn timings(&self) -> Timings {
        self.timings
    }

    /// The facts of an HTTP/2 connection that is to be opened.
    pub(crate) fn begin_http2(&mut self) -> Arc<Http2Facts> {
        Arc::clone(self.http2.insert(Arc::default()))
    }

    /// The server's own certificate, if it sent one.
    pub(crate) fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.handshake.as_ref()?.facts().chain.first().cloned()
    }

    /// The address that was dialled, for a message; `host` if none was.
    pub(crate) fn target(&self, host: &str) -> String {
        self.remote.map_or_else(|| host.to_owned(), |remote| remote.to_string())
    }
}

/// What is known of an HTTP/2 connection, also when the wait for an answer was given up.
#[derive(Debug, Default)]
pub(crate) struct Http2Facts {
    /// What was received on it.
    pub(crate) received: Arc<Received>,
    /// Whether the server's SETTINGS allow no streams at present.
    pub(crate) is_shut: AtomicBool,
}

impl Http2Facts {
    /// Why the server gives no answer, as far as is known.
    pub(crate) fn reason_for_silence(&self) -> Option<&'static str> {
        if self.received.bytes() == 0 {
            return Some("it sent nothing over HTTP/2, not even its SETTINGS");
        }
        let is_shut = self.is_shut.load(Ordering::Relaxed);
        is_shut.then_some("it allows no requests at present (SETTINGS_MAX_CONCURRENT_STREAMS is 0)")
    }
}
