//! An error of QUIC or HTTP/3 → a failure class, the phase and one sentence. A TLS alert is a TLS failure,
//! although QUIC carries it.

use h3::error::Code;
use quinn::ConnectionError;
use rustls::{AlertDescription, Error};

use crate::engine::classify::tls_fault::{client_cert_required, tls_fault, too_large};
use crate::engine::classify::{Peer, connect_fault};
use crate::engine::connect::quic::{QuicError, alert};
use crate::engine::fault::{Fault, class_of_silence};
use crate::engine::http::http3::{Http3Error, Refusal};
use crate::model::{FailureClass, Phase, message};

pub(crate) fn quic_fault(error: &QuicError, phase: Phase, peer: &Peer) -> Fault {
    match error {
        QuicError::Socket(failed) => connect_fault(failed),
        QuicError::Connection(error) => connection_fault(error, phase, peer),
        QuicError::Unusable(why) => {
            Fault::new(FailureClass::ProberResources, phase, message!("no QUIC connection can be started: {why}"))
        }
    }
}

/// The HTTP/3 response head is missing or refused.
pub(crate) fn http3_head_fault(error: &Http3Error, peer: &Peer) -> Fault {
    let target = &peer.target;
    match error {
        Http3Error::NoAnswer if peer.handshake.as_ref().is_some_and(|facts| facts.client_cert_missing) => {
            client_cert_required(target)
        }
        _ => http3_fault(error, Phase::Processing, peer),
    }
}

/// An HTTP/3 body is not complete.
pub(crate) fn http3_body_fault(error: &Http3Error, peer: &Peer) -> Fault {
    http3_fault(error, Phase::Transfer, peer)
}

fn http3_fault(error: &Http3Error, phase: Phase, peer: &Peer) -> Fault {
    let target = &peer.target;
    let (class, message) = match error {
        Http3Error::Connection(error) => return connection_fault(error, phase, peer),
        Http3Error::HeadersTooLarge | Http3Error::Refused(Refusal::HeaderBlock(_)) => {
            (FailureClass::HeadersTooLarge, message!("the response head of {target} is larger than accepted"))
        }
        Http3Error::Refused(refusal) => {
            (FailureClass::Http3Error, message!("{target} floods the connection with frames: {refusal}"))
        }
        Http3Error::Reset(code) => {
            (FailureClass::Http3Error, message!("{target} ended the stream: {}", code_name(code.value())))
        }
        Http3Error::GoingAway => {
            (FailureClass::Http3Error, message!("{target} accepts no more requests on this connection (GOAWAY)"))
        }
        Http3Error::Invalid { code, reason } => (
            FailureClass::Http3Error,
            message!("what {target} sends is not valid HTTP/3: {reason} ({})", code_name(code.value())),
        ),
        Http3Error::Malformed => (
            FailureClass::HttpProtocol,
            message!("the response head of {target} is not valid: a field that may not be in it, or no status"),
        ),
        Http3Error::NoAnswer => (FailureClass::EmptyReply, message!("{target} ended the stream without an answer")),
        Http3Error::Cut => {
            (FailureClass::BodyTruncated, message!("{target} ended the stream before the body was complete"))
        }
        Http3Error::TooLong => {
            (FailureClass::HttpProtocol, message!("{target} sends more body than its content-length says"))
        }
        Http3Error::Interim => {
            (FailureClass::HttpProtocol, message!("{target} sends too many interim responses (1xx) before the answer"))
        }
        Http3Error::Unsendable(why) => (FailureClass::ProberUnsupported, message!("the request cannot be sent: {why}")),
    };
    Fault::new(class, phase, message)
}

