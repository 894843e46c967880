//! Why a TLS connection failed → a failure class and one sentence, by the type of rustls' error and the
//! facts of the handshake.

use std::fmt::Debug;
use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};

use crate::engine::classify::tls_alert::alert_words;
use crate::engine::fault::Fault;
use crate::engine::host::os_error;
use crate::engine::tls::handshake::HandshakeFacts;
use crate::engine::tls::{Refusal, UnsupportedParameter};
use crate::model::{FailureClass, MessageText, Phase, message};

pub(crate) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// A handshake failed. `name` is the name that the certificate must match.
pub(crate) fn handshake_fault(error: &io::Error, facts: &HandshakeFacts, target: &str, name: &str) -> Fault {
    if let Some(ours) = os_error::ours(error) {
        return Fault::new(ours, Phase::Tls, message!("{target}: {error}"));
    }
    if let Some(fault) = too_large(facts, target) {
        return fault;
    }
    let fault = match tls_error(error) {
        Some(error) => tls_fault(error, facts, target, name),
        None if os_error::is_reset(error) => {
            Fault::new(FailureClass::ConnectionReset, Phase::Tls, message!("{target} reset the connection"))
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => failed(target, facts, "it closed the connection"),
        None => failed(target, facts, error.to_string()),
    };
    let may_be_for_certificate =
        matches!(fault.class, FailureClass::ConnectionReset | FailureClass::TlsHandshakeFailed);
    if facts.client_cert_missing && may_be_for_certificate { client_cert_required(target) } else { fault }
}

/// A TLS error in the handshake, or after it before an answer arrives: in TLS 1.3 a server can refuse a
/// client only after the client's handshake has ended.
pub(crate) fn tls_fault(error: &Error, facts: &HandshakeFacts, target: &str, name: &str) -> Fault {
    let fault = |class, message: MessageText| Fault::new(class, Phase::Tls, message);
    match error {
        Error::InvalidCertificate(error) => certificate_fault(error),
        Error::AlertReceived(alert) if let Some(fault) = alert_fault(*alert, facts, target, name) => fault,
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => {
            let is_alert = matches!(error, Error::AlertReceived(_));
            let how = if is_alert { "alert protocol_version" } else { "it chooses another" };
            fault(
                FailureClass::TlsVersion,
                message!("{target} offers no TLS version that is accepted (").then(how).then(")"),
            )
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            fault(FailureClass::TlsNotTls, message!("{target} does not speak TLS on this port"))
        }
        Error::NoCertificatesPresented => {
            fault(FailureClass::TlsCertInvalid, message!("the certificate cannot be used: {target} sends none"))
        }
        // The server ends TLS 1.2 when the client refuses a second handshake (RFC 5746).
        Error::AlertReceived(AlertDescription::NoRenegotiation)
        | Error::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests) => fault(
            FailureClass::ProberUnsupported,
            message!("{target} asks for renegotiation, which this prober does not support"),
        ),
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        )
        | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite) => fault(
            FailureClass::TlsHandshakeFailed,
            message!("{target} chooses a cipher suite that was not offered; ").then(OFFERED),
        ),
        Error::AlertReceived(alert) => failed(target, facts, alert_words(*alert)),
        Error::PeerMisbehaved(broken) => {
            failed(target, facts, message!("it breaks the rules of TLS ({})", words(broken)))
        }
        Error::InvalidMessage(invalid) => {
            failed(target, facts, message!("it sends what is not valid TLS ({})", words(invalid)))
        }
        Error::InappropriateMessage { got_type, .. } => {
            failed(target, facts, message!("it sends a record out of order ({got_type:?})"))
        }
        Error::InappropriateHandshakeMessage { got_type, .. } => {
            failed(target, facts, message!("it sends a message out of order ({got_type:?})"))
        }
        Error::PeerIncompatible(lacking) => fault(
            FailureClass::ProberUnsupported,
            message!("{target} needs something in TLS that this prober does not support: {}", words(lacking)),
        ),
        _ => failed(target, facts, error.to_string()),
    }
}

/// The most KiB of handshake messages that rustls reads, and of certificates that OpenSSL and browsers read.
const OUR_MOST: u64 = 64;
const MOST_OF_CLIENTS: u64 = 100;

/// The certificates are larger than rustls reads, and possibly than every client does. A server that announces such a
/// size and sends less breaks the rules of TLS instead.
pub(crate) fn too_large(facts: &HandshakeFacts, target: &str) -> Option<Fault> {
    let size = facts.too_large? / 1024;
    let message = message!("the certificates of {target} take about {size} KiB, and ");
    let (class, who) = match size {
        ..OUR_MOST => return None,
        OUR_MOST..=MOST_OF_CLIENTS => (FailureClass::ProberUnsupported, message!("this prober reads {OUR_MOST} KiB")),
        _ => (FailureClass::TlsCertInvalid, message!("clients read {MOST_OF_CLIENTS} KiB at most")),
    };
    Some(Fault::new(class, Phase::Tls, message.then(who)))
}

