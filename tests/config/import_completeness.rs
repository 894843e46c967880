//! An import loses nothing: it carries over or lists every key of a document, even an unknown one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use uptick::import::{self, InputFile};

/// A document of another tool.
struct ForeignDocument {
    file: &'static str,
    /// Keys, by the end of their path, or texts that may disappear unlisted: database ids and
    /// colours, a default that is written out, and keys that make no difference.
    says_nothing: &'static [&'static str],
    /// Tables whose keys are free names, or that concern only the tool itself.
    names: &'static [&'static str],
}

const CASES: [ForeignDocument; 6] = [
    ForeignDocument {
        file: "blackbox-all.yml",
        says_nothing: &[
            "page.http.valid_status_codes",
            "page.http.follow_redirects",
            "page.http.method",
            "page.http.tls_config.insecure_skip_verify",
            "proxied.http.skip_resolve_phase_with_proxy",
            "client_credentials.http.oauth2.endpoint_params.grant_type",
            "live.websocket.http_config.follow_redirects",
            "modules.http_2xx",
            "prober",
            "Proxy-Authorization",
            "Bearer pr0xy-t0ken",
        ],
        names: &["modules", "headers", "http_headers", "metadata", "http_2xx", ""],
    },
    ForeignDocument {
        file: "blackbox.yml",
        says_nothing: &[
            "valid_status_codes",
            "follow_redirects",
            "http.method",
            "insecure_skip_verify",
            "prober",
            "icmp",
            "transport_protocol",
        ],
        names: &["modules", "headers", ""],
    },
    ForeignDocument {
        file: "gatus.yaml",
        says_nothing: &[
            "default-endpoint",
            "default-endpoint.group",
            "default-endpoint.interval",
            "default-endpoint.client",
            "endpoints.client",
            "insecure",
            "10s",
            "webhook-url",
            "[CONNECTED] == true",
            "endpoints.conditions",
            "A",
        ],
        names: &["headers", "default-endpoint", "alerting", "slack", ""],
    },
    ForeignDocument {
        file: "gatus-all.yaml",
        says_nothing: &[
            "client.timeout",
            "[CONNECTED] == true",
            "[BODY].status == SERVING",
            "[BODY] == pat(*.*.*.*)",
            "endpoints.conditions",
            "A",
        ],
        names: &["headers", "extra-labels", "context", "store", ""],
    },
    ForeignDocument {
        file: "uptime-kuma.json",
        says_nothing: UPTIME_KUMA,
        names: &["notificationIDList", "tags", "notificationList", ""],
    },
    ForeignDocument {
        file: "uptime-kuma-2.json",
        says_nothing: UPTIME_KUMA,
        names: &["notificationIDList", "monitorList", "notificationList", "proxyList", ""],
    },
];

/// What Uptime Kuma's backups contain about themselves and their own user interface, and its
/// defaults written out.
const UPTIME_KUMA: &[&str] = &[
    "version",
    "id",
    "pathName",
    "path",
    "childrenIDs",
    "weight",
    "packetSize",
    "forceInactive",
    "active",
    "method",
    "maxretries",
    "retryInterval",
    "resendInterval",
    "maxredirects",
    "accepted_statuscodes",
    "dns_resolve_type",
    "dns_resolve_server",
    "docker_container",
    "jsonPath",
    "jsonPathOperator",
    "monitor_id",
    "tag_id",
    "color",
    "config",
    "json",
    "basic",
    "url",
    "interval",
    "timeout",
    "tlsCert",
    "tlsKey",
    "port",
    "upsideDown",
    "andOr",
    "type",
];

fn value(name: &str) -> Value {
    let text = fs::read_to_string(Path::new("tests/config/import").join(name)).unwrap();
    // Binary data of YAML would not parse as a text.
    let text = text.replace("!!binary ", "");
    if name.ends_with("json") { serde_json::from_str(&text).unwrap() } else { serde_saphyr::from_str(&text).unwrap() }
}

/// One document for each module and each endpoint, so that none affects the import of another.
fn parts(document: Value) -> Vec<Value> {
    if let Some(modules) = document["modules"].as_object() {
        return modules.iter().map(|(name, module)| json!({ "modules": { name: module } })).collect();
    }
    let lists = ["endpoints", "suites"].into_iter().filter(|list| document[*list].is_array());
    let parts: Vec<Value> = lists
        .flat_map(|list| document[list].as_array().unwrap().iter().map(move |part| json!({ list: [part] })))
        .collect();
    if parts.is_empty() { vec![document] } else { parts }
}

