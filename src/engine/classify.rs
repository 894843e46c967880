//! What went wrong → which failure class. Pure, by type and phase and never by a server's text.
//! [`symptoms`] digs the facts out of an error's chain; [`classify`] judges them.

use std::error::Error as StdError;
use std::io;

use rustls::AlertDescription;
use rustls::CertificateError;
use rustls::InvalidMessage;
use rustls::PeerIncompatible;

use crate::model::FailureClass;
use crate::model::Phase;

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
    const NO_ERROR: u32 = 0;
    const REFUSED_STREAM: u32 = 7;
    const ENHANCE_YOUR_CALM: u32 = 11;
    const HTTP_1_1_REQUIRED: u32 = 13;
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

/// The class of a failure in this phase.
pub(super) fn classify(symptoms: &Symptoms, phase: Phase) -> FailureClass {
    if let Some(ours) = symptoms.errno.and_then(errno_class) {
        return ours;
    }
    if let Some(tls) = symptoms.tls {
        return tls_class(symptoms, tls, phase);
    }
    match phase {
        Phase::Resolve => FailureClass::DnsServerFailure,
        Phase::Connect => connect_class(symptoms),
        Phase::Tls => handshake_class(symptoms),
        Phase::Processing => head_class(symptoms),
        Phase::Transfer => body_class(symptoms),
    }
}

/// The class of an operating system error that is the prober's own trouble.
pub(super) fn errno_class(errno: i32) -> Option<FailureClass> {
    match errno {
        errno::EMFILE | errno::ENFILE => Some(FailureClass::ProberFdLimit),
        errno::EADDRNOTAVAIL => Some(FailureClass::ProberPortsExhausted),
        errno::ENOMEM | errno::ENOBUFS | errno::EPERM | errno::EACCES | errno::EAGAIN => {
            Some(FailureClass::ProberResources)
        }
        _ => None,
    }
}

fn connect_class(symptoms: &Symptoms) -> FailureClass {
    match (symptoms.errno, symptoms.io) {
        (Some(errno::ECONNREFUSED), _) | (None, Some(io::ErrorKind::ConnectionRefused)) => FailureClass::ConnectRefused,
        (Some(errno::ETIMEDOUT), _) | (None, Some(io::ErrorKind::TimedOut)) => FailureClass::ConnectTimeout,
        _ if is_reset(symptoms) => FailureClass::ConnectionReset,
        _ => FailureClass::ConnectUnreachable,
    }
}

fn handshake_class(symptoms: &Symptoms) -> FailureClass {
    match symptoms.io {
        _ if is_reset(symptoms) => FailureClass::ConnectionReset,
        Some(io::ErrorKind::TimedOut) => FailureClass::TlsHandshakeTimeout,
        _ => FailureClass::TlsHandshakeFailed,
    }
}

fn tls_class(symptoms: &Symptoms, tls: TlsSymptom, phase: Phase) -> FailureClass {
    match tls {
        TlsSymptom::Certificate(class) => class,
        TlsSymptom::OtherCertificate if symptoms.self_signed => FailureClass::TlsCertUntrusted,
        TlsSymptom::OtherCertificate => FailureClass::TlsCertInvalid,
        TlsSymptom::Alert(AlertDescription::CertificateRequired) => FailureClass::TlsClientCertRequired,
        TlsSymptom::Alert(_) if symptoms.client_cert_missing && phase < Phase::Transfer => {
            FailureClass::TlsClientCertRequired
        }
        TlsSymptom::Alert(AlertDescription::ProtocolVersion) | TlsSymptom::Version => FailureClass::TlsVersion,
        TlsSymptom::NotTls if phase == Phase::Tls => FailureClass::TlsNotTls,
        _ if phase == Phase::Transfer => FailureClass::BodyTruncated,
        _ => FailureClass::TlsHandshakeFailed,
    }
}

/// Before the response head is complete.
fn head_class(symptoms: &Symptoms) -> FailureClass {
    if let Some(h2) = symptoms.h2 {
        return h2_class(h2, Phase::Processing);
    }
    match symptoms.http {
        Some(HttpSymptom::TooLarge) => FailureClass::HeadersTooLarge,
        Some(HttpSymptom::Parse) => FailureClass::HttpProtocol,
        _ if is_h2_eof(symptoms) => FailureClass::EmptyReply,
        _ if is_reset(symptoms) => reset_before_answer(symptoms),
        _ if symptoms.io == Some(io::ErrorKind::TimedOut) => FailureClass::ResponseTimeout,
        // The connection was found unusable before the request could be sent over it, and hyper
        // keeps to itself why: what came was no HTTP/2.
        Some(HttpSymptom::Canceled) if symptoms.speaks_h2 => FailureClass::HttpProtocol,
        Some(HttpSymptom::Incomplete | HttpSymptom::Canceled) => FailureClass::EmptyReply,
        _ => match symptoms.io {
            Some(io::ErrorKind::UnexpectedEof) => FailureClass::EmptyReply,
            Some(kind) if is_unreachable(kind) => FailureClass::ConnectionReset,
            _ => FailureClass::HttpProtocol,
        },
    }
}

