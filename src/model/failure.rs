//! What can go wrong with a check: a closed set of classes, and the evidence of one failure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Phase, SafeText};

/// The first journal format version that has a class: 1 unless the class names another.
macro_rules! since {
    () => {
        1
    };
    ($version:literal) => {
        $version
    };
}

/// Declares the classes in one place: variant, wire name, group, the first journal format version that has it if that
/// is not the first of all, and one sentence for the user.
macro_rules! failure_classes {
    ($($variant:ident $name:literal $group:ident $(since $version:literal)? $meaning:literal;)+) => {
        /// What kind of failure it was. The set is closed; a name is never changed once released.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum FailureClass {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)+
        }

        impl FailureClass {
            /// Every class, in the order of the phases.
            pub const ALL: &'static [FailureClass] = &[$(FailureClass::$variant,)+];

            /// The name used in every output.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(FailureClass::$variant => $name,)+ }
            }

            /// Where in a check the class belongs.
            #[must_use]
            pub const fn group(self) -> ClassGroup {
                match self { $(FailureClass::$variant => ClassGroup::$group,)+ }
            }

            /// The journal format version that introduced it; readers of older versions do not know it.
            #[must_use]
            pub const fn since(self) -> u32 {
                match self { $(FailureClass::$variant => since!($($version)?),)+ }
            }

            /// What it means, in one sentence for the user documentation.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(FailureClass::$variant => $meaning,)+ }
            }
        }
    };
}

failure_classes! {
    DnsNotFound "dns_not_found" Resolve "The name does not exist (NXDOMAIN).";
    DnsNoAddress "dns_no_address" Resolve "The name exists and has no address of the wanted family (NODATA).";
    DnsServerFailure "dns_server_failure" Resolve "The resolver answered with an error (SERVFAIL, REFUSED, FORMERR, a CNAME loop) or with nonsense.";
    DnsTimeout "dns_timeout" Resolve "The resolver did not answer in time.";
    ConnectRefused "connect_refused" Connect "The host refused the connection: nothing listens on that port.";
    ConnectTimeout "connect_timeout" Connect "No answer to the connection request in time: packets are lost or dropped, or the queue is full.";
    ConnectUnreachable "connect_unreachable" Connect "The network or the host is unreachable, or a firewall rejects the connection.";
    TlsCertExpired "tls_cert_expired" Tls "The certificate has expired.";
    TlsCertNotYetValid "tls_cert_not_yet_valid" Tls "The certificate is not valid yet.";
    TlsCertNameMismatch "tls_cert_name_mismatch" Tls "The certificate is for other names.";
    TlsCertUntrusted "tls_cert_untrusted" Tls "The certificate's issuer is unknown, it is self-signed, or an intermediate is missing.";
    TlsCertRevoked "tls_cert_revoked" Tls "The certificate is on a configured revocation list.";
    TlsCertInvalid "tls_cert_invalid" Tls "The certificate cannot be used: wrong purpose, weak key, bad signature or bad encoding.";
    TlsVersion "tls_version" Tls "No TLS version in common.";
    TlsHandshakeFailed "tls_handshake_failed" Tls "The TLS handshake failed: an alert, no cipher in common, or the connection ended.";
    TlsHandshakeTimeout "tls_handshake_timeout" Tls "Connected, but the TLS handshake did not finish in time.";
    TlsNotTls "tls_not_tls" Tls "The peer does not speak TLS on this port.";
    TlsClientCertRequired "tls_client_cert_required" Tls "The server asks for a client certificate.";
    ConnectionReset "connection_reset" AnyConnected "The peer reset the connection.";
    EmptyReply "empty_reply" Processing "The peer closed the connection without a single byte of an answer.";
    ResponseTimeout "response_timeout" Processing "Connected, but the response head did not arrive in time.";
    HttpProtocol "http_protocol" Processing "The answer is not valid HTTP.";
    HeadersTooLarge "headers_too_large" Processing "The response head is larger or has more headers than uptick accepts.";
    Http2Error "http2_error" Processing "The peer ended the HTTP/2 stream or connection with an error.";
    Http3Error "http3_error" Processing since 2 "The HTTP/3 stream or the QUIC connection ended with an error, or no version of QUIC is in common.";
    UpgradeRefused "upgrade_refused" Processing since 2 "The server answered without the requested upgrade to WebSocket.";
    StarttlsRefused "starttls_refused" Processing since 2 "The server does not offer to start TLS on this port, or refuses to.";
    MessageTimeout "message_timeout" Transfer since 2 "Connected, but the expected message did not arrive in time.";
    BodyTimeout "body_timeout" Transfer "The body did not arrive in time.";
    BodyTruncated "body_truncated" Transfer "The connection ended before the body was complete.";
    BodyTooLarge "body_too_large" Transfer "The body is larger than the limit and an expectation needs the rest.";
    BodyDecode "body_decode" Transfer "The body's content encoding cannot be decoded.";
    Status "status" Answer "The status code is not an expected one.";
    GrpcStatus "grpc_status" Answer since 2 "The gRPC call ended with a status other than OK.";
    GrpcNotServing "grpc_not_serving" Answer since 2 "The gRPC health service says that it is not serving.";
    RedirectLimit "redirect_limit" Answer "More redirects than allowed, or a loop.";
    RedirectBlocked "redirect_blocked" Answer "A redirect leads where uptick does not go: to another scheme, or from https to http.";
    RedirectInvalid "redirect_invalid" Answer "A redirect without a usable Location.";
    TargetBlocked "target_blocked" Answer "The address is in a network that the configuration denies.";
    AssertionFailed "assertion_failed" Answer "The answer does not meet an expectation.";
    CaptureFailed "capture_failed" Answer "A value that a later step needs was not in the answer.";
    AssetFailed "asset_failed" Answer "A file that the page links to did not load.";
    ProxyRefused "proxy_refused" Ours since 2 "The proxy itself is unreachable or refuses to serve uptick: the target was not asked.";
    ProberNoRoute "prober_no_route" Ours since 2 "This host has no address of the target's family, or no route to it.";
    ProberClock "prober_clock" Ours since 2 "This host's clock is wrong: it is set before the date of this build.";
    ProberUnsupported "prober_unsupported" Ours since 2 "The target needs something that this prober does not support: an algorithm, a cipher, an extension or a key.";
    ProberFdLimit "prober_fd_limit" Ours "The prober ran out of file descriptors.";
    ProberPortsExhausted "prober_ports_exhausted" Ours "The prober ran out of local ports.";
    ProberResources "prober_resources" Ours "The prober ran out of memory, buffers or threads, or may not use the network.";
    ProberOverloaded "prober_overloaded" Ours "The prober itself was too busy to measure.";
    Interrupted "interrupted" Ours "The run was interrupted before the check could end.";
    ControlFailed "control_failed" Ours "No control target could be reached at that moment: this vantage itself is offline.";
    Blocked "blocked" Ours "A shared session that the probe needs failed first.";
    AuthFailed "auth_failed" Ours "The token that the probe needs could not be fetched from its token server.";
}

