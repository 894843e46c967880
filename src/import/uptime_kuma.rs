//! Uptime Kuma's backup as probes.

mod expectations;
mod monitor_fields;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedOAuth2, ImportedRequest, has_header, proxy_without_secrets};
use crate::import::secrets::{Secrets, names_secret};
use crate::import::template::literal;
use crate::model::quantity::show_duration;

use expectations::{expectations, is_true};

/// A probe for every monitor except groups.
pub(crate) fn probes(backup: &Value, secrets: &mut Secrets) -> Vec<ProbeDraft> {
    // A backup has a list, the API a table by id.
    let monitors: Vec<&Value> = match &backup["monitorList"] {
        Value::Object(monitors) => monitors.values().collect(),
        list => elements(list).iter().collect(),
    };
    let groups: BTreeMap<u64, &str> = monitors
        .iter()
        .filter(|monitor| monitor["type"] == "group")
        .filter_map(|group| Some((group["id"].as_u64()?, group["name"].as_str()?)))
        .collect();
    let asked = monitors.iter().filter(|monitor| monitor["type"] != "group");
    let mut drafts: Vec<ProbeDraft> = asked.map(|monitor| draft(monitor, backup, &groups, secrets)).collect();
    let notifications = elements(&backup["notificationList"]).iter().filter_map(|sent| sent["name"].as_str());
    let notifications: Vec<&str> = notifications.collect();
    if let Some(first) = drafts.first_mut().filter(|_| !notifications.is_empty()) {
        let what = format!("the notifications {}", notifications.join(", "));
        first.not_carried(&what, "alerts are `[[alert]]` with a webhook here");
    }
    drafts
}

fn draft(monitor: &Value, backup: &Value, groups: &BTreeMap<u64, &str>, secrets: &mut Secrets) -> ProbeDraft {
    let kind = monitor["type"].as_str().unwrap_or_default();
    let url = asked_url(monitor, kind);
    let name = text(&monitor["name"]).unwrap_or_else(|| request::name_of(&url));
    let mut draft = ProbeDraft::new(&name);
    if !KINDS.contains(&kind) {
        draft.left_out = Some(format!("monitors of type \"{kind}\" have no probe that means the same"));
    } else if monitor["active"] == Value::Bool(false) || monitor["active"] == 0 {
        draft.left_out = Some("it is paused".to_owned());
    }
    let group = monitor["parent"].as_u64().and_then(|parent| groups.get(&parent));
    if let Some(group) = group.filter(|group| !group.trim().is_empty()) {
        draft.set_text("surface", &literal(group.trim()));
    }
    tags(&mut draft, monitor);
    timing(&mut draft, monitor);
    let headers = headers(&mut draft, monitor);
    let body = monitor["body"].as_str().filter(|body| !body.trim().is_empty()).map(literal);
    let method = monitor["method"].as_str().map(str::to_owned);
    let headers = with_content_type(headers, monitor, body.is_some());
    request::set(&mut draft, secrets, ImportedRequest { method, url, headers, body });
    credentials(&mut draft, monitor, secrets);
    if matches!(monitor["ignoreTls"], Value::Bool(true)) || monitor["ignoreTls"] == 1 {
        draft.set("tls.insecure", "true");
    }
    let is_http = matches!(kind, "http" | "keyword" | "json-query");
    match monitor["maxredirects"].as_u64().filter(|_| is_http) {
        Some(10) | None => {}
        Some(most) => draft.set("redirects", most.min(50).to_string()),
    }
    match monitor["ipFamily"].as_str() {
        Some("ipv4") => draft.set("ip", "\"v4\""),
        Some("ipv6") => draft.set("ip", "\"v6\""),
        _ => {}
    }
    if kind == "smtp" && monitor["smtpSecurity"] == "starttls" {
        draft.set_text("starttls", "smtp");
    }
    expectations(&mut draft, monitor, kind);
    proxy(&mut draft, monitor, backup, secrets);
    notes(&mut draft, monitor);
    monitor_fields::others(&mut draft, monitor, kind);
    draft
}

/// The types of monitors that have an equivalent probe.
const KINDS: [&str; 7] = ["http", "keyword", "json-query", "port", "dns", "websocket-upgrade", "smtp"];

