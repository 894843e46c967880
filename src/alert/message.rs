//! Encodes a payload for its receiver: JSON, a text for Slack and similar services, an event for
//! `PagerDuty`, or the environment of a program. It sends nothing.

use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::delivery::{Delivery, Transport};
use super::payload::Payload;
use crate::model::{Alert, AlertTarget, Captures, NetworkRules, Redactor, Value, WebhookTemplate};

/// The longest text of a chat message, in characters.
const LONGEST_TEXT: usize = 2_000;

/// The message for a receiver, and how it is sent.
pub(super) fn delivery(alert: &Alert, payload: &Payload, redactor: &Redactor, network: NetworkRules) -> Delivery {
    let document = document(payload, redactor);
    let transport = match &alert.target {
        AlertTarget::Webhook { url, template, headers } => {
            let body = match template {
                WebhookTemplate::Json => document.to_string(),
                WebhookTemplate::Slack => slack(payload, redactor).to_string(),
                WebhookTemplate::PagerDuty(key) => pagerduty(payload, &document, key).to_string(),
            };
            let mut sent = HeaderMap::new();
            sent.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            for (name, value) in headers {
                if let Ok(mut value) = HeaderValue::from_bytes(revealed(value).as_bytes()) {
                    value.set_sensitive(true);
                    sent.insert(name.clone(), value);
                }
            }
            Transport::Post { url: revealed(url), headers: sent, body: body.into_bytes() }
        }
        AlertTarget::Exec { command } => Transport::Run {
            command: command.iter().map(revealed).collect(),
            environment: environment(payload, redactor),
            input: document.to_string().into_bytes(),
        },
    };
    Delivery {
        summary: payload.summary.clone(),
        transport,
        attempts: alert.retries + 1,
        timeout: alert.timeout,
        redactor: redactor.clone(),
        network,
    }
}

fn revealed(value: &Value) -> String {
    value.fill(&Captures::new()).unwrap_or_default()
}

/// The document as JSON without secrets: names come from the probe file and may contain one.
fn document(payload: &Payload, redactor: &Redactor) -> serde_json::Value {
    let plain = serde_json::to_value(payload).unwrap_or_default();
    redacted(plain, redactor)
}

fn redacted(json: serde_json::Value, redactor: &Redactor) -> serde_json::Value {
    match json {
        serde_json::Value::String(text) => redactor.redact(&text).into(),
        serde_json::Value::Array(list) => list.into_iter().map(|json| redacted(json, redactor)).collect(),
        serde_json::Value::Object(fields) => {
            fields.into_iter().map(|(name, json)| (name, redacted(json, redactor))).collect()
        }
        other => other,
    }
}

/// `{"text": …}`. `&`, `<` and `>` are escaped, so that no name can mention a channel or hide a
/// link.
fn slack(payload: &Payload, redactor: &Redactor) -> serde_json::Value {
    let mark = match payload.severity {
        "resolved" => "✅",
        "critical" => "🔴",
        _ => "⚠️",
    };
    let text = redactor.clean(payload.summary.as_str(), LONGEST_TEXT);
    let text = text.as_str().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": format!("{mark} {text}") })
}

/// Events API v2: <https://developer.pagerduty.com/docs/send-alert-event>.
fn pagerduty(payload: &Payload, document: &serde_json::Value, key: &Value) -> serde_json::Value {
    let action = if payload.severity == "resolved" { "resolve" } else { "trigger" };
    let severity = if payload.severity == "critical" { "critical" } else { "warning" };
    json!({
        "routing_key": revealed(key),
        "event_action": action,
        "dedup_key": format!("uptick:{}", document["key"].as_str().unwrap_or_default()),
        "client": "uptick",
        "payload": {
            // The API accepts 1,024 characters; a summary has at most 300.
            "summary": document["summary"],
            "source": document["surfaces"].as_array().and_then(|list| list.first()).cloned().unwrap_or_else(|| "uptick".into()),
            "severity": severity,
            "timestamp": document["at"],
            "class": payload.event,
            "custom_details": document,
        },
    })
}

/// The payload as environment variables, for scripts that do not parse JSON.
fn environment(payload: &Payload, redactor: &Redactor) -> Vec<(&'static str, String)> {
    let incident = payload.incident.as_ref();
    let joined = |names: &[crate::model::SafeText]| {
        names.iter().map(crate::model::SafeText::as_str).collect::<Vec<_>>().join(",")
    };
    let facts = [
        ("UPTICK_ALERT", payload.alert.clone()),
        ("UPTICK_EVENT", payload.event.to_owned()),
        ("UPTICK_SEVERITY", payload.severity.to_owned()),
        ("UPTICK_KEY", payload.key.clone()),
        ("UPTICK_SUMMARY", payload.summary.as_str().to_owned()),
        ("UPTICK_VERDICT", payload.verdict.clone()),
        ("UPTICK_SURFACES", joined(&payload.surfaces)),
        ("UPTICK_PROBES", incident.map(|incident| joined(&incident.probes)).unwrap_or_default()),
        ("UPTICK_VANTAGES", incident.map(|incident| joined(&incident.vantages)).unwrap_or_default()),
        ("UPTICK_SINCE", incident.map(|incident| format!("{:.3}", incident.start.by)).unwrap_or_default()),
        (
            "UPTICK_UNTIL",
            incident.and_then(|incident| incident.end).map(|end| format!("{:.3}", end.by)).unwrap_or_default(),
        ),
        (
            "UPTICK_CLASS",
            incident
                .and_then(|incident| incident.kind.as_ref())
                .map(|kind| kind.class.name().to_owned())
                .unwrap_or_default(),
        ),
    ];
    facts.into_iter().map(|(name, fact)| (name, redactor.clean(&fact, LONGEST_TEXT).as_str().to_owned())).collect()
}
