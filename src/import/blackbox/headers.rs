//! The headers of a module of `blackbox_exporter`: those it sends, and those it expects.

use serde_json::Value;

use crate::config::toml_text;
use crate::import::blackbox::credentials;
use crate::import::document::{elements, fields, text};
use crate::import::draft::ProbeDraft;
use crate::import::secrets::Secrets;
use crate::import::template::literal;

/// Headers with one value each.
pub(super) fn plain(headers: &Value) -> Vec<(String, String)> {
    fields(headers).filter_map(|(name, value)| Some((name.clone(), literal(&text(value)?)))).collect()
}

/// Headers with lists of values, secrets and files. The last one of a list counts.
pub(super) fn detailed(draft: &mut ProbeDraft, secrets: &mut Secrets, headers: &Value) -> Vec<(String, String)> {
    let mut read = Vec::new();
    for (name, lists) in fields(headers) {
        let last = |key: &str| elements(&lists[key]).last().and_then(text);
        let value = if let Some(path) = last("files") {
            credentials::of_file(draft, secrets, &path, name)
        } else if let Some(secret) = last("secrets") {
            secrets.reference(&draft.name, name, &literal(&secret))
        } else if let Some(value) = last("values") {
            literal(&value)
        } else {
            continue;
        };
        draft.others_not_carried(&format!("http_headers.{name}."), lists, &["values", "secrets", "files"]);
        let said = ["values", "secrets", "files"].iter().map(|key| elements(&lists[*key]).len()).sum::<usize>();
        if said > 1 {
            draft
                .not_carried(&format!("all but the last value of `{name}`"), "blackbox_exporter sends no other either");
        }
        read.push((name.clone(), value));
    }
    read
}

/// The rules of `fail_if_header_matches` and `fail_if_header_not_matches`.
pub(super) fn rules(draft: &mut ProbeDraft, key: &str, rules: &Value) {
    for rule in elements(rules) {
        let (Some(name), Some(pattern)) = (rule["header"].as_str(), rule["regexp"].as_str()) else { continue };
        let word = if key == "fail_if_header_matches" { "not-matches" } else { "matches" };
        draft.others_not_carried(&format!("{key}."), rule, &["header", "regexp", "allow_missing"]);
        let is_optional = rule["allow_missing"] == Value::Bool(true);
        let name = toml_text::key(&name.to_ascii_lowercase());
        let base = format!("expect.header.{name}");
        let name_of_rule = format!("{base}.{word}");
        // A second pattern for the same header is added to the first.
        let pattern = toml_text::quoted(&literal(pattern));
        match draft.get(&name_of_rule).map(|before| before.trim_matches(['[', ']']).to_owned()) {
            Some(before) => draft.set(&name_of_rule, format!("[{before}, {pattern}]")),
            None => draft.set(&name_of_rule, pattern),
        }
        if is_optional {
            draft.set(&format!("{base}.optional"), "true");
        }
    }
}
