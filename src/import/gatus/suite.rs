//! A suite of Gatus as a journey: its endpoints become steps, and the values they store become
//! captures.

use std::time::Duration;

use serde_json::Value;

use crate::config::toml_text::{key, quoted};
use crate::import::document::{elements, fields, text};
use crate::import::draft::ProbeDraft;
use crate::import::gatus::{condition, endpoint};
use crate::import::secrets::Secrets;
use crate::model::quantity;

/// The default interval and timeout of a suite in Gatus.
const INTERVAL: Duration = Duration::from_mins(10);
const TIMEOUT: Duration = Duration::from_mins(5);

/// The prefix of a reference to a value of the suite.
const CONTEXT: &str = "[CONTEXT].";

/// The draft of a suite.
pub(super) fn draft(suite: &Value, secrets: &mut Secrets) -> ProbeDraft {
    let mut draft = ProbeDraft::new(suite["name"].as_str().unwrap_or("suite"));
    if let Some(group) = suite["group"].as_str().map(str::trim).filter(|group| !group.is_empty()) {
        draft.set_text("surface", group);
    }
    if suite["enabled"] == Value::Bool(false) {
        draft.left_out = Some("it is disabled".to_owned());
    }
    let time = |key: &str| suite[key].as_str().and_then(|time| quantity::positive_duration(time).ok());
    let interval = time("interval").unwrap_or(INTERVAL);
    draft.set_duration("interval", interval);
    draft.set_duration("timeout", time("timeout").unwrap_or(TIMEOUT).min(interval).min(Duration::from_hours(1)));
    for endpoint in elements(&suite["endpoints"]) {
        step(&mut draft, &suite["context"], endpoint, secrets);
    }
    draft.others_not_carried("", suite, &["name", "group", "enabled", "interval", "timeout", "context", "endpoints"]);
    draft
}

fn step(journey: &mut ProbeDraft, context: &Value, endpoint: &Value, secrets: &mut Secrets) {
    let mut step = endpoint::draft(&with_context(endpoint, context), secrets);
    for (name, stored) in fields(&endpoint["store"]) {
        match stored.as_str().and_then(condition::path) {
            Some(path) => step.set(&format!("capture.{}", key(name)), format!("{{ json = {} }}", quoted(&path))),
            None => step.field_not_carried(&format!("store.{name}"), stored, "a capture is a part of a JSON body"),
        }
    }
    // The schedule and the connection settings of a journey are set once, for all its steps.
    step.take(|key| matches!(key, "surface" | "interval" | "timeout"));
    let shared = ["tls", "ip", "resolver", "proxy", "tags"];
    let of_all = step.take(|key| shared.contains(&key.split('.').next().unwrap_or_default()));
    for (key, value) in of_all {
        if journey.get(&key).is_some_and(|before| before != value) {
            step.not_carried(&format!("{key} = {value}"), "the steps of a journey share it");
        } else {
            journey.set(&key, value);
        }
    }
    if let Some(why) = step.left_out.take() {
        step.remark(&why);
    }
    journey.push_step(step);
}

/// The value with references to the suite's initial values replaced, and references to stored
/// values as `{{name}}`.
fn with_context(value: &Value, context: &Value) -> Value {
    match value {
        Value::String(said) => Value::String(filled(said, context)),
        Value::Array(elements) => elements.iter().map(|element| with_context(element, context)).collect(),
        Value::Object(table) => {
            table.iter().map(|(name, value)| (name.clone(), with_context(value, context))).collect()
        }
        other => other.clone(),
    }
}

fn filled(said: &str, context: &Value) -> String {
    let mut filled = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, after)) = rest.split_once(CONTEXT) {
        filled.push_str(before);
        let length =
            after.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let (name, behind) = after.split_at(length);
        match text(&context[name]) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}
