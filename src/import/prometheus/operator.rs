//! Kubernetes resources as scrape jobs: the `Probe` of the Prometheus operator, and the targets of
//! the chart of `blackbox_exporter`.

use serde_json::{Map, Value, json};

use crate::import::document::{elements, fields, is_said};

/// The scrape configuration that a resource or the values of the chart are equivalent to; `None`
/// for other documents.
pub(crate) fn scrape_config(document: &Value) -> Option<Value> {
    let kind = document["kind"].as_str().unwrap_or_default();
    let jobs = if matches!(kind, "Probe" | "VMProbe") && document["spec"].is_object() {
        vec![of_probe(document)]
    } else {
        of_chart(document)?
    };
    Some(json!({ "scrape_configs": jobs }))
}

/// A `Probe`. Without a job name, the job is named after its namespace and name.
fn of_probe(document: &Value) -> Value {
    let (metadata, spec) = (&document["metadata"], &document["spec"]);
    let name = metadata["name"].as_str().unwrap_or("probe");
    let name = match metadata["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    let found = &spec["targets"]["staticConfig"];
    let mut job = job(spec["jobName"].as_str().unwrap_or(&name), &spec["module"], &spec["interval"], spec);
    job.insert("static_configs".to_owned(), json!([{ "targets": found["static"], "labels": found["labels"] }]));
    job.insert("relabel_configs".to_owned(), elements(&found["relabelingConfigs"]).iter().map(relabeling).collect());
    // What is left is about the scrape, and is named with the job's own fields.
    let known = ["jobName", "prober", "module", "interval", "scrapeTimeout", "targets"];
    for (key, value) in fields(spec).filter(|(key, _)| !known.contains(&key.as_str())) {
        job.insert(key.clone(), value.clone());
    }
    if is_said(&spec["targets"]["ingress"]) {
        job.insert("ingress_sd_configs".to_owned(), json!([{}]));
    }
    Value::Object(job)
}

/// The targets in the values of the chart, each with a name, a URL and a module. `None` if they are
/// something else.
fn of_chart(document: &Value) -> Option<Vec<Value>> {
    let targets = document["targets"].as_array().filter(|targets| !targets.is_empty())?;
    let is_target = |target: &Value| target["url"].is_string() && target["name"].is_string();
    if !targets.iter().all(is_target) {
        return None;
    }
    let defaults = &document["defaults"];
    let jobs = targets.iter().map(|target| {
        let get = |key: &str| if is_said(&target[key]) { &target[key] } else { &defaults[key] };
        let mut job = job(target["name"].as_str().unwrap_or_default(), get("module"), get("interval"), target);
        job.insert("static_configs".to_owned(), json!([{ "targets": [target["url"]], "labels": get("labels") }]));
        if is_said(get("hostname")) {
            job.insert("params".to_owned(), json!({ "module": [get("module")], "hostname": [get("hostname")] }));
        }
        Value::Object(job)
    });
    Some(jobs.collect())
}

fn job(name: &str, module: &Value, interval: &Value, said: &Value) -> Map<String, Value> {
    let mut job = Map::new();
    job.insert("job_name".to_owned(), json!(name));
    job.insert("metrics_path".to_owned(), json!("/probe"));
    if is_said(module) {
        job.insert("params".to_owned(), json!({ "module": [module] }));
    }
    job.insert("scrape_interval".to_owned(), interval.clone());
    job.insert("scrape_timeout".to_owned(), said["scrapeTimeout"].clone());
    job
}

/// Converts a rule from the operator's spelling to that of Prometheus.
fn relabeling(rule: &Value) -> Value {
    let names = [("sourceLabels", "source_labels"), ("targetLabel", "target_label")];
    let fields = rule.as_object().into_iter().flatten().map(|(name, value)| {
        let name = names.iter().find(|(camel, _)| camel == name).map_or(name.as_str(), |(_, snake)| snake);
        (name.to_owned(), value.clone())
    });
    Value::Object(fields.collect())
}
