//! Modules of `blackbox_exporter` that do not use HTTP: tcp, unix, dns, grpc and websocket.

use serde_json::Value;

use crate::config::toml_text::{one_or_list, quoted};
use crate::import::blackbox::{credentials, headers, tls_config};
use crate::import::document::{BINARY, elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedRequest, proxy_without_secrets};
use crate::import::secrets::Secrets;
use crate::import::template::literal;

/// The URL of a probe for a target of such a module; `None` for another prober.
pub(crate) fn url(prober: &str, target: &str, module: &Value) -> Option<String> {
    let own = &module[prober];
    let tls = own["tls"] == Value::Bool(true);
    let starts_tls = elements(&own["query_response"]).iter().any(|entry| entry["starttls"] == Value::Bool(true));
    // There too, a scheme is not part of the address.
    let address = target.split_once("://").map_or(target, |(_, address)| address).trim_end_matches('/');
    Some(match prober {
        "tcp" if tls || starts_tls => format!("tls://{address}"),
        "tcp" => format!("tcp://{address}"),
        // The target is the path of a socket, which the key `address` holds.
        "unix" if tls || starts_tls => "tls://localhost:1".to_owned(),
        "unix" => "tcp://localhost:1".to_owned(),
        "dns" => {
            let name = literal(own["query_name"].as_str().unwrap_or_default());
            format!("dns://{address}/{}?type={}", name.trim_end_matches('.'), record_type(own).unwrap_or("A"))
        }
        "grpc" => {
            let scheme = if tls { "grpcs" } else { "grpc" };
            let service = literal(own["service"].as_str().unwrap_or_default());
            format!("{scheme}://{address}/{service}")
        }
        "websocket" if target.contains("://") => target.replacen("http", "ws", usize::from(target.starts_with("http"))),
        "websocket" => format!("ws://{target}"),
        _ => return None,
    })
}

/// The type of record asked for; `None` for ANY, which hardly any server still answers.
fn record_type(dns: &Value) -> Option<&str> {
    dns["query_type"].as_str().filter(|kind| !kind.eq_ignore_ascii_case("ANY"))
}

/// Sets the keys of a module.
pub(crate) fn set(
    draft: &mut ProbeDraft,
    secrets: &mut Secrets,
    (url, target): (&str, &str),
    prober: &str,
    module: &Value,
) {
    let own = &module[prober];
    let headers = match prober {
        // Both are in use: a plain value, and a table of lists.
        "websocket" => {
            let mut headers = headers::plain(&own["headers"]);
            headers.extend(headers::detailed(draft, secrets, &own["headers"]));
            headers
        }
        "grpc" => metadata(&own["metadata"]),
        _ => Vec::new(),
    };
    request::set(draft, secrets, ImportedRequest { url: url.to_owned(), headers, ..ImportedRequest::default() });
    if prober == "unix" {
        draft.set_text("address", &format!("unix:{}", target.trim_start_matches("unix:").trim_start_matches("//")));
    }
    match own["preferred_ip_protocol"].as_str().filter(|_| own["ip_protocol_fallback"] == Value::Bool(false)) {
        Some("ip4") => draft.set("ip", "\"v4\""),
        Some(_) => draft.set("ip", "\"v6\""),
        None => {}
    }
    if let Some(address) = own["source_ip_address"].as_str() {
        draft.set_text("source-address", &literal(address));
    }
    match prober {
        "dns" => answer(draft, own),
        "websocket" => {
            client(draft, secrets, &own["http_config"]);
            messages(draft, elements(&own["query_response"]));
        }
        _ => {
            tls_config::set(draft, &own["tls_config"]);
            query_response(draft, elements(&own["query_response"]));
        }
    }
    draft.others_not_carried(&format!("{prober}."), own, keys(prober));
}

/// The supported keys of a prober's table.
fn keys(prober: &str) -> &'static [&'static str] {
    match prober {
        "dns" => &[
            "preferred_ip_protocol",
            "ip_protocol_fallback",
            "source_ip_address",
            "query_name",
            "query_type",
            "valid_rcodes",
            "recursion_desired",
            "validate_answer_rrs",
            "validate_authority_rrs",
            "validate_additional_rrs",
            "transport_protocol",
        ],
        "grpc" => &["preferred_ip_protocol", "ip_protocol_fallback", "service", "tls", "tls_config", "metadata"],
        "websocket" => &["preferred_ip_protocol", "ip_protocol_fallback", "http_config", "headers", "query_response"],
        _ => &[
            "preferred_ip_protocol",
            "ip_protocol_fallback",
            "source_ip_address",
            "query_response",
            "tls",
            "tls_config",
        ],
    }
}

/// The metadata of a call is sent as headers.
fn metadata(metadata: &Value) -> Vec<(String, String)> {
    let values = fields(metadata).flat_map(|(name, values)| {
        elements(values).iter().filter_map(text).map(|value| (name.clone(), literal(&value)))
    });
    values.collect()
}

/// The `http_config` of a WebSocket.
fn client(draft: &mut ProbeDraft, secrets: &mut Secrets, config: &Value) {
    for (key, value) in fields(config).filter(|(_, value)| is_said(value)) {
        match key.as_str() {
            "basic_auth" | "authorization" | "oauth2" => credentials::set(draft, secrets, key, value),
            "tls_config" => tls_config::set(draft, value),
            "proxy_url" => {
                let proxy = literal(value.as_str().unwrap_or_default());
                let proxy = proxy_without_secrets(secrets, &draft.name.clone(), &proxy, None);
                draft.set_text("proxy", &proxy);
            }
            "proxy_from_environment" => draft.set("proxy", "\"environment\""),
            "enable_http2" | "follow_redirects" => {}
            other => draft.field_not_carried(&format!("http_config.{other}"), value, "uptick has no key for it"),
        }
    }
}

