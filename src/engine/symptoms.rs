//! What an error says, as plain data: facts dug out of its chain by type, never by a server's text.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::model::FailureClass;

/// How deep an error's chain is followed.
const DEPTH: usize = 32;

/// What an error says, as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of its own, and any combination of them occurs")]
pub(super) struct Symptoms {
    /// The operating system's number of it.
    pub(super) errno: Option<i32>,
    /// The kind of the innermost IO error.
    pub(super) io: Option<io::ErrorKind>,
    /// What TLS says.
    pub(super) tls: Option<TlsSymptom>,
    /// Why the certificate cannot be used, in our words.
    pub(super) certificate: Option<&'static str>,
    /// What HTTP says.
    pub(super) http: Option<HttpSymptom>,
    /// What HTTP/2 says.
    pub(super) h2: Option<H2Symptom>,
    /// Whether it comes out of the decoder of a content encoding.
    pub(super) decoding: bool,
    /// Whether the server asked for a client certificate and there was none.
    pub(super) client_cert_missing: bool,
    /// Whether the leaf certificate names itself as its issuer.
    pub(super) self_signed: bool,
    /// Whether the connection speaks HTTP/2.
    pub(super) speaks_h2: bool,
}

/// What TLS says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsSymptom {
    /// The certificate is refused, and this is the class of it.
    Certificate(FailureClass),
    /// The certificate is refused for a reason without a name.
    OtherCertificate,
    /// The peer sent an alert.
    Alert(AlertDescription),
    /// No version in common.
    Version,
    /// What arrived is no TLS record.
    NotTls,
    /// Anything else.
    Other,
}

/// What hyper says of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpSymptom {
    /// The head is larger than accepted.
    TooLarge,
    /// What arrived cannot be parsed.
    Parse,
    /// The connection ended in the middle.
    Incomplete,
    /// The request was given up because the connection went away.
    Canceled,
    /// Anything else.
    Other,
}

/// What h2 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct H2Symptom {
    /// The error code of RFC 9113 section 7.
    pub(super) reason: u32,
    /// Whether the peer sent it; otherwise our side found fault with what it sent.
    pub(super) remote: bool,
    /// Whether our side found the header list larger than it will take.
    pub(super) header_list: bool,
}

impl H2Symptom {
    pub(super) const NO_ERROR: u32 = 0;
    pub(super) const REFUSED_STREAM: u32 = 7;
    pub(super) const ENHANCE_YOUR_CALM: u32 = 11;
    pub(super) const HTTP_1_1_REQUIRED: u32 = 13;
}

impl Symptoms {
    /// Whether a fresh connection is worth one more try: the server was closing down this
    /// connection and said that it had not begun with the request (RFC 9113 sections 6.8 and 8.7).
    pub(super) fn asks_to_retry(&self) -> bool {
        self.h2.is_some_and(|h2| h2.remote && matches!(h2.reason, H2Symptom::NO_ERROR | H2Symptom::REFUSED_STREAM))
    }

    /// Whether the server wants the request over HTTP/1.1.
    pub(super) fn asks_for_http1(&self) -> bool {
        self.h2.is_some_and(|h2| h2.remote && h2.reason == H2Symptom::HTTP_1_1_REQUIRED)
    }
}

/// What an error and everything it was caused by say.
pub(super) fn symptoms(error: &(dyn StdError + 'static)) -> Symptoms {
    let mut symptoms = Symptoms::default();
    let mut queue = vec![error];
    for _ in 0..DEPTH {
        let Some(error) = queue.pop() else { break };
        note(error, &mut symptoms);
        queue.extend(error.source());
        // An IO error hides its payload from `source`: rustls' errors sit one or two levels down.
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(payload) = io.get_ref()
        {
            queue.push(payload);
        }
    }
    symptoms
}

fn note(error: &(dyn StdError + 'static), symptoms: &mut Symptoms) {
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        symptoms.decoding |= error.is_decode();
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        note_io(error, symptoms);
    } else if let Some(error) = error.downcast_ref::<rustls::Error>() {
        symptoms.tls = Some(tls_symptom(error));
        symptoms.certificate = certificate_trouble(error);
    } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
        note_http(error, symptoms);
    } else if let Some(error) = error.downcast_ref::<h2::Error>() {
        note_h2(error, symptoms);
    }
}

fn note_io(error: &io::Error, symptoms: &mut Symptoms) {
    if let Some(errno) = error.raw_os_error() {
        symptoms.errno = Some(errno);
    }
    if error.kind() != io::ErrorKind::Other {
        symptoms.io = Some(error.kind());
    }
}

fn note_http(error: &hyper::Error, symptoms: &mut Symptoms) {
    let symptom = if error.is_parse_too_large() {
        HttpSymptom::TooLarge
    } else if error.is_parse() {
        HttpSymptom::Parse
    } else if error.is_incomplete_message() {
        HttpSymptom::Incomplete
    } else if error.is_canceled() || error.is_closed() {
        HttpSymptom::Canceled
    } else {
        HttpSymptom::Other
    };
    // The inner of two hyper errors is the cause of the outer.
    symptoms.http = Some(symptom);
}

fn note_h2(error: &h2::Error, symptoms: &mut Symptoms) {
    symptoms.speaks_h2 = true;
    if let Some(io) = error.get_io() {
        note_io(io, symptoms);
    }
    if let Some(reason) = error.reason() {
        symptoms.h2 =
            Some(H2Symptom { reason: reason.into(), remote: !error.is_library(), header_list: is_header_list(error) });
    }
}

/// h2 gives an over-long header list and too many CONTINUATION frames the same reason and tells
/// them apart only by the debug data of the GOAWAY it is about to send. The data compared here
/// is h2's own constant, never the peer's.
fn is_header_list(error: &h2::Error) -> bool {
    error.is_library() && error.is_go_away() && format!("{error:?}").contains("header_list_way_too_large")
}

fn tls_symptom(error: &rustls::Error) -> TlsSymptom {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_symptom(error),
        rustls::Error::AlertReceived(alert) => TlsSymptom::Alert(*alert),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => TlsSymptom::Version,
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            TlsSymptom::NotTls
        }
        // Nothing but a certificate is that large.
        rustls::Error::NoCertificatesPresented
        | rustls::Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => TlsSymptom::Certificate(FailureClass::TlsCertInvalid),
        _ => TlsSymptom::Other,
    }
}

fn certificate_symptom(error: &CertificateError) -> TlsSymptom {
    TlsSymptom::Certificate(match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => FailureClass::TlsCertExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => FailureClass::TlsCertNotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            FailureClass::TlsCertNameMismatch
        }
        CertificateError::UnknownIssuer => FailureClass::TlsCertUntrusted,
        CertificateError::Revoked => FailureClass::TlsCertRevoked,
        // A self-signed leaf that says it is an authority lands here.
        CertificateError::Other(_) => return TlsSymptom::OtherCertificate,
        _ => FailureClass::TlsCertInvalid,
    })
}

/// rustls' own words list every algorithm it knows by number.
fn certificate_trouble(error: &rustls::Error) -> Option<&'static str> {
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        rustls::Error::InvalidMessage(_) => return Some("it is larger than a handshake takes"),
        _ => return None,
    };
    Some(match error {
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
    })
}