/// What an import needs next to a document: a target for a module, and for every document at least
/// one probe.
fn beside(document: &Value) -> Option<Value> {
    if let Some((name, module)) = document["modules"].as_object().and_then(|modules| modules.iter().next()) {
        let target = match module["prober"].as_str().unwrap_or("http") {
            "http" => "https://x.test/",
            "websocket" => "wss://x.test/",
            "unix" => "/run/x.sock",
            "dns" => "192.0.2.53",
            _ => "x.test:443",
        };
        let job = |module: &str, target: &str| json!({ "job_name": module, "metrics_path": "/probe", "params": { "module": [module] }, "static_configs": [{ "targets": [target] }] });
        return Some(json!({ "scrape_configs": [job(name, target), job("http_2xx", "https://plain.test/")] }));
    }
    let plain =
        json!({ "endpoints": [{ "name": "plain", "url": "https://plain.test/", "conditions": ["[STATUS] == 200"] }] });
    (document["endpoints"].is_array() || document["suites"].is_array()).then_some(plain)
}

/// The imported text of a document, or the error if the import fails.
fn written(case: &ForeignDocument, document: &Value, beside: Option<&Value>) -> String {
    let file = |document: &Value| InputFile { name: case.file.to_owned(), text: document.to_string() };
    let files: Vec<InputFile> = [document].into_iter().chain(beside).map(file).collect();
    match import::import(&files, Path::new("")) {
        Ok(imported) => imported.text,
        Err(error) => error.to_string(),
    }
}

/// The JSON pointers to every key and every element, which contain the names on the path to it.
fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(table) => {
            table.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(elements) => elements.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let pointer = format!("{pointer}/{name}");
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    }
}

fn without(document: &Value, pointer: &str) -> Value {
    let mut document = document.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(table) => drop(table.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(elements) => drop(elements.remove(name.parse().unwrap())),
        other => panic!("{other}"),
    }
    document
}

/// Whether this path, or the removed text itself, is one that may disappear unlisted.
fn says_nothing(case: &ForeignDocument, pointer: &str, removed: &Value) -> bool {
    let way: Vec<&str> = pointer.split('/').filter(|name| name.parse::<u32>().is_err()).collect();
    let way = format!(".{}", way.join("."));
    let is_empty = match removed {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) | Value::Bool(true) => false,
    };
    is_empty || case.says_nothing.iter().any(|end| way.ends_with(&format!(".{end}")) || removed.as_str() == Some(end))
}

/// Every part of every document, with what its import needs next to it.
fn all_parts() -> impl Iterator<Item = (&'static ForeignDocument, Value, Option<Value>)> {
    CASES.iter().flat_map(|case| {
        parts(value(case.file)).into_iter().map(move |part| {
            let beside = beside(&part);
            (case, part, beside)
        })
    })
}

#[test]
fn nothing_of_a_document_is_lost() {
    let mut lost = Vec::new();
    for (case, document, beside) in all_parts() {
        let whole = written(case, &document, beside.as_ref());
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        for pointer in all {
            if says_nothing(case, &pointer, document.pointer(&pointer).unwrap()) {
                continue;
            }
            if written(case, &without(&document, &pointer), beside.as_ref()) == whole {
                lost.push(format!("{}: {pointer}", case.file));
            }
        }
    }
    assert!(lost.is_empty(), "{} make no difference to what is written:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn a_key_that_nobody_knows_is_listed() {
    let mut lost = Vec::new();
    for (case, document, beside) in all_parts() {
        let mut all = vec![String::new()];
        pointers(&document, "", &mut all);
        for pointer in all {
            let mut names = pointer.split('/').filter(|name| name.parse::<u32>().is_err());
            let is_of_names = case.names.contains(&names.next_back().unwrap_or_default());
            let mut changed = document.clone();
            let Some(Value::Object(table)) = changed.pointer_mut(&pointer).filter(|_| !is_of_names) else { continue };
            if table.get("type").is_some_and(|kind| kind == "group") {
                continue;
            }
            table.insert("no-such-key".to_owned(), Value::String("no such value".to_owned()));
            if !written(case, &changed, beside.as_ref()).contains("no-such-key") {
                lost.push(format!("{}: {pointer}", case.file));
            }
        }
    }
    assert!(lost.is_empty(), "{} tables have a key that is not listed:\n{}", lost.len(), lost.join("\n"));
}
