//! A draft: one probe on its way into a probe file, as keys with their values in TOML and notes on what
//! could not be carried over.

use std::time::Duration;

use serde_json::Value;

use crate::config::toml_text::{key, list, one_or_list, quoted};
use crate::import::document::{fields, is_said};
use crate::import::secrets::{is_secret, names_secret};
use crate::model::quantity::show_duration;

/// One probe of another tool.
#[derive(Clone, Debug)]
pub(crate) struct ProbeDraft {
    /// Its name before it is made unique.
    pub(crate) name: String,
    /// Why it is no probe that would be checked: written as a comment.
    pub(crate) left_out: Option<String>,
    /// Dotted keys and their values in TOML.
    entries: Vec<(String, String)>,
    /// The steps of a journey, instead of one request.
    steps: Vec<ProbeDraft>,
    /// Comments, each of one line.
    notes: Vec<String>,
}

/// The keys in the order that they are written in; what begins with a key stands with it.
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
        ProbeDraft { name: name.to_owned(), left_out: None, entries: Vec::new(), steps: Vec::new(), notes: Vec::new() }
    }

    /// Sets a key to a value in TOML.
    pub(crate) fn set(&mut self, key: &str, toml: impl Into<String>) {
        let toml = toml.into();
        match self.entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, value)) => *value = toml,
            None => self.entries.push((key.to_owned(), toml)),
        }
    }

    /// Sets a key to a template.
    pub(crate) fn set_text(&mut self, key: &str, template: &str) {
        self.set(key, quoted(template));
    }

    /// Sets a key to one template or a list of several; none sets nothing.
    pub(crate) fn set_texts(&mut self, key: &str, templates: &[String]) {
        if !templates.is_empty() {
            self.set(key, one_or_list(templates.iter().map(|template| quoted(template))));
        }
    }

    /// Sets a key to a list of texts.
    pub(crate) fn set_list(&mut self, key: &str, templates: &[String]) {
        if !templates.is_empty() {
            self.set(key, list(templates.iter().map(|template| quoted(template))));
        }
    }

    /// Sets the fields of a form in parts, each with its value in TOML. A name that is there already is not.
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

    /// Sets a key to the path of a file. One that is not on this machine would make the whole file invalid here.
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

    /// Takes out the keys that a rule says, with their values.
    pub(crate) fn take(&mut self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let (taken, kept) = std::mem::take(&mut self.entries).into_iter().partition(|(key, _)| is_wanted(key));
        self.entries = kept;
        taken
    }

    /// Makes another draft a step of this one.
    pub(crate) fn push_step(&mut self, step: ProbeDraft) {
        step.notes.iter().for_each(|note| self.remark(&format!("step \"{}\": {note}", step.name)));
        self.steps.push(step);
    }

    /// Something that has no key here, and why.
    pub(crate) fn not_carried(&mut self, what: &str, why: &str) {
        self.remark(&format!("not carried over: {what}: {why}"));
    }

    /// A field with its value that has no key here, and why.
    pub(crate) fn field_not_carried(&mut self, name: &str, value: &Value, why: &str) {
        self.not_carried(&format!("`{name}: {}`", shown(name, value)), why);
    }

    /// Every field of a table that says something and is none of those known: what no reader reads is listed.
    pub(crate) fn others_not_carried(&mut self, of: &str, table: &Value, known: &[&str]) {
        for (name, value) in fields(table).filter(|(_, value)| is_said(value)) {
            if !known.contains(&name.as_str()) {
                self.field_not_carried(&format!("{of}{name}"), value, "uptick has no key for it");
            }
        }
    }

    /// Something that a reader of the file should know.
    pub(crate) fn remark(&mut self, text: &str) {
        if !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_owned());
        }
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The probe as lines of TOML, from `[[probe]]` on, without its notes.
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

/// The key itself of a path of keys.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// A value in one line, without what may be a secret.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::Null => value.to_string(),
        // It is a word of a page.
        _ if is_secret(last(name)) && name != "keyword" => "…".to_owned(),
        Value::String(text) if names_secret(text) || text.contains('@') => "…".to_owned(),
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
