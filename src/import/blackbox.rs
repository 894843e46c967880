//! A module of `blackbox_exporter` as keys of a probe.

mod credentials;
mod headers;
mod protocol;
mod tls_config;

use std::time::Duration;

use serde_json::Value;

use crate::config::toml_text::{one_or_list, quoted};
use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedRequest, has_header, proxy_without_secrets};
use crate::import::secrets::Secrets;
use crate::import::template::literal;
use crate::model::quantity;

/// The draft for a target that is probed with a module. `hostname` is the host name to ask the
/// target for, if it is given separately.
pub(crate) fn draft(
    name: &str,
    target: &str,
    module: &Value,
    hostname: Option<&str>,
    secrets: &mut Secrets,
) -> ProbeDraft {
    let prober = module["prober"].as_str().unwrap_or("http");
    let target = literal(target);
    let mut draft = ProbeDraft::new(name);
    if let Some(url) = protocol::url(prober, &target, module) {
        protocol::set(&mut draft, secrets, (&url, &target), prober, module);
    } else if prober == "http" {
        http(&mut draft, secrets, &target, hostname, &module["http"]);
    } else {
        draft.left_out = Some(format!("the prober \"{prober}\" has no probe that means the same"));
        draft.set_text("url", &target);
    }
    timeout(&mut draft, module);
    let own = if draft.left_out.is_some() { "" } else { prober };
    draft.others_not_carried("", module, &["prober", "timeout", own]);
    draft
}

/// A target of `prober: http`.
fn http(draft: &mut ProbeDraft, secrets: &mut Secrets, target: &str, hostname: Option<&str>, http: &Value) {
    let url = if target.contains("://") { target.to_owned() } else { format!("http://{target}") };
    let mut headers = headers::plain(&http["headers"]);
    headers.extend(headers::detailed(draft, secrets, &http["http_headers"]));
    if let Some(hostname) = hostname.filter(|_| !has_header(&headers, "host")) {
        headers.push(("host".to_owned(), literal(hostname)));
    }
    let host = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    if let Some((_, host)) = host.filter(|_| url.starts_with("https://")) {
        // For https, the name in the header is also used for TLS.
        draft.set_text("tls.server-name", host.split(':').next().unwrap_or_default());
    }
    let body = http["body"].as_str().filter(|body| !body.is_empty()).map(literal);
    let method = http["method"].as_str().filter(|method| !method.is_empty()).map(str::to_owned);
    request::set(draft, secrets, ImportedRequest { method, url: url.clone(), headers, body });
    for (key, _) in fields(http).filter(|(_, value)| is_said(value) || value.is_boolean()) {
        setting(draft, secrets, http, key, &url);
    }
}

fn timeout(draft: &mut ProbeDraft, module: &Value) {
    if let Some(timeout) = module["timeout"].as_str().and_then(|time| quantity::positive_duration(time).ok()) {
        draft.set_duration("timeout", timeout.min(Duration::from_hours(1)));
    }
}

/// One key of `http:`.
fn setting(draft: &mut ProbeDraft, secrets: &mut Secrets, http: &Value, key: &str, url: &str) {
    let value = &http[key];
    if expectation(draft, key, value) {
        return;
    }
    let word = value.as_str().unwrap_or_default();
    let is_true = *value == Value::Bool(true);
    match key {
        "follow_redirects" if !is_true => draft.set("redirects", "\"none\""),
        "no_follow_redirects" if is_true => draft.set("redirects", "\"none\""),
        "preferred_ip_protocol" => preferred_ip(draft, word, http["ip_protocol_fallback"] != Value::Bool(false)),
        "body_size_limit" => {
            let size = word.trim_end_matches('B').to_owned() + "B";
            let size = size.replace("KB", "KiB").replace("MB", "MiB").replace("GB", "GiB");
            draft.set_text("body-limit", if value.is_string() { &size } else { "1MiB" });
        }
        "body_file" => draft.set("file", format!("{{ path = {} }}", quoted(&literal(word)))),
        "compression" => draft.remark(&format!("`compression: {word}`: a check asks for every coding and decodes it")),
        "basic_auth" | "authorization" | "bearer_token" | "bearer_token_file" | "oauth2" => {
            credentials::set(draft, secrets, key, value);
        }
        "proxy_url" => {
            let proxy = proxy_without_secrets(secrets, &draft.name.clone(), &literal(word), None);
            draft.set_text("proxy", &proxy);
        }
        "proxy_from_environment" if is_true => draft.set("proxy", "\"environment\""),
        "tls_config" => tls_config::set(draft, value),
        "enable_http2" if !is_true && url.starts_with("https") => draft.set("http-version", "\"1.1\""),
        "method"
        | "headers"
        | "http_headers"
        | "body"
        | "ip_protocol_fallback"
        | "follow_redirects"
        | "no_follow_redirects"
        | "enable_http2"
        // A proxy also resolves the name of the target here.
        | "skip_resolve_phase_with_proxy" => {}
        "enable_http3" if is_true && url.starts_with("https") => draft.set("http-version", "\"3\""),
        "enable_http3" | "proxy_from_environment" if !is_true => {}
        other => draft.field_not_carried(other, value, "uptick has no key for it"),
    }
}

/// One key of `http:` that is an expectation of the response. Returns `false` for other keys.
fn expectation(draft: &mut ProbeDraft, key: &str, value: &Value) -> bool {
    let is_true = *value == Value::Bool(true);
    match key {
        "valid_status_codes" => {
            let codes = elements(value)
                .iter()
                .filter_map(text)
                .map(|code| if code.parse::<u16>().is_ok() { code } else { quoted(&code) });
            draft.set("expect.status", one_or_list(codes));
        }
        "valid_http_versions" => {
            let versions = elements(value).iter().filter_map(text);
            let versions = versions.map(|version| quoted(version.trim_start_matches("HTTP/").trim_end_matches(".0")));
            let versions: Vec<String> =
                versions.map(|version| if version == "\"1\"" { "\"1.0\"".to_owned() } else { version }).collect();
            draft.set("expect.http-version", one_or_list(versions.into_iter()));
        }
        "fail_if_not_ssl" if is_true => draft.set("expect.secure", "true"),
        "fail_if_ssl" if is_true => draft.set("expect.secure", "false"),
        "fail_if_body_matches_regexp" | "fail_if_matches_regexp" => {
            draft.set_texts("expect.body-not-matches", &patterns(value));
        }
        "fail_if_body_not_matches_regexp" | "fail_if_not_matches_regexp" => {
            draft.set_texts("expect.body-matches", &patterns(value));
        }
        "fail_if_header_matches" | "fail_if_header_not_matches" => headers::rules(draft, key, value),
        "accept_any_response" if is_true => draft.set("expect.status", "\"100-599\""),
        "fail_if_not_ssl" | "fail_if_ssl" | "accept_any_response" => {}
        _ => return false,
    }
    true
}

/// Go's regular expressions have the same syntax as the regex crate.
fn patterns(value: &Value) -> Vec<String> {
    elements(value).iter().filter_map(text).map(|pattern| literal(&pattern)).collect()
}

fn preferred_ip(draft: &mut ProbeDraft, protocol: &str, falls_back: bool) {
    let family = if protocol == "ip4" { "v4" } else { "v6" };
    if !falls_back {
        return draft.set_text("ip", family);
    }
    draft.remark(&format!(
        "`preferred_ip_protocol: {protocol}` is a preference; `ip = \"{family}\"` asks that family alone"
    ));
}
