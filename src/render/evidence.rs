//! The evidence of a check as labelled lines. Formats lay them out and escape them.

use jiff::Timestamp;

use crate::format;
use crate::model::{
    AddressOutcome, AssetOutcome, CertificateFacts, DnsFacts, Evidence, Failure, FailureClass, Hop, Mismatch, Outcome,
    Phase, StepOutcome, Timings, TlsFacts,
};

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EvidenceLine {
    /// The kind of evidence: `address`, `header`, `repeat`.
    pub(super) label: &'static str,
    /// Its text; clean, not escaped.
    pub(super) text: String,
}

/// Why a check was not up, in one line: `connect_refused in connect: 127.0.0.1:9 refused the connection`.
pub(super) fn reason(outcome: &Outcome) -> String {
    let Some(failure) = &outcome.failure else { return String::new() };
    let step = failure.step.as_ref().map(|step| format!(" at step \"{step}\"")).unwrap_or_default();
    let phase = failure.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
    if failure.class == FailureClass::Status {
        // The message starts with the word `status`.
        return format!("{}{step}", failure.message);
    }
    format!("{}{phase}{step}: {}", failure.class, failure.message)
}

/// All evidence of a failed check, the most informative first. Empty for a check that was up.
pub(super) fn facts(outcome: &Outcome) -> Vec<EvidenceLine> {
    let Some(failure) = &outcome.failure else { return Vec::new() };
    let mut facts = unmet(failure);
    facts.extend(answer_facts(outcome));
    if let Some(evidence) = &outcome.evidence {
        facts.extend(evidence_facts(evidence));
    }
    facts
}

/// Everything that is known about a check, whatever its verdict. Requests and responses are not
/// included.
pub(super) fn details(outcome: &Outcome) -> Vec<EvidenceLine> {
    let mut facts = outcome.failure.as_ref().map(unmet).unwrap_or_default();
    facts.extend(answer_facts(outcome));
    let line = |label, text| EvidenceLine { label, text };
    if outcome.steps.is_empty() {
        facts.push(line("time", times(&outcome.timings)));
    }
    facts.extend(outcome.steps.iter().map(|asked| line("step", step(asked))));
    facts.extend(outcome.assets.iter().map(|loaded| line("asset", asset(loaded))));
    facts.extend(outcome.addresses.iter().map(|asked| line("at", address_line(asked))));
    if let Some(evidence) = &outcome.evidence {
        let last = outcome.exchanges.last();
        // Leave out excerpts of what is shown in full.
        let is_whole = |fact: &EvidenceLine| match fact.label {
            "body" => last.is_some_and(|last| last.body.is_some()),
            "header" => last.is_some_and(|last| !last.response_headers.is_empty()),
            _ => false,
        };
        facts.extend(evidence_facts(evidence).into_iter().filter(|fact| !is_whole(fact)));
    }
    facts
}

/// The expectations that were not met. What the reason already says, a wrong status or the only
/// expectation, is not repeated.
fn unmet(failure: &Failure) -> Vec<EvidenceLine> {
    let said = |mismatch: &&Mismatch| failure.class == FailureClass::Status && mismatch.assertion == "status";
    let text = |mismatch: &Mismatch| {
        format!("{}: expected {}, got {}", mismatch.assertion, mismatch.expected, mismatch.actual)
    };
    let texts = failure.mismatches.iter().filter(|mismatch| !said(mismatch)).map(text);
    let new = texts.filter(|text| text != failure.message.as_str());
    new.map(|text| EvidenceLine { label: "expected", text }).collect()
}

