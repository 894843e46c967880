//! A module of `blackbox_exporter` as keys of a probe.

mod protocol;
mod tls_config;

use std::time::Duration;

use serde_json::Value;

use crate::config::toml_text::{one_or_list, quoted};
use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedOAuth2, ImportedRequest, proxy_without_secrets};
use crate::import::secrets::Secrets;
use crate::import::template::literal;
use crate::model::quantity;

/// The draft of a target that a module is asked of.
pub(crate) fn draft(name: &str, target: &str, module: &Value, secrets: &mut Secrets) -> ProbeDraft {
    let prober = module["prober"].as_str().unwrap_or("http");
    let target = literal(target);
    let url = if target.contains("://") { target.clone() } else { format!("http://{target}") };
    let mut draft = ProbeDraft::new(name);
    if let Some(url) = protocol::url(prober, &target, module) {
        protocol::set(&mut draft, secrets, &url, prober, module);
        timeout(&mut draft, module);
        return draft;
    }
    if prober != "http" {
        draft.left_out = Some(format!("the prober \"{prober}\" has no probe that means the same"));
        draft.set_text("url", &target);
        return draft;
    }
    let http = &module["http"];
    let headers = fields(&http["headers"]).filter_map(|(name, value)| Some((name.clone(), literal(&text(value)?))));
    let headers = headers.collect();
    let body = http["body"].as_str().filter(|body| !body.is_empty()).map(literal);
    let method = http["method"].as_str().filter(|method| !method.is_empty()).map(str::to_owned);
    request::set(&mut draft, secrets, ImportedRequest { method, url: url.clone(), headers, body });
    timeout(&mut draft, module);
    for (key, _) in fields(http).filter(|(_, value)| is_said(value) || value.is_boolean()) {
        setting(&mut draft, secrets, http, key, &url);
    }
    draft
}

fn timeout(draft: &mut ProbeDraft, module: &Value) {
    if let Some(timeout) = module["timeout"].as_str().and_then(|time| quantity::positive_duration(time).ok()) {
        draft.set_duration("timeout", timeout.min(Duration::from_hours(1)));
    }
}

/// One key of `http:`.
fn setting(draft: &mut ProbeDraft, secrets: &mut Secrets, http: &Value, key: &str, url: &str) {
    let value = &http[key];
    let owner = draft.name.clone();
    let word = value.as_str().unwrap_or_default();
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
        "follow_redirects" if !is_true => draft.set("redirects", "\"none\""),
        "no_follow_redirects" if is_true => draft.set("redirects", "\"none\""),
        "fail_if_not_ssl" if is_true => draft.set("expect.secure", "true"),
        "fail_if_ssl" if is_true => draft.set("expect.secure", "false"),
        "fail_if_body_matches_regexp" | "fail_if_matches_regexp" => {
            draft.set_texts("expect.body-not-matches", &patterns(value));
        }
        "fail_if_body_not_matches_regexp" | "fail_if_not_matches_regexp" => {
            draft.set_texts("expect.body-matches", &patterns(value));
        }
        "fail_if_header_matches" | "fail_if_header_not_matches" => headers(draft, key, value),
        "preferred_ip_protocol" => preferred_ip(draft, word, http["ip_protocol_fallback"] != Value::Bool(false)),
        "accept_any_response" if is_true => draft.set("expect.status", "\"100-599\""),
        "body_size_limit" => {
            let size = word.trim_end_matches('B').to_owned() + "B";
            let size = size.replace("KB", "KiB").replace("MB", "MiB").replace("GB", "GiB");
            draft.set_text("body-limit", if value.is_string() { &size } else { "1MiB" });
        }
        "body_file" => draft.set("file", format!("{{ path = {} }}", quoted(&literal(word)))),
        "basic_auth" => basic(draft, secrets, value),
        "authorization" => {
            let kind = value["type"].as_str().unwrap_or("Bearer");
            let reference = secret(draft, secrets, value, "credentials", "token");
            draft.set_text("headers.authorization", &format!("{kind} {reference}"));
        }
        "bearer_token" => {
            let token = secrets.reference(&owner, "token", &literal(word));
            draft.set_text("auth.bearer", &token);
        }
        "bearer_token_file" => {
            let token = of_file(draft, secrets, word, "token");
            draft.set_text("auth.bearer", &token);
        }
        "oauth2" => oauth2(draft, secrets, value),
        "proxy_url" => {
            let proxy = proxy_without_secrets(secrets, &owner, &literal(word), None);
            draft.set_text("proxy", &proxy);
        }
        "tls_config" => tls_config::set(draft, value),
        "enable_http2" if !is_true && url.starts_with("https") => draft.set("http-version", "\"1.1\""),
        "method"
        | "headers"
        | "body"
        | "ip_protocol_fallback"
        | "compression"
        | "follow_redirects"
        | "no_follow_redirects"
        | "fail_if_not_ssl"
        | "fail_if_ssl"
        | "enable_http2"
        | "accept_any_response" => {}
        "enable_http3" | "proxy_from_environment" | "skip_resolve_phase_with_proxy" if !is_true => {}
        other => draft.not_carried(&format!("`{other}`"), "uptick has no key for it"),
    }
}

