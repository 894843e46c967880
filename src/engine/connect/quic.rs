//! Addresses → a QUIC connection: the first address whose server answers is used for the handshake.
//! Everything runs in the task that waits.

mod session;
mod tasks;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ConnectError as Unconnectable, ConnectionError, Endpoint, EndpointConfig, TransportConfig, VarInt};
use rustls::pki_types::ServerName;

use crate::engine::connect::dial::{ConnectError, HEAD_START, Source, open_udp};
use crate::engine::connect::server_socket::ServerSocket;
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::limits::{CONNECTION_WINDOW, STREAM_WINDOW};
use crate::engine::tls::handshake::{SharedHandshake, watched};
use crate::engine::tls::{TlsSettings, alpn};
use crate::model::{HttpVersionPreference, Phase};

use session::WatchedConfig;

pub(crate) use tasks::Tasks;

/// The streams that a server may open: HTTP/3 needs three, and servers may try others.
const SERVER_STREAMS: u32 = 8;

/// Why there is no QUIC connection.
#[derive(Debug)]
pub(crate) enum QuicError {
    /// No UDP socket can send to a server.
    Socket(ConnectError),
    /// quinn's error for a server that was contacted.
    Connection(ConnectionError),
    /// The TLS settings cannot be used with QUIC.
    Unusable(String),
}

impl QuicError {
    /// Whether it is a TLS error: then the server has answered.
    fn is_of_tls(&self) -> bool {
        let code = match self {
            QuicError::Connection(ConnectionError::TransportError(error)) => u64::from(error.code),
            QuicError::Connection(ConnectionError::ConnectionClosed(close)) => u64::from(close.error_code),
            _ => return false,
        };
        alert(code).is_some()
    }

    /// How telling a failure is: first that the server answered, last that a socket failed.
    fn weight(&self) -> u8 {
        match self {
            QuicError::Connection(ConnectionError::TimedOut) => 1,
            QuicError::Connection(_) => 2,
            QuicError::Socket(_) | QuicError::Unusable(_) => 0,
        }
    }
}

/// The TLS alert in a QUIC error code (RFC 9001 section 4.8).
pub(crate) fn alert(code: u64) -> Option<u8> {
    code.checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok())
}

/// An established connection. Dropping it closes it.
pub(crate) struct QuicConnection {
    pub(crate) connection: quinn::Connection,
    pub(crate) tasks: Tasks,
}

