//! What went wrong → which failure class. Pure: it judges symptoms by the phase they showed in.

use std::io;

use rustls::AlertDescription;

use super::errno;
use super::symptoms::{H2Symptom, HttpSymptom, Symptoms, TlsSymptom};
use crate::model::{FailureClass, Phase};

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::CertificateError;

    use super::super::symptoms::symptoms;
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