/// The URL in uptick's syntax: Uptime Kuma has ports and names in separate fields.
fn asked_url(monitor: &Value, kind: &str) -> String {
    let get = |key: &str| literal(monitor[key].as_str().unwrap_or_default());
    let port = text(&monitor["port"]).unwrap_or_default();
    match kind {
        "port" => format!("tcp://{}:{port}", bracketed(&get("hostname"))),
        "smtp" => {
            let scheme = if monitor["smtpSecurity"] == "nostarttls" { "tcp" } else { "tls" };
            format!("{scheme}://{}:{port}", bracketed(&get("hostname")))
        }
        "dns" => {
            // One field can list several servers; the first is used.
            let servers = get("dns_resolve_server");
            let server = servers.split([',', ' ']).next().unwrap_or_default().to_owned();
            let port = if port.is_empty() || port == "53" { String::new() } else { format!(":{port}") };
            let kind = monitor["dns_resolve_type"].as_str().unwrap_or("A");
            format!("dns://{}{port}/{}?type={kind}", bracketed(&server), get("hostname"))
        }
        _ => get("url"),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn tags(draft: &mut ProbeDraft, monitor: &Value) {
    let tags = elements(&monitor["tags"]).iter().filter_map(|tag| {
        let name = tag["name"].as_str().or(tag.as_str())?.trim();
        let value = tag["value"].as_str().unwrap_or_default().trim();
        let tag = if value.is_empty() { name.to_owned() } else { format!("{name}:{value}") };
        (!name.is_empty()).then(|| literal(&tag))
    });
    let tags: Vec<String> = tags.collect();
    draft.set_list("tags", &tags);
}

fn timing(draft: &mut ProbeDraft, monitor: &Value) {
    let seconds = |key: &str| {
        monitor[key].as_f64().filter(|seconds| *seconds > 0.0 && *seconds < 1e7).map(Duration::from_secs_f64)
    };
    let interval = seconds("interval").unwrap_or(Duration::from_mins(1));
    draft.set_duration("interval", interval);
    // By default Uptime Kuma waits for 80 % of the interval.
    let timeout = seconds("timeout").unwrap_or(interval.mul_f64(0.8));
    draft.set_duration("timeout", timeout.min(interval).min(Duration::from_hours(1)));
    if let Some(attempts) = monitor["maxretries"].as_u64().filter(|attempts| *attempts > 0) {
        let delay = seconds("retryInterval").unwrap_or(interval);
        let open_after = attempts + 1;
        draft.not_carried(
            &format!("{attempts} {}, {} apart", if attempts == 1 { "retry" } else { "retries" }, show_duration(delay)),
            &format!("`[incident] open-after = {open_after}` waits for as many failures; `retries` asks again at once"),
        );
    }
}

fn headers(draft: &mut ProbeDraft, monitor: &Value) -> Vec<(String, String)> {
    let Some(written) = monitor["headers"].as_str().filter(|headers| !headers.trim().is_empty()) else {
        return Vec::new();
    };
    let Ok(headers) = serde_json::from_str::<Value>(written) else {
        draft.not_carried("the headers", "they are not JSON");
        return Vec::new();
    };
    fields(&headers).filter_map(|(name, value)| Some((name.clone(), literal(&text(value)?)))).collect()
}

fn with_content_type(mut headers: Vec<(String, String)>, monitor: &Value, has_body: bool) -> Vec<(String, String)> {
    let has_type = has_header(&headers, "content-type");
    if has_body && !has_type {
        let kind = match monitor["httpBodyEncoding"].as_str() {
            Some("form") => "application/x-www-form-urlencoded",
            Some("xml") => "text/xml; charset=utf-8",
            _ => "application/json",
        };
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    headers
}

fn credentials(draft: &mut ProbeDraft, monitor: &Value, secrets: &mut Secrets) {
    let get = |key: &str| literal(monitor[key].as_str().unwrap_or_default());
    let owner = draft.name.clone();
    // Backups of version 1.18 and earlier have no method.
    let method = monitor["authMethod"].as_str().unwrap_or("basic");
    match method {
        "basic" if is_said(&monitor["basic_auth_user"]) && is_said(&monitor["basic_auth_pass"]) => {
            request::set_basic_auth(draft, secrets, &owner, &get("basic_auth_user"), &get("basic_auth_pass"));
        }
        "oauth2-cc" => {
            let oauth2 = ImportedOAuth2 {
                token_url: get("oauth_token_url"),
                client_id: get("oauth_client_id"),
                client_secret: secrets.reference(&owner, "client_secret", &get("oauth_client_secret")),
                scopes: get("oauth_scopes").split_whitespace().map(str::to_owned).collect(),
                audience: Some(get("oauth_audience")).filter(|audience| !audience.is_empty()),
            };
            request::set_oauth2(draft, &oauth2);
        }
        "mtls" => draft.not_carried(
            "the client certificate",
            "it stands in the backup as text: save it, and name the files in `tls.client-cert` and `tls.client-key`",
        ),
        "ntlm" => draft.not_carried("NTLM", "uptick does not speak it"),
        _ => {}
    }
}

/// The proxy of a monitor, which a backup references by id.
fn proxy(draft: &mut ProbeDraft, monitor: &Value, backup: &Value, secrets: &mut Secrets) {
    if !is_said(&monitor["proxyId"]) {
        return;
    }
    let Some(proxy) = elements(&backup["proxyList"]).iter().find(|proxy| proxy["id"] == monitor["proxyId"]) else {
        return draft.not_carried("its proxy", "the backup names it by number; write `proxy = \"http://…\"`");
    };
    let get = |key: &str| literal(&text(&proxy[key]).unwrap_or_default());
    let scheme = if get("protocol") == "socks" { "socks5".to_owned() } else { get("protocol") };
    let user = is_true(&proxy["auth"]).then(|| format!("{}:{}", get("username"), get("password")));
    let url = format!("{scheme}://{}:{}", bracketed(&get("host")), get("port"));
    let owner = draft.name.clone();
    let url = proxy_without_secrets(secrets, &owner, &url, user.as_deref());
    draft.set_text("proxy", &url);
}

fn notes(draft: &mut ProbeDraft, monitor: &Value) {
    if fields(&monitor["notificationIDList"]).any(|(_, used)| is_said(used)) {
        draft.not_carried("its notifications", "alerts are `[[alert]]` with a webhook here");
    }
    if let Some(description) = monitor["description"].as_str().filter(|text| !text.trim().is_empty()) {
        // Descriptions may contain passwords.
        if names_secret(description) {
            draft.not_carried("its description", "it may have a secret in it");
        } else {
            draft.remark(&format!("description: {}", description.trim()));
        }
    }
}
