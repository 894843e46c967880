//! Applies the `relabel_configs` of a job: how Prometheus turns the labels of a target into those
//! that it is scraped with. They determine the target and the module of a probe of
//! `blackbox_exporter`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::import::document::{elements, text};
use crate::model::Pattern;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// The result of relabeling a target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Relabeled {
    Asked(Labels),
    /// A rule drops it.
    Dropped,
    /// A rule cannot be applied here, for this reason.
    Unknown(String),
}

/// Applies the rules in order.
pub(crate) fn relabeled(mut labels: Labels, rules: &Value) -> Relabeled {
    for rule in elements(rules) {
        match step(&mut labels, rule) {
            Ok(true) => {}
            Ok(false) => return Relabeled::Dropped,
            Err(why) => return Relabeled::Unknown(why),
        }
    }
    Relabeled::Asked(labels)
}

/// Applies one rule. Returns `false` if it drops the target.
fn step(labels: &mut Labels, rule: &Value) -> Result<bool, String> {
    let separator = rule["separator"].as_str().unwrap_or(";");
    let sources = elements(&rule["source_labels"]).iter().filter_map(text);
    let values = sources.map(|name| labels.get(&name).cloned().unwrap_or_default());
    let source = values.collect::<Vec<String>>().join(separator);
    let written = text(&rule["regex"]).unwrap_or_else(|| "(.*)".to_owned());
    // A rule must match the whole value.
    let regex = Pattern::new(&format!("^(?s:{written})$")).map_err(|why| format!("regex `{written}`: {why}"))?;
    let target = rule["target_label"].as_str().unwrap_or_default();
    let replacement = text(&rule["replacement"]).unwrap_or_else(|| "$1".to_owned());
    let action = rule["action"].as_str().unwrap_or("replace").to_ascii_lowercase();
    match action.as_str() {
        "replace" => {
            if let (Some(name), Some(value)) = (regex.expand(&source, target), regex.expand(&source, &replacement)) {
                set(labels, &name, value);
            }
        }
        "lowercase" => set(labels, target, source.to_lowercase()),
        "uppercase" => set(labels, target, source.to_uppercase()),
        "keep" => return Ok(regex.is_match(&source)),
        "drop" => return Ok(!regex.is_match(&source)),
        "keepequal" => return Ok(labels.get(target).is_some_and(|value| *value == source)),
        "dropequal" => return Ok(labels.get(target).is_none_or(|value| *value != source)),
        "labelmap" => {
            let mapped =
                labels.iter().filter_map(|(name, value)| Some((regex.expand(name, &replacement)?, value.clone())));
            let mapped: Vec<(String, String)> = mapped.collect();
            labels.extend(mapped);
        }
        "labeldrop" => labels.retain(|name, _| !regex.is_match(name)),
        "labelkeep" => labels.retain(|name, _| regex.is_match(name)),
        // It divides targets among several instances of Prometheus; here all of them are imported.
        "hashmod" => {}
        other => return Err(format!("the action `{other}` is not known")),
    }
    Ok(true)
}

/// Sets a label. An empty value removes it.
fn set(labels: &mut Labels, name: &str, value: String) {
    if value.is_empty() {
        labels.remove(name);
    } else {
        labels.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn asked(before: &[(&str, &str)], rules: &Value) -> Labels {
        match relabeled(labels(before), rules) {
            Relabeled::Asked(labels) => labels,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_target_and_its_module_are_what_the_rules_make_of_its_address() {
        let rules = serde_json::json!([
            { "source_labels": ["__address__"], "regex": "(.*):::(.+)", "target_label": "__param_target", "replacement": "$1" },
            { "source_labels": ["__address__"], "regex": "(.*):::(.+)", "target_label": "__param_module", "replacement": "${2}" },
            { "source_labels": ["__param_target"], "target_label": "instance" },
            { "target_label": "__address__", "replacement": "127.0.0.1:9115" },
        ]);
        let after = asked(&[("__address__", "https://x.test/:::http_post")], &rules);
        assert_eq!(after["__param_target"], "https://x.test/");
        assert_eq!(after["instance"], "https://x.test/");
        assert_eq!(after["__param_module"], "http_post");
        assert_eq!(after["__address__"], "127.0.0.1:9115");
    }

    #[test]
    fn every_action_does_what_prometheus_does() {
        let rule = |action: &str, regex: &str| serde_json::json!([{ "action": action, "regex": regex, "source_labels": ["a", "b"], "target_label": "c" }]);
        let before = [("a", "X"), ("b", "y"), ("c", "X;y"), ("__meta_d", "1")];
        assert_eq!(asked(&before, &rule("lowercase", ".*"))["c"], "x;y");
        assert_eq!(asked(&before, &rule("uppercase", ".*"))["c"], "X;Y");
        assert_eq!(asked(&before, &rule("replace", "(.);(.)"))["c"], "X");
        assert_eq!(asked(&before, &rule("replace", "other"))["c"], "X;y");
        assert!(!asked(&before, &rule("replace", "X;y()")).contains_key("c"), "an empty value takes the label away");
        assert_eq!(asked(&before, &rule("labeldrop", "__meta_.*")).len(), 3);
        assert_eq!(asked(&before, &rule("labelkeep", "a|b")).len(), 2);
        assert_eq!(asked(&before, &rule("labelmap", "__meta_(.+)"))["d"], "1");
        assert_eq!(asked(&before, &rule("hashmod", ".*")).len(), 4);
        for (action, regex, is_dropped) in [
            ("keep", "X;.", false),
            ("keep", "X", true),
            ("drop", "X", false),
            ("drop", ".*", true),
            ("keepequal", ".*", false),
            ("dropequal", ".*", true),
        ] {
            let dropped = relabeled(labels(&before), &rule(action, regex)) == Relabeled::Dropped;
            assert_eq!(dropped, is_dropped, "{action} {regex}");
        }
        assert!(matches!(relabeled(labels(&before), &rule("invent", ".*")), Relabeled::Unknown(_)));
        assert!(matches!(relabeled(labels(&before), &rule("keep", "(")), Relabeled::Unknown(_)));
    }
}