/// A server that wants a client certificate may close the connection without an alert.
fn reset_before_answer(symptoms: &Symptoms) -> FailureClass {
    if symptoms.client_cert_missing { FailureClass::TlsClientCertRequired } else { FailureClass::ConnectionReset }
}

/// While the body is read.
fn body_class(symptoms: &Symptoms) -> FailureClass {
    if let Some(h2) = symptoms.h2 {
        return h2_class(h2, Phase::Transfer);
    }
    if is_h2_eof(symptoms) {
        return FailureClass::BodyTruncated;
    }
    if is_reset(symptoms) {
        return FailureClass::ConnectionReset;
    }
    match (symptoms.http, symptoms.io) {
        (_, Some(io::ErrorKind::TimedOut)) => FailureClass::BodyTimeout,
        // Without hyper in the chain it is the decoder that complains: the bytes arrived whole.
        (None, _) if symptoms.decoding => FailureClass::BodyDecode,
        (Some(HttpSymptom::Incomplete), _) | (_, Some(io::ErrorKind::UnexpectedEof)) => FailureClass::BodyTruncated,
        (_, Some(kind)) if is_unreachable(kind) => FailureClass::ConnectionReset,
        (Some(HttpSymptom::Canceled), _) => FailureClass::BodyTruncated,
        _ => FailureClass::HttpProtocol,
    }
}

fn h2_class(h2: H2Symptom, phase: Phase) -> FailureClass {
    match h2.reason {
        _ if h2.remote => FailureClass::Http2Error,
        _ if h2.header_list => FailureClass::HeadersTooLarge,
        // h2 refuses a stream by itself when the response head is larger than the list it announced.
        H2Symptom::REFUSED_STREAM if phase < Phase::Transfer => FailureClass::HeadersTooLarge,
        H2Symptom::ENHANCE_YOUR_CALM | H2Symptom::REFUSED_STREAM => FailureClass::Http2Error,
        _ => FailureClass::HttpProtocol,
    }
}

fn is_reset(symptoms: &Symptoms) -> bool {
    match symptoms.errno {
        Some(errno) => matches!(errno, errno::ECONNRESET | errno::EPIPE | errno::ECONNABORTED),
        None => matches!(
            symptoms.io,
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted)
        ),
    }
}

/// h2 makes a broken pipe, without the operating system's number, of a connection that ended.
fn is_h2_eof(symptoms: &Symptoms) -> bool {
    symptoms.speaks_h2 && symptoms.errno.is_none() && symptoms.io == Some(io::ErrorKind::BrokenPipe)
}

fn is_unreachable(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NotConnected
    )
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

/// Linux's numbers where Rust's `ErrorKind` is too coarse; the other systems' are mapped beside.
mod errno {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    mod numbers {
        pub(super) const ENOBUFS: i32 = 105;
        pub(super) const EADDRNOTAVAIL: i32 = 99;
        pub(super) const ECONNABORTED: i32 = 103;
        pub(super) const ECONNRESET: i32 = 104;
        pub(super) const ETIMEDOUT: i32 = 110;
        pub(super) const ECONNREFUSED: i32 = 111;
        pub(super) const EAGAIN: i32 = 11;
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    mod numbers {
        pub(super) const ENOBUFS: i32 = 55;
        pub(super) const EADDRNOTAVAIL: i32 = 49;
        pub(super) const ECONNABORTED: i32 = 53;
        pub(super) const ECONNRESET: i32 = 54;
        pub(super) const ETIMEDOUT: i32 = 60;
        pub(super) const ECONNREFUSED: i32 = 61;
        pub(super) const EAGAIN: i32 = 35;
    }

    pub(super) const EPERM: i32 = 1;
    pub(super) const ENOMEM: i32 = 12;
    pub(super) const EACCES: i32 = 13;
    pub(super) const ENFILE: i32 = 23;
    pub(super) const EMFILE: i32 = 24;
    pub(super) const EPIPE: i32 = 32;
    pub(super) const ENOBUFS: i32 = numbers::ENOBUFS;
    pub(super) const EADDRNOTAVAIL: i32 = numbers::EADDRNOTAVAIL;
    pub(super) const ECONNABORTED: i32 = numbers::ECONNABORTED;
    pub(super) const ECONNRESET: i32 = numbers::ECONNRESET;
    pub(super) const ETIMEDOUT: i32 = numbers::ETIMEDOUT;
    pub(super) const ECONNREFUSED: i32 = numbers::ECONNREFUSED;
    pub(super) const EAGAIN: i32 = numbers::EAGAIN;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn io_symptoms(error: &io::Error) -> Symptoms {
        symptoms(error)
    }

