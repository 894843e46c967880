//! Judges what was received by what was expected. Every rule that does not hold is reported, not only the first.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::engine::expectation::body_rules::needs_body;
use crate::engine::expectation::dns_answer::DnsAnswer;
use crate::engine::expectation::judge::{Judge, ReceivedResponse, SHOWN};
use crate::engine::expectation::text;
use crate::engine::host::offload;
use crate::engine::http::body::Body;
use crate::model::{
    Captures, DnsExpect, Expect, FailureClass, HeaderExpectation, HeaderRule, HttpVersion, MessageText, Mismatch,
    Redactor, SafeText, Timings, is_tls_scheme, message,
};

/// Why an answer is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) class: FailureClass,
    pub(crate) message: MessageText,
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Whether the bytes received so far without HTTP meet every rule that further bytes could meet.
pub(crate) fn meets_text(expect: &Expect, body: &Body, captures: &Captures, redactor: &Redactor) -> bool {
    let mut judge = Judge::new(captures, redactor);
    judge.body(expect, body, &HeaderMap::new());
    let may_come = |mismatch: &Mismatch| !matches!(&*mismatch.assertion, "body-lacks" | "body-not-matches");
    !judge.beyond_limit && !judge.mismatches.iter().any(may_come)
}

/// The mismatch of the status, which is known before the body.
pub(crate) fn status(expect: &Expect, status: StatusCode) -> Option<Unmet> {
    if expect.status.is_empty() || expect.status.iter().any(|set| set.contains(status)) {
        return None;
    }
    let expected: Vec<String> = expect.status.iter().map(ToString::to_string).collect();
    let expected = expected.join(", ");
    let message = message!("status {}, expected ", status.as_u16()).then(&SafeText::clean(&expected, SHOWN));
    let mismatch = Mismatch {
        assertion: "status".to_owned(),
        expected: SafeText::clean(&expected, SHOWN),
        actual: SafeText::clean(status.as_str(), SHOWN),
    };
    Some(Unmet { class: FailureClass::Status, message, mismatches: vec![mismatch] })
}

/// Judges the whole answer. A wrong status decides the class: what else is wrong with an error page
/// follows from it, and is reported with it.
pub(crate) async fn judge(
    expect: &Expect,
    received: &ReceivedResponse<'_>,
    captures: &Captures,
    redactor: &Redactor,
) -> Option<Unmet> {
    if received.body.bytes.len() <= offload::SMALL || !needs_body(expect) {
        return judge_here(expect, received, captures, redactor);
    }
    let (expect, captures, redactor) = (expect.clone(), captures.clone(), redactor.clone());
    let (status, http_version, now) = (received.status, received.http_version, received.now);
    let (headers, url, tls) = (received.headers.clone(), received.url.clone(), received.tls.cloned());
    let leaf = received.leaf.clone();
    let (dns, grpc_status) = (received.dns.cloned(), received.grpc_status);
    let (body, timings, hops) = (received.body.clone(), *received.timings, received.hops.to_vec());
    let work = move || {
        let received = ReceivedResponse {
            status,
            headers: &headers,
            url: &url,
            http_version,
            tls: tls.as_ref(),
            leaf,
            hops: &hops,
            body: &body,
            grpc_status,
            dns: dns.as_ref(),
            timings: &timings,
            now,
        };
        judge_here(&expect, &received, &captures, &redactor)
    };
    offload::run(work).await
}