impl Drop for QuicConnection {
    /// Nothing else sends the close, without which the server would keep the connection until its idle timeout.
    fn drop(&mut self) {
        /// `H3_NO_ERROR`.
        const NO_ERROR: VarInt = VarInt::from_u32(0x100);
        if !std::thread::panicking() {
            self.connection.close(NO_ERROR, b"");
            self.tasks.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// A handshake under way.
struct Handshake {
    address: SocketAddr,
    connecting: quinn::Connecting,
    tasks: Tasks,
    shown: SharedHandshake,
    socket: Arc<ServerSocket>,
}

/// How far a handshake is.
enum Progress {
    /// The server has answered.
    Answered,
    /// The handshake is complete.
    Connected(quinn::Connection),
}

pub(crate) struct QuicDialer<'a> {
    pub(crate) settings: &'a TlsSettings,
    pub(crate) name: &'a ServerName<'static>,
    pub(crate) source: &'a Source,
}

impl QuicDialer<'_> {
    /// Connects to the first of these addresses whose server answers: the connect phase ends with the
    /// server's first flight, and the TLS phase with the handshake.
    ///
    /// # Errors
    /// The most telling error of all addresses, or the handshake error of the one that answered.
    pub(crate) async fn connect(
        &self,
        addresses: &[SocketAddr],
        trace: &mut ConnectionTrace,
    ) -> Result<QuicConnection, QuicError> {
        let (handshake, progress) = match self.race(addresses, trace).await {
            Ok(answered) => answered,
            Err(error) => {
                if error.is_of_tls() {
                    trace.enter(Phase::Tls);
                }
                return Err(error);
            }
        };
        let Handshake { address, mut connecting, mut tasks, shown, .. } = handshake;
        trace.remote = Some(address);
        let answered = shown.facts().answered;
        trace.handshake = Some(shown);
        match answered {
            Some(at) => trace.enter_at(Phase::Tls, at),
            None => trace.enter(Phase::Tls),
        }
        let connection = match progress {
            Progress::Connected(connection) => connection,
            Progress::Answered => tasks.beside(Pin::new(&mut connecting)).await.map_err(QuicError::Connection)?,
        };
        Ok(QuicConnection { connection, tasks })
    }

    /// Tries the addresses, each a little after the one before, until a server answers.
    async fn race(
        &self,
        addresses: &[SocketAddr],
        trace: &mut ConnectionTrace,
    ) -> Result<(Handshake, Progress), QuicError> {
        let mut waiting = addresses.iter().copied();
        let mut begun: Vec<(SocketAddr, SharedHandshake, Arc<ServerSocket>)> = Vec::new();
        let mut shaking = FuturesUnordered::new();
        let mut failed: Vec<(SocketAddr, QuicError)> = Vec::new();
        loop {
            if let Some(address) = waiting.next() {
                match self.begin(address) {
                    Ok(handshake) => {
                        begun.push((address, handshake.shown.clone(), Arc::clone(&handshake.socket)));
                        shaking.push(handshake.answered());
                    }
                    Err(error) => failed.push((address, error)),
                }
            }
            let hangs = |begun: &&(SocketAddr, SharedHandshake, Arc<ServerSocket>)| {
                !failed.iter().any(|(address, _)| *address == begun.0)
            };
            if let Some((address, shown, socket)) = begun.iter().find(hangs).or(begun.last()) {
                trace.remote = Some(*address);
                trace.handshake = Some(shown.clone());
                trace.udp = Some(Arc::clone(socket));
            }
            if shaking.is_empty() && waiting.len() > 0 {
                continue;
            }
            let ended = tokio::select! {
                ended = shaking.next() => ended,
                () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => continue,
            };
            match ended {
                Some(Ok(answered)) => return Ok(answered),
                Some(Err((address, error))) => failed.push((address, error)),
                None => return Err(most_telling(failed, &begun, trace)),
            }
        }
    }

    /// Sends the first flight to a server.
    fn begin(&self, address: SocketAddr) -> Result<Handshake, QuicError> {
        let of_socket = |error| QuicError::Socket(ConnectError { address, error, tried: 1 });
        let socket = open_udp(address, self.source).map_err(of_socket)?;
        let socket = Arc::new(ServerSocket::new(socket, address));
        let shown = SharedHandshake::default();
        let tls = watched(self.settings, alpn(HttpVersionPreference::Http3), &shown);
        let unusable = |error: &dyn std::error::Error| QuicError::Unusable(error.to_string());
        let tls = QuicClientConfig::try_from(tls).map_err(|error| unusable(&error))?;
        let watched = WatchedConfig { inner: Arc::new(tls), shown: shown.clone() };
        let mut config = quinn::ClientConfig::new(Arc::new(watched));
        config.transport_config(Arc::new(transport()));
        let tasks = Tasks::default();
        let endpoint = Endpoint::new_with_abstract_socket(
            EndpointConfig::default(),
            None,
            Arc::<ServerSocket>::clone(&socket),
            tasks.runtime(),
        );
        let endpoint = endpoint.map_err(of_socket)?;
        let connecting = endpoint.connect_with(config, address, &self.name.to_str());
        let connecting = connecting.map_err(|error: Unconnectable| unusable(&error))?;
        Ok(Handshake { address, connecting, tasks, shown, socket })
    }
}

impl Handshake {
    /// Waits for the server's first flight.
    async fn answered(mut self) -> Result<(Handshake, Progress), (SocketAddr, QuicError)> {
        let progress = poll_fn(|context| {
            self.tasks.poll(context);
            if self.shown.facts().answered.is_some() {
                return Poll::Ready(Ok(Progress::Answered));
            }
            let polled = Pin::new(&mut self.connecting).poll(context).map_ok(Progress::Connected);
            if polled.is_pending() {
                self.tasks.poll(context);
            }
            polled
        });
        match progress.await {
            Ok(progress) => Ok((self, progress)),
            Err(error) => Err((self.address, QuicError::Connection(error))),
        }
    }
}

/// QUIC settings: the check's deadline replaces the idle timeout, and a server may open few streams.
fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(None)
        .stream_receive_window(STREAM_WINDOW.into())
        .receive_window(CONNECTION_WINDOW.into())
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(SERVER_STREAMS.into())
        .datagram_receive_buffer_size(None);
    transport
}

fn most_telling(
    failed: Vec<(SocketAddr, QuicError)>,
    begun: &[(SocketAddr, SharedHandshake, Arc<ServerSocket>)],
    trace: &mut ConnectionTrace,
) -> QuicError {
    let tried = failed.len();
    let told = failed.into_iter().enumerate().max_by_key(|(place, (_, error))| (error.weight(), usize::MAX - place));
    let Some((_, (address, mut error))) = told else {
        // A name without addresses is reported by its resolution.
        let none = io::ErrorKind::AddrNotAvailable.into();
        return QuicError::Socket(ConnectError { address: SocketAddr::from(([0, 0, 0, 0], 0)), error: none, tried });
    };
    if let QuicError::Socket(failed) = &mut error {
        failed.tried = tried;
    }
    trace.remote = Some(address);
    trace.handshake = begun.iter().find(|(begun, ..)| *begun == address).map(|(_, shown, _)| shown.clone());
    error
}
