//! What came of asking: an answer that is judged, or why there is none.

use url::Url;

use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::expectation::dns_answer::DnsAnswer;
use crate::engine::fault::Fault;
use crate::engine::http::body::Body;
use crate::engine::http::message::ResponseHead;
use crate::model::{FailureClass, GrpcStatus};

/// An answer that is judged, and where it came from.
pub(crate) struct Answer {
    /// Absent if HTTP is not spoken.
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: Body,
    /// What a gRPC call ended with.
    pub(crate) grpc_status: Option<GrpcStatus>,
    /// What a name server answered.
    pub(crate) dns: Option<DnsAnswer>,
    /// Why the body is not complete.
    pub(crate) fault: Option<Fault>,
    pub(crate) url: Url,
    pub(crate) trace: ConnectionTrace,
}

impl Answer {
    /// An answer without HTTP.
    pub(crate) fn of(body: Body, url: Url, trace: ConnectionTrace) -> Answer {
        Answer { head: None, body, grpc_status: None, dns: None, fault: None, url, trace }
    }
}

/// What came over a connection without HTTP.
pub(crate) struct Reply {
    pub(crate) trace: ConnectionTrace,
    pub(crate) body: Body,
    pub(crate) fault: Option<Fault>,
}

/// Why there is no answer.
pub(crate) struct Stopped {
    pub(crate) fault: Fault,
    pub(crate) url: Option<Url>,
    pub(crate) trace: Option<ConnectionTrace>,
}

impl Stopped {
    /// Nothing was sent.
    pub(crate) fn before(fault: Fault) -> Stopped {
        Stopped { fault, url: None, trace: None }
    }
}

/// What is asked cannot be sent, for a reason that is not the target's.
pub(crate) fn not_sent(reason: &str) -> Fault {
    Fault::new(FailureClass::ProberUnsupported, None, format!("the request cannot be sent: {reason}"))
}
