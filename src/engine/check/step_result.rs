//! The result of one step as plain data, from which the check's outcome is made.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, Version, header};
use rustls::CipherSuite;
use tokio::time::Instant;
use url::Url;

use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::evidence;
use crate::engine::evidence::repeat_command;
use crate::engine::fault::Fault;
use crate::engine::http::body::Body;
use crate::engine::http::message::ResponseHead;
use crate::engine::http::quoted::outside_quotes;
use crate::engine::http::redirect;
use crate::model::{
    AddressOutcome, AssetOutcome, DnsFacts, Evidence, Failure, Hop, HttpExchange, HttpVersion, Mismatch, Probe,
    Redactor, SafeText, Step, StepOutcome, Timings, TlsFacts,
};

/// The most redirects recorded, however many are allowed.
const HOPS: usize = 20;

/// The longest Location kept, in characters.
const LOCATION: usize = 300;

#[derive(Debug, Default)]
pub(crate) struct StepResult {
    pub(crate) failure: Option<Failure>,
    pub(crate) timings: Timings,
    /// The sum of `ConnectionTrace::close_time`: time that passed but belongs to none of the `timings`.
    pub(crate) close_time: Duration,
    pub(crate) status: Option<u16>,
    /// What a name server answered.
    pub(crate) dns: Option<DnsFacts>,
    /// The status code of a gRPC call.
    pub(crate) grpc_status: Option<u16>,
    pub(crate) http_version: Option<HttpVersion>,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) tls: Option<TlsFacts>,
    pub(crate) redirects: Vec<Hop>,
    /// The `content-length` of the last response head.
    pub(crate) content_length: Option<u64>,
    pub(crate) body: Body,
    /// The answer that was judged.
    pub(crate) page: Option<Page>,
    /// The addresses of the host that answered.
    pub(crate) dialled: Vec<SocketAddr>,
    pub(crate) http3_offered: bool,
    /// The warnings of this step and of the steps before it.
    pub(crate) warnings: Vec<Mismatch>,
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) assets: Vec<AssetOutcome>,
    pub(crate) addresses: Vec<AddressOutcome>,
    pub(crate) exchanges: Vec<HttpExchange>,
    pub(crate) evidence: Option<Evidence>,
}

/// Where an answer came from, and its headers.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
}

impl StepResult {
    /// Sets the total time since `began`, without the time that a WebSocket waits for its close.
    pub(crate) fn note_total(&mut self, began: Instant) {
        self.timings.total = began.elapsed().saturating_sub(self.close_time);
    }

    /// Records a failure, with the evidence to understand and repeat it.
    pub(crate) fn fail(
        &mut self,
        fault: &Fault,
        mismatches: Vec<Mismatch>,
        url: Option<&Url>,
        probe: &Probe,
        step: &Step,
        redactor: &Redactor,
    ) {
        let mut failure = Failure::new(fault.class, fault.phase, redactor.message(fault.message.clone()));
        failure.step.clone_from(&step.name);
        failure.mismatches = mismatches;
        self.failure = Some(failure);
        if let Some(url) = url {
            let curl = repeat_command::command(probe, &step.request, redactor);
            let answer = self.page.as_ref().map(|page| (&page.headers, &self.body));
            self.evidence = Some(evidence::gather(url, answer, &self.dialled, curl.as_deref(), redactor));
        }
    }

    /// Turns the failure into a warning.
    pub(crate) fn warn_instead(&mut self, assertion: &str) {
        let Some(failure) = self.failure.take() else { return };
        self.evidence = None;
        let missed = Mismatch {
            assertion: assertion.to_owned(),
            expected: SafeText::message("files that load"),
            actual: failure.message,
        };
        self.warnings.extend(if failure.mismatches.is_empty() { vec![missed] } else { failure.mismatches });
    }

    pub(crate) fn note_hop(
        &mut self,
        head: &ResponseHead,
        url: &Url,
        method: &Method,
        trace: &ConnectionTrace,
        redactor: &Redactor,
    ) {
        let timings = trace.timings();
        self.timings.add_all(&timings);
        self.note_connection(trace, redactor);
        if self.redirects.len() < HOPS {
            self.redirects.push(Hop {
                url: redactor.url(url),
                status: head.status.as_u16(),
                location: shown_location(redirect::location(&head.headers), url, redactor),
                method: method.to_string(),
                remote: trace.remote,
                timings,
                tls: self.tls.clone(),
            });
        }
    }

    /// Notes the server's address, and what the TLS handshake showed.
    pub(crate) fn note_connection(&mut self, trace: &ConnectionTrace, redactor: &Redactor) {
        self.remote = trace.remote;
        self.tls = trace.handshake.as_ref().map(|shown| {
            let facts = shown.facts();
            let of_chain = facts.anchors.facts(&facts.chain, redactor);
            TlsFacts {
                version: facts.version.map(str::to_owned),
                cipher: facts.cipher.map(cipher_name),
                verified: facts.verified,
                certificate: of_chain.leaf,
                chain: of_chain.chain,
            }
        });
    }

    pub(crate) fn note_head(&mut self, head: &ResponseHead) {
        self.http_version = version(head.version);
        self.status = Some(head.status.as_u16());
        self.content_length = head.content_length();
    }
}

/// A Location as the server wrote it; if it is a URL, without userinfo and secret parameters.
pub(crate) fn shown_location(location: &[u8], url: &Url, redactor: &Redactor) -> SafeText {
    match std::str::from_utf8(location).ok().map(|text| (text, Url::parse(text))) {
        Some((_, Ok(absolute))) => redactor.url(&absolute),
        Some((text, Err(_))) if text.contains('?') => match url.join(text) {
            Ok(joined) => redactor.url(&joined),
            Err(_) => redactor.clean(text, LOCATION),
        },
        _ => redactor.clean_bytes(location, LOCATION),
    }
}

/// Whether `alt-svc` (RFC 7838) offers HTTP/3.
pub(crate) fn offers_http3(headers: &HeaderMap) -> bool {
    headers.get_all(header::ALT_SVC).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        let protocol = |service: &str| service.trim().split('=').next().unwrap_or_default().to_owned();
        outside_quotes(value, ',').map(protocol).any(|protocol| protocol == "h3" || protocol.starts_with("h3-"))
    })
}

pub(crate) fn version(version: Version) -> Option<HttpVersion> {
    match version {
        Version::HTTP_10 => Some(HttpVersion::V1_0),
        Version::HTTP_11 => Some(HttpVersion::V1_1),
        Version::HTTP_2 => Some(HttpVersion::V2),
        Version::HTTP_3 => Some(HttpVersion::V3),
        _ => None,
    }
}

/// The IANA name: rustls has its own names for the suites of TLS 1.3.
fn cipher_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn http3_is_offered_outside_quotes_alone() {
        let offers = |value| offers_http3(&[(header::ALT_SVC, HeaderValue::from_static(value))].into_iter().collect());
        assert!(offers(r#"h2=":443", h3=":443"; ma=60"#) && offers(r#"h3-29=":443""#));
        assert!(!offers(r#"h2=":443"; x="a, h3=b""#) && !offers("clear"));
    }
}
