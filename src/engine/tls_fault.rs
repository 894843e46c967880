//! Why a TLS connection failed → a failure class and one sentence. What is judged is rustls' error,
//! by its type, and what the handshake showed.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::model::{FailureClass, Phase};

use super::certificate;
use super::fault::Fault;
use super::handshake::HandshakeFacts;
use super::os_error;

/// The TLS error inside an IO error.
pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// A handshake that failed. `name` is what the certificate must be for.
pub(super) fn handshake_fault(error: &io::Error, facts: &HandshakeFacts, target: &str, name: &str) -> Fault {
    if let Some(ours) = os_error::ours(error) {
        return Fault::new(ours, Phase::Tls, format!("{target}: {error}"));
    }
    let fault = match tls_error(error) {
        Some(error) => tls_fault(error, facts, target, name),
        None if os_error::is_reset(error) => {
            Fault::new(FailureClass::ConnectionReset, Phase::Tls, format!("{target} reset the connection"))
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            let message = format!("the TLS handshake with {target} failed: it closed the connection");
            Fault::new(FailureClass::TlsHandshakeFailed, Phase::Tls, message)
        }
        None => failed(target, error),
    };
    let may_be_for_certificate =
        matches!(fault.class, FailureClass::ConnectionReset | FailureClass::TlsHandshakeFailed);
    if facts.client_cert_missing && may_be_for_certificate { client_cert_required(target) } else { fault }
}

/// A TLS error in the handshake, or after it while no answer has come: in TLS 1.3 a server refuses a
/// client when the client's handshake has ended.
pub(super) fn tls_fault(error: &Error, facts: &HandshakeFacts, target: &str, name: &str) -> Fault {
    let fault = |class, message: String| Fault::new(class, Phase::Tls, message);
    match error {
        Error::InvalidCertificate(error) => certificate_fault(error, facts, name),
        Error::AlertReceived(AlertDescription::CertificateRequired) => client_cert_required(target),
        Error::AlertReceived(_) if facts.client_cert_missing => client_cert_required(target),
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => fault(FailureClass::TlsVersion, format!("{target} offers no TLS version that is accepted: {error}")),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            fault(FailureClass::TlsNotTls, format!("{target} does not speak TLS on this port"))
        }
        // Nothing but a certificate is that large.
        Error::NoCertificatesPresented
        | Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => fault(
            FailureClass::TlsCertInvalid,
            "the certificate cannot be used: it is larger than a handshake takes, or absent".to_owned(),
        ),
        _ => failed(target, error),
    }
}

/// The server wants a client certificate, and there is none.
pub(super) fn client_cert_required(target: &str) -> Fault {
    Fault::new(FailureClass::TlsClientCertRequired, Phase::Tls, format!("{target} asks for a client certificate"))
}

fn failed(target: &str, error: &dyn std::error::Error) -> Fault {
    let message = format!("the TLS handshake with {target} failed: {error}");
    Fault::new(FailureClass::TlsHandshakeFailed, Phase::Tls, message)
}

fn certificate_fault(error: &CertificateError, facts: &HandshakeFacts, name: &str) -> Fault {
    let self_signed = certificate::is_self_signed(&facts.chain);
    let (class, message) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (FailureClass::TlsCertExpired, "the certificate has expired".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (FailureClass::TlsCertNotYetValid, "the certificate is not valid yet".to_owned())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = certificate::names_text(&facts.chain);
            (FailureClass::TlsCertNameMismatch, format!("the certificate is not for {name} but for {names}"))
        }
        CertificateError::Revoked => (FailureClass::TlsCertRevoked, "the certificate is revoked".to_owned()),
        // A self-signed leaf that says it is an authority is another error.
        CertificateError::UnknownIssuer | CertificateError::Other(_) if self_signed => {
            (FailureClass::TlsCertUntrusted, "the certificate is self-signed".to_owned())
        }
        CertificateError::UnknownIssuer => (
            FailureClass::TlsCertUntrusted,
            "the certificate's issuer is unknown: a private authority, or an intermediate is missing".to_owned(),
        ),
        other => {
            (FailureClass::TlsCertInvalid, format!("the certificate cannot be used: {}", certificate_trouble(other)))
        }
    };
    Fault::new(class, Phase::Tls, message)
}

/// rustls' own words list every algorithm it knows by number.
fn certificate_trouble(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::BadEncoding => "its encoding is not valid",
        CertificateError::BadSignature => "its signature does not verify, or its key is too weak",
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its signature algorithm is not accepted: SHA-1 or another weak one"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for servers"
        }
        CertificateError::UnhandledCriticalExtension => "it has a critical extension that is not understood",
        CertificateError::UnknownRevocationStatus => "whether it is revoked is not known",
        CertificateError::InvalidOcspResponse => "the OCSP response beside it is not valid",
        _ => "it is refused",
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
        let expired = Error::InvalidCertificate(CertificateError::Expired);
        assert_eq!(class(expired, true), FailureClass::TlsCertExpired);
    }
}
