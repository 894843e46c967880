//! A check of a WebSocket: it is opened over HTTP/2 if the server accepts that, else over HTTP/1.1; a text is sent if
//! there is one, the first message is read, and both sides close.
//!
//! A server that chooses HTTP/2 in TLS need not accept a WebSocket over it, and most do not: then a fresh HTTP/1.1
//! connection is judged, as a browser would make one. A server whose SETTINGS offer it must accept it.

use std::sync::Arc;
use std::time::Duration;

use http::Version;
use tokio::time::{Instant, timeout_at};

use crate::engine::classify::body_io_fault;
use crate::engine::classify::http2_fault::http2_body_fault;
use crate::engine::classify::phase_error::{Ending, PhaseError};
use crate::engine::connect::trace::{ConnectionTrace, Http2Facts};
use crate::engine::exchange::connector::Connector;
use crate::engine::fault::{Deadline, Fault, timed_out};
use crate::engine::http::body::Body;
use crate::engine::http::connection::{HeadError, Retry};
use crate::engine::http::http1::Http1;
use crate::engine::http::http2::{self, Http2};
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::protocol::websocket::{self, Carrier, MessageError, WebSocket};
use crate::engine::protocol::websocket_handshake::WebSocketHandshake;
use crate::engine::transport::stream::Stream;
use crate::model::{FailureClass, HttpVersionPreference, MessageText, Phase, message};

/// How long to wait for the peer's close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct WebSocketCheck<'a> {
    pub(crate) connector: Connector<'a>,
    /// The request, without the headers for the upgrade.
    pub(crate) request: OutgoingRequest,
    /// The subprotocols offered, first choice first.
    pub(crate) subprotocols: Vec<&'a str>,
    /// The text to send once it is open.
    pub(crate) send: Option<String>,
    /// Whether a message is waited for.
    pub(crate) waits: bool,
    /// The most bytes of a message.
    pub(crate) limit: u64,
}

/// The result of the check.
pub(crate) struct Conversation {
    pub(crate) trace: ConnectionTrace,
    /// The answer to the upgrade.
    pub(crate) head: Option<ResponseHead>,
    /// The first message.
    pub(crate) body: Body,
    pub(crate) fault: Option<Fault>,
}

/// Why it ended early.
enum WebSocketError {
    Phase(PhaseError),
    /// The server does not switch to WebSocket, for this reason.
    Refused(String),
    /// The server speaks HTTP/2, and does not offer WebSocket over it.
    NotOffered,
    Message(MessageError),
}

impl From<PhaseError> for WebSocketError {
    fn from(error: PhaseError) -> WebSocketError {
        WebSocketError::Phase(error)
    }
}

impl From<MessageError> for WebSocketError {
    fn from(error: MessageError) -> WebSocketError {
        WebSocketError::Message(error)
    }
}

