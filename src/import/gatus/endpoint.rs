//! An endpoint of Gatus as a probe.

use std::time::Duration;

use serde_json::Value;

use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::gatus::condition::{is_met_by_failure, without_secret};
use crate::import::gatus::expected::Expected;
use crate::import::gatus::maintenance;
use crate::import::request::{self, ImportedOAuth2, ImportedRequest, has_header, proxy_without_secrets};
use crate::import::secrets::Secrets;
use crate::import::template::with_dollar_variables;
use crate::model::{Protocol, quantity};

/// The default interval of Gatus.
const INTERVAL: Duration = Duration::from_mins(1);

/// Schemes of Gatus that no probe supports.
const UNSPOKEN: [&str; 4] = ["icmp", "udp", "sctp", "ssh"];

/// The draft of an endpoint.
pub(super) fn draft(endpoint: &Value, secrets: &mut Secrets) -> ProbeDraft {
    let endpoint = &with_placeholders(endpoint);
    let string = |key: &str| endpoint[key].as_str().map(with_dollar_variables);
    let written = string("url").unwrap_or_default();
    let url = asked_url(endpoint, &written);
    let name = text(&endpoint["name"]).unwrap_or_else(|| request::name_of(&written));
    let mut draft = ProbeDraft::new(&name);
    if let Some(group) = endpoint["group"].as_str().filter(|group| !group.trim().is_empty()) {
        draft.set_text("surface", group.trim());
    }
    let labels = fields(&endpoint["extra-labels"]).filter_map(|(name, value)| Some(format!("{name}:{}", text(value)?)));
    draft.set_list("tags", &labels.map(|label| with_dollar_variables(&label)).collect::<Vec<String>>());
    for window in elements(&endpoint["maintenance-windows"]) {
        match maintenance::window(window) {
            Some(written) => {
                maintenance::set(&mut draft, &[written]);
                draft.others_not_carried("maintenance-windows.", window, &maintenance::READ);
            }
            None => draft.field_not_carried("maintenance-windows", window, "see `maintenance` of a probe"),
        }
    }
    if let Some((scheme, _)) = url.split_once("://").filter(|(scheme, _)| UNSPOKEN.contains(scheme)) {
        draft.left_out = Some(format!("uptick does not speak {scheme}"));
    }
    if endpoint["enabled"] == Value::Bool(false) {
        draft.left_out = Some("it is disabled".to_owned());
    }
    let interval = time(&endpoint["interval"]).unwrap_or(INTERVAL);
    draft.set_duration("interval", interval);
    let timeout = time(&endpoint["client"]["timeout"]).unwrap_or(Duration::from_secs(10));
    draft.set_duration("timeout", timeout.min(interval));
    let headers = fields(&endpoint["headers"]);
    let mut headers: Vec<(String, String)> =
        headers.filter_map(|(name, value)| Some((name.clone(), with_dollar_variables(&text(value)?)))).collect();
    let mut body = string("body").filter(|body| !body.is_empty());
    if endpoint["graphql"] == Value::Bool(true)
        && let Some(query) = body.take()
    {
        body = Some(serde_json::json!({ "query": query }).to_string());
        if !has_header(&headers, "content-type") {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
    }
    let method = endpoint["method"].as_str().map(str::to_owned);
    request::set(&mut draft, secrets, ImportedRequest { method, url: url.clone(), headers, body });
    client(&mut draft, secrets, &endpoint["client"]);
    if written.starts_with("starttls://") {
        draft.set_text("starttls", "smtp");
    }
    conditions(&mut draft, endpoint, Protocol::of_url(&url));
    notes(&mut draft, endpoint);
    draft
}

/// The endpoint with the placeholders for its own name, group and URL replaced.
fn with_placeholders(endpoint: &Value) -> Value {
    let own = [("[ENDPOINT_NAME]", "name"), ("[ENDPOINT_GROUP]", "group"), ("[ENDPOINT_URL]", "url")];
    let filled = |value: &Value| match value {
        Value::String(text) => {
            let text = own.iter().fold(text.clone(), |text, (placeholder, key)| {
                text.replace(placeholder, endpoint[*key].as_str().unwrap_or_default())
            });
            Value::String(text)
        }
        other => other.clone(),
    };
    let mut endpoint = endpoint.clone();
    if let Some(table) = endpoint.as_object_mut() {
        for (key, value) in table.iter_mut().filter(|(key, _)| matches!(key.as_str(), "url" | "body" | "headers")) {
            *value = match &*value {
                Value::Object(headers) if key == "headers" => {
                    headers.iter().map(|(name, value)| (name.clone(), filled(value))).collect()
                }
                other => filled(other),
            };
        }
    }
    endpoint
}

/// The URL in uptick's syntax: Gatus has a scheme for STARTTLS, and configures DNS queries in a
/// table.
fn asked_url(endpoint: &Value, written: &str) -> String {
    let dns = &endpoint["dns"];
    if is_said(dns) {
        let server = written.split_once("://").map_or(written, |(_, server)| server);
        let name = dns["query-name"].as_str().map(with_dollar_variables).unwrap_or_default();
        let kind = dns["query-type"].as_str().unwrap_or("A");
        return format!("dns://{server}/{}?type={kind}", name.trim_end_matches('.'));
    }
    match written.strip_prefix("starttls://") {
        Some(rest) => format!("tls://{rest}"),
        None => written.to_owned(),
    }
}

fn time(value: &Value) -> Option<Duration> {
    quantity::positive_duration(value.as_str()?).ok()
}

fn client(draft: &mut ProbeDraft, secrets: &mut Secrets, client: &Value) {
    let owner = draft.name.clone();
    for (key, value) in fields(client).filter(|(_, value)| is_said(value)) {
        let value_text = value.as_str().map(with_dollar_variables).unwrap_or_default();
        match key.as_str() {
            "timeout" => {}
            "insecure" => draft.set("tls.insecure", "true"),
            "store-cookies" => {
                draft.field_not_carried(key, value, "cookies are kept within a check, never from one to the next");
            }
            "ignore-redirect" => {
                draft.set("redirects", "\"none\"");
            }
            "proxy-url" => {
                let proxy = proxy_without_secrets(secrets, &owner, &value_text, None);
                draft.set_text("proxy", &proxy);
            }
            "dns-resolver" => match value_text.strip_prefix("udp://") {
                Some(_) => draft.set_text("resolver", &value_text),
                None => draft.not_carried(
                    &format!("`dns-resolver: {value_text}`"),
                    "`resolver` is asked over UDP: \"udp://ADDRESS:53\"",
                ),
            },
            "oauth2" => oauth2(draft, secrets, value),
            "tls" => {
                for (key, file) in [("certificate-file", "tls.client-cert"), ("private-key-file", "tls.client-key")] {
                    if let Some(path) = value[key].as_str() {
                        draft.set_file(file, &with_dollar_variables(path));
                    }
                }
                draft.others_not_carried("tls.", value, &["certificate-file", "private-key-file", "renegotiation"]);
                if is_said(&value["renegotiation"]) && value["renegotiation"] != "never" {
                    let why = "TLS 1.3 has none, and it is never done here";
                    draft.field_not_carried("tls.renegotiation", &value["renegotiation"], why);
                }
            }
            "network" => match value.as_str() {
                Some("ip4") => draft.set("ip", "\"v4\""),
                Some("ip6") => draft.set("ip", "\"v6\""),
                _ => {}
            },
            other => draft.field_not_carried(&format!("client.{other}"), value, "uptick has no key for it"),
        }
    }
}

fn oauth2(draft: &mut ProbeDraft, secrets: &mut Secrets, table: &Value) {
    let get = |key: &str| table[key].as_str().map(with_dollar_variables).unwrap_or_default();
    let oauth2 = ImportedOAuth2 {
        token_url: get("token-url"),
        client_id: get("client-id"),
        client_secret: secrets.reference(&draft.name, "client_secret", &get("client-secret")),
        scopes: elements(&table["scopes"]).iter().filter_map(text).collect(),
        audience: None,
    };
    request::set_oauth2(draft, &oauth2);
    draft.others_not_carried("oauth2.", table, &["token-url", "client-id", "client-secret", "scopes"]);
}

fn conditions(draft: &mut ProbeDraft, endpoint: &Value, protocol: Protocol) {
    let mut expected = Expected::of(protocol);
    for condition in elements(&endpoint["conditions"]).iter().filter_map(text) {
        if let Some(shown) = without_secret(&condition) {
            draft.not_carried(&format!("`{shown}`"), "what is expected is shown in outputs, and this may be a secret");
        } else if is_met_by_failure(&condition) {
            draft.left_out = Some(format!("`{condition}` is met where nothing answers, and a probe is down there"));
        } else if let Err(why) = expected.add(&condition) {
            draft.not_carried(&format!("`{condition}`"), why);
        }
    }
    expected.set(draft, protocol);
    if expected.measures_time() {
        draft.remark("Gatus measures up to the response head; `expect.latency.total` includes the body");
    }
}

fn notes(draft: &mut ProbeDraft, endpoint: &Value) {
    for alert in elements(&endpoint["alerts"]) {
        let after = alert["failure-threshold"].as_u64().unwrap_or(3);
        let why = format!("see `[[alert]]` and `[incident] open-after = {after}`");
        draft.field_not_carried("alert", alert, &why);
    }
    for (begin, placeholder) in [("[LOCAL_ADDRESS]", "[LOCAL_ADDRESS]"), ("[RANDOM_STRING_", "[RANDOM_STRING_N]")] {
        let is_in = |key: &str| endpoint[key].to_string().contains(begin);
        if ["url", "headers", "body"].into_iter().any(is_in) {
            draft.not_carried(&format!("`{placeholder}`"), "it is sent as it stands here");
        }
    }
    draft.others_not_carried("dns.", &endpoint["dns"], &["query-name", "query-type"]);
    draft.others_not_carried("", endpoint, &READ);
}

/// The supported fields of an endpoint.
const READ: [&str; 16] = [
    "name",
    "group",
    "enabled",
    "url",
    "method",
    "headers",
    "body",
    "graphql",
    "interval",
    "conditions",
    "client",
    "dns",
    "alerts",
    "extra-labels",
    "maintenance-windows",
    // Used only by suites.
    "store",
];
