//! What went wrong with a request, as class, phase and one sentence. The sentence may hold what
//! a server said: it is redacted and cleaned where it becomes a [`Failure`](crate::model::Failure).

use std::error::Error as StdError;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{ClassGroup, FailureClass, Phase};

use super::certificate;
use super::classify::classify;
use super::marks::Seen;
use super::resolve::NoAddress;
use super::symptoms::{Symptoms, symptoms};

/// A timeout that fires this late says more about us than about the target.
const LATE: Duration = Duration::from_secs(1);

/// When a check must have ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    /// The limit as configured, for messages.
    pub(super) limit: Duration,
}

/// What went wrong, before redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) class: FailureClass,
    pub(super) phase: Option<Phase>,
    pub(super) message: String,
    pub(super) symptoms: Symptoms,
}

impl Fault {
    pub(super) fn new(class: FailureClass, phase: impl Into<Option<Phase>>, message: impl Into<String>) -> Fault {
        Fault { class, phase: phase.into(), message: message.into(), symptoms: Symptoms::default() }
    }
}

/// The failure to find an address.
pub(super) fn unresolved(host: &str, failure: &NoAddress) -> Fault {
    let message = match failure.class {
        FailureClass::DnsNotFound => format!("no such host {host} ({})", failure.detail),
        FailureClass::DnsNoAddress => format!("{host} has no address of the wanted family ({})", failure.detail),
        FailureClass::DnsTimeout => format!("no resolver answered for {host}: {}", failure.detail),
        FailureClass::TargetBlocked => format!("{host} {}", failure.detail),
        _ => format!("{host} could not be resolved: {}", failure.detail),
    };
    let phase = (failure.class != FailureClass::TargetBlocked).then_some(Phase::Resolve);
    Fault::new(failure.class, phase, message)
}

/// What ran out of time, by phase. A timer that fires late means that we were too busy to see
/// whether the target answered.
pub(super) fn timed_out(phase: Phase, deadline: Deadline, target: &str) -> Fault {
    let late = Instant::now().saturating_duration_since(deadline.at);
    if late > LATE {
        let late = late.as_millis();
        let message =
            format!("the prober was too busy: the timeout of {:?} was noticed {late} ms late", deadline.limit);
        return Fault::new(FailureClass::ProberOverloaded, phase, message);
    }
    let (class, what) = match phase {
        Phase::Resolve => (FailureClass::DnsTimeout, format!("{target} was not resolved")),
        Phase::Connect => (FailureClass::ConnectTimeout, format!("{target} did not accept the connection")),
        Phase::Tls => (FailureClass::TlsHandshakeTimeout, format!("{target} did not finish the TLS handshake")),
        Phase::Processing => (FailureClass::ResponseTimeout, format!("{target} sent no complete response head")),
        Phase::Transfer => (FailureClass::BodyTimeout, format!("{target} did not finish the body")),
    };
    let limit = deadline.limit;
    Fault::new(class, phase, format!("{what} within {} ms (timeout {limit:?})", limit.as_millis()))
}

/// The failure that an error in this phase is.
pub(super) fn fault_in(error: &reqwest::Error, phase: Phase, seen: &Seen, target: &str) -> Fault {
    let mut symptoms = symptoms(error);
    symptoms.client_cert_missing = seen.client_cert_missing;
    symptoms.speaks_h2 |= seen.h2;
    symptoms.self_signed = certificate::is_self_signed(&seen.chain);
    let class = classify(&symptoms, phase);
    let mut message = describe(class, &symptoms, target, &innermost(error));
    if class == FailureClass::HttpProtocol && phase == Phase::Processing && !seen.is_tls() && !symptoms.speaks_h2 {
        message.push_str("; the port may speak TLS or another protocol");
    }
    // In TLS 1.3 a server refuses a client after the client's handshake has ended.
    let phase = if class.group() == ClassGroup::Tls { Phase::Tls } else { phase };
    Fault { class, phase: Some(phase), message, symptoms }
}

/// The last cause of an error: the one that says what happened, without URLs.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut told = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = error.to_string();
        let payload = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = error.source().or(payload.map(|payload| payload as &(dyn StdError + 'static)));
    }
    told
}

/// What a person is told. What a server says is not quoted but where it names the trouble.
fn describe(class: FailureClass, symptoms: &Symptoms, target: &str, told: &str) -> String {
    match class {
        FailureClass::ConnectRefused => format!("{target} refused the connection"),
        FailureClass::ConnectTimeout => format!("{target} did not accept the connection: {told}"),
        FailureClass::ConnectUnreachable => format!("{target} cannot be reached: {told}"),
        FailureClass::ConnectionReset => format!("{target} reset the connection"),
        FailureClass::EmptyReply => format!("{target} closed the connection without an answer"),
        FailureClass::HeadersTooLarge => format!("the response head of {target} is larger than accepted"),
        FailureClass::TlsNotTls => format!("{target} does not speak TLS on this port"),
        FailureClass::TlsVersion => format!("{target} offers no TLS version that is accepted: {told}"),
        FailureClass::TlsClientCertRequired => format!("{target} asks for a client certificate"),
        FailureClass::TlsCertUntrusted if symptoms.self_signed => "the certificate is self-signed".to_owned(),
        FailureClass::TlsCertUntrusted => {
            "the certificate's issuer is unknown: a private authority, or an intermediate is missing".to_owned()
        }
        FailureClass::TlsCertExpired => "the certificate has expired".to_owned(),
        FailureClass::TlsCertNotYetValid => "the certificate is not valid yet".to_owned(),
        FailureClass::TlsCertRevoked => "the certificate is revoked".to_owned(),
        FailureClass::TlsCertInvalid => {
            format!("the certificate cannot be used: {}", symptoms.certificate.unwrap_or("it is refused"))
        }
        FailureClass::TlsHandshakeFailed => format!("the TLS handshake with {target} failed: {told}"),
        FailureClass::BodyDecode => format!("the body cannot be decoded: {told}"),
        FailureClass::Http2Error if symptoms.h2.is_some() => {
            let reason = symptoms.h2.map(|h2| h2::Reason::from(h2.reason));
            format!("{target} ended the stream or the connection: {:?}", reason.unwrap_or(h2::Reason::NO_ERROR))
        }
        FailureClass::BodyTruncated => format!("{target} ended the connection before the body was complete"),
        _ => format!("{target}: {told}"),
    }
}