fn judge_here(
    expect: &Expect,
    received: &ReceivedResponse<'_>,
    captures: &Captures,
    redactor: &Redactor,
) -> Option<Unmet> {
    let of_status = received.status.and_then(|code| status(expect, code));
    let mut judge = Judge::new(captures, redactor);
    judge.connection(expect, received);
    judge.headers(&expect.headers, received.headers);
    judge.body(expect, received.body, received.headers);
    if let Some(status) =
        received.grpc_status.filter(|status| !expect.grpc_status.is_empty() && !expect.grpc_status.contains(status))
    {
        let wanted: Vec<String> = expect.grpc_status.iter().map(ToString::to_string).collect();
        judge.miss("grpc-status", wanted.join(", "), status.to_string());
    }
    if let Some(wanted) = &expect.subprotocol {
        judge.subprotocol(wanted, received.headers);
    }
    if let Some(answer) = received.dns {
        judge.dns(&expect.dns, answer);
    }
    judge.latency(expect, received.timings);
    let mut mismatches = judge.mismatches;
    if let Some(of_status) = of_status {
        mismatches.splice(0..0, of_status.mismatches);
        return Some(Unmet { class: of_status.class, message: of_status.message, mismatches });
    }
    if judge.beyond_limit {
        let message = message!(
            "the body goes on past the limit of {} bytes, and an expectation needs the rest",
            received.body.read
        );
        return Some(Unmet { class: FailureClass::BodyTooLarge, message, mismatches });
    }
    let Some(first) = mismatches.first() else {
        return judge.host_lacks.map(|message| Unmet { class: FailureClass::ProberResources, message, mismatches });
    };
    let more = match mismatches.len() {
        1 => MessageText::default(),
        n => message!(" (and {} more)", n - 1),
    };
    // Secrets were searched when the mismatch was noted; what is left may be words of ours.
    let shown = |text: &SafeText| MessageText::ours(text.as_str().to_owned());
    let mut message = shown(&SafeText::message(&first.assertion))
        .then(": expected ")
        .then(shown(&first.expected))
        .then(", got ")
        .then(shown(&first.actual))
        .then(more);
    let is_of_body = first.assertion.starts_with("body-") || matches!(&*first.assertion, "json" | "sha256");
    if let Some(note) = received.body.note.as_ref().filter(|_| is_of_body) {
        message = message.then("; ").then(note.clone());
    }
    Some(Unmet { class: FailureClass::AssertionFailed, message, mismatches })
}

/// The warnings for an answer that is as expected.
pub(crate) async fn warnings(
    warn: &Expect,
    received: &ReceivedResponse<'_>,
    captures: &Captures,
    redactor: &Redactor,
) -> Vec<Mismatch> {
    match judge(warn, received, captures, redactor).await {
        Some(unmet) if unmet.mismatches.is_empty() => vec![unjudged(unmet.message, redactor)],
        Some(unmet) => unmet.mismatches,
        None => Vec::new(),
    }
}

/// The warning that a rule for the body could not be judged.
pub(crate) fn unjudged(why: MessageText, redactor: &Redactor) -> Mismatch {
    Mismatch {
        assertion: "body".to_owned(),
        expected: SafeText::message("a body that can be judged"),
        actual: redactor.message(why),
    }
}