/// The target that was asked, and its response.
fn answer_facts(outcome: &Outcome) -> Vec<EvidenceLine> {
    let mut facts = Vec::new();
    let mut add = |label, text: String| facts.push(EvidenceLine { label, text });
    for hop in &outcome.redirects {
        add("redirect", redirect(hop));
    }
    if let Some(url) = asked(outcome) {
        add("asked", url);
    }
    if let Some(address) = address(outcome) {
        add("address", address);
    }
    if let Some(tls) = &outcome.tls {
        add("tls", handshake(tls));
        if let Some(certificate) = &tls.certificate {
            add("certificate", describe(certificate, outcome.started_at));
        }
    }
    if let Some(answer) = answer(outcome) {
        add("answer", answer);
    }
    if let Some(dns) = &outcome.dns {
        add("answer", dns_answer(dns));
        for record in &dns.records {
            add("record", record.to_string());
        }
    }
    if outcome.attempts > 1 && outcome.failure.is_some() {
        add("attempts", format!("{} failed alike", outcome.attempts));
    }
    facts
}

/// `NOERROR, authoritative, 2 records, kept for 60 s`.
fn dns_answer(dns: &DnsFacts) -> String {
    let authoritative = if dns.authoritative { ", authoritative" } else { "" };
    let records = format::counted(dns.records_total.into(), "record");
    let kept = dns.ttl_seconds.map(|seconds| format!(", kept for {seconds} s")).unwrap_or_default();
    format!("{}{authoritative}, {records}{kept}", dns.rcode)
}

fn evidence_facts(evidence: &Evidence) -> Vec<EvidenceLine> {
    let mut facts = Vec::new();
    let mut add = |label, text: String| facts.push(EvidenceLine { label, text });
    for (name, value) in &evidence.headers {
        add("header", format!("{name}: {value}"));
    }
    if let Some(body) = evidence.body.as_ref().filter(|body| !body.is_empty()) {
        add("body", body.to_string());
    }
    if let Some(curl) = &evidence.curl {
        add("repeat", curl.to_string());
    }
    facts
}

/// The URL of the response.
fn asked(outcome: &Outcome) -> Option<String> {
    let of_evidence = outcome.evidence.as_ref().map(|evidence| &evidence.url).filter(|url| !url.is_empty());
    of_evidence.or(outcome.exchanges.last().map(|last| &last.url)).map(ToString::to_string)
}

/// `13.1 ms: resolve 76 µs, connect 2.6 ms, processing 4.3 ms, transfer 44 µs`.
pub(super) fn times(timings: &Timings) -> String {
    let phase = |phase: Phase| Some(format!("{phase} {}", format::duration(timings.phase(phase)?)));
    let phases: Vec<String> = Phase::ALL.into_iter().filter_map(phase).collect();
    let total = format::duration(timings.total);
    if phases.is_empty() { total } else { format!("{total}: {}", phases.join(", ")) }
}

/// `log in: 200 in 13.1 ms: connect 2.6 ms, processing 4.3 ms, transfer 44 µs`.
fn step(step: &StepOutcome) -> String {
    if !step.asked {
        return format!("{}: not asked", step.name);
    }
    format!("{}: {} in {}", step.name, result(step.status, step.class), times(&step.timings))
}

/// `https://x.test/app.css: 200, 12,345 bytes of text/css in 3.2 ms`.
fn asset(asset: &AssetOutcome) -> String {
    let kind = asset.content_type.as_ref().map(|kind| format!(" of {kind}")).unwrap_or_default();
    let (bytes, took) = (format::counted(asset.bytes, "byte"), format::duration(asset.timings.total));
    format!("{}: {}, {bytes}{kind} in {took}", asset.url, result(asset.status, asset.class))
}

/// `192.0.2.1:443: up, 200 in 13.1 ms: connect 2.6 ms, processing 4.3 ms, transfer 44 µs`.
fn address_line(asked: &AddressOutcome) -> String {
    let class = asked.failure.as_ref().map(|failure| failure.class);
    let found = result(asked.status, class);
    format!("{}: {}, {found} in {}", asked.address, asked.verdict, times(&asked.timings))
}