/// The patterns of Go are those of the regex crate.
fn patterns(value: &Value) -> Vec<String> {
    elements(value).iter().filter_map(text).map(|pattern| literal(&pattern)).collect()
}

fn headers(draft: &mut ProbeDraft, key: &str, value: &Value) {
    for rule in elements(value) {
        let (Some(name), Some(pattern)) = (rule["header"].as_str(), rule["regexp"].as_str()) else { continue };
        let word = if key == "fail_if_header_matches" { "not-matches" } else { "matches" };
        let is_optional = rule["allow_missing"] == Value::Bool(true);
        let name = crate::config::toml_text::key(&name.to_ascii_lowercase());
        let base = format!("expect.header.{name}");
        draft.set_text(&format!("{base}.{word}"), &literal(pattern));
        if is_optional {
            draft.set(&format!("{base}.optional"), "true");
        }
    }
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

fn basic(draft: &mut ProbeDraft, secrets: &mut Secrets, value: &Value) {
    let user = literal(value["username"].as_str().unwrap_or_default());
    let password = secret(draft, secrets, value, "password", "password");
    draft.set("auth.basic", format!("{{ user = {}, password = {} }}", quoted(&user), quoted(&password)));
}

/// A secret that stands in the file, or in a file that it names.
fn secret(draft: &mut ProbeDraft, secrets: &mut Secrets, table: &Value, key: &str, field: &str) -> String {
    let owner = draft.name.clone();
    match table[format!("{key}_file").as_str()].as_str() {
        Some(path) => of_file(draft, secrets, path, field),
        None => secrets.reference(&owner, field, &literal(table[key].as_str().unwrap_or_default())),
    }
}

/// The text of a file where it can be read here, and else a variable.
fn of_file(draft: &mut ProbeDraft, secrets: &mut Secrets, path: &str, field: &str) -> String {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) && path.starts_with('/') {
        return format!("${{file:{path}}}");
    }
    draft.remark(&format!(
        "`{field}` stood in the file {path}, which is not here; where it is, write \"$${{file:{path}}}\""
    ));
    // The path tells it apart from other secrets, as its value would.
    secrets.reference(&draft.name, field, &format!("file {path}"))
}

fn oauth2(draft: &mut ProbeDraft, secrets: &mut Secrets, value: &Value) {
    let get = |key: &str| literal(value[key].as_str().unwrap_or_default());
    let oauth2 = ImportedOAuth2 {
        token_url: get("token_url"),
        client_id: get("client_id"),
        client_secret: secret(draft, secrets, value, "client_secret", "client_secret"),
        scopes: elements(&value["scopes"]).iter().filter_map(text).map(|scope| literal(&scope)).collect(),
    };
    request::set_oauth2(draft, &oauth2);
    if let Some(audience) = value["endpoint_params"]["audience"].as_str() {
        draft.not_carried("`endpoint_params`", &format!("write `audience = {}` into `auth.oauth2`", quoted(audience)));
    }
}
