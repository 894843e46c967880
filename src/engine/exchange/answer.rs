//! What a request yields: an answer to judge, or why there is none.

use url::Url;

use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::expectation::dns_answer::DnsAnswer;
use crate::engine::fault::Fault;
use crate::engine::http::body::Body;
use crate::engine::http::message::ResponseHead;
use crate::model::{FailureClass, GrpcStatus, message};

/// An answer to judge, and where it came from.
pub(crate) struct Answer {
    /// Absent if the protocol is not HTTP.
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: Body,
    pub(crate) grpc_status: Option<GrpcStatus>,
    pub(crate) dns: Option<DnsAnswer>,
    /// Why the answer is not complete.
    pub(crate) fault: Option<Fault>,
    pub(crate) url: Url,
    pub(crate) trace: ConnectionTrace,
}

impl Answer {
    /// An answer without a response head.
    pub(crate) fn of(body: Body, url: Url, trace: ConnectionTrace) -> Answer {
        Answer { head: None, body, grpc_status: None, dns: None, fault: None, url, trace }
    }
}

/// What was received over a connection without HTTP.
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
    /// The request failed before anything was sent.
    pub(crate) fn before(fault: Fault) -> Stopped {
        Stopped { fault, url: None, trace: None }
    }
}

/// The request cannot be sent, for a reason that is not the target's.
pub(crate) fn not_sent(reason: &str) -> Fault {
    Fault::new(FailureClass::ProberUnsupported, None, message!("the request cannot be sent: {reason}"))
}
