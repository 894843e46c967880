//! The body of a command: `-d` and similar options, `-F`, and parts of a query that have the same
//! syntax.

use crate::config::toml_text::quoted;
use crate::import::draft::ProbeDraft;
use crate::import::secrets::{Secrets, is_secret};
use crate::import::template;

use super::form_part::{FormContent, FormPart};
use super::transfer::Transfer;

/// The options that make a body.
pub(super) const DATA: &[&str] = &["data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"];

const NOT_IN_THE_COMMAND: &str = "what curl reads from standard input is not in the command";

/// The media type of `-d`.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

impl Transfer {
    /// The body of `-d` and similar options; `None` if there is none. A file becomes the key
    /// `file`.
    pub(super) fn body(&self, draft: &mut ProbeDraft) -> Option<String> {
        let mut body: Option<String> = None;
        for (option, value) in self.all(DATA) {
            let text = match (option, value.strip_prefix('@')) {
                ("data-urlencode", _) => {
                    let Some(text) = encoded_or_noted(draft, option, value) else { continue };
                    text
                }
                ("data-raw", _) | (_, None) => value.to_owned(),
                (_, Some("-")) => match &self.stdin {
                    Some(text) if option == "data-binary" || option == "json" => text.clone(),
                    Some(text) => text.replace(['\r', '\n'], ""),
                    None => {
                        draft.not_carried("`-d @-`", NOT_IN_THE_COMMAND);
                        continue;
                    }
                },
                (_, Some(path)) => {
                    let kind = if option == "json" { "application/json" } else { FORM };
                    let typed = self
                        .all(&["header"])
                        .any(|(_, header)| header.to_ascii_lowercase().starts_with("content-type:"));
                    let kind = if typed { String::new() } else { format!(", content-type = {}", quoted(kind)) };
                    draft.set("file", format!("{{ path = {}{kind} }}", quoted(path)));
                    continue;
                }
            };
            match &mut body {
                Some(body) => {
                    body.push_str(if option == "json" { "" } else { "&" });
                    body.push_str(&text);
                }
                None => body = Some(text),
            }
        }
        match (self.last("upload-file"), &self.stdin) {
            (Some("-" | "."), Some(text)) => body = Some(text.clone()),
            (Some("-" | "."), None) => draft.not_carried("`-T -`", NOT_IN_THE_COMMAND),
            (Some(path), _) => draft.set("file", format!("{{ path = {} }}", quoted(path))),
            (None, _) => {}
        }
        body
    }

    /// `-F`: fields and files.
    pub(super) fn set_parts(&self, draft: &mut ProbeDraft, secrets: &mut Secrets) {
        let mut parts: Vec<(String, String)> = Vec::new();
        for (option, part) in self.all(&["form", "form-string"]) {
            let Some((field, value)) = part.split_once('=') else { continue };
            let is_secret = is_secret(field);
            let (content, kind) = if option == "form" {
                let part = FormPart::of(value);
                part.others.iter().for_each(|other| {
                    draft.not_carried(&format!("`{other}=` of the field {field}"), "uptick has no key for it");
                });
                (part.content, part.kind)
            } else {
                (FormContent::Text(value.to_owned()), None)
            };
            match content {
                FormContent::File(path) => {
                    let kind = kind.map(|kind| format!(", content-type = {}", quoted(&kind))).unwrap_or_default();
                    parts.push((field.to_owned(), format!("{{ path = {}{kind} }}", quoted(&path))));
                }
                FormContent::Text(text) => {
                    if kind.is_some() {
                        draft.not_carried(
                            &format!("`type=` of the field {field}"),
                            "a text has no media type of its own",
                        );
                    }
                    let text = if is_secret { secrets.reference(&draft.name, field, &text) } else { text };
                    parts.push((field.to_owned(), quoted(&text)));
                }
            }
        }
        draft.set_parts(parts);
    }
}

/// A part of `--url-query`: as in `--data-urlencode`, or unchanged after a `+`. `None` if it is in
/// a file.
pub(super) fn url_query(draft: &mut ProbeDraft, value: &str) -> Option<String> {
    match value.strip_prefix('+') {
        Some(part) => Some(part.to_owned()),
        None => encoded_or_noted(draft, "url-query", value),
    }
}

/// The encoded value of an option. `None`, with a note, if it is in a file.
fn encoded_or_noted(draft: &mut ProbeDraft, option: &str, value: &str) -> Option<String> {
    let text = encoded(value);
    if text.is_none() {
        draft.not_carried(&format!("`--{option} {value}`"), "it is encoded from a file");
    }
    text
}

/// `content`, `=content` or `name=content` of `--data-urlencode`, encoded; `None` if the content is
/// in a file.
fn encoded(value: &str) -> Option<String> {
    let encode = |text: &str| {
        if template::has_variable(text) {
            return text.to_owned();
        }
        percent_encoding::utf8_percent_encode(&template::unescaped(text), percent_encoding::NON_ALPHANUMERIC)
            .to_string()
    };
    match value.split_once('=') {
        None if value.contains('@') => None,
        Some(("", content)) => Some(encode(content)),
        Some((name, content)) => Some(format!("{name}={}", encode(content))),
        None => Some(encode(value)),
    }
}
