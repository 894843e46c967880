//! What was received, and the mismatches found in it.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::engine::expectation::dns_answer::DnsAnswer;
use crate::engine::http::body::Body;
use crate::model::{Captures, GrpcStatus, Hop, HttpVersion, MessageText, Mismatch, Redactor, Timings, TlsFacts, Value};

/// The longest text of an expected or actual value kept, in characters.
pub(crate) const SHOWN: usize = 200;

/// The most mismatches kept.
const MISMATCHES: usize = 50;

/// What was received, as far as it can be judged.
#[derive(Debug)]
pub(crate) struct ReceivedResponse<'a> {
    /// Absent if the protocol is not HTTP.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) url: &'a Url,
    pub(crate) http_version: Option<HttpVersion>,
    pub(crate) tls: Option<&'a TlsFacts>,
    /// The server's own certificate.
    pub(crate) leaf: Option<CertificateDer<'static>>,
    pub(crate) hops: &'a [Hop],
    pub(crate) body: &'a Body,
    pub(crate) grpc_status: Option<GrpcStatus>,
    pub(crate) dns: Option<&'a DnsAnswer>,
    pub(crate) timings: &'a Timings,
    pub(crate) now: Timestamp,
}

/// The mismatches so far.
pub(crate) struct Judge<'a> {
    pub(crate) captures: &'a Captures,
    pub(crate) redactor: &'a Redactor,
    pub(crate) mismatches: Vec<Mismatch>,
    /// Whether the part of the body past the limit could have met a rule.
    pub(crate) beyond_limit: bool,
    /// What this host lacked to judge a rule.
    pub(crate) host_lacks: Option<MessageText>,
}

impl<'a> Judge<'a> {
    pub(crate) const fn new(captures: &'a Captures, redactor: &'a Redactor) -> Judge<'a> {
        Judge { captures, redactor, mismatches: Vec::new(), beyond_limit: false, host_lacks: None }
    }

    pub(crate) fn miss(&mut self, assertion: &str, expected: impl Into<MessageText>, actual: impl Into<MessageText>) {
        if self.mismatches.len() < MISMATCHES {
            self.mismatches.push(Mismatch {
                assertion: assertion.to_owned(),
                expected: self.redactor.message_within(expected, SHOWN),
                actual: self.redactor.message_within(actual, SHOWN),
            });
        }
    }

    /// The text of an expectation with captures filled in. A missing capture was reported when the capture failed.
    pub(crate) fn fill(&self, value: &Value) -> String {
        value.fill(self.captures).unwrap_or_default()
    }

    /// Records a mismatch, unless the body was cut: then the part past the limit might meet the rule.
    pub(crate) fn unless_cut(
        &mut self,
        body: &Body,
        assertion: &str,
        expected: impl Into<MessageText>,
        actual: impl Into<MessageText>,
    ) {
        if body.cut {
            self.beyond_limit = true;
        } else {
            self.miss(assertion, expected, actual);
        }
    }
}
