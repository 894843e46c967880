//! What a failed check leaves to look at, as labelled lines. Formats lay them out and escape them.

use jiff::Timestamp;

use crate::format;
use crate::model::{CertificateFacts, FailureClass, Hop, Mismatch, Outcome, TlsFacts};

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EvidenceLine {
    /// What it is: `address`, `header`, `repeat`.
    pub(super) label: &'static str,
    /// What it says; clean, not escaped.
    pub(super) text: String,
}

/// Why a check was not up, in one line: `connect_refused in connect: 127.0.0.1:9 refused the connection`.
pub(super) fn reason(outcome: &Outcome) -> String {
    let Some(failure) = &outcome.failure else { return String::new() };
    let step = failure.step.as_ref().map(|step| format!(" at step \"{step}\"")).unwrap_or_default();
    let phase = failure.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
    if failure.class == FailureClass::Status {
        // The message begins with the word `status`.
        return format!("{}{step}", failure.message);
    }
    format!("{}{phase}{step}: {}", failure.class, failure.message)
}

/// Everything a failed check leaves to look at, most telling first. Empty for one that was up.
pub(super) fn facts(outcome: &Outcome) -> Vec<EvidenceLine> {
    let Some(failure) = &outcome.failure else { return Vec::new() };
    let mut facts = Vec::new();
    let mut add = |label, text: String| facts.push(EvidenceLine { label, text });
    // What the reason says already, a wrong status or the one thing expected, is not said again.
    let said = |mismatch: &Mismatch| failure.class == FailureClass::Status && mismatch.assertion == "status";
    for mismatch in failure.mismatches.iter().filter(|mismatch| !said(mismatch)) {
        let text = format!("{}: expected {}, got {}", mismatch.assertion, mismatch.expected, mismatch.actual);
        if text != failure.message.as_str() {
            add("expected", text);
        }
    }
    for hop in &outcome.redirects {
        add("redirect", redirect(hop));
    }
    if let Some(evidence) = &outcome.evidence
        && !evidence.url.is_empty()
    {
        add("asked", evidence.url.to_string());
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
    if outcome.attempts > 1 {
        add("attempts", format!("{} failed alike", outcome.attempts));
    }
    if let Some(evidence) = &outcome.evidence {
        for (name, value) in &evidence.headers {
            add("header", format!("{name}: {value}"));
        }
        if let Some(body) = evidence.body.as_ref().filter(|body| !body.is_empty()) {
            add("body", body.to_string());
        }
        if let Some(curl) = &evidence.curl {
            add("repeat", curl.to_string());
        }
    }
    facts
}

fn redirect(hop: &Hop) -> String {
    let from = hop.remote.map(|remote| format!(" from {remote}")).unwrap_or_default();
    let took = format::duration(hop.timings.total);
    format!("{} {} {} → {} ({took}{from})", hop.status, hop.method, hop.url, hop.location)
}

/// The address that was spoken to, and the others the name has.
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

/// A certificate in one line, its validity seen from an instant.
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

/// `21 days left`, `expired 3 days ago`, `valid in 2 days`.
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

/// What came back, as far as it did: `HTTP/2 503, 1,532 bytes read`.
fn answer(outcome: &Outcome) -> Option<String> {
    let status = outcome.status?;
    let version = outcome.http_version.map(|version| format!("HTTP/{} ", version.name())).unwrap_or_default();
    let cut = if outcome.body_cut { ", cut at the limit" } else { "" };
    let bytes = format::counted(outcome.body_bytes, "byte");
    Some(format!("{version}{status}, {bytes} read{cut}"))
}
