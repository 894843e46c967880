//! Failures in everyday words: `connect timeouts`, `status 503`.

use crate::model::FailureClass;

/// The failures of a class in everyday words, with the code if one is known.
pub(crate) fn failures(class: FailureClass, status: Option<u16>) -> String {
    if let (FailureClass::Status, Some(status)) = (class, status) {
        return format!("status {status}");
    }
    let words = match class {
        FailureClass::DnsNotFound => "names not found",
        FailureClass::DnsNoAddress => "names without an address",
        FailureClass::DnsServerFailure => "DNS server failures",
        FailureClass::DnsTimeout => "DNS timeouts",
        FailureClass::ConnectRefused => "refused connections",
        FailureClass::ConnectTimeout => "connect timeouts",
        FailureClass::ConnectUnreachable => "unreachable addresses",
        FailureClass::TlsCertExpired => "an expired certificate",
        FailureClass::TlsCertNotYetValid => "a certificate not yet valid",
        FailureClass::TlsCertNameMismatch => "a certificate for another name",
        FailureClass::TlsCertUntrusted => "an untrusted certificate",
        FailureClass::TlsCertRevoked => "a revoked certificate",
        FailureClass::TlsCertInvalid => "an invalid certificate",
        FailureClass::TlsVersion => "no common TLS version",
        FailureClass::TlsHandshakeFailed => "failed TLS handshakes",
        FailureClass::TlsHandshakeTimeout => "TLS handshake timeouts",
        FailureClass::TlsNotTls => "no TLS on the port",
        FailureClass::TlsClientCertRequired => "a missing client certificate",
        FailureClass::ConnectionReset => "connection resets",
        FailureClass::EmptyReply => "empty replies",
        FailureClass::ResponseTimeout => "response timeouts",
        FailureClass::HttpProtocol => "HTTP protocol errors",
        FailureClass::HeadersTooLarge => "headers too large",
        FailureClass::Http2Error => "HTTP/2 errors",
        FailureClass::BodyTimeout => "body timeouts",
        FailureClass::BodyTruncated => "truncated bodies",
        FailureClass::BodyTooLarge => "bodies too large",
        FailureClass::BodyDecode => "bodies that do not decode",
        FailureClass::Status => "unexpected status codes",
        FailureClass::RedirectLimit => "endless redirects",
        FailureClass::RedirectBlocked => "blocked redirects",
        FailureClass::RedirectInvalid => "invalid redirects",
        FailureClass::TargetBlocked => "blocked targets",
        FailureClass::AssertionFailed => "unmet expectations",
        FailureClass::CaptureFailed => "failed captures",
        FailureClass::AssetFailed => "failed linked files",
        other => return other.name().replace('_', " "),
    };
    words.to_owned()
}