impl WebSocketCheck<'_> {
    /// Runs the check; retries once if the server asks for that, and over HTTP/1.1 if it accepts no other.
    pub(crate) async fn run(&self) -> Conversation {
        let (mut version, mut is_first) = (self.version(), true);
        loop {
            let (conversation, retry) = self.attempt(version).await;
            match retry {
                Retry::Http1 => version = HttpVersionPreference::Http1,
                Retry::Fresh if is_first => is_first = false,
                Retry::Fresh | Retry::No => return conversation,
            }
        }
    }

    /// The HTTP version to try first. Without TLS there is no ALPN to choose HTTP/2.
    fn version(&self) -> HttpVersionPreference {
        let route = self.connector.route;
        let is_known = || route.tls.is_none() || self.connector.requester.tunnel_offers.are_missing(route);
        match route.version {
            HttpVersionPreference::Auto if is_known() => HttpVersionPreference::Http1,
            version => version,
        }
    }

    async fn attempt(&self, version: HttpVersionPreference) -> (Conversation, Retry) {
        let (mut trace, mut head, mut body) = (ConnectionTrace::new(), None, Body::default());
        let phases = Box::pin(self.phases(version, &mut trace, &mut head, &mut body));
        let ended = timeout_at(self.connector.deadline.at, phases).await;
        let (fault, retry) = match ended.unwrap_or(Err(WebSocketError::Phase(PhaseError::OutOfTime))) {
            Ok(()) => (None, Retry::No),
            Err(error) => {
                let retry = retry(&error, version);
                (Some(self.fault(error, head.as_ref(), &trace)), retry)
            }
        };
        trace.end();
        (Conversation { trace, head, body, fault }, retry)
    }

    async fn phases(
        &self,
        version: HttpVersionPreference,
        trace: &mut ConnectionTrace,
        head: &mut Option<ResponseHead>,
        body: &mut Body,
    ) -> Result<(), WebSocketError> {
        let (stream, speaks_http2) = self.connector.connect_http(version, trace).await?;
        trace.enter(Phase::Processing);
        let mut socket = match (speaks_http2, version) {
            (true, HttpVersionPreference::Auto) => {
                self.connect(self.offered(stream, trace.begin_http2()).await?, head).await?
            }
            (true, _) => self.connect(self.asked(stream, trace.begin_http2()).await?, head).await?,
            (false, _) => self.upgrade(stream, head).await?,
        };
        trace.enter(Phase::Transfer);
        if let Some(text) = &self.send {
            socket.send(text).await.map_err(MessageError::from)?;
        }
        if self.waits {
            body.bytes = socket.message(self.limit).await?;
            body.read = body.bytes.len() as u64;
        }
        trace.end();
        let since = Instant::now();
        let until = (since + CLOSE_TIMEOUT).min(self.connector.deadline.at);
        let closed = timeout_at(until, socket.close()).await;
        trace.close_time = since.elapsed();
        match closed {
            // Over HTTP/2 no key proves that the server speaks WebSocket: without a message, its close frame must.
            Ok(Err(MessageError::Protocol(why))) if speaks_http2 && !self.waits => {
                Err(MessageError::Protocol(why).into())
            }
            // A peer that does not close in order has still answered.
            _ => Ok(()),
        }
    }

    fn handshake(&self) -> WebSocketHandshake<'_> {
        WebSocketHandshake { request: &self.request, subprotocols: &self.subprotocols }
    }

    /// Opens a WebSocket over an HTTP/1.1 connection.
    async fn upgrade(&self, stream: Stream, head: &mut Option<ResponseHead>) -> Result<WebSocket, WebSocketError> {
        let of_head = |error| PhaseError::Head(HeadError::Http1(error));
        let (handshake, mut http1) = (self.handshake(), Http1::open(stream));
        let (key, accept) = websocket::key();
        let answer = http1.send(&handshake.upgrade(&key)).await.map_err(of_head)?;
        if let Some(why) = handshake.refused_upgrade(head.insert(answer), &accept) {
            return Err(WebSocketError::Refused(why));
        }
        let (stream, unread) = http1.into_upgraded();
        Ok(WebSocket::new(Carrier::Connection(stream), &unread))
    }

    /// Opens a WebSocket over an HTTP/2 stream.
    async fn connect(&self, http2: Http2, head: &mut Option<ResponseHead>) -> Result<WebSocket, WebSocketError> {
        let handshake = self.handshake();
        let (answer, tunnel) = http2.open_tunnel(&handshake.connect(), "websocket").await.map_err(of_http2)?;
        if let Some(why) = handshake.refused_connect(head.insert(answer)) {
            return Err(WebSocketError::Refused(why));
        }
        if tunnel.is_over() {
            return Err(WebSocketError::Refused("it ends the stream with its answer".to_owned()));
        }
        Ok(WebSocket::new(Carrier::Tunnel(Box::new(tunnel)), &[]))
    }

    /// Starts HTTP/2 as the probe requires it: the server must offer WebSocket over it.
    async fn asked(&self, stream: Stream, facts: Arc<Http2Facts>) -> Result<Http2, WebSocketError> {
        let mut http2 = Http2::open(stream, facts).await.map_err(of_http2)?;
        // The error of an ended connection is reported when it is used.
        if http2.takes_tunnels().await || !http2.is_open() { Ok(http2) } else { Err(WebSocketError::NotOffered) }
    }

    /// Starts HTTP/2, which the server has chosen, if it offers WebSocket over it. If that is not known within half of
    /// the remaining time, the other half is for HTTP/1.1.
    async fn offered(&self, stream: Stream, facts: Arc<Http2Facts>) -> Result<Http2, WebSocketError> {
        let now = Instant::now();
        let until = now + self.connector.deadline.at.saturating_duration_since(now) / 2;
        let offer = async {
            let mut http2 = Http2::open(stream, facts).await.ok()?;
            let takes_tunnels = http2.takes_tunnels().await;
            Some((http2, takes_tunnels))
        };
        match timeout_at(until, offer).await {
            Ok(Some((http2, true))) => Ok(http2),
            Ok(Some((http2, false))) => {
                if http2.is_open() {
                    self.connector.requester.tunnel_offers.note_missing(self.connector.route);
                }
                http2.close();
                Err(WebSocketError::NotOffered)
            }
            Ok(None) | Err(_) => Err(WebSocketError::NotOffered),
        }
    }

    fn fault(&self, error: WebSocketError, head: Option<&ResponseHead>, trace: &ConnectionTrace) -> Fault {
        let (route, deadline) = (self.connector.route, self.connector.deadline);
        let ending = Ending { route, deadline, trace, intake: None };
        let target = ending.target();
        match error {
            WebSocketError::Refused(why) => {
                let is_http2 = head.is_some_and(|head| head.version == Version::HTTP_2);
                let over = if is_http2 { " over HTTP/2, which its SETTINGS offer" } else { "" };
                refused(message!("{target} does not switch to WebSocket").then(over).then(": ").then(why))
            }
            WebSocketError::NotOffered => {
                refused(message!("{target} takes no WebSocket over HTTP/2: its SETTINGS do not offer it (RFC 8441)"))
            }
            WebSocketError::Phase(PhaseError::OutOfTime) if trace.phase() == Some(Phase::Transfer) => {
                late_message(deadline, &target)
            }
            WebSocketError::Phase(error) => ending.fault(&error),
            WebSocketError::Message(error) => message_fault(&error, &target, self.limit),
        }
    }
}

