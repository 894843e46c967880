//! What was expected against what came. Every rule that does not hold is told, not the first alone.

use std::fmt::Display;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use url::Url;

use crate::engine::expectation::dns_answer::DnsAnswer;
use crate::engine::expectation::{json, text};
use crate::engine::host::offload;
use crate::engine::http::body::Body;
use crate::engine::tls::certificate::verify_name;
use crate::model::text::hexadecimal;
use crate::model::{
    Captures, CertificateFacts, CertificateRole, DnsExpect, Expect, FailureClass, GrpcStatus, HeaderExpectation,
    HeaderRule, Hop, HttpVersion, JsonDocument, JsonNode, JsonRule, JsonSchema, Mismatch, Redactor, SafeText, TextRule,
    Timings, TlsFacts, Value, is_tls_scheme,
};

/// The longest expected or actual text kept, in characters.
const SHOWN: usize = 200;

/// The most mismatches kept.
const MISMATCHES: usize = 50;

/// What was received, as far as it can be judged.
#[derive(Debug)]
pub(crate) struct ReceivedResponse<'a> {
    /// Absent where HTTP is not spoken.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) url: &'a Url,
    pub(crate) http_version: Option<HttpVersion>,
    pub(crate) tls: Option<&'a TlsFacts>,
    /// The server's own certificate.
    pub(crate) leaf: Option<CertificateDer<'static>>,
    /// The redirects on the way.
    pub(crate) hops: &'a [Hop],
    pub(crate) body: &'a Body,
    /// What a gRPC call ended with.
    pub(crate) grpc_status: Option<GrpcStatus>,
    /// What a name server answered.
    pub(crate) dns: Option<&'a DnsAnswer>,
    pub(crate) timings: &'a Timings,
    pub(crate) now: Timestamp,
}

/// Why an answer is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) class: FailureClass,
    pub(crate) message: String,
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Whether a rule looks into the body, so that a body that cannot be decoded fails it.
pub(crate) fn needs_body(expect: &Expect) -> bool {
    !expect.body.is_empty()
        || !expect.json.is_empty()
        || expect.json_schema.is_some()
        || expect.sha256.is_some()
        || expect.min_bytes.is_some()
        || expect.max_bytes.is_some()
        || expect.assets.is_some()
        || !expect.message.is_empty()
        || !expect.message_json.is_empty()
}

/// Whether what came so far over a connection without HTTP meets every rule that more of it could meet.
pub(crate) fn meets_text(expect: &Expect, body: &Body, captures: &Captures, redactor: &Redactor) -> bool {
    let mut judge = Judge { captures, redactor, mismatches: Vec::new(), beyond_limit: false };
    judge.body(expect, body, &HeaderMap::new());
    let may_come = |mismatch: &Mismatch| !matches!(&*mismatch.assertion, "body-lacks" | "body-not-matches");
    !judge.beyond_limit && !judge.mismatches.iter().any(may_come)
}

/// The mismatch of the status alone, which is known before the body.
pub(crate) fn status(expect: &Expect, status: StatusCode) -> Option<Unmet> {
    if expect.status.is_empty() || expect.status.iter().any(|set| set.contains(status)) {
        return None;
    }
    let expected: Vec<String> = expect.status.iter().map(ToString::to_string).collect();
    let expected = expected.join(", ");
    let message = format!("status {}, expected {expected}", status.as_u16());
    let mismatch = Mismatch {
        assertion: "status".to_owned(),
        expected: SafeText::clean(&expected, SHOWN),
        actual: SafeText::clean(status.as_str(), SHOWN),
    };
    Some(Unmet { class: FailureClass::Status, message, mismatches: vec![mismatch] })
}

