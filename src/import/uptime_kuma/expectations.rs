//! The expectations of a monitor of Uptime Kuma.

use serde_json::Value;

use crate::config::toml_text::{one_or_list, quoted};
use crate::import::document::{elements, text};
use crate::import::draft::ProbeDraft;
use crate::import::template::literal;

/// Uptime Kuma warns if a certificate has fewer days left than this.
const CERTIFICATE_DAYS: u64 = 7;

/// Sets the expectations of a monitor of this type.
pub(super) fn expectations(draft: &mut ProbeDraft, monitor: &Value, kind: &str) {
    let upside_down = matches!(monitor["upsideDown"], Value::Bool(true)) || monitor["upsideDown"] == 1;
    let codes: Vec<String> =
        elements(&monitor["accepted_statuscodes"]).iter().filter_map(text).map(|code| status(&code)).collect();
    if upside_down {
        draft.left_out = Some("it is upside down: up where it fails; expect the failing status instead".to_owned());
    }
    let is_http = matches!(kind, "http" | "keyword" | "json-query");
    if is_http && !codes.is_empty() && codes != ["\"2xx\""] {
        draft.set("expect.status", one_or_list(codes.into_iter()));
    }
    // A monitor of a port or a name keeps the URL and the switch that it had as one of HTTP.
    let has_certificate = draft.get("url").is_some_and(|url| url.starts_with("\"https:") || url.starts_with("\"tls:"));
    if is_true(&monitor["expiryNotification"]) && has_certificate {
        draft.set("warn.certificate-days", CERTIFICATE_DAYS.to_string());
    }
    if kind == "keyword" {
        let key = if is_true(&monitor["invertKeyword"]) { "expect.body-lacks" } else { "expect.body-contains" };
        draft.set_text(key, &literal(monitor["keyword"].as_str().unwrap_or_default()));
    }
    if kind == "json-query" {
        json_query(draft, monitor);
    }
    if kind == "dns" {
        records(draft, monitor);
    }
    if let Some(subprotocol) = monitor["wsSubprotocol"].as_str().filter(|name| !name.is_empty() && !name.contains(','))
    {
        draft.set_text("expect.subprotocol", &literal(subprotocol));
    }
}

/// Sets the conditions on the records of a DNS response.
fn records(draft: &mut ProbeDraft, monitor: &Value) {
    let mut texts = Vec::new();
    for condition in elements(&monitor["conditions"]) {
        let is_contained = condition["variable"] == "record"
            && condition["operator"] == "contains"
            && condition["andOr"].as_str().is_none_or(|word| word == "and");
        match condition["value"].as_str().filter(|_| is_contained) {
            Some(value) => {
                texts.push(quoted(&literal(value)));
                draft.others_not_carried("condition.", condition, &["type", "andOr", "variable", "operator", "value"]);
            }
            None => draft.field_not_carried("condition", condition, "see `expect.answer`"),
        }
    }
    if !texts.is_empty() {
        draft.set("expect.answer", format!("{{ contains = {} }}", one_or_list(texts.into_iter())));
    }
}

/// `200-299` → `"2xx"`
fn status(code: &str) -> String {
    match code.split_once('-') {
        Some((first, last)) if first.ends_with("00") && last.ends_with("99") && first.get(..1) == last.get(..1) => {
            format!("\"{}xx\"", first.get(..1).unwrap_or_default())
        }
        None if code.parse::<u16>().is_ok() => code.to_owned(),
        _ => quoted(code),
    }
}

/// Sets a `JSONata` path with its expected value, if the path is also a JSON path.
fn json_query(draft: &mut ProbeDraft, monitor: &Value) {
    let query = monitor["jsonPath"].as_str().unwrap_or("$");
    let expected = text(&monitor["expectedValue"]).unwrap_or_default();
    let path = query.trim().trim_start_matches('$').trim_start_matches('.');
    let is_path =
        !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']'));
    let operator = monitor["jsonPathOperator"].as_str().unwrap_or("==");
    let number = || expected.parse::<f64>().is_ok() && !expected.starts_with('+');
    let value = if expected.parse::<i64>().is_ok() || matches!(expected.as_str(), "true" | "false") {
        expected.clone()
    } else {
        quoted(&literal(&expected))
    };
    // Uptime Kuma compares texts: 5 is equal to "5".
    let may_be_text = number() || matches!(expected.as_str(), "true" | "false");
    let rule = match operator {
        "==" if may_be_text => Some(format!("matches = {}", quoted(&format!("^{}$", expected.replace('.', "\\."))))),
        "==" => Some(format!("equals = {value}")),
        "!=" => Some(format!("not-equals = {value}")),
        "contains" => Some(format!("contains = {}", quoted(&literal(&expected)))),
        "<=" if number() => Some(format!("max = {expected}")),
        ">=" if number() => Some(format!("min = {expected}")),
        "<" if number() => Some(format!("max = {expected}, not-equals = {expected}")),
        ">" if number() => Some(format!("min = {expected}, not-equals = {expected}")),
        _ => None,
    };
    match rule.filter(|_| is_path) {
        Some(rule) => {
            let dot = if path.starts_with('[') { "" } else { "." };
            draft.set("expect.json", format!("[{{ path = {}, {rule} }}]", quoted(&format!("${dot}{path}"))));
        }
        None => draft.not_carried(
            &format!("`{query} {operator} {expected}`"),
            "it is JSONata, of which only plain paths are JSON paths too; see `expect.json`",
        ),
    }
}

/// Whether a flag is set. Flags are booleans, or numbers in older backups.
pub(super) fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true) || *value == 1
}
