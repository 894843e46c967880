//! Encodes a payload for its receiver: JSON, a text for Slack and similar services, an event for
//! `PagerDuty`, or the environment of a program. It sends nothing.

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value as Json, json};

use super::delivery::{Delivery, Transport};
use super::payload::Payload;
use crate::model::{Alert, AlertTarget, Captures, NetworkRules, Redactor, SafeText, Value, WebhookTemplate};

/// The longest text of a chat message, in characters.
const LONGEST_TEXT: usize = 2_000;

/// The message for a receiver, and how it is sent.
pub(super) fn delivery(alert: &Alert, payload: &Payload, redactor: &Redactor, network: NetworkRules) -> Delivery {
    let redaction = Redaction::new(payload, redactor);
    let document = redaction.document(payload);
    let transport = match &alert.target {
        AlertTarget::Webhook { url, template, headers } => {
            let body = match template {
                WebhookTemplate::Json => document.to_string(),
                WebhookTemplate::Slack => slack(payload, &redaction).to_string(),
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
            environment: environment(payload, &redaction),
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

/// The fields whose text is not ours: names of the probe file, and what a server sent.
const FOREIGN: [&str; 10] =
    ["alert", "surface", "surfaces", "probe", "probes", "vantage", "vantages", "subject", "expected", "actual"];

/// Redacts a payload. Names come from the probe file and may contain a secret. The words around them are ours, and a gap
/// in one would show the secret that it hides.
struct Redaction<'r> {
    redactor: &'r Redactor,
    /// The foreign texts with a secret in them, the longest first, and what is shown instead.
    quoted: Vec<(String, String)>,
}

impl Redaction<'_> {
    fn new<'r>(payload: &Payload, redactor: &'r Redactor) -> Redaction<'r> {
        let mut texts: Vec<String> = payload.names.iter().map(|name| name.as_str().to_owned()).collect();
        collect_foreign(&serde_json::to_value(payload).unwrap_or_default(), false, &mut texts);
        texts.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        texts.dedup();
        let shown = texts.into_iter().map(|text| (redactor.redact(&text), text));
        let quoted = shown.filter(|(shown, text)| shown != text).map(|(shown, text)| (text, shown)).collect();
        Redaction { redactor, quoted }
    }

    /// The payload as JSON.
    fn document(&self, payload: &Payload) -> Json {
        self.json(serde_json::to_value(payload).unwrap_or_default(), false)
    }

    fn json(&self, json: Json, is_foreign: bool) -> Json {
        match json {
            Json::String(text) if is_foreign => self.redactor.redact(&text).into(),
            Json::String(text) => self.sentence(&text).into(),
            Json::Array(list) => list.into_iter().map(|json| self.json(json, is_foreign)).collect(),
            Json::Object(fields) => {
                let fields = fields.into_iter();
                fields.map(|(name, json)| (name.clone(), self.json(json, FOREIGN.contains(&&*name)))).collect()
            }
            other => other,
        }
    }

    /// A sentence of ours, redacted in what it quotes.
    fn sentence(&self, text: &str) -> String {
        self.quoted.iter().fold(text.to_owned(), |text, (quoted, shown)| text.replace(quoted, shown))
    }
}

/// Collects the texts of the fields that are not ours.
fn collect_foreign(json: &Json, is_foreign: bool, texts: &mut Vec<String>) {
    match json {
        Json::String(text) if is_foreign => texts.push(text.clone()),
        Json::Array(list) => list.iter().for_each(|json| collect_foreign(json, is_foreign, texts)),
        Json::Object(fields) => {
            fields.iter().for_each(|(name, json)| collect_foreign(json, FOREIGN.contains(&&**name), texts));
        }
        _ => {}
    }
}

/// `{"text": …}`. `&`, `<` and `>` are escaped, so that no name can mention a channel or hide a
/// link.
fn slack(payload: &Payload, redaction: &Redaction) -> Json {
    let mark = match payload.severity {
        "resolved" => "✅",
        "critical" => "🔴",
        _ => "⚠️",
    };
    let text = SafeText::clean(&redaction.sentence(payload.summary.as_str()), LONGEST_TEXT);
    let text = text.as_str().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": format!("{mark} {text}") })
}

/// Events API v2: <https://developer.pagerduty.com/docs/send-alert-event>.
fn pagerduty(payload: &Payload, document: &Json, key: &Value) -> Json {
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
fn environment(payload: &Payload, redaction: &Redaction) -> Vec<(&'static str, String)> {
    let incident = payload.incident.as_ref();
    let joined = |names: &[SafeText]| {
        let names = names.iter().map(|name| redaction.redactor.redact(name.as_str()));
        names.collect::<Vec<String>>().join(",")
    };
    let facts = [
        ("UPTICK_ALERT", redaction.redactor.redact(&payload.alert)),
        ("UPTICK_EVENT", payload.event.to_owned()),
        ("UPTICK_SEVERITY", payload.severity.to_owned()),
        ("UPTICK_KEY", redaction.sentence(&payload.key)),
        ("UPTICK_SUMMARY", redaction.sentence(payload.summary.as_str())),
        ("UPTICK_VERDICT", redaction.sentence(&payload.verdict)),
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
    facts.into_iter().map(|(name, fact)| (name, SafeText::clean(&fact, LONGEST_TEXT).as_str().to_owned())).collect()
}