/// Judges all of it. A wrong status decides the class: what else is wrong with an error page
/// follows from it, and is told beside it.
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
    let mut judge = Judge { captures, redactor, mismatches: Vec::new(), beyond_limit: false };
    judge.connection(expect, received);
    judge.headers(&expect.headers, received.headers);
    judge.body(expect, received.body, received.headers);
    if let Some(status) =
        received.grpc_status.filter(|status| !expect.grpc_status.is_empty() && !expect.grpc_status.contains(status))
    {
        let wanted: Vec<String> = expect.grpc_status.iter().map(ToString::to_string).collect();
        judge.miss("grpc-status", wanted.join(", "), status);
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
        let message = format!(
            "the body goes on past the limit of {} bytes, and an expectation needs the rest",
            received.body.read
        );
        return Some(Unmet { class: FailureClass::BodyTooLarge, message, mismatches });
    }
    let first = mismatches.first()?;
    let more = match mismatches.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let mut message = format!("{}: expected {}, got {}{more}", first.assertion, first.expected, first.actual);
    let is_of_body = first.assertion.starts_with("body-") || matches!(&*first.assertion, "json" | "sha256");
    if let Some(note) = received.body.note.as_ref().filter(|_| is_of_body) {
        message.push_str("; ");
        message.push_str(note);
    }
    Some(Unmet { class: FailureClass::AssertionFailed, message, mismatches })
}

/// What is worth a warning of an answer that is as expected.
pub(crate) async fn warnings(
    warn: &Expect,
    received: &ReceivedResponse<'_>,
    captures: &Captures,
    redactor: &Redactor,
) -> Vec<Mismatch> {
    match judge(warn, received, captures, redactor).await {
        Some(unmet) if unmet.mismatches.is_empty() => vec![unjudged(&unmet.message)],
        Some(unmet) => unmet.mismatches,
        None => Vec::new(),
    }
}

/// The warning that a rule for the body could not be judged.
pub(crate) fn unjudged(why: &str) -> Mismatch {
    Mismatch {
        assertion: "body".to_owned(),
        expected: SafeText::message("a body that can be judged"),
        actual: SafeText::clean(why, SHOWN),
    }
}

struct Judge<'a> {
    captures: &'a Captures,
    redactor: &'a Redactor,
    mismatches: Vec<Mismatch>,
    /// Whether a rule could have been met by what lies past the limit.
    beyond_limit: bool,
}

