//! A draft: one probe that is being converted, as keys with their values in TOML, and notes on what
//! could not be carried over.

use std::time::Duration;

use serde_json::Value;

use crate::config::toml_text::{key, list, one_or_list, quoted};
use crate::import::credential::is_unfit_for_comment;
use crate::import::document::{fields, is_said};
use crate::import::secrets::{is_secret, names_secret};
use crate::model::quantity::show_duration;

/// The most probes that one import writes.
pub(crate) const MOST_PROBES: usize = 5_000;

/// One probe of another tool.
#[derive(Clone, Debug)]
pub(crate) struct ProbeDraft {
    /// Its name before it is made unique.
    pub(crate) name: String,
    /// Why it cannot be a probe: it is then written as a comment. `None` otherwise.
    pub(crate) left_out: Option<String>,
    /// Dotted keys and their values in TOML.
    entries: Vec<(String, String)>,
    /// The steps of a journey; empty for a single request.
    steps: Vec<ProbeDraft>,
    /// Comments of one line each.
    notes: Vec<String>,
}

/// The order in which keys are written. A key that starts with one of these and a dot is written
/// with it.
const ORDER: [&str; 31] = [
    "surface",
    "tags",
    "interval",
    "timeout",
    "retries",
    "maintenance",
    "method",
    "url",
    "headers",
    "auth",
    "json",
    "form",
    "multipart",
    "file",
    "body",
    "send",
    "starttls",
    "redirects",
    "ip",
    "address",
    "resolver",
    "proxy",
    "source-interface",
    "source-address",
    "http-version",
    "tls",
    "capture",
    "expect.status",
    "expect.rcode",
    "expect.latency",
    "expect",
];

impl ProbeDraft {
    pub(crate) fn new(name: &str) -> ProbeDraft {
        ProbeDraft {
            name: without_joiners(name),
            left_out: None,
            entries: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets a key to a value in TOML, replacing an earlier value.
    pub(crate) fn set(&mut self, key: &str, toml: impl Into<String>) {
        let toml = toml.into();
        match self.entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, value)) => *value = toml,
            None => self.entries.push((key.to_owned(), toml)),
        }
    }

    /// Sets a key to a template.
    pub(crate) fn set_text(&mut self, key: &str, template: &str) {
        let text = if key == "surface" { &without_joiners(template) } else { template };
        self.set(key, quoted(text));
    }

    /// Sets a key to one template or a list of several; without any, nothing is set.
    pub(crate) fn set_texts(&mut self, key: &str, templates: &[String]) {
        if !templates.is_empty() {
            self.set(key, one_or_list(templates.iter().map(|template| quoted(template))));
        }
    }

    /// Sets a key to a list of templates; without any, nothing is set.
    pub(crate) fn set_list(&mut self, key: &str, templates: &[String]) {
        if !templates.is_empty() {
            let text = |template: &String| if key == "tags" { without_joiners(template) } else { template.clone() };
            self.set(key, list(templates.iter().map(|template| quoted(&text(template)))));
        }
    }

    /// Sets the fields of a multipart form, each with its value in TOML. Of several fields with the
    /// same name only the first is set.
    pub(crate) fn set_parts(&mut self, parts: Vec<(String, String)>) {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in parts {
            if fields.iter().any(|(known, _)| *known == name) {
                self.not_carried(&format!("another field {name}"), "`multipart` has each name once");
            } else {
                fields.push((name, value));
            }
        }
        if !fields.is_empty() {
            let fields = fields.iter().map(|(name, value)| format!("{} = {value}", key(name)));
            self.set("multipart", format!("{{ {} }}", fields.collect::<Vec<_>>().join(", ")));
        }
    }

    /// Sets a key to the path of a file. A file that is not on this machine is only noted, because
    /// it would make the whole probe file invalid here.
    pub(crate) fn set_file(&mut self, key: &str, path: &str) {
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) || path.contains("${") {
            self.set_text(key, path);
        } else {
            self.not_carried(&format!("{key} = {}", quoted(path)), "the file is not here");
        }
    }

    /// Sets a key to a duration.
    pub(crate) fn set_duration(&mut self, key: &str, time: Duration) {
        self.set(key, quoted(&show_duration(time)));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Removes the wanted keys, and returns them with their values.
    pub(crate) fn take(&mut self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let (taken, kept) = std::mem::take(&mut self.entries).into_iter().partition(|(key, _)| is_wanted(key));
        self.entries = kept;
        taken
    }

    /// Adds another draft as a step of this one.
    pub(crate) fn push_step(&mut self, step: ProbeDraft) {
        step.notes.iter().for_each(|note| self.remark(&format!("step \"{}\": {note}", step.name)));
        self.steps.push(step);
    }

    /// Notes something that has no key here, and why.
    pub(crate) fn not_carried(&mut self, what: &str, why: &str) {
        self.remark(&format!("not carried over: {what}: {why}"));
    }

    /// Notes a field with its value that has no key here, and why.
    pub(crate) fn field_not_carried(&mut self, name: &str, value: &Value, why: &str) {
        self.not_carried(&format!("`{name}: {}`", shown(name, value)), why);
    }

    /// Notes every field of a table that has a meaningful value and is not among the known ones.
    pub(crate) fn others_not_carried(&mut self, of: &str, table: &Value, known: &[&str]) {
        for (name, value) in fields(table).filter(|(_, value)| is_said(value)) {
            if !known.contains(&name.as_str()) {
                self.field_not_carried(&format!("{of}{name}"), value, "uptick has no key for it");
            }
        }
    }

    /// Adds a note for readers of the file.
    pub(crate) fn remark(&mut self, text: &str) {
        if !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_owned());
        }
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The probe as lines of TOML, starting with `[[probe]]`, without its notes.
    pub(crate) fn toml(&self, name: &str) -> String {
        let rank = |key: &str| {
            let is_of =
                |known: &str| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            ORDER.iter().position(|known| is_of(known)).unwrap_or(ORDER.len())
        };
        let mut entries: Vec<&(String, String)> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| rank(key));
        let mut text = format!("[[probe]]\nname = {}\n", quoted(name));
        for (key, value) in entries {
            text.push_str(&format!("{key} = {value}\n"));
        }
        for step in &self.steps {
            text.push('\n');
            text.push_str(&step.toml(&step.name).replacen("[[probe]]", "[[probe.step]]", 1));
        }
        text
    }
}

/// A name without the invisible characters that join emoji to one picture: names have none.
fn without_joiners(name: &str) -> String {
    name.replace(['\u{200d}', '\u{fe0e}', '\u{fe0f}'], "")
}

/// Whether the value of a field is not shown whatever it looks like: secrets, webhooks, whose URL is one, and
/// the metadata of gRPC, which are headers.
fn is_private(name: &str) -> bool {
    let lower = last(name).to_ascii_lowercase();
    // `keyword` is a word on a page, not a secret.
    (is_secret(&lower) && lower != "keyword") || lower.contains("webhook") || lower == "grpcmetadata"
}

/// The last part of a dotted key.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// A value in one line, without anything that may be a secret.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::Null => value.to_string(),
        _ if is_private(name) => "…".to_owned(),
        Value::String(text) if names_secret(text) || is_unfit_for_comment(text) || text.contains('@') => "…".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(|element| shown(name, element)).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Object(table) => {
            let fields: Vec<String> =
                table.iter().map(|(name, value)| format!("{name}: {}", shown(name, value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}