/// The part of a check that a class belongs to, and thereby who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassGroup {
    /// While looking the name up.
    Resolve,
    /// While connecting.
    Connect,
    /// In the TLS handshake.
    Tls,
    /// In any phase with a connection.
    AnyConnected,
    /// While waiting for the answer.
    Processing,
    /// While reading the body.
    Transfer,
    /// The answer arrived and is not as expected.
    Answer,
    /// The prober is at fault: the verdict is unknown, never down.
    Ours,
}

impl ClassGroup {
    /// Its heading in the user documentation.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            ClassGroup::Resolve => "resolve",
            ClassGroup::Connect => "connect",
            ClassGroup::Tls => "tls",
            ClassGroup::AnyConnected => "any connected phase",
            ClassGroup::Processing => "processing",
            ClassGroup::Transfer => "transfer",
            ClassGroup::Answer => "verdict on the answer",
            ClassGroup::Ours => "`unknown`, never `down`",
        }
    }
}

impl FailureClass {
    /// Whether the prober is at fault and not the target.
    #[must_use]
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self.group(), ClassGroup::Ours)
    }

    /// Whether a certificate was refused.
    #[must_use]
    pub(crate) const fn is_of_certificate(self) -> bool {
        use FailureClass as Class;
        matches!(
            self,
            Class::TlsCertExpired
                | Class::TlsCertNotYetValid
                | Class::TlsCertNameMismatch
                | Class::TlsCertUntrusted
                | Class::TlsCertRevoked
                | Class::TlsCertInvalid
        )
    }

    /// Whether a prober without a network fails like this: names do not resolve, connections fail, or nothing answers
    /// in time. With any other failure something answered, so the prober is online.
    #[must_use]
    pub(crate) const fn may_be_offline(self) -> bool {
        use FailureClass as Class;
        matches!(self.group(), ClassGroup::Resolve | ClassGroup::Connect)
            || matches!(
                self,
                Class::TlsHandshakeTimeout | Class::ResponseTimeout | Class::MessageTimeout | Class::BodyTimeout
            )
    }

    /// The verdict on a check that failed this way.
    #[must_use]
    pub const fn verdict(self) -> super::Verdict {
        if self.is_ours() { super::Verdict::Unknown } else { super::Verdict::Down }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why one check was not up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// What kind of failure it was.
    pub class: FailureClass,
    /// The class that the check itself found, if the controls failed too and `class` is `control_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_class: Option<FailureClass>,
    /// The phase it broke in; null if the answer arrived whole and was not as expected.
    pub phase: Option<Phase>,
    /// One sentence: what happened, to which address, against which limit.
    pub message: SafeText,
    /// The journey's step it broke in; null for a probe of one request.
    pub step: Option<String>,
    /// Every expectation that was not met, not the first alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
}

impl Failure {
    /// A failure in a phase.
    #[must_use]
    pub fn new(class: FailureClass, phase: Option<Phase>, message: SafeText) -> Failure {
        Failure { class, own_class: None, phase, message, step: None, mismatches: Vec::new() }
    }
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Mismatch {
    /// Which expectation, as it is spelled in the probe file: `body-contains`, `latency.total`.
    pub assertion: String,
    /// What was expected.
    pub expected: SafeText,
    /// The actual value.
    pub actual: SafeText,
}

impl Mismatch {
    /// Whether both are of the same rule, whatever the actual value was.
    #[must_use]
    pub(crate) fn is_of_same_rule(&self, other: &Mismatch) -> bool {
        self.assertion == other.assertion && self.expected == other.expected
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.assertion, self.expected, self.actual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_name_is_the_name() {
        for class in FailureClass::ALL {
            let json = serde_json::to_string(class).expect("a class serialises");
            assert_eq!(json, format!("\"{}\"", class.name()));
        }
    }
}