/// A QUIC connection ended, or was never established.
fn connection_fault(error: &ConnectionError, phase: Phase, peer: &Peer) -> Fault {
    let target = &peer.target;
    let facts = peer.handshake.clone().unwrap_or_default();
    if let (ConnectionError::TransportError(_), Some(fault)) = (error, too_large(&facts, target)) {
        return fault;
    }
    let (class, message) = match error {
        ConnectionError::TransportError(error) if phase < Phase::Transfer && alert(error.code.into()).is_some() => {
            return match &facts.refused {
                Some(refused) => tls_fault(refused, &facts, target, &peer.name),
                None => Fault::new(
                    FailureClass::TlsHandshakeFailed,
                    Phase::Tls,
                    message!("the TLS handshake with {target} failed: {}", error.reason),
                ),
            };
        }
        ConnectionError::ConnectionClosed(close)
            if phase < Phase::Transfer
                && let Some(alert) = alert(close.error_code.into()) =>
        {
            let alert = AlertDescription::from(alert);
            if alert == AlertDescription::NoApplicationProtocol {
                let message = message!("{target} speaks QUIC and not HTTP/3 (alert no_application_protocol)");
                return Fault::new(FailureClass::TlsHandshakeFailed, Phase::Tls, message);
            }
            return tls_fault(&Error::AlertReceived(alert), &facts, target, &peer.name);
        }
        ConnectionError::VersionMismatch => (
            FailureClass::Http3Error,
            message!("{target} speaks no version of QUIC that this prober knows: it knows 1"),
        ),
        ConnectionError::TransportError(error) => {
            let code = error.code;
            (FailureClass::Http3Error, message!("what {target} sends is not valid QUIC: {} ({code:?})", error.reason))
        }
        ConnectionError::ConnectionClosed(close) => {
            (FailureClass::Http3Error, message!("{target} ended the QUIC connection: {:?}", close.error_code))
        }
        ConnectionError::ApplicationClosed(close) => {
            let code = code_name(close.error_code.into());
            (FailureClass::Http3Error, message!("{target} ended the connection: {code}"))
        }
        ConnectionError::Reset => {
            (FailureClass::ConnectionReset, message!("{target} reset the connection, which it no longer knows"))
        }
        ConnectionError::TimedOut => {
            (class_of_silence(phase), message!("{target} sent nothing within the idle timeout of QUIC"))
        }
        ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => {
            (FailureClass::Http3Error, message!("the QUIC connection with {target} ended: {error}"))
        }
    };
    Fault::new(class, phase, message)
}

/// The name of an HTTP/3 error code; its number if it has none.
fn code_name(code: u64) -> String {
    Code::from(code).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::engine::tls::handshake::HandshakeFacts;

    fn peer() -> Peer {
        Peer { target: "127.0.0.1:443".into(), name: "x.test".into(), handshake: Some(HandshakeFacts::default()) }
    }

    #[test]
    fn a_silence_is_of_its_phase() {
        let class = |phase| connection_fault(&ConnectionError::TimedOut, phase, &peer()).class;
        assert_eq!(class(Phase::Connect), FailureClass::ConnectTimeout);
        assert_eq!(class(Phase::Tls), FailureClass::TlsHandshakeTimeout);
        assert_eq!(class(Phase::Processing), FailureClass::ResponseTimeout);
        assert_eq!(class(Phase::Transfer), FailureClass::BodyTimeout);
    }

    #[test]
    fn a_breach_of_quic_is_told_by_its_name_and_its_reason() {
        let mut error = quinn_proto::TransportError::from(quinn_proto::TransportErrorCode::PROTOCOL_VIOLATION);
        error.reason = "too long a token".to_owned();
        let fault = connection_fault(&ConnectionError::TransportError(error), Phase::Connect, &peer());
        assert!(fault.message.as_str().ends_with("QUIC: too long a token (PROTOCOL_VIOLATION)"), "{}", fault.message);
    }

    #[test]
    fn what_cannot_be_sent_is_the_probers_own_lack() {
        let fault = http3_head_fault(&Http3Error::Unsendable("an authority that is none".to_owned()), &peer());
        assert_eq!(fault.class, FailureClass::ProberUnsupported);
    }

    #[test]
    fn codes_are_named_where_they_have_a_name() {
        assert_eq!(code_name(0x102), "H3_INTERNAL_ERROR");
        assert_eq!(code_name(0x4242), "0x4242");
        let reset = http3_head_fault(&Http3Error::Reset(Code::H3_REQUEST_REJECTED), &peer());
        assert_eq!((reset.class, reset.phase), (FailureClass::Http3Error, Some(Phase::Processing)));
    }
}
