//! Determines which tool a file belongs to, by its content and never by its name.

use serde_json::Value;

use crate::import::document::{self, InputFile};
use crate::import::error::ImportError;
use crate::import::prometheus::operator;
use crate::import::shell::ShellCommand;
use crate::import::{dockerfile, embedded, gatus, makefile, markdown, other_tools, shell};

/// The content of a file by the tool it belongs to.
#[derive(Debug)]
pub(crate) enum Kind {
    Curl(Vec<ShellCommand>),
    Har(Value),
    Gatus(Value),
    UptimeKuma(Value),
    /// A configuration of `blackbox_exporter`: modules.
    Blackbox(Value),
    /// A configuration of Prometheus: scrape jobs.
    ScrapeConfig(Value),
    /// Targets for `file_sd_configs` of Prometheus.
    FileSd(Value),
}

/// The supported inputs, for messages.
const TAKEN: &str =
    "import takes curl command lines, HAR, blackbox_exporter with Prometheus, Gatus and Uptime Kuma's backup";

impl Kind {
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Kind::Curl(_) => "curl",
            Kind::Har(_) => "HAR",
            Kind::Gatus(_) => "Gatus",
            Kind::UptimeKuma(_) => "Uptime Kuma",
            Kind::Blackbox(_) => "blackbox_exporter",
            Kind::ScrapeConfig(_) => "Prometheus",
            Kind::FileSd(_) => "file_sd targets",
        }
    }
}

/// The most levels of a document that are searched for a document of a known tool.
const DEEPEST: usize = 12;

/// Determines the kind of a file and parses it. A file of Kubernetes, Helm or Compose may contain
/// several documents.
pub(crate) fn of(file: &InputFile) -> Result<Vec<Kind>, ImportError> {
    let text = file.content().trim_start();
    if text.is_empty() {
        return Err(ImportError::of_file(&file.name, &format!("is empty; {TAKEN}")));
    }
    // Terminal colours start with an escape character, which a text may contain.
    if text.chars().any(|c| c.is_control() && !c.is_whitespace() && c != '\u{1b}') {
        return Err(ImportError::of_file(&file.name, &format!("is binary; {TAKEN}")));
    }
    let is_script = || starts_script(text) || markdown::commands(text).is_some();
    if text.starts_with(['{', '[']) && !starts_toml(text) && !is_script() {
        return of_documents(file, vec![document::json(file)?], "JSON");
    }
    of_text(file, text).map_err(|error| other_tools::of_text(text).map_or(error, |what| unknown(file, &what)))
}

/// Reads a file that is not JSON.
fn of_text(file: &InputFile, text: &str) -> Result<Vec<Kind>, ImportError> {
    if starts_script(text) {
        return script(file);
    }
    if starts_toml(text) {
        return Err(unknown(file, "this is TOML: a probe file needs no import"));
    }
    if text.starts_with('<') {
        return Err(unknown(file, "this is HTML or XML"));
    }
    match document::yaml(file) {
        Ok(documents) if documents.iter().any(|document| document.is_object() || document.is_array()) => {
            of_documents(file, documents, "YAML")
        }
        // A script may start with anything. A file that is not a known document is a script if it
        // runs curl.
        Ok(_) => script(file),
        Err(_) if markdown::commands(text).is_some() => script(file),
        Err(error) => script(file).map_err(|_| error),
    }
}

fn of_documents(file: &InputFile, documents: Vec<Value>, language: &str) -> Result<Vec<Kind>, ImportError> {
    let mut found = Vec::new();
    let told = documents.iter().find_map(other_tools::of_document);
    let scripts = embedded::commands(file.content(), &documents).filter(|_| told.is_none());
    for document in documents {
        if gatus::is_part(&document) {
            found.push(Kind::Gatus(document));
        } else {
            within(document, 0, &mut found);
        }
    }
    if found.is_empty() {
        // An error in one of the scripts says less than that the document is unknown.
        if let Some(commands) = scripts.and_then(|scripts| shell::commands(&scripts, "curl").ok())
            && !commands.is_empty()
        {
            return Ok(vec![Kind::Curl(commands)]);
        }
        return Err(unknown(file, &told.unwrap_or_else(|| format!("this {language} is not of a known tool"))));
    }
    Ok(found)
}

