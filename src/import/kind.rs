//! Which tool a file is of, told by what is in it and never by its name.

use serde_json::Value;

use crate::import::document::{self, InputFile};
use crate::import::error::ImportError;
use crate::import::shell;
use crate::import::shell::ShellCommand;

/// The content of a file by the tool it is of.
#[derive(Debug)]
pub(crate) enum Kind {
    Curl(Vec<ShellCommand>),
    Har(Value),
    Gatus(Value),
    UptimeKuma(Value),
    /// The configuration of `blackbox_exporter`: modules.
    Blackbox(Value),
    /// The configuration of Prometheus: scrape jobs.
    ScrapeConfig(Value),
    /// Targets for `file_sd_configs` of Prometheus.
    FileSd(Value),
}

/// What can be imported, for messages.
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

/// Reads a file as what it is.
pub(crate) fn of(file: &InputFile) -> Result<Kind, ImportError> {
    let text = file.text.trim_start();
    if text.is_empty() {
        return Err(ImportError::of_file(&file.name, &format!("is empty; {TAKEN}")));
    }
    if text.chars().any(|c| c == '\0') {
        return Err(ImportError::of_file(&file.name, &format!("is binary; {TAKEN}")));
    }
    if text.starts_with(['{', '[']) && !starts_toml(text) {
        let document = document::json(file)?;
        return of_document(document).ok_or_else(|| unknown(file, "this JSON is of no tool that is known"));
    }
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
        Ok(document @ (Value::Object(_) | Value::Array(_))) => {
            of_document(document).ok_or_else(|| unknown(file, "this YAML is of no tool that is known"))
        }
        // A script may begin with anything; what is no document is one where it runs curl.
        Ok(_) => script(file),
        Err(error) => script(file).map_err(|_| error),
    }
}

fn unknown(file: &InputFile, what: &str) -> ImportError {
    let before = file.text.len() - file.text.trim_start().len();
    let line = file.text.get(..before).map_or(0, |blank| blank.matches('\n').count());
    ImportError::at(&file.name, line as u64 + 1, 1, &format!("{what}; {TAKEN}"))
}

fn script(file: &InputFile) -> Result<Kind, ImportError> {
    let commands = shell::commands(&file.text, "curl").map_err(|error| {
        // Windows' shell has another way to quote.
        let hint = if file.text.contains("^\"") { "; copy it as cURL (bash), not (cmd)" } else { "" };
        ImportError::at(&file.name, error.line, error.column, &format!("{}{hint}", error.message))
    })?;
    if commands.is_empty() {
        return Err(unknown(file, "no curl command is found"));
    }
    Ok(Kind::Curl(commands))
}

/// A script says so, or begins with the command itself.
fn starts_script(text: &str) -> bool {
    let first =
        text.lines().map(str::trim).find(|line| !line.is_empty() && (!line.starts_with('#') || line.starts_with("#!")));
    let Some(first) = first else { return false };
    let first = first.trim_start_matches("$ ");
    let word = first.split_whitespace().next().unwrap_or_default();
    let program = word.rsplit('/').next().unwrap_or_default();
    first.starts_with("#!") || program == "curl" || program == "curl.exe"
}

/// `[settings]` or `[[probe]]` alone in a line is no JSON.
fn starts_toml(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let header = first.trim_start_matches('[').trim_end_matches(']');
    let is_header = first.starts_with('[') && first.ends_with(']') && !header.is_empty();
    is_header
        && header.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !header.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_document(document: Value) -> Option<Kind> {
    let has = |key: &str| document.get(key).is_some();
    if document.get("log").is_some_and(|log| log.get("entries").is_some()) {
        return Some(Kind::Har(document));
    }
    if has("monitorList") {
        return Some(Kind::UptimeKuma(document));
    }
    if has("scrape_configs") {
        return Some(Kind::ScrapeConfig(document));
    }
    if has("modules") {
        return Some(Kind::Blackbox(document));
    }
    // Before 2022 Gatus called its endpoints services.
    if has("endpoints") || has("services") || has("suites") {
        return Some(Kind::Gatus(document));
    }
    let elements = document.as_array()?;
    let all = |keys: &[&str]| {
        !elements.is_empty() && elements.iter().all(|element| keys.iter().all(|key| element.get(key).is_some()))
    };
    if all(&["targets"]) {
        return Some(Kind::FileSd(document));
    }
    if all(&["job_name"]) {
        return Some(Kind::ScrapeConfig(serde_json::json!({ "scrape_configs": document })));
    }
    // A list of monitors, as clients of Uptime Kuma's API write it.
    if all(&["name", "type", "accepted_statuscodes"]) {
        return Some(Kind::UptimeKuma(serde_json::json!({ "monitorList": document })));
    }
    None
}