/// The fault for an alert that says more than that the handshake failed.
fn alert_fault(alert: AlertDescription, facts: &HandshakeFacts, target: &str, name: &str) -> Option<Fault> {
    let message = match alert {
        AlertDescription::CertificateRequired => return Some(client_cert_required(target)),
        _ if facts.client_cert_missing => return Some(client_cert_required(target)),
        AlertDescription::UnrecognisedName => {
            message!("{target} does not know the name {name} (alert unrecognized_name)")
        }
        AlertDescription::NoApplicationProtocol => message!(
            "{target} accepts none of the protocols offered in TLS (alert no_application_protocol); \
             `tls.alpn` says which are offered to a tls:// URL"
        ),
        AlertDescription::HandshakeFailure if facts.version.is_none() => {
            message!("{target} finds no cipher suite, curve or signature in common (alert handshake_failure); ")
                .then(OFFERED)
        }
        _ => return None,
    };
    Some(Fault::new(FailureClass::TlsHandshakeFailed, Phase::Tls, message))
}

/// What a `ClientHello` of this prober offers, for a message.
const OFFERED: &str = "offered: TLS 1.3 and 1.2, ECDHE with AES-GCM or ChaCha20-Poly1305 (no CBC, no RSA key exchange), \
                       X25519, P-256, P-384 and P-521";

/// Whether a server ended the handshake without choosing anything: nothing is in common.
pub(crate) fn has_nothing_in_common(error: &io::Error, facts: &HandshakeFacts) -> bool {
    let alert = AlertDescription::HandshakeFailure;
    facts.version.is_none()
        && (tls_error(error) == Some(&Error::AlertReceived(alert))
            || tls_error(error) == Some(&Error::AlertReceived(AlertDescription::InsufficientSecurity)))
}

pub(crate) fn unsupported_parameter(unsupported: UnsupportedParameter, target: &str) -> Fault {
    let kind = unsupported.kind();
    let message =
        message!("no {kind} in common with {target}: it speaks {unsupported}, which this prober does not support; ")
            .then(OFFERED);
    Fault::new(FailureClass::ProberUnsupported, Phase::Tls, message)
}

/// The server requires a client certificate, and the probe has none.
pub(crate) fn client_cert_required(target: &str) -> Fault {
    Fault::new(FailureClass::TlsClientCertRequired, Phase::Tls, message!("{target} asks for a client certificate"))
}

fn failed(target: &str, facts: &HandshakeFacts, why: impl Into<MessageText>) -> Fault {
    let what = if facts.cipher.is_some() { "connection" } else { "handshake" };
    let message = MessageText::from("the TLS ").then(what).then(message!(" with {target} failed: ")).then(why);
    Fault::new(FailureClass::TlsHandshakeFailed, Phase::Tls, message)
}

/// The name of an error of rustls in words: `MissingKeyShare` becomes `missing key share`.
fn words(error: &impl Debug) -> String {
    let name = format!("{error:?}");
    let mut words = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for letter in name.chars() {
        if before.is_lowercase() && letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
        before = letter;
    }
    words
}

fn certificate_fault(error: &CertificateError) -> Fault {
    let refusal = match error {
        CertificateError::Other(other) => other.0.downcast_ref::<Refusal>(),
        _ => None,
    };
    match refusal {
        Some(refusal) => Fault::new(refusal.class, Phase::Tls, refusal.message.clone()),
        None => {
            Fault::new(FailureClass::TlsCertInvalid, Phase::Tls, message!("the certificate cannot be used: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(error: Error, client_cert_missing: bool) -> FailureClass {
        let facts = HandshakeFacts { client_cert_missing, ..HandshakeFacts::default() };
        handshake_fault(&io::Error::new(io::ErrorKind::InvalidData, error), &facts, "x:443", "x").class
    }

    #[test]
    fn a_missing_client_certificate_is_told_from_other_alerts() {
        let alert = Error::AlertReceived;
        assert_eq!(class(alert(AlertDescription::CertificateRequired), false), FailureClass::TlsClientCertRequired);
        assert_eq!(class(alert(AlertDescription::HandshakeFailure), false), FailureClass::TlsHandshakeFailed);
        assert_eq!(class(alert(AlertDescription::HandshakeFailure), true), FailureClass::TlsClientCertRequired);
    }

    #[test]
    fn a_server_that_wants_a_client_certificate_may_close_without_a_word() {
        let facts = HandshakeFacts { client_cert_missing: true, ..HandshakeFacts::default() };
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            let fault = handshake_fault(&kind.into(), &facts, "x:443", "x");
            assert_eq!(fault.class, FailureClass::TlsClientCertRequired, "{kind}");
        }
        let refusal = Refusal { class: FailureClass::TlsCertExpired, message: "it has expired".into() };
        let expired = CertificateError::Other(rustls::OtherError(std::sync::Arc::new(refusal)));
        assert_eq!(class(Error::InvalidCertificate(expired), true), FailureClass::TlsCertExpired);
    }
}
