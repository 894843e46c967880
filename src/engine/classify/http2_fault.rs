//! An error of HTTP/2 → a failure class, the phase and one sentence.

use h2::Reason;

use crate::engine::classify::{Peer, body_io_fault, ended_before_answer, head_io_fault, truncated};
use crate::engine::fault::Fault;
use crate::engine::http::head::Arrived;
use crate::engine::http::http2;
use crate::engine::limits::HEADER_LIST;
use crate::engine::tls::handshake::HandshakeFacts;
use crate::model::{FailureClass, MessageText, Phase, message};

/// The HTTP/2 response head is missing or refused.
pub(crate) fn http2_head_fault(failed: &http2::HeadError, peer: &Peer) -> Fault {
    let mut fault = head_fault(failed, peer);
    if let Some(why) = peer.handshake.as_ref().and_then(not_agreed_on) {
        fault.message = fault.message.then("; ").then(why);
    }
    fault
}

/// What is known of a server that may not speak HTTP/2 over TLS; none if it has agreed to.
pub(crate) fn not_agreed_on(facts: &HandshakeFacts) -> Option<&'static str> {
    (!facts.speaks_http2).then_some("h2 was offered in TLS (ALPN), and the server chose no protocol")
}

fn head_fault(failed: &http2::HeadError, peer: &Peer) -> Fault {
    let target = &peer.target;
    let fault = |class, message: MessageText| Fault::new(class, Phase::Processing, message);
    match failed {
        http2::HeadError::Failed(error) => match error.get_io() {
            Some(_) if http2::is_end(error) => ended_before_answer(FailureClass::EmptyReply, peer, Arrived::Nothing),
            Some(io) => head_io_fault(io, peer, Arrived::Nothing),
            None => protocol_fault(error, Phase::Processing, target),
        },
        http2::HeadError::OtherProtocol => fault(
            FailureClass::HttpProtocol,
            message!("what {target} sends is not HTTP/2; the port may speak HTTP/1 or another protocol"),
        ),
        http2::HeadError::Interim => fault(
            FailureClass::HttpProtocol,
            message!("{target} sends too many interim responses (1xx) before the answer"),
        ),
        http2::HeadError::Unsendable(why) => {
            fault(FailureClass::ProberUnsupported, message!("the request cannot be sent: {why}"))
        }
    }
}

/// An HTTP/2 body is not complete.
pub(crate) fn http2_body_fault(error: &h2::Error, target: &str) -> Fault {
    match error.get_io() {
        Some(_) if http2::is_end(error) => truncated(target),
        Some(io) => body_io_fault(io, target),
        None => protocol_fault(error, Phase::Transfer, target),
    }
}

fn protocol_fault(error: &h2::Error, phase: Phase, target: &str) -> Fault {
    let fault = |class, message: MessageText| Fault::new(class, phase, message);
    let Some(reason) = error.reason() else {
        // h2 refuses what it is told to send.
        return fault(FailureClass::ProberUnsupported, message!("the request cannot be sent over HTTP/2: {error}"));
    };
    if error.is_remote() {
        let what = if error.is_reset() { "stream" } else { "connection" };
        return fault(
            FailureClass::Http2Error,
            message!("{target} ended the ").then(what).then(": ").then(given_reason(reason)),
        );
    }
    // h2 itself refuses a stream when the response head exceeds the header list size it announced.
    if http2::is_header_list(error) || reason == Reason::REFUSED_STREAM {
        return fault(FailureClass::HeadersTooLarge, too_large(phase, target));
    }
    match reason {
        Reason::ENHANCE_YOUR_CALM => {
            fault(FailureClass::Http2Error, message!("{target} floods the connection with frames"))
        }
        _ => fault(
            FailureClass::HttpProtocol,
            message!("what {target} sends is not valid HTTP/2: ").then(broken_rule(reason)),
        ),
    }
}

fn too_large(phase: Phase, target: &str) -> MessageText {
    let what = if phase < Phase::Transfer { "response head" } else { "trailers" };
    let verb = if phase < Phase::Transfer { "is" } else { "are" };
    MessageText::from("the ")
        .then(what)
        .then(message!(" of {target} "))
        .then(verb)
        .then(message!(" larger than the {} KiB accepted", HEADER_LIST / 1024))
}

/// The reason that a server gives for the end of a stream or a connection: its name, and what it says of the request
/// (RFC 9113 section 7).
fn given_reason(reason: Reason) -> MessageText {
    let meaning = match reason {
        Reason::NO_ERROR => "it is shutting down, or needs no more of the request",
        Reason::PROTOCOL_ERROR => "it takes the request for a breach of the protocol",
        Reason::INTERNAL_ERROR => "an error inside the server",
        Reason::FLOW_CONTROL_ERROR => "it received more data than it had allowed",
        Reason::SETTINGS_TIMEOUT => "its settings were not acknowledged in time",
        Reason::STREAM_CLOSED => "it received a frame on a stream that had ended",
        Reason::FRAME_SIZE_ERROR => "it received a frame of the wrong size",
        Reason::REFUSED_STREAM => "it has not started to process the request",
        Reason::CANCEL => "it has given the request up",
        Reason::COMPRESSION_ERROR => "it cannot decompress the headers of the request",
        Reason::CONNECT_ERROR => "the connection behind it broke",
        Reason::ENHANCE_YOUR_CALM => "it limits how much is requested of it",
        Reason::INADEQUATE_SECURITY => "the TLS version or cipher suite is too weak for it",
        Reason::HTTP_1_1_REQUIRED => "it answers this request over HTTP/1.1 only",
        _ => return message!("error code {:#x}", u32::from(reason)),
    };
    message!("{reason:?} (").then(meaning).then(")")
}

/// Which rule the server breaks, for the reason that h2 finds.
fn broken_rule(reason: Reason) -> MessageText {
    let rule = match reason {
        Reason::PROTOCOL_ERROR => "a frame or a header field that is not allowed here",
        Reason::FLOW_CONTROL_ERROR => "more data than its flow control window allows",
        Reason::STREAM_CLOSED => "a frame on a stream that has ended",
        Reason::FRAME_SIZE_ERROR => {
            "a frame of more than the 16 KiB that were allowed, or of the wrong size for its type"
        }
        _ => return format!("{reason:?}").into(),
    };
    rule.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words = |code: u32| given_reason(Reason::from(code)).to_string();
        let words: std::collections::HashSet<String> = (0..=13).map(words).collect();
        assert_eq!(words.len(), 14);
        assert!(words.iter().all(|words| words.ends_with(')')), "{words:?}");
        assert_eq!(given_reason(Reason::from(0x4242)).as_str(), "error code 0x4242");
    }
}
