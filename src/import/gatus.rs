//! Gatus' endpoints as probes.

mod condition;

use std::time::Duration;

use serde_json::Value;

use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedOAuth2, ImportedRequest, has_header, proxy_without_secrets};
use crate::import::secrets::Secrets;
use crate::import::template::with_dollar_variables;
use crate::model::{Protocol, quantity};

/// How often Gatus asks where nothing is said.
const INTERVAL: Duration = Duration::from_mins(1);

/// Every endpoint, also those of suites.
pub(crate) fn probes(config: &Value, secrets: &mut Secrets) -> Vec<ProbeDraft> {
    let own = ["endpoints", "services"].into_iter().flat_map(|key| elements(&config[key]));
    let mut drafts: Vec<ProbeDraft> = own.map(|endpoint| draft(endpoint, secrets)).collect();
    for suite in elements(&config["suites"]) {
        for endpoint in elements(&suite["endpoints"]) {
            let mut draft = draft(endpoint, secrets);
            draft.remark(
                "of a suite: write its endpoints as steps of one probe, `[[probe.step]]`, where they share values",
            );
            drafts.push(draft);
        }
    }
    let others = [
        ("external-endpoints", "nothing is asked there: they push"),
        ("alerting", "alerts are `[[alert]]` with a webhook here"),
        ("maintenance", "see `maintenance` of a probe"),
        ("connectivity", "a `[[control]]` tells whether this vantage is offline"),
        ("remote", "`uptick report` reads several journals"),
    ];
    if let Some(first) = drafts.first_mut() {
        for (key, why) in others {
            if is_said(&config[key]) {
                first.not_carried(&format!("`{key}` of the whole file"), why);
            }
        }
    }
    drafts
}

fn draft(endpoint: &Value, secrets: &mut Secrets) -> ProbeDraft {
    let string = |key: &str| endpoint[key].as_str().map(with_dollar_variables);
    let written = string("url").unwrap_or_default();
    let url = asked_url(endpoint, &written);
    let name = text(&endpoint["name"]).unwrap_or_else(|| request::name_of(&written));
    let mut draft = ProbeDraft::new(&name);
    if let Some(group) = endpoint["group"].as_str().filter(|group| !group.trim().is_empty()) {
        draft.set_text("surface", group.trim());
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

/// The URL as it is written here: Gatus has a scheme for STARTTLS, and asks name servers by a table.
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
                        draft.set_text(file, &with_dollar_variables(path));
                    }
                }
                if is_said(&value["renegotiation"]) {
                    draft.not_carried("`tls.renegotiation`", "TLS 1.3 has none, and it is never done here");
                }
            }
            "network" => match value.as_str() {
                Some("ip4") => draft.set("ip", "\"v4\""),
                Some("ip6") => draft.set("ip", "\"v6\""),
                _ => {}
            },
            other => draft.not_carried(&format!("`client.{other}`"), "uptick has no key for it"),
        }
    }
}

fn oauth2(draft: &mut ProbeDraft, secrets: &mut Secrets, oauth2: &Value) {
    let get = |key: &str| oauth2[key].as_str().map(with_dollar_variables).unwrap_or_default();
    let oauth2 = ImportedOAuth2 {
        token_url: get("token-url"),
        client_id: get("client-id"),
        client_secret: secrets.reference(&draft.name, "client_secret", &get("client-secret")),
        scopes: elements(&oauth2["scopes"]).iter().filter_map(text).collect(),
    };
    request::set_oauth2(draft, &oauth2);
}

fn conditions(draft: &mut ProbeDraft, endpoint: &Value, protocol: Protocol) {
    let mut expected = condition::Expected::of(protocol);
    for condition in elements(&endpoint["conditions"]).iter().filter_map(text) {
        if let Err(why) = expected.add(&condition) {
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
        let kind = alert["type"].as_str().unwrap_or("?");
        let after = alert["failure-threshold"].as_u64().unwrap_or(3);
        draft.not_carried(
            &format!("alert `{kind}` after {after} failures"),
            "see `[[alert]]` and `[incident] open-after`",
        );
    }
    for key in ["ssh", "maintenance-windows", "extra-labels", "store"] {
        if is_said(&endpoint[key]) {
            draft.not_carried(&format!("`{key}`"), "uptick has no key that means the same");
        }
    }
}