    #[test]
    fn the_provers_own_trouble_is_never_the_targets() {
        for phase in Phase::ALL {
            for errno in [errno::EMFILE, errno::ENFILE, errno::EADDRNOTAVAIL, errno::ENOMEM, errno::EPERM] {
                let class = classify(&io_symptoms(&io::Error::from_raw_os_error(errno)), phase);
                assert!(class.is_ours(), "{errno} in {phase} is {class}");
            }
        }
    }

    #[test]
    fn a_reset_is_found_inside_an_error_of_kind_other() {
        let nested = io::Error::other(io::Error::other(io::Error::from_raw_os_error(errno::ECONNRESET)));
        assert_eq!(classify(&io_symptoms(&nested), Phase::Tls), FailureClass::ConnectionReset);
    }

    #[test]
    fn a_tls_error_is_found_two_levels_inside_an_io_error() {
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let nested = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, expired));
        assert_eq!(classify(&io_symptoms(&nested), Phase::Tls), FailureClass::TlsCertExpired);
    }

    #[test]
    fn a_missing_client_certificate_is_told_from_other_alerts() {
        let alert = |description| Symptoms { tls: Some(TlsSymptom::Alert(description)), ..Symptoms::default() };
        let required = alert(AlertDescription::CertificateRequired);
        assert_eq!(classify(&required, Phase::Processing), FailureClass::TlsClientCertRequired);
        let refused = alert(AlertDescription::HandshakeFailure);
        assert_eq!(classify(&refused, Phase::Tls), FailureClass::TlsHandshakeFailed);
        let asked = Symptoms { client_cert_missing: true, ..refused };
        assert_eq!(classify(&asked, Phase::Tls), FailureClass::TlsClientCertRequired);
    }

    #[test]
    fn the_decoder_and_the_connection_are_told_apart() {
        let cut = Symptoms { decoding: true, io: Some(io::ErrorKind::UnexpectedEof), ..Symptoms::default() };
        assert_eq!(classify(&cut, Phase::Transfer), FailureClass::BodyDecode);
        let short = Symptoms { http: Some(HttpSymptom::Other), ..cut };
        assert_eq!(classify(&short, Phase::Transfer), FailureClass::BodyTruncated);
    }

    fn any_symptoms() -> impl Strategy<Value = Symptoms> {
        let kinds = prop::sample::select(vec![
            io::ErrorKind::TimedOut,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::InvalidData,
            io::ErrorKind::HostUnreachable,
        ]);
        let tls = prop::sample::select(vec![
            TlsSymptom::Other,
            TlsSymptom::NotTls,
            TlsSymptom::Version,
            TlsSymptom::OtherCertificate,
            TlsSymptom::Certificate(FailureClass::TlsCertExpired),
            TlsSymptom::Alert(AlertDescription::HandshakeFailure),
        ]);
        let http = prop::sample::select(vec![
            HttpSymptom::TooLarge,
            HttpSymptom::Parse,
            HttpSymptom::Incomplete,
            HttpSymptom::Canceled,
            HttpSymptom::Other,
        ]);
        let h2 = (0u32..20, any::<bool>(), any::<bool>()).prop_map(|(reason, remote, header_list)| H2Symptom {
            reason,
            remote,
            header_list,
        });
        let options = prop::option::of(0i32..140);
        (
            (options, prop::option::of(kinds), prop::option::of(tls), prop::option::of(http), prop::option::of(h2)),
            (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        )
            .prop_map(
                |((errno, io, tls, http, h2), (decoding, client_cert_missing, self_signed, speaks_h2))| Symptoms {
                    errno,
                    io,
                    tls,
                    http,
                    h2,
                    certificate: None,
                    decoding,
                    client_cert_missing,
                    self_signed,
                    speaks_h2,
                },
            )
    }

    proptest! {
        #[test]
        fn a_class_never_belongs_to_a_later_phase(symptoms in any_symptoms(), phase in prop::sample::select(&Phase::ALL[..])) {
            use crate::model::ClassGroup;
            let group = classify(&symptoms, phase).group();
            let reached = match phase {
                Phase::Resolve | Phase::Connect => 1,
                Phase::Tls => 2,
                Phase::Processing => 3,
                Phase::Transfer => 4,
            };
            let of_group = match group {
                ClassGroup::Resolve | ClassGroup::Connect | ClassGroup::AnyConnected | ClassGroup::Ours => 1,
                ClassGroup::Tls => return Ok(()),
                ClassGroup::Processing => 3,
                ClassGroup::Transfer => 4,
                ClassGroup::Answer => 9,
            };
            prop_assert!(of_group <= reached, "{group:?} in {phase}");
        }
    }
}
