//! A call to the gRPC health service (`grpc.health.v1.Health/Check`) over HTTP/2, whose status is in the
//! trailers. The two messages are encoded and decoded by hand: each has one field.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode;
use tokio::time::{Instant, timeout_at};

use crate::engine::classify::http2_fault::{http2_body_fault, http2_head_fault};
use crate::engine::classify::phase_error::{Ending, PhaseError};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::connector::Connector;
use crate::engine::fault::{Fault, timed_out};
use crate::engine::http::connection::{HeadError, Retry};
use crate::engine::http::http2::Http2;
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::tls::alpn;
use crate::model::{FailureClass, GrpcStatus, HttpVersionPreference, MessageText, Phase, message};

/// The path of the call (`grpc/health/v1/health.proto`).
const CALL: &str = "/grpc.health.v1.Health/Check";

/// The most bytes of an answer: a health status takes seven.
const MOST: usize = 64 * 1024;

/// What is wrong with an answer that is shorter than it says.
const CUT: &str = "ends its answer in the middle of a message";

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

pub(crate) struct GrpcCheck<'a> {
    pub(crate) connector: Connector<'a>,
    /// The request, with the metadata of the probe.
    pub(crate) request: OutgoingRequest,
    /// The service whose health is requested; empty for the whole server.
    pub(crate) service: &'a str,
    /// The accepted statuses of the call.
    pub(crate) expected: &'a [GrpcStatus],
}

/// The result of a call.
pub(crate) struct GrpcReply {
    pub(crate) trace: ConnectionTrace,
    pub(crate) head: Option<ResponseHead>,
    pub(crate) status: Option<GrpcStatus>,
    /// How many bytes of an answer were received.
    pub(crate) read: u64,
    pub(crate) fault: Option<Fault>,
}

/// The progress of a call.
#[derive(Default)]
struct Progress {
    head: Option<ResponseHead>,
    answer: Vec<u8>,
    status: Option<GrpcStatus>,
}

/// Why it ended early.
enum GrpcError {
    Phase(PhaseError),
    /// The stream broke while the answer was read.
    Body(h2::Error),
    /// A final judgement: the class, the phase if there is one, and what is wrong, to follow the target's name.
    Judged(FailureClass, Option<Phase>, MessageText),
}

impl From<PhaseError> for GrpcError {
    fn from(error: PhaseError) -> GrpcError {
        GrpcError::Phase(error)
    }
}