fn of_http2(error: http2::HeadError) -> PhaseError {
    PhaseError::Head(HeadError::Http2(error))
}

/// Whether and how to retry. Only a probe that requires HTTP/2 fails without the offer.
fn retry(error: &WebSocketError, version: HttpVersionPreference) -> Retry {
    match error {
        WebSocketError::NotOffered if version != HttpVersionPreference::Http2 => Retry::Http1,
        WebSocketError::Phase(PhaseError::Head(error)) => error.retry(version),
        _ => Retry::No,
    }
}

fn refused(message: MessageText) -> Fault {
    Fault::new(FailureClass::UpgradeRefused, Phase::Processing, message)
}

fn late_message(deadline: Deadline, target: &str) -> Fault {
    let mut fault = timed_out(Phase::Transfer, deadline, target);
    if fault.class == FailureClass::BodyTimeout {
        fault.class = FailureClass::MessageTimeout;
        fault.message = message!("{target} sent no message ").then(deadline.within());
    }
    fault
}

fn message_fault(error: &MessageError, target: &str, limit: u64) -> Fault {
    let fault = |class, message| Fault::new(class, Phase::Transfer, message);
    match error {
        MessageError::Io(error) => body_io_fault(error, target),
        MessageError::Http2(error) => http2_body_fault(error, target),
        MessageError::Ended => {
            fault(FailureClass::EmptyReply, message!("{target} ended the connection without a message"))
        }
        MessageError::Closed(None) => {
            fault(FailureClass::EmptyReply, message!("{target} closed the WebSocket without a message"))
        }
        MessageError::Closed(Some((code, words))) => {
            let words = if words.is_empty() { MessageText::default() } else { message!(" `{words}`") };
            let message =
                message!("{target} closed the WebSocket with code {code}").then(words).then(" without a message");
            fault(FailureClass::EmptyReply, message)
        }
        MessageError::Protocol(why) => {
            fault(FailureClass::HttpProtocol, message!("what {target} sends is not valid WebSocket: {why}"))
        }
        MessageError::TooLarge => fault(
            FailureClass::BodyTooLarge,
            message!("the message of {target} is larger than the limit of {limit} bytes"),
        ),
    }
}