/// Finds documents of known tools in a document: itself, or its values, or texts in it, as in a
/// `ConfigMap` of Kubernetes, the values of a Helm chart and a Compose file.
fn within(document: Value, depth: usize, found: &mut Vec<Kind>) {
    if depth > DEEPEST {
        return;
    }
    let document = match of_document(document) {
        Ok(kind) => return found.push(kind),
        Err(other) => other,
    };
    match document {
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| within(value, depth + 1, found)),
        Value::Array(elements) => elements.into_iter().for_each(|value| within(value, depth + 1, found)),
        Value::String(text) if HINTS.iter().any(|hint| text.contains(hint)) => {
            let inner = InputFile { name: String::new(), text };
            for document in document::yaml(&inner).unwrap_or_default() {
                if document.is_object() || document.is_array() {
                    within(document, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

/// A text that contains one of these is worth parsing as a document of its own.
const HINTS: [&str; 5] = ["endpoints:", "modules:", "scrape_configs:", "job_name:", "targets"];

fn unknown(file: &InputFile, what: &str) -> ImportError {
    let before = file.text.len() - file.text.trim_start().len();
    let line = file.text.get(..before).map_or(0, |blank| blank.matches('\n').count());
    ImportError::at(&file.name, line as u64 + 1, 1, &format!("{what}; {TAKEN}"))
}

fn script(file: &InputFile) -> Result<Vec<Kind>, ImportError> {
    // If it were read by the rules of another shell, the request would lose its headers.
    if other_tools::is_of_cmd(file.content()) || other_tools::is_of_powershell(file.content()) {
        return Err(unknown(file, "no curl command of a Unix shell is found"));
    }
    let page = markdown::commands(file.content()).filter(|_| !starts_script(file.content()));
    let script = makefile::in_shell_form(dockerfile::in_shell_form(page.as_deref().unwrap_or(file.content())));
    let commands = shell::commands(&script, "curl")
        .map_err(|error| ImportError::at(&file.name, error.line, error.column, error.message))?;
    if commands.is_empty() {
        return Err(unknown(file, "no curl command is found"));
    }
    Ok(vec![Kind::Curl(commands)])
}

/// Whether a text is a script: it has a `#!` line or starts with the command.
fn starts_script(text: &str) -> bool {
    let first =
        text.lines().map(str::trim).find(|line| !line.is_empty() && (!line.starts_with('#') || line.starts_with("#!")));
    let Some(first) = first else { return false };
    let word = first.split_whitespace().find(|word| !shell::is_prompt(word)).unwrap_or_default();
    let program = word.rsplit('/').next().unwrap_or_default();
    first.starts_with("#!") || program == "curl" || program == "curl.exe"
}

/// Whether the first line is a TOML header, `[settings]` or `[[probe]]`, rather than JSON.
fn starts_toml(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let header = first.trim_start_matches('[').trim_end_matches(']');
    let is_header = first.starts_with('[') && first.ends_with(']') && !header.is_empty();
    is_header
        && header.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !header.bytes().all(|byte| byte.is_ascii_digit())
}

/// The kind of a document, or the document itself if it belongs to no known tool.
fn of_document(document: Value) -> Result<Kind, Value> {
    let has = |key: &str| document.get(key).is_some();
    let lists = |key: &str, of: &str| {
        let elements = document.get(key).and_then(Value::as_array);
        elements.is_some_and(|elements| elements.iter().any(|element| element.get(of).is_some()))
    };
    if document.get("log").is_some_and(|log| log.get("entries").is_some()) {
        return Ok(Kind::Har(document));
    }
    if document.get("monitorList").is_some_and(|monitors| monitors.is_array() || monitors.is_object()) {
        return Ok(Kind::UptimeKuma(document));
    }
    if has("scrape_configs") {
        return Ok(Kind::ScrapeConfig(document));
    }
    let modules = document.get("modules").and_then(Value::as_object);
    // A module without settings has the defaults.
    let is_module =
        |module: &Value| !document::is_said(module) || ["prober", "http"].iter().any(|key| module.get(key).is_some());
    if modules.is_some_and(|modules| modules.values().all(is_module)) {
        return Ok(Kind::Blackbox(document));
    }
    // Before 2022 Gatus called its endpoints services.
    let has_endpoints = lists("endpoints", "url") || lists("services", "url") || lists("suites", "endpoints");
    if has_endpoints || lists("external-endpoints", "name") {
        return Ok(Kind::Gatus(document));
    }
    if let Some(config) = operator::scrape_config(&document) {
        return Ok(Kind::ScrapeConfig(config));
    }
    let Some(elements) = document.as_array() else { return Err(document) };
    let all = |keys: &[&str]| {
        !elements.is_empty() && elements.iter().all(|element| keys.iter().all(|key| element.get(key).is_some()))
    };
    if all(&["targets"]) {
        return Ok(Kind::FileSd(document));
    }
    if all(&["job_name"]) {
        return Ok(Kind::ScrapeConfig(serde_json::json!({ "scrape_configs": document })));
    }
    // A list of monitors, as clients of Uptime Kuma's API write it.
    if all(&["name", "type", "accepted_statuscodes"]) {
        return Ok(Kind::UptimeKuma(serde_json::json!({ "monitorList": document })));
    }
    Err(document)
}
