//! Endpoints of Gatus as probes, and suites as journeys.

mod condition;
mod endpoint;
mod expected;
mod maintenance;
mod pattern;
mod suite;

use serde_json::Value;

use crate::import::document::{elements, fields, is_said};
use crate::import::draft::ProbeDraft;
use crate::import::secrets::Secrets;

/// Settings of a file besides its endpoints, and what uptick has for them.
const OTHERS: [(&str, &str); 16] = [
    ("alerting", "alerts are `[[alert]]` with a webhook here"),
    ("announcements", "there is no status page"),
    ("concurrency", "see `[settings] concurrency`"),
    ("connectivity", "a `[[control]]` tells whether this vantage is offline"),
    ("debug", "`-v` says more"),
    ("disable-monitoring-lock", "see `[settings] concurrency`"),
    ("external-endpoints", "they push their results, and nothing is checked"),
    ("metrics", "`uptick watch --listen` serves metrics"),
    ("remote", "`uptick report` reads several journals"),
    ("security", "there is no status page"),
    ("skip-invalid-config-update", "a file that is not valid is never used"),
    ("storage", "what was measured is in the journal"),
    ("tunneling", "uptick opens no SSH tunnel"),
    ("ui", "there is no status page"),
    ("web", "there is no status page"),
    ("maintenance", "it is not enabled, or its hours are not understood"),
];

/// Whether a document is a part of a Gatus configuration without endpoints: Gatus reads several
/// files as one configuration.
pub(crate) fn is_part(document: &Value) -> bool {
    let is_known = |key: &str| OTHERS.iter().any(|(known, _)| *known == key);
    let is_of_prometheus = document["alerting"].get("alertmanagers").is_some();
    !is_of_prometheus
        && document.as_object().is_some_and(|table| !table.is_empty() && table.keys().all(|key| is_known(key)))
}

/// A probe for every endpoint and every suite. The files are one configuration.
pub(crate) fn probes(configs: &[Value], secrets: &mut Secrets) -> Vec<ProbeDraft> {
    let windows: Vec<String> =
        configs.iter().filter_map(|config| maintenance::window(&config["maintenance"])).collect();
    let mut drafts: Vec<ProbeDraft> = Vec::new();
    for config in configs {
        let endpoints = ["endpoints", "services"].into_iter().flat_map(|key| elements(&config[key]));
        drafts.extend(endpoints.map(|endpoint| endpoint::draft(endpoint, secrets)));
        drafts.extend(elements(&config["suites"]).iter().map(|suite| suite::draft(suite, secrets)));
    }
    for draft in &mut drafts {
        maintenance::set(draft, &windows);
    }
    if let Some(first) = drafts.first_mut() {
        for config in configs {
            note_others(first, config, !windows.is_empty());
        }
    }
    drafts
}

fn note_others(first: &mut ProbeDraft, config: &Value, has_maintenance: bool) {
    for (key, why) in OTHERS {
        // The external endpoints are noted individually below.
        let is_told = key == "external-endpoints" || (key == "maintenance" && has_maintenance);
        if is_said(&config[key]) && !is_told {
            let names: Vec<&str> = fields(&config[key]).map(|(name, _)| name.as_str()).collect();
            let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            first.not_carried(&format!("`{key}` of the whole file{names}"), why);
        }
    }
    for endpoint in elements(&config["external-endpoints"]) {
        let names = fields(endpoint).filter(|(key, _)| matches!(key.as_str(), "group" | "name"));
        let names: Vec<&str> = names.filter_map(|(_, name)| name.as_str()).collect();
        first.not_carried(
            &format!("the external endpoint {}", names.join("/")),
            "it pushes its results, and is not checked",
        );
    }
}