/// The messages sent over a WebSocket, and what its first message must contain.
fn messages(draft: &mut ProbeDraft, entries: &[Value]) {
    let mut expected = Vec::new();
    let mut sent = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(pattern) = entry["expect"].as_str().filter(|pattern| !pattern.is_empty()) {
            let plain = pattern.trim_start_matches('^').trim_end_matches('$');
            // What waits for a later message is no rule for the first one.
            if at == 0 && !plain.is_empty() && plain.chars().all(|c| c.is_alphanumeric() || " _-,:;\"'/=".contains(c)) {
                expected.push(literal(plain));
            } else {
                let why = "see `expect.message-contains`, which is about the first message and knows no patterns";
                draft.field_not_carried("expect", &entry["expect"], why);
            }
        }
        if let Some(send) = entry["send"].as_str().filter(|send| !send.is_empty()) {
            sent.push((at, send));
        }
        draft.others_not_carried("query_response.", entry, &["send", "expect"]);
    }
    match sent.as_slice() {
        [(0, first)] if entries.first().is_some_and(|entry| !is_said(&entry["expect"])) => {
            draft.set_text("send", &literal(first));
        }
        [] => {}
        _ => sent.iter().for_each(|(at, _)| {
            let entry = entries.get(*at).unwrap_or(&Value::Null);
            draft.field_not_carried("send", &entry["send"], "`send` is one text, sent right after the upgrade");
        }),
    }
    draft.set_texts("expect.message-contains", &expected);
}

/// The text that is sent, and the texts that must come back. A probe sends one text; then all
/// expected texts must arrive.
fn query_response(draft: &mut ProbeDraft, entries: &[Value]) {
    let starttls = entries.iter().position(|entry| entry["starttls"] == Value::Bool(true));
    let (before, after) = entries.split_at(starttls.map_or(0, |place| place + 1));
    if starttls.is_some() {
        let why = match starttls_of(before) {
            Some(protocol) => {
                draft.set_text("starttls", protocol);
                "`starttls` knows this exchange"
            }
            None => "`starttls` is \"smtp\", \"imap\" or \"postgres\"",
        };
        draft.field_not_carried("query_response", &Value::Array(before.to_vec()), why);
    }
    let said = |key: &'static str| {
        after.iter().filter_map(move |entry| entry[key].as_str().filter(|text| !text.is_empty()).map(literal))
    };
    let (bytes, texts): (Vec<String>, Vec<String>) = said("send").partition(|text| text.starts_with(BINARY));
    for bytes in bytes {
        draft.field_not_carried("send", &Value::String(bytes), "`send` is a text");
    }
    let mut sent = texts.into_iter();
    if let Some(first) = sent.next() {
        // `blackbox_exporter` adds a newline.
        draft.set_text("send", &format!("{first}\n"));
    }
    for later in sent {
        let why = "`send` is one text, and then all that is expected must come";
        draft.field_not_carried("send", &Value::String(later), why);
    }
    // `blackbox_exporter` matches each line separately; a probe matches everything that was
    // received.
    let expected: Vec<String> = said("expect").map(|pattern| by_line(&pattern)).collect();
    draft.set_texts("expect.body-matches", &expected);
    draft.set_texts("expect.body-contains", &said("expect_bytes").collect::<Vec<String>>());
    for entry in entries {
        draft.others_not_carried("query_response.", entry, &["send", "expect", "expect_bytes", "starttls"]);
    }
}

/// A pattern whose `^` and `$` match at lines, whatever their ends are.
fn by_line(pattern: &str) -> String {
    if pattern.contains(['^', '$']) { format!("(?mR){pattern}") } else { pattern.to_owned() }
}

/// The protocol of a conversation up to STARTTLS; `None` if it is unknown.
fn starttls_of(before: &[Value]) -> Option<&'static str> {
    let has = |word: &str| before.iter().any(|entry| entry.to_string().contains(word));
    // The request of Postgres is binary, and its response is one letter.
    let is_postgres = before.iter().any(|entry| entry["expect_bytes"] == "S");
    match () {
        () if is_postgres => Some("postgres"),
        () if has("EHLO") || has("220") => Some("smtp"),
        () if has("OK") => Some("imap"),
        () => None,
    }
}

fn answer(draft: &mut ProbeDraft, dns: &Value) {
    if record_type(dns).is_none() {
        draft.remark("the query type is ANY, which few servers answer: A is asked for");
    }
    let codes: Vec<String> = elements(&dns["valid_rcodes"]).iter().filter_map(text).collect();
    if !codes.is_empty() {
        draft.set("expect.rcode", one_or_list(codes.iter().map(|code| quoted(code))));
    }
    for key in ["validate_answer_rrs", "validate_authority_rrs", "validate_additional_rrs"] {
        for (rule, patterns) in fields(&dns[key]).filter(|(_, patterns)| is_said(patterns)) {
            let why = "see `expect.answer`, which knows texts and no patterns";
            draft.field_not_carried(&format!("{key}.{rule}"), patterns, why);
        }
    }
    if dns["transport_protocol"] == "tcp" {
        let why = "the question goes out over UDP, and over TCP where the answer is cut";
        draft.field_not_carried("transport_protocol", &dns["transport_protocol"], why);
    }
    if dns["recursion_desired"] == Value::Bool(false) {
        draft.not_carried("`recursion_desired: false`", "recursion is always asked for");
    }
}