impl Judge<'_> {
    fn miss(&mut self, assertion: &str, expected: impl Display, actual: impl Display) {
        if self.mismatches.len() < MISMATCHES {
            self.mismatches.push(Mismatch {
                assertion: assertion.to_owned(),
                expected: self.redactor.clean(&expected.to_string(), SHOWN),
                actual: self.redactor.clean(&actual.to_string(), SHOWN),
            });
        }
    }

    /// The real text of an expectation. A capture that has no value was told where it was missed.
    fn fill(&self, value: &Value) -> String {
        value.fill(self.captures).unwrap_or_default()
    }

    fn connection(&mut self, expect: &Expect, received: &ReceivedResponse<'_>) {
        if let Some(expected) = &expect.final_url {
            let wanted = self.fill(expected);
            let same = Url::parse(&wanted)
                .map_or(received.url.as_str() == wanted, |wanted| is_same_page(&wanted, received.url));
            if !same {
                self.miss("final-url", expected, self.redactor.url(received.url));
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
            self.miss("tls-version", names.join(", "), tls_version.unwrap_or("no TLS"));
        }
        let is_secure = is_tls_scheme(received.url.scheme());
        if expect.secure.is_some_and(|secure| secure != is_secure) {
            self.miss("secure", !is_secure, is_secure);
        }
        if let Some(days) = expect.certificate_days {
            self.certificate_days(days, received);
        }
        self.certificate_issuer(&expect.certificate_issuer, received.tls);
        self.certificate_names(&expect.certificate_names, received);
    }

    /// Holds every certificate on the path of every hop to its days: a visitor is stopped by the
    /// first that has expired.
    fn certificate_days(&mut self, days: u32, received: &ReceivedResponse<'_>) {
        let expected = format!("at least {days} days");
        let Some(last) = received.tls.filter(|tls| tls.certificate.is_some()) else {
            self.miss("certificate-days", expected, "no certificate");
            return;
        };
        let hops = received.hops.iter().filter_map(|hop| Some((host_of(hop.url.as_str()), hop.tls.as_ref()?)));
        let all = hops.chain([(host_of(received.url.as_str()), last)]);
        let certificates = all.flat_map(|(host, tls)| tls.chain.iter().map(move |of_chain| (host.clone(), of_chain)));
        let first = certificates
            .filter(|(_, certificate)| certificate.role.is_on_path())
            .min_by_key(|(_, certificate)| certificate.not_after);
        let Some((host, certificate)) = first else { return };
        let left = certificate.not_after.duration_since(received.now).as_secs().div_euclid(24 * 60 * 60);
        if left < i64::from(days) {
            let what = match certificate.role {
                CertificateRole::Leaf => "the certificate",
                CertificateRole::Intermediate => "the intermediate",
                CertificateRole::Anchor => "the trusted authority",
                CertificateRole::Unused => "a certificate",
            };
            let actual = format!("{left} days left of {what} {} of {host}", certificate.subject);
            self.miss("certificate-days", expected, actual);
        }
    }

    fn certificate_issuer(&mut self, wanted: &[Value], tls: Option<&TlsFacts>) {
        let issuer = tls.and_then(|tls| Some(tls.certificate.as_ref()?.issuer.as_str()));
        for text in wanted {
            if !issuer.is_some_and(|issuer| issuer.contains(&self.fill(text))) {
                self.miss("certificate-issuer", format_args!("contains {text}"), issuer.unwrap_or("no certificate"));
            }
        }
    }

    /// Whether the certificate is for these names, by the rules that hold for a visitor's.
    fn certificate_names(&mut self, wanted: &[Value], received: &ReceivedResponse<'_>) {
        for name in wanted {
            let server = ServerName::try_from(self.fill(name)).ok();
            if received.leaf.as_ref().zip(server).is_some_and(|(leaf, name)| verify_name(leaf, &name).is_ok()) {
                continue;
            }
            let certificate = received.tls.and_then(|tls| tls.certificate.as_ref());
            let actual = certificate.map_or_else(|| "no certificate".to_owned(), names_of);
            self.miss("certificate-names", name, actual);
        }
    }

    fn headers(&mut self, rules: &[HeaderRule], headers: &HeaderMap) {
        for rule in rules {
            let values: Vec<String> =
                headers.get_all(&rule.name).iter().map(|value| text::of_header(value).into_owned()).collect();
            if values.is_empty() && rule.optional {
                continue;
            }
            if let Some(expected) = self.header_expected(&rule.rule, &values) {
                let actual = if values.is_empty() { "no such header".to_owned() } else { values.join(", ") };
                let hidden = crate::model::is_secret_name(rule.name.as_str()) && !values.is_empty();
                let actual = if hidden { crate::model::REDACTED.to_owned() } else { actual };
                self.miss(&format!("header.{}", rule.name), expected, actual);
            }
        }
    }

    /// What was expected, where it did not come.
    fn header_expected(&self, rule: &HeaderExpectation, values: &[String]) -> Option<String> {
        let (holds, expected) = match rule {
            HeaderExpectation::Contains(text) => {
                let wanted = self.fill(text);
                (values.iter().any(|value| value.contains(&wanted)), format!("contains {text}"))
            }
            HeaderExpectation::Matches(pattern) => {
                (values.iter().any(|value| pattern.is_match(value)), format!("matches {}", pattern.as_str()))
            }
            HeaderExpectation::NotMatches(pattern) => {
                (!values.iter().any(|value| pattern.is_match(value)), format!("does not match {}", pattern.as_str()))
            }
            HeaderExpectation::Absent => (values.is_empty(), "absent".to_owned()),
            HeaderExpectation::Present => (!values.is_empty(), "present".to_owned()),
        };
        (!holds).then_some(expected)
    }

    fn body(&mut self, expect: &Expect, body: &Body, headers: &HeaderMap) {
        if let Some(least) = expect.min_bytes
            && body.read < least
        {
            self.unless_cut(
                body,
                "min-bytes",
                format_args!("at least {least} bytes"),
                format_args!("{} bytes", body.read),
            );
        }
        if let Some(most) = expect.max_bytes {
            if body.read > most {
                self.miss("max-bytes", format_args!("at most {most} bytes"), format_args!("{} bytes", body.read));
            } else if body.cut {
                self.beyond_limit = true;
            }
        }
        if let Some(expected) = expect.sha256 {
            let actual: [u8; 32] = Sha256::digest(&body.bytes).into();
            if actual != expected {
                self.unless_cut(body, "sha256", hexadecimal(&expected), hexadecimal(&actual));
            }
        }
        if !expect.body.is_empty() {
            let text = text::of(&body.bytes, headers);
            for rule in &expect.body {
                self.text("body", rule, &text, body);
            }
        }
        if !expect.json.is_empty() {
            self.json("json", &expect.json, body, headers);
        }
        if let Some(schema) = &expect.json_schema {
            self.json_schema(schema, body, headers);
        }
        if !expect.message.is_empty() {
            let text = text::of(&body.bytes, &HeaderMap::new());
            for rule in &expect.message {
                self.text("message", rule, &text, body);
            }
        }
        if !expect.message_json.is_empty() {
            self.json("message-json", &expect.message_json, body, &HeaderMap::new());
        }
    }

    /// A rule that is not met by what was read: what lies past the limit might meet it.
    fn unless_cut(&mut self, body: &Body, assertion: &str, expected: impl Display, actual: impl Display) {
        if body.cut {
            self.beyond_limit = true;
        } else {
            self.miss(assertion, expected, actual);
        }
    }

    /// A rule for a text; `of` is the word before the rule's in its key.
    fn text(&mut self, of: &str, rule: &TextRule, text: &str, body: &Body) {
        match rule {
            TextRule::Contains(wanted) => {
                if !text.contains(&self.fill(wanted)) {
                    self.unless_cut(body, &format!("{of}-contains"), wanted, beginning(text));
                }
            }
            TextRule::Matches(pattern) => {
                if !pattern.is_match(text) {
                    self.unless_cut(body, &format!("{of}-matches"), pattern.as_str(), beginning(text));
                }
            }
            TextRule::Lacks(unwanted) => {
                if text.contains(&self.fill(unwanted)) {
                    self.miss(&format!("{of}-lacks"), format_args!("no {unwanted}"), unwanted);
                } else if body.cut {
                    self.beyond_limit = true;
                }
            }
            TextRule::NotMatches(pattern) => match pattern.capture(text) {
                Some(found) => self.miss(&format!("{of}-not-matches"), format_args!("no {}", pattern.as_str()), found),
                None if body.cut => self.beyond_limit = true,
                None => {}
            },
        }
    }

    fn json(&mut self, key: &str, rules: &[JsonRule], body: &Body, headers: &HeaderMap) {
        if body.cut {
            self.beyond_limit = true;
            return;
        }
        match JsonDocument::read(&text::json(&body.bytes, headers)) {
            Ok(document) => {
                for rule in rules {
                    self.json_rule(key, rule, document.root());
                }
            }
            Err(error) => self.miss(key, "a JSON document", format_args!("not JSON: {error}")),
        }
    }

    fn json_schema(&mut self, schema: &JsonSchema, body: &Body, headers: &HeaderMap) {
        if body.cut {
            self.beyond_limit = true;
            return;
        }
        let name = schema.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match JsonDocument::read(&text::json(&body.bytes, headers)) {
            Ok(document) => {
                if let Some(violation) = schema.violation(document.root()) {
                    self.miss("json-schema", name, violation);
                }
            }
            Err(error) => self.miss("json-schema", "a JSON document", format_args!("not JSON: {error}")),
        }
    }

    fn json_rule(&mut self, key: &str, rule: &JsonRule, root: JsonNode<'_>) {
        let expected = || format!("{} {}", rule.path.as_str(), json::expected(&rule.rule));
        match rule.path.find(root) {
            Ok(found) if json::holds(&rule.rule, &found) => {}
            Ok(found) => {
                let actual = match &found[..] {
                    [] => "nothing".to_owned(),
                    [one] => beginning(one.source()).to_owned(),
                    [first, ..] => format!("{} nodes, the first {}", found.len(), beginning(first.source())),
                };
                self.miss(key, expected(), actual);
            }
            Err(error) => self.miss(key, expected(), error),
        }
    }

    fn subprotocol(&mut self, wanted: &str, headers: &HeaderMap) {
        let chosen = headers.get(header::SEC_WEBSOCKET_PROTOCOL).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if chosen.as_deref() != Some(wanted) {
            self.miss("subprotocol", wanted, chosen.as_deref().unwrap_or("none"));
        }
    }

    fn dns(&mut self, expect: &DnsExpect, answer: &DnsAnswer) {
        let code = answer.code_name();
        if !expect.rcode.is_empty() && !expect.rcode.contains(&code.as_str()) {
            self.miss("rcode", expect.rcode.join(", "), &code);
            return;
        }
        if let Some(wanted) = expect.authoritative.filter(|wanted| *wanted != answer.authoritative) {
            self.miss("authoritative", wanted, answer.authoritative);
        }
        let data: Vec<&str> = answer.asked().map(|record| record.data.as_str()).collect();
        let shown = if data.is_empty() { "no record".to_owned() } else { data.join(" | ") };
        for text in &expect.contains {
            let wanted = self.fill(text);
            if !data.iter().any(|data| data.contains(&wanted)) {
                self.miss("answer", format_args!("contains {text}"), &shown);
            }
        }
        let mut equals: Vec<String> = expect.equals.iter().map(|text| self.fill(text)).collect();
        if !equals.is_empty() {
            let mut sorted = data.clone();
            equals.sort();
            sorted.sort_unstable();
            if equals != sorted {
                let wanted: Vec<String> = expect.equals.iter().map(ToString::to_string).collect();
                self.miss("answer", wanted.join(" | "), &shown);
            }
        }
        let count = data.len() as u64;
        if let Some(wanted) = expect.count.filter(|wanted| *wanted != count) {
            self.miss("answer.count", wanted, format_args!("{count}: {shown}"));
        }
        if let Some(least) = expect.min_count.filter(|least| *least > count) {
            self.miss("answer.min-count", format_args!("at least {least}"), format_args!("{count}: {shown}"));
        }
        self.ttl(expect, answer);
    }

    fn ttl(&mut self, expect: &DnsExpect, answer: &DnsAnswer) {
        let times = || answer.asked().map(|record| Duration::from_secs(record.ttl.into()));
        if let (Some(least), Some(shortest)) = (expect.min_ttl, times().min())
            && shortest < least
        {
            self.miss("ttl.min", format_args!("at least {least:?}"), format_args!("{shortest:?}"));
        }
        if let (Some(most), Some(longest)) = (expect.max_ttl, times().max())
            && longest > most
        {
            self.miss("ttl.max", format_args!("at most {most:?}"), format_args!("{longest:?}"));
        }
    }

    fn latency(&mut self, expect: &Expect, timings: &Timings) {
        for (phase, most) in &expect.latency {
            let (name, took) = match phase {
                Some(phase) => (phase.name(), timings.phase(*phase).unwrap_or_default()),
                None => ("total", timings.total),
            };
            if took > *most {
                self.miss(&format!("latency.{name}"), format_args!("at most {most:?}"), format_args!("{took:.1?}"));
            }
        }
    }
}

/// The names of a certificate, as many as are kept.
fn names_of(certificate: &CertificateFacts) -> String {
    let shown: Vec<&str> = certificate.names.iter().map(SafeText::as_str).collect();
    match certificate.names_total - shown.len().min(certificate.names_total) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether two URLs are the same. A fragment counts where it is asked for.
fn is_same_page(wanted: &Url, url: &Url) -> bool {
    if wanted.fragment().is_some() {
        return wanted == url;
    }
    let mut page = url.clone();
    page.set_fragment(None);
    *wanted == page
}

/// As much of a text as a message may need. It is cut to [`SHOWN`] characters once secrets are out of it: a secret
/// that is cut first is found no more.
fn beginning(text: &str) -> &str {
    const ENOUGH: usize = 128 * 1024;
    &text[..text.floor_char_boundary(ENOUGH)]
}

/// The host of a URL, for a message.
fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| url.to_owned())
}
