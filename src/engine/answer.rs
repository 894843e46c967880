//! What came of asking: an answer that is judged, or why there is none.

use url::Url;

use crate::model::{FailureClass, GrpcStatus};

use super::body::Body;
use super::dns_answer::DnsAnswer;
use super::fault::Fault;
use super::message::ResponseHead;
use super::trace::ConnectionTrace;

/// An answer that is judged, and where it came from.
pub(super) struct Answer {
    /// Absent where HTTP is not spoken.
    pub(super) head: Option<ResponseHead>,
    pub(super) body: Body,
    /// What a gRPC call ended with.
    pub(super) grpc_status: Option<GrpcStatus>,
    /// What a name server answered.
    pub(super) dns: Option<DnsAnswer>,
    /// Why the body is not complete.
    pub(super) fault: Option<Fault>,
    pub(super) url: Url,
    pub(super) trace: ConnectionTrace,
}

impl Answer {
    /// An answer without HTTP.
    pub(super) fn of(body: Body, url: Url, trace: ConnectionTrace) -> Answer {
        Answer { head: None, body, grpc_status: None, dns: None, fault: None, url, trace }
    }
}

/// What came over a connection without HTTP.
pub(super) struct Reply {
    pub(super) trace: ConnectionTrace,
    pub(super) body: Body,
    pub(super) fault: Option<Fault>,
}

/// Why there is no answer.
pub(super) struct Stopped {
    pub(super) fault: Fault,
    pub(super) url: Option<Url>,
    pub(super) trace: Option<ConnectionTrace>,
}

impl Stopped {
    /// Nothing was sent.
    pub(super) fn before(fault: Fault) -> Stopped {
        Stopped { fault, url: None, trace: None }
    }
}

/// What is asked cannot be sent, for a reason that is not the target's.
pub(super) fn not_sent(reason: &str) -> Fault {
    Fault::new(FailureClass::ProberUnsupported, None, format!("the request cannot be sent: {reason}"))
}