impl GrpcCheck<'_> {
    /// Makes the call; retries once, over a fresh connection, if the server has not processed it.
    pub(crate) async fn run(&self) -> GrpcReply {
        let (reply, retry) = self.attempt().await;
        if retry { self.attempt().await.0 } else { reply }
    }

    async fn attempt(&self) -> (GrpcReply, bool) {
        let (mut trace, mut progress) = (ConnectionTrace::new(), Progress::default());
        let ended = timeout_at(self.connector.deadline.at, Box::pin(self.phases(&mut trace, &mut progress))).await;
        let (fault, retry) = match ended.unwrap_or(Err(GrpcError::Phase(PhaseError::OutOfTime))) {
            Ok(()) => (None, false),
            Err(error) => {
                let retry = asks_to_retry(&error);
                (Some(self.fault(error, &trace)), retry)
            }
        };
        trace.end();
        let Progress { head, answer, status } = progress;
        (GrpcReply { trace, head, status, read: answer.len() as u64, fault }, retry)
    }

    async fn phases(&self, trace: &mut ConnectionTrace, progress: &mut Progress) -> Result<(), GrpcError> {
        let mut stream = self.connector.connect(trace).await?;
        if let Some(tls) = &self.connector.route.tls {
            stream = self.connector.secure(tls, alpn(HttpVersionPreference::Http2), stream, trace).await?;
        }
        trace.enter(Phase::Processing);
        let of_head = |error| PhaseError::Head(HeadError::Http2(error));
        let mut http2 = Http2::open(stream, trace.begin_http2()).await.map_err(of_head)?;
        let head = http2.send(&self.call()).await.map_err(of_head)?;
        trace.enter(Phase::Transfer);
        let head = progress.head.insert(head);
        let kind = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if !is_grpc(kind) {
            let message = "answers with something that is not gRPC (content-type)".into();
            let not_grpc = GrpcError::Judged(FailureClass::HttpProtocol, Some(Phase::Processing), message);
            return Err(wrong_http_status(head.status).unwrap_or(not_grpc));
        }
        while let Some(bytes) = http2.chunk().await.map_err(GrpcError::Body)? {
            progress.answer.extend_from_slice(&bytes);
            if progress.answer.len() > MOST {
                let message = message!("sends more than the {MOST} bytes that an answer may have");
                return Err(GrpcError::Judged(FailureClass::BodyTooLarge, Some(Phase::Transfer), message));
            }
        }
        let trailers = http2.trailers().await.map_err(GrpcError::Body)?;
        trace.end();
        http2.close();
        // An answer that consists of trailers only has them in its head.
        let has_trailers = trailers.is_some() || !progress.answer.is_empty();
        let trailers = if has_trailers { trailers.unwrap_or_default() } else { head.headers.clone() };
        let status = status_of(&trailers).map_err(|why| {
            let no_status = GrpcError::Judged(FailureClass::HttpProtocol, Some(Phase::Transfer), why.into());
            // Without a status of gRPC, that of HTTP stands for it.
            wrong_http_status(head.status).unwrap_or(no_status)
        })?;
        progress.status = Some(status);
        self.judge(status, &trailers, &progress.answer)
    }

    /// The request of the call.
    fn call(&self) -> OutgoingRequest {
        let mut headers = self.request.headers.clone();
        for name in [header::ACCEPT, header::ACCEPT_ENCODING, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let left = self.connector.deadline.at.saturating_duration_since(Instant::now());
        headers.entry(TIMEOUT).or_insert_with(|| timeout(left));
        OutgoingRequest {
            method: Method::POST,
            target: Uri::from_static(CALL),
            headers,
            body: question(self.service),
            ..self.request.clone()
        }
    }

    fn judge(&self, status: GrpcStatus, trailers: &HeaderMap, answer: &[u8]) -> Result<(), GrpcError> {
        let expected = if self.expected.is_empty() { &[GrpcStatus::OK] } else { self.expected };
        if !expected.contains(&status) {
            let said = trailers
                .get_all(MESSAGE)
                .iter()
                .next_back()
                .map(|said| percent_decode(said.as_bytes()).decode_utf8_lossy());
            let said = said.filter(|said| !said.is_empty()).map(|said| message!(": {said}")).unwrap_or_default();
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            let message =
                message!("ends the call with {status}").then(said).then(message!("; expected {}", expected.join(", ")));
            return Err(GrpcError::Judged(FailureClass::GrpcStatus, None, message));
        }
        if status != GrpcStatus::OK {
            return Ok(());
        }
        let serving = health_message(answer)
            .and_then(|message| serving_status(message).ok_or("answers with something that is not a health status"));
        let serving = serving
            .map_err(|what| GrpcError::Judged(FailureClass::HttpProtocol, Some(Phase::Transfer), what.into()))?;
        let name = match serving {
            1 => return Ok(()),
            0 => "UNKNOWN",
            2 => "NOT_SERVING",
            3 => "SERVICE_UNKNOWN",
            _ => "an unknown health status",
        };
        let of: MessageText = if self.service.is_empty() { "itself".into() } else { self.service.to_owned().into() };
        let message = MessageText::from("says ").then(name).then(" of ").then(of);
        Err(GrpcError::Judged(FailureClass::GrpcNotServing, None, message))
    }

    fn fault(&self, error: GrpcError, trace: &ConnectionTrace) -> Fault {
        let (route, deadline) = (self.connector.route, self.connector.deadline);
        let ending = Ending { route, deadline, trace, intake: None };
        let target = ending.target();
        match error {
            GrpcError::Judged(class, phase, what) => Fault::new(class, phase, message!("{target} ").then(what)),
            GrpcError::Body(error) => http2_body_fault(&error, &target),
            GrpcError::Phase(PhaseError::Head(HeadError::Http2(error))) => http2_head_fault(&error, &ending.peer()),
            GrpcError::Phase(PhaseError::OutOfTime) if trace.phase() == Some(Phase::Transfer) => {
                let mut fault = timed_out(Phase::Transfer, deadline, &target);
                if fault.class == FailureClass::BodyTimeout {
                    fault.message = message!("{target} did not end the call ").then(deadline.within());
                }
                fault
            }
            GrpcError::Phase(error) => ending.fault(&error),
        }
    }
}

/// A `HealthCheckRequest` after its prefix: field 1 is the service.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap_or_default());
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), &message].concat().into()
}

/// Whether this is `application/grpc`, in any case, optionally with a codec or a parameter. gRPC-Web has another type.
fn is_grpc(content_type: &[u8]) -> bool {
    const KIND: &[u8] = b"application/grpc";
    let (kind, behind) = content_type.split_at(KIND.len().min(content_type.len()));
    kind.eq_ignore_ascii_case(KIND) && matches!(behind.trim_ascii_start().first(), None | Some(b'+' | b';'))
}

/// The failure of an HTTP status other than 200.
fn wrong_http_status(status: StatusCode) -> Option<GrpcError> {
    (status != StatusCode::OK)
        .then(|| GrpcError::Judged(FailureClass::Status, None, message!("answers status {status}")))
}

/// Whether the server was closing the connection, or refused the stream, before it processed the call.
fn asks_to_retry(error: &GrpcError) -> bool {
    let GrpcError::Phase(PhaseError::Head(error)) = error else { return false };
    matches!(error.retry(HttpVersionPreference::Http2), Retry::Fresh)
}