impl Judge<'_> {
    fn connection(&mut self, expect: &Expect, received: &ReceivedResponse<'_>) {
        if let Some(expected) = &expect.final_url {
            let wanted = self.fill(expected);
            let same = Url::parse(&wanted)
                .map_or(received.url.as_str() == wanted, |wanted| is_same_page(&wanted, received.url));
            if !same {
                self.miss("final-url", expected.to_string(), &self.redactor.url(received.url));
            }
        }
        if !expect.http_version.is_empty()
            && !received.http_version.is_some_and(|got| expect.http_version.contains(&got))
        {
            let names: Vec<&str> = expect.http_version.iter().map(|version| version.name()).collect();
            self.miss("http-version", names.join(", "), received.http_version.map_or("unknown", HttpVersion::name));
        }
        let tls_version = received.tls.and_then(|tls| tls.version.as_deref());
        if !expect.tls_version.is_empty() && !expect.tls_version.iter().any(|wanted| Some(wanted.name()) == tls_version)
        {
            let names: Vec<&str> = expect.tls_version.iter().map(|version| version.name()).collect();
            self.miss(
                "tls-version",
                names.join(", "),
                tls_version.map_or(MessageText::from("no TLS"), |version| version.to_owned().into()),
            );
        }
        let is_secure = is_tls_scheme(received.url.scheme());
        if expect.secure.is_some_and(|secure| secure != is_secure) {
            self.miss("secure", (!is_secure).to_string(), is_secure.to_string());
        }
        if let Some(days) = expect.certificate_days {
            self.certificate_days(days, received);
        }
        self.certificate_issuer(&expect.certificate_issuer, received.tls);
        self.certificate_names(&expect.certificate_names, received);
    }

    fn headers(&mut self, rules: &[HeaderRule], headers: &HeaderMap) {
        for rule in rules {
            let values: Vec<String> =
                headers.get_all(&rule.name).iter().map(|value| text::of_header(value).into_owned()).collect();
            if values.is_empty() && rule.optional {
                continue;
            }
            if let Some(expected) = self.header_expected(&rule.rule, &values) {
                let actual: MessageText =
                    if values.is_empty() { "no such header".into() } else { values.join(", ").into() };
                let hidden = crate::model::is_secret_name(rule.name.as_str()) && !values.is_empty();
                let actual = if hidden { crate::model::REDACTED.into() } else { actual };
                self.miss(&format!("header.{}", rule.name), expected, actual);
            }
        }
    }

    /// The expectation in words, if the header does not meet it.
    fn header_expected(&self, rule: &HeaderExpectation, values: &[String]) -> Option<MessageText> {
        let (holds, expected) = match rule {
            HeaderExpectation::Contains(text) => {
                let wanted = self.fill(text);
                (values.iter().any(|value| value.contains(&wanted)), message!("contains {text}"))
            }
            HeaderExpectation::Matches(pattern) => {
                (values.iter().any(|value| pattern.is_match(value)), message!("matches {}", pattern.as_str()))
            }
            HeaderExpectation::NotMatches(pattern) => {
                (!values.iter().any(|value| pattern.is_match(value)), message!("does not match {}", pattern.as_str()))
            }
            HeaderExpectation::Absent => (values.is_empty(), "absent".into()),
            HeaderExpectation::Present => (!values.is_empty(), "present".into()),
        };
        (!holds).then_some(expected)
    }

    fn subprotocol(&mut self, wanted: &str, headers: &HeaderMap) {
        let chosen = headers.get(header::SEC_WEBSOCKET_PROTOCOL).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if chosen.as_deref() != Some(wanted) {
            let chosen = chosen.map_or(MessageText::from("none"), |chosen| chosen.into_owned().into());
            self.miss("subprotocol", wanted.to_owned(), chosen);
        }
    }

    fn dns(&mut self, expect: &DnsExpect, answer: &DnsAnswer) {
        let code = answer.code_name();
        if !expect.rcode.is_empty() && !expect.rcode.contains(&code.as_str()) {
            self.miss("rcode", expect.rcode.join(", "), code);
            return;
        }
        if let Some(wanted) = expect.authoritative.filter(|wanted| *wanted != answer.authoritative) {
            self.miss("authoritative", wanted.to_string(), answer.authoritative.to_string());
        }
        let data: Vec<&str> = answer.asked().map(|record| record.data.as_str()).collect();
        let shown: MessageText = if data.is_empty() { "no record".into() } else { data.join(" | ").into() };
        for text in &expect.contains {
            let wanted = self.fill(text);
            if !data.iter().any(|data| data.contains(&wanted)) {
                self.miss("answer", message!("contains {text}"), shown.clone());
            }
        }
        let mut equals: Vec<String> = expect.equals.iter().map(|text| self.fill(text)).collect();
        if !equals.is_empty() {
            let mut sorted = data.clone();
            equals.sort();
            sorted.sort_unstable();
            if equals != sorted {
                let wanted: Vec<String> = expect.equals.iter().map(ToString::to_string).collect();
                self.miss("answer", wanted.join(" | "), shown.clone());
            }
        }
        let count = data.len() as u64;
        if let Some(wanted) = expect.count.filter(|wanted| *wanted != count) {
            self.miss("answer.count", wanted.to_string(), message!("{count}: ").then(shown.clone()));
        }
        if let Some(least) = expect.min_count.filter(|least| *least > count) {
            self.miss("answer.min-count", message!("at least {least}"), message!("{count}: ").then(shown));
        }
        self.ttl(expect, answer);
    }

    fn ttl(&mut self, expect: &DnsExpect, answer: &DnsAnswer) {
        let times = || answer.asked().map(|record| Duration::from_secs(record.ttl.into()));
        if let (Some(least), Some(shortest)) = (expect.min_ttl, times().min())
            && shortest < least
        {
            self.miss("ttl.min", message!("at least {least:?}"), message!("{shortest:?}"));
        }
        if let (Some(most), Some(longest)) = (expect.max_ttl, times().max())
            && longest > most
        {
            self.miss("ttl.max", message!("at most {most:?}"), message!("{longest:?}"));
        }
    }

    fn latency(&mut self, expect: &Expect, timings: &Timings) {
        for (phase, most) in &expect.latency {
            let (name, took) = match phase {
                Some(phase) => (phase.name(), timings.phase(*phase).unwrap_or_default()),
                None => ("total", timings.total),
            };
            if took > *most {
                self.miss(&format!("latency.{name}"), message!("at most {most:?}"), message!("{took:.1?}"));
            }
        }
    }
}

/// Whether two URLs are the same. The fragment counts only if `wanted` has one.
fn is_same_page(wanted: &Url, url: &Url) -> bool {
    if wanted.fragment().is_some() {
        return wanted == url;
    }
    let mut page = url.clone();
    page.set_fragment(None);
    *wanted == page
}
