//! A draft: one probe on its way into a probe file, as keys with their values in TOML and notes on what
//! could not be carried over.

use std::time::Duration;

use crate::config::toml_text::{list, one_or_list, quoted};
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
    /// Comments, each of one line.
    notes: Vec<String>,
}

/// The keys in the order that they are written in; what begins with a key stands with it.
const ORDER: [&str; 30] = [
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
    "expect.status",
    "expect.rcode",
    "expect.latency",
    "expect",
];

impl ProbeDraft {
    pub(crate) fn new(name: &str) -> ProbeDraft {
        ProbeDraft { name: name.to_owned(), left_out: None, entries: Vec::new(), notes: Vec::new() }
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

    /// Sets a key to a duration.
    pub(crate) fn set_duration(&mut self, key: &str, time: Duration) {
        self.set(key, quoted(&show_duration(time)));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Something that has no key here, and why.
    pub(crate) fn not_carried(&mut self, what: &str, why: &str) {
        self.remark(&format!("not carried over: {what}: {why}"));
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
        text
    }
}