/// The time left for the call, at most eight digits, which gRPC allows. It is rounded up: the check itself is to notice
/// the end of its time before the server does.
fn timeout(left: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let left = left.as_millis() + 1;
    let value = if left > MOST { format!("{}S", (left / 1_000 + 1).min(MOST)) } else { format!("{left}m") };
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("99999999S"))
}

/// The status in the trailers, or why there is none. The libraries of gRPC read the last of several.
fn status_of(trailers: &HeaderMap) -> Result<GrpcStatus, String> {
    let status = trailers.get_all(STATUS).iter().next_back().ok_or("ends the call without a grpc-status")?;
    let number = status.to_str().ok().and_then(|status| status.trim().parse().ok());
    number.map(GrpcStatus).ok_or_else(|| "ends the call with a grpc-status that is not a number".to_owned())
}

/// The message of an answer without its prefix, or what is wrong with it.
fn health_message(answer: &[u8]) -> Result<&[u8], &'static str> {
    let Some((prefix, rest)) = answer.split_first_chunk::<PREFIX>() else {
        return Err(if answer.is_empty() { "ends the call with OK and without a message" } else { CUT });
    };
    let [compressed, length @ ..] = prefix;
    match *compressed {
        0 => {}
        1 => return Err("compresses its answer without being asked to"),
        _ => return Err("answers with something that is not a message of gRPC"),
    }
    match usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX) {
        length if length > rest.len() => Err(CUT),
        length if length < rest.len() => Err("answers with more than one message"),
        _ => Ok(rest),
    }
}

/// The status of a `HealthCheckResponse`: field 1, or 0 if that is absent. Other fields are skipped.
fn serving_status(message: &[u8]) -> Option<u64> {
    let (mut rest, mut status) = (message, 0);
    while !rest.is_empty() {
        let (key, after) = varint(rest)?;
        rest = match (key >> 3, key & 7) {
            (field, 0) => {
                let (value, after) = varint(after)?;
                if field == 1 {
                    status = value;
                }
                after
            }
            (_, 1) => after.get(8..)?,
            (_, 2) => {
                let (length, after) = varint(after)?;
                after.get(usize::try_from(length).ok()?..)?
            }
            (_, 5) => after.get(4..)?,
            _ => return None,
        };
    }
    Some(status)
}

/// A varint, and the bytes after it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(place * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_message_with_its_length() {
        assert_eq!(&question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&question("ab")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        assert_eq!(&question(&"x".repeat(200))[5..8], [0x0a, 0xc8, 0x01]);
    }

    #[test]
    fn a_health_status_is_read_and_other_fields_are_passed_over() {
        assert_eq!(serving_status(&[8, 1]), Some(1));
        assert_eq!(serving_status(&[]), Some(0));
        assert_eq!(serving_status(&[0x12, 2, b'a', b'b', 8, 2]), Some(2));
        for wrong in [&[8][..], &[8, 0x80], &[0x12, 2, b'a'], &[0x0b]] {
            assert_eq!(serving_status(wrong), None, "{wrong:?}");
        }
        let endless = [&[8][..], &[0xff; 11]].concat();
        assert_eq!(serving_status(&endless), None);
    }

    #[test]
    fn one_whole_message_is_an_answer() {
        assert_eq!(health_message(&[0, 0, 0, 0, 2, 8, 1]), Ok(&[8, 1][..]));
        assert_eq!(health_message(&[0, 0, 0, 0, 0]), Ok(&[][..]));
        assert_eq!(health_message(&[0, 0, 0, 0, 2, 8]), Err(CUT));
        assert_eq!(health_message(&[0, 0]), Err(CUT));
        let wrong = [&[][..], &[1, 0, 0, 0, 2, 8, 1], &[2, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];
        let told: std::collections::HashSet<_> = wrong.iter().map(|answer| health_message(answer).err()).collect();
        assert_eq!(told.len(), wrong.len(), "{told:?}");
    }

    #[test]
    fn the_last_of_several_statuses_counts() {
        let status = |said: &[&'static str]| {
            let mut trailers = HeaderMap::new();
            for status in said {
                trailers.append(STATUS, HeaderValue::from_static(status));
            }
            status_of(&trailers).ok()
        };
        assert_eq!(status(&["0", "14"]), Some(GrpcStatus(14)));
        assert_eq!(status(&["14", "0"]), Some(GrpcStatus::OK));
        assert_eq!(status(&["0", "x"]), None);
        assert_eq!(status(&["0, 14"]), None);
        assert_eq!(status(&[]), None);
    }

    #[test]
    fn the_time_left_has_eight_digits_at_most() {
        assert_eq!(timeout(Duration::ZERO), "1m");
        assert_eq!(timeout(Duration::from_millis(400)), "401m");
        assert_eq!(timeout(Duration::from_hours(100)), "360001S");
        assert_eq!(timeout(Duration::MAX), "99999999S");
    }
}
