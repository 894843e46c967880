//! A WebSocket: the connection is upgraded from HTTP/1.1, a text is sent where there is one, the first
//! message is taken, and both sides say that it is over.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, timeout_at};

use crate::engine::classify::body_io_fault;
use crate::engine::classify::phase_error::{Ending, PhaseError};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::connector::Connector;
use crate::engine::fault::{Deadline, Fault, timed_out};
use crate::engine::http::body::Body;
use crate::engine::http::connection::HeadError;
use crate::engine::http::http1::Http1;
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::protocol::websocket::{self, MessageError, WebSocket};
use crate::engine::tls::alpn;
use crate::model::HttpVersionPreference;
use crate::model::{FailureClass, Phase};

/// How long a peer has to say that it is over, too.
const FAREWELL: Duration = Duration::from_secs(1);

/// One WebSocket.
pub(crate) struct WebSocketCheck<'a> {
    pub(crate) connector: Connector<'a>,
    /// The request, without what asks for the upgrade.
    pub(crate) request: OutgoingRequest,
    /// The subprotocols offered, first choice first.
    pub(crate) subprotocols: Vec<&'a str>,
    /// What is sent once it stands.
    pub(crate) send: Option<String>,
    /// Whether a message is waited for.
    pub(crate) waits: bool,
    /// The most bytes of a message.
    pub(crate) limit: u64,
}

/// What came of it.
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
    /// Carries it out.
    pub(crate) async fn run(&self) -> Conversation {
        let (mut trace, mut head, mut body) = (ConnectionTrace::new(), None, Body::default());
        let phases = Box::pin(self.phases(&mut trace, &mut head, &mut body));
        let ended = timeout_at(self.connector.deadline.at, phases).await;
        let fault = match ended.unwrap_or(Err(WebSocketError::Phase(PhaseError::OutOfTime))) {
            Ok(()) => None,
            Err(error) => Some(self.fault(error, &trace)),
        };
        trace.end();
        Conversation { trace, head, body, fault }
    }

    async fn phases(
        &self,
        trace: &mut ConnectionTrace,
        head: &mut Option<ResponseHead>,
        body: &mut Body,
    ) -> Result<(), WebSocketError> {
        let mut stream = self.connector.connect(trace).await?;
        if let Some(tls) = &self.connector.route.tls {
            stream = self.connector.secure(tls, alpn(HttpVersionPreference::Http1), stream, trace).await?;
        }
        trace.enter(Phase::Processing);
        let of_head = |error| PhaseError::Head(HeadError::Http1(error));
        let mut http1 = Http1::open(stream);
        let (key, accept) = websocket::key();
        let answer = http1.send(&self.upgrade(&key)).await.map_err(of_head)?;
        let answer = head.insert(answer);
        if let Some(why) = self.refusal(answer, &accept) {
            return Err(WebSocketError::Refused(why));
        }
        let (stream, unread) = http1.into_upgraded();
        let mut socket = WebSocket::new(stream, &unread);
        trace.enter(Phase::Transfer);
        if let Some(text) = &self.send {
            socket.send(text).await.map_err(MessageError::from)?;
        }
        if self.waits {
            body.bytes = socket.message(self.limit).await?;
            body.read = body.bytes.len() as u64;
        }
        trace.end();
        // Who does not say farewell has still answered.
        let until = (Instant::now() + FAREWELL).min(self.connector.deadline.at);
        let _ = timeout_at(until, socket.close()).await;
        Ok(())
    }

    /// The request with what asks for the upgrade (RFC 6455 section 4.1).
    fn upgrade(&self, key: &str) -> OutgoingRequest {
        let mut request = OutgoingRequest { method: Method::GET, ..self.request.clone() };
        let headers = &mut request.headers;
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(header::SEC_WEBSOCKET_KEY, key);
        if !self.subprotocols.is_empty() {
            set(header::SEC_WEBSOCKET_PROTOCOL, &self.subprotocols.join(", "));
        }
        request
    }

    /// Why an answer is no upgrade (section 4.1).
    fn refusal(&self, answer: &ResponseHead, accept: &str) -> Option<String> {
        let status = answer.status;
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Some(format!("it answers {status}"));
        }
        if !has_word(&answer.headers, &header::UPGRADE, "websocket") {
            return Some("it switches to another protocol".to_owned());
        }
        if !has_word(&answer.headers, &header::CONNECTION, "upgrade") {
            return Some("its header connection does not say upgrade".to_owned());
        }
        let shown = answer.headers.get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
        if shown.trim_ascii() != accept.as_bytes() {
            return Some("its header sec-websocket-accept is not the answer to our key".to_owned());
        }
        if answer
            .headers
            .get_all(header::SEC_WEBSOCKET_EXTENSIONS)
            .iter()
            .any(|value| !value.as_bytes().trim_ascii().is_empty())
        {
            return Some("it wants an extension that was not offered".to_owned());
        }
        let chosen = answer.headers.get(header::SEC_WEBSOCKET_PROTOCOL)?;
        let offered = self.request.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let of_headers = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let mut all = self.subprotocols.iter().copied().chain(of_headers.map(str::trim));
        let is_offered = all.any(|offered| offered.as_bytes() == chosen.as_bytes());
        (!is_offered).then(|| "it chooses a subprotocol that was not offered".to_owned())
    }

    fn fault(&self, error: WebSocketError, trace: &ConnectionTrace) -> Fault {
        let (route, deadline) = (self.connector.route, self.connector.deadline);
        let ending = Ending { route, deadline, trace, intake: None };
        let target = ending.target();
        match error {
            WebSocketError::Refused(why) => Fault::new(
                FailureClass::UpgradeRefused,
                Phase::Processing,
                format!("{target} does not switch to WebSocket: {why}"),
            ),
            WebSocketError::Phase(PhaseError::OutOfTime) if trace.phase() == Some(Phase::Transfer) => {
                late_message(deadline, &target)
            }
            WebSocketError::Phase(error) => ending.fault(&error),
            WebSocketError::Message(error) => message_fault(&error, &target, self.limit),
        }
    }
}

fn late_message(deadline: Deadline, target: &str) -> Fault {
    let mut fault = timed_out(Phase::Transfer, deadline, target);
    if fault.class == FailureClass::BodyTimeout {
        fault.class = FailureClass::MessageTimeout;
        fault.message = format!("{target} sent no message {}", deadline.within());
    }
    fault
}

fn message_fault(error: &MessageError, target: &str, limit: u64) -> Fault {
    let fault = |class, message| Fault::new(class, Phase::Transfer, message);
    match error {
        MessageError::Io(error) => body_io_fault(error, target),
        MessageError::Ended => {
            fault(FailureClass::EmptyReply, format!("{target} ended the connection without a message"))
        }
        MessageError::Closed(None) => {
            fault(FailureClass::EmptyReply, format!("{target} closed the WebSocket without a message"))
        }
        MessageError::Closed(Some((code, words))) => {
            let words = if words.is_empty() { String::new() } else { format!(" `{words}`") };
            let message = format!("{target} closed the WebSocket with code {code}{words} without a message");
            fault(FailureClass::EmptyReply, message)
        }
        MessageError::Protocol(why) => {
            fault(FailureClass::HttpProtocol, format!("what {target} sends is not valid WebSocket: {why}"))
        }
        MessageError::TooLarge => fault(
            FailureClass::BodyTooLarge,
            format!("the message of {target} is larger than the limit of {limit} bytes"),
        ),
    }
}

/// Whether a header has a word in its list, whatever its case.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}
