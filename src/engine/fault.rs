//! What went wrong with a request, as class, phase and one sentence, and the deadline of a check. The
//! sentence may quote a server: it is redacted and cleaned when it becomes a
//! [`Failure`](crate::model::Failure).

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{FailureClass, MessageText, Phase, message};

/// A timeout that fires this late says more about the prober than about the target.
const LATE: Duration = Duration::from_secs(1);

/// When a check must have ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    /// The limit as configured, for messages.
    pub(super) limit: Duration,
}

impl Deadline {
    /// `within 400 ms (timeout 400ms)`, for messages.
    pub(super) fn within(&self) -> MessageText {
        message!("within {} ms (timeout {:?})", self.limit.as_millis(), self.limit)
    }
}

/// What went wrong, before redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) class: FailureClass,
    pub(super) phase: Option<Phase>,
    pub(super) message: MessageText,
}

impl Fault {
    pub(super) fn new(class: FailureClass, phase: impl Into<Option<Phase>>, message: impl Into<MessageText>) -> Fault {
        Fault { class, phase: phase.into(), message: message.into() }
    }
}

/// The fault of a timeout, by phase. A timer that fires late means that the prober was too busy to
/// see whether the target answered.
pub(super) fn timed_out(phase: Phase, deadline: Deadline, target: &str) -> Fault {
    let late = Instant::now().saturating_duration_since(deadline.at);
    if late > LATE {
        let late = late.as_millis();
        let message =
            message!("the prober was too busy: the timeout of {:?} was noticed {late} ms late", deadline.limit);
        return Fault::new(FailureClass::ProberOverloaded, phase, message);
    }
    let what = match phase {
        Phase::Resolve => "was not resolved",
        Phase::Connect => "did not accept the connection",
        Phase::Tls => "did not finish the TLS handshake",
        Phase::Processing => "sent no complete response head",
        Phase::Transfer => "did not finish the body",
    };
    Fault::new(class_of_silence(phase), phase, message!("{target} ").then(what).then(" ").then(deadline.within()))
}

/// The failure class if the peer is silent in a phase.
pub(super) const fn class_of_silence(phase: Phase) -> FailureClass {
    match phase {
        Phase::Resolve => FailureClass::DnsTimeout,
        Phase::Connect => FailureClass::ConnectTimeout,
        Phase::Tls => FailureClass::TlsHandshakeTimeout,
        Phase::Processing => FailureClass::ResponseTimeout,
        Phase::Transfer => FailureClass::BodyTimeout,
    }
}
