//! Modules of `blackbox_exporter` that do not speak HTTP: tcp, dns and grpc.

use serde_json::Value;

use crate::config::toml_text::{one_or_list, quoted};
use crate::import::blackbox::tls_config;
use crate::import::document::{elements, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedRequest};
use crate::import::secrets::Secrets;
use crate::import::template::literal;

/// The URL that a target of such a module is asked by; none for another prober.
pub(crate) fn url(prober: &str, target: &str, module: &Value) -> Option<String> {
    let tcp = &module["tcp"];
    let starts_tls = elements(&tcp["query_response"]).iter().any(|entry| entry["starttls"] == Value::Bool(true));
    Some(match prober {
        "tcp" if tcp["tls"] == Value::Bool(true) || starts_tls => format!("tls://{target}"),
        "tcp" => format!("tcp://{target}"),
        "dns" => {
            let name = literal(module["dns"]["query_name"].as_str().unwrap_or_default());
            let kind = module["dns"]["query_type"].as_str().unwrap_or("ANY");
            let name = name.trim_end_matches('.');
            let server = target.trim_start_matches("dns://");
            format!("dns://{server}/{name}?type={kind}")
        }
        "grpc" => {
            let scheme = if module["grpc"]["tls"] == Value::Bool(true) { "grpcs" } else { "grpc" };
            let service = literal(module["grpc"]["service"].as_str().unwrap_or_default());
            format!("{scheme}://{target}/{service}")
        }
        _ => return None,
    })
}

/// Sets the keys of a module.
pub(crate) fn set(draft: &mut ProbeDraft, secrets: &mut Secrets, url: &str, prober: &str, module: &Value) {
    request::set(draft, secrets, ImportedRequest { url: url.to_owned(), ..ImportedRequest::default() });
    let own = &module[prober];
    if own["preferred_ip_protocol"] == "ip4" && own["ip_protocol_fallback"] == Value::Bool(false) {
        draft.set("ip", "\"v4\"");
    }
    if own["preferred_ip_protocol"] == "ip6" && own["ip_protocol_fallback"] == Value::Bool(false) {
        draft.set("ip", "\"v6\"");
    }
    if let Some(address) = own["source_ip_address"].as_str() {
        draft.set_text("source-address", &literal(address));
    }
    if prober != "dns" {
        tls_config::set(draft, &own["tls_config"]);
    }
    match prober {
        "tcp" => query_response(draft, elements(&own["query_response"])),
        "dns" => answer(draft, own),
        _ => {}
    }
}

/// What is sent and what must come back. One text goes out here, and then all that is expected must come.
fn query_response(draft: &mut ProbeDraft, entries: &[Value]) {
    let starttls = entries.iter().position(|entry| entry["starttls"] == Value::Bool(true));
    let (before, after) = entries.split_at(starttls.map_or(0, |place| place + 1));
    if starttls.is_some() {
        let speaks = |word: &str| before.iter().any(|entry| entry.to_string().contains(word));
        let protocol = if speaks("EHLO") || speaks("220") { Some("smtp") } else { speaks("OK").then_some("imap") };
        match protocol {
            Some(protocol) => draft.set_text("starttls", protocol),
            None => draft.not_carried("the words before STARTTLS", "`starttls` is \"smtp\", \"imap\" or \"postgres\""),
        }
    }
    let sent: Vec<String> =
        after.iter().filter_map(|entry| entry["send"].as_str().filter(|send| !send.is_empty()).map(literal)).collect();
    let expected: Vec<String> = after
        .iter()
        .filter_map(|entry| entry["expect"].as_str().filter(|expect| !expect.is_empty()).map(literal))
        .collect();
    if let Some(first) = sent.first() {
        // A newline is added there.
        draft.set_text("send", &format!("{first}\n"));
    }
    if sent.len() > 1 {
        draft.not_carried(
            "what is sent after the first text",
            "`send` is one text, and then all that is expected must come",
        );
    }
    draft.set_texts("expect.body-matches", &expected);
}

fn answer(draft: &mut ProbeDraft, dns: &Value) {
    let codes: Vec<String> = elements(&dns["valid_rcodes"]).iter().filter_map(text).collect();
    if !codes.is_empty() {
        draft.set("expect.rcode", one_or_list(codes.iter().map(|code| quoted(code))));
    }
    for key in ["validate_answer_rrs", "validate_authority_rrs", "validate_additional_rrs"] {
        if is_said(&dns[key]) {
            draft.not_carried(&format!("`{key}`"), "see `expect.answer`, which knows texts and no patterns");
        }
    }
    if dns["transport_protocol"] == "tcp" || dns["dns_over_tls"] == Value::Bool(true) {
        draft.not_carried("the transport", "the question goes out over UDP, and over TCP where the answer is cut");
    }
}