/// The result of a request: a status, a failure, or both.
fn result(status: Option<u16>, class: Option<FailureClass>) -> String {
    match (status, class) {
        (Some(status), None | Some(FailureClass::Status)) => status.to_string(),
        (Some(status), Some(class)) => format!("{status}, {class}"),
        (None, Some(class)) => class.to_string(),
        (None, None) => "no answer".to_owned(),
    }
}

fn redirect(hop: &Hop) -> String {
    let from = hop.remote.map(|remote| format!(" from {remote}")).unwrap_or_default();
    let took = format::duration(hop.timings.total);
    format!("{} {} {} → {} ({took}{from})", hop.status, hop.method, hop.url, hop.location)
}

/// The address that was used, and other addresses of the name. `None` if there are none.
fn address(outcome: &Outcome) -> Option<String> {
    let others: Vec<String> = outcome
        .evidence
        .iter()
        .flat_map(|evidence| &evidence.addresses)
        .filter(|address| Some(**address) != outcome.remote)
        .map(ToString::to_string)
        .collect();
    match (outcome.remote, others.is_empty()) {
        (Some(remote), true) => Some(remote.to_string()),
        (Some(remote), false) => Some(format!("{remote}; the name also has {}", others.join(", "))),
        (None, false) => Some(format!("none reached; the name has {}", others.join(", "))),
        (None, true) => None,
    }
}

fn handshake(tls: &TlsFacts) -> String {
    let version =
        tls.version.as_ref().map_or_else(|| "no version agreed".to_owned(), |version| format!("TLS {version}"));
    let cipher = tls.cipher.as_ref().map(|cipher| format!(", {cipher}")).unwrap_or_default();
    format!("{version}{cipher}, certificate {}", if tls.verified { "verified" } else { "NOT verified" })
}

/// A certificate in one line, with its validity at an instant.
fn describe(certificate: &CertificateFacts, at: Timestamp) -> String {
    let names: Vec<&str> = certificate.names.iter().map(crate::model::SafeText::as_str).collect();
    let more = certificate.names_total.saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = if names.is_empty() { "no name".to_owned() } else { format!("{}{more}", names.join(", ")) };
    format!(
        "{}, by {}, for {names}, valid {} to {} ({})",
        certificate.subject,
        certificate.issuer,
        format::date(certificate.not_before),
        format::date(certificate.not_after),
        validity(certificate, at)
    )
}

/// `21 days left`, `expired 3 days ago`, `not valid for another 2 days`.
fn validity(certificate: &CertificateFacts, at: Timestamp) -> String {
    const DAY: i64 = 86_400;
    let days = |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()) / DAY;
    let counted = |n: i64| format::counted(n.unsigned_abs(), "day");
    if at < certificate.not_before {
        format!("not valid for another {}", counted(days(at, certificate.not_before)))
    } else if at > certificate.not_after {
        format!("expired {} ago", counted(days(certificate.not_after, at)))
    } else {
        format!("{} left", counted(days(at, certificate.not_after)))
    }
}

/// The response, as far as it was received: `HTTP/2 503, 1,532 bytes read`. `None` without a
/// status.
fn answer(outcome: &Outcome) -> Option<String> {
    let status = outcome.status?;
    let version = outcome.http_version.map(|version| format!("HTTP/{} ", version.name())).unwrap_or_default();
    let cut = if outcome.body_cut { ", cut at the limit" } else { "" };
    let bytes = format::counted(outcome.body_bytes, "byte");
    let kept = outcome.exchanges.last();
    let kind = kept.and_then(|last| last.content_type.as_ref()).map(|kind| format!(", {kind}")).unwrap_or_default();
    let coding = kept.and_then(|last| Some((last.coding.as_ref()?, last.encoded_bytes)));
    let coding = coding
        .map(|(coding, encoded)| format!(" ({coding}, {} on the wire)", format::counted(encoded, "byte")))
        .unwrap_or_default();
    Some(format!("{version}{status}, {bytes} read{coding}{cut}{kind}"))
}
