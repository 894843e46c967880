//! Turns the options of a command line into an [`Overlay`]: each sets a value for its key.

mod routes;

use crate::config::ad_hoc::options::{GivenOption, OptionForm};
use crate::config::ad_hoc::overlay::{Overlay, merge};
use crate::config::ad_hoc::{expectation, set};
use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::tree::{Item, Node, Span, Table};
use crate::config::value::url_schemes::TARGETS;
use crate::model::message;

/// Reads every option, in the order of the command line.
pub(crate) fn overlay(
    reader: &mut ConfigReader,
    given: &[GivenOption],
    names: Option<Vec<String>>,
    has_targets: bool,
) -> Overlay {
    let overlay = Overlay { names, ..Overlay::nothing() };
    let mut reading = OptionReader { reader, has_targets, overlay, data: None, cookies: None, said: Vec::new() };
    for option in given {
        reading.read(option);
    }
    reading.finish()
}

/// The options read so far.
struct OptionReader<'r, 'e> {
    reader: &'r mut ConfigReader<'e>,
    has_targets: bool,
    overlay: Overlay,
    data: Option<Data>,
    /// The cookies of all `-b` in one text, which is one header.
    cookies: Option<(Span, String)>,
    /// Keys with a single value, each with the option that set it.
    said: Vec<(String, Span)>,
}

/// A body that several options build together.
struct Data {
    span: Span,
    text: String,
    is_json: bool,
}

impl OptionReader<'_, '_> {
    fn read(&mut self, given: &GivenOption) {
        let GivenOption { option, value } = given;
        let span = self.reader.argument(&option.typed(), true);
        let key = option.key;
        // Otherwise text is literal: the shell has expanded dollar signs already.
        let text = escaped(value);
        match option.form {
            OptionForm::Nothing => {
                self.agree(&span, key);
            }
            OptionForm::Word(word) => self.set_once(&span, key, Item::Text(word.to_owned())),
            OptionForm::True => self.set_once(&span, key, Item::Boolean(true)),
            // As in curl, `-A ''` sends no such header.
            OptionForm::HeaderValue if value.is_empty() => self.set_once(&span, key, Item::List(Vec::new())),
            OptionForm::Cookie => self.cookie(&span, key, value),
            OptionForm::Text | OptionForm::HeaderValue | OptionForm::Certificate => {
                self.set_once(&span, key, Item::Text(text));
            }
            OptionForm::Texts => self.add(&span, key, Item::Text(text)),
            OptionForm::Integer => match value.parse() {
                Ok(number) => self.set_once(&span, key, Item::Integer(number)),
                Err(_) => self.reader.problem(&span, message!("`{value}` is not a whole number")),
            },
            OptionForm::Seconds => self.set_once(&span, key, Item::Text(seconds(value))),
            OptionForm::Header => self.headers(&span, value),
            OptionForm::Data { file, lines } => self.data(&span, value, file, lines),
            OptionForm::Json => self.json(&span, value),
            OptionForm::User => self.user(&span, &text),
            OptionForm::Proxy => {
                self.set_once(&span, key, Item::Text(proxy(value, text)));
            }
            OptionForm::UnixSocket => self.set_once(&span, key, Item::Text(format!("unix:{text}"))),
            OptionForm::Resolve => self.resolve(&span, value),
            OptionForm::ConnectTo => self.connect_to(&span, value),
            OptionForm::Statuses => {
                for status in value.split(',').map(str::trim) {
                    let item = status.parse().map_or_else(|_| Item::Text(escaped(status)), Item::Integer);
                    self.add(&span, key, item);
                }
            }
            OptionForm::JsonRule => {
                if let Some(rule) = expectation::json_rule(self.reader, &span, value) {
                    self.add(&span, key, Item::Table(rule));
                }
            }
            OptionForm::HeaderRule => self.header_rule(&span, value),
            OptionForm::Latency => {
                if let Some((phase, limit)) = expectation::latency(self.reader, &span, value) {
                    self.set_once(&span, &format!("{key}.{phase}"), Item::Text(limit));
                }
            }
            OptionForm::Set => self.any_key(&span, value),
        }
    }

    fn finish(mut self) -> Overlay {
        // As in curl, a header of `-H` takes their place.
        if let Some((span, cookies)) = self.cookies.take().filter(|_| !self.has_header("cookie")) {
            self.put(&span, &["headers", "cookie"], Item::Text(cookies));
        }
        if let Some(data) = self.data.take() {
            let (kind, names): (&str, &[&str]) = if data.is_json {
                ("application/json", &["content-type", "accept"])
            } else {
                ("application/x-www-form-urlencoded", &["content-type"])
            };
            for name in names {
                if !self.has_header(name) {
                    self.put(&data.span, &["headers", name], Item::Text(kind.to_owned()));
                }
            }
            if self.overlay.probe.get("method").is_none() {
                self.put(&data.span, &["method"], Item::Text("POST".to_owned()));
            }
            self.put(&data.span, &["body"], Item::Text(data.text));
        }
        // As in curl, one file may hold the certificate and its key.
        let tls = self.overlay.probe.get("tls").and_then(Node::as_table);
        let certificate = tls.filter(|tls| tls.get("client-key").is_none()).and_then(|tls| tls.get("client-cert"));
        if let Some(Node { span, item }) = certificate.cloned() {
            self.put(&span, &["tls", "client-key"], item);
        }
        self.overlay
    }

    fn has_header(&self, name: &str) -> bool {
        let headers = self.overlay.probe.get("headers").and_then(Node::as_table);
        headers.is_some_and(|table| table.entries.iter().any(|entry| entry.key.eq_ignore_ascii_case(name)))
    }

    fn put(&mut self, span: &Span, path: &[&str], item: Item) {
        self.overlay.probe = merge(&self.overlay.probe, &Table::at(span, path, item));
    }

    /// Sets a key that has one value: the last use of an option counts; two different options contradict each other.
    fn set_once(&mut self, span: &Span, key: &str, item: Item) {
        if self.agree(span, key) {
            self.said.push((key.to_owned(), span.clone()));
            self.put(span, &key.split('.').collect::<Vec<_>>(), item);
        }
    }

    /// Whether no other option has set this key: two that do contradict each other.
    fn agree(&mut self, span: &Span, key: &str) -> bool {
        let other = self.said.iter().find(|(said, _)| said == key).map(|(_, other)| self.reader.argument_name(other));
        let Some(other) = other.filter(|other| *other != self.reader.argument_name(span)) else { return true };
        self.reader.problem(span, message!("cannot be used with {other}: both set `{key}`"));
        false
    }

    /// Adds a cookie; as in curl, an empty one leaves the header out.
    fn cookie(&mut self, span: &Span, key: &str, value: &str) {
        if value.is_empty() {
            return self.set_once(span, key, Item::List(Vec::new()));
        }
        if !value.contains('=') && !value.contains("${") {
            let help = "write it as NAME=VALUE; no file of cookies is read";
            return self.reader.advise(span, "this is not a cookie", help);
        }
        let text = escaped(value);
        let cookies = self.cookies.take().map_or_else(|| text.clone(), |(_, before)| format!("{before}; {text}"));
        self.cookies = Some((span.clone(), cookies));
    }

    /// A key that is a list: each use adds an element.
    fn add(&mut self, span: &Span, key: &str, item: Item) {
        let path: Vec<&str> = key.split('.').collect();
        let mut list = match self.overlay.probe.find(&path) {
            Some(Node { item: Item::List(list), .. }) => list.clone(),
            Some(node) => vec![node.clone()],
            None => Vec::new(),
        };
        list.push(Node { span: span.clone(), item });
        self.put(span, &path, Item::List(list));
    }

    fn headers(&mut self, span: &Span, value: &str) {
        let Some(path) = value.strip_prefix('@') else {
            self.header(span, value, escaped);
            return;
        };
        let Some(text) = self.text_of(span, path) else { return };
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let span = self.reader.argument(&format!("-H @{path}:{number}"), false);
            self.header(&span, line, literal);
        }
    }

    fn header(&mut self, span: &Span, line: &str, escape: fn(&str) -> String) {
        let (name, value) = match line.split_once(':') {
            // The option has taken the target for its value.
            Some((scheme, rest)) if rest.starts_with("//") && TARGETS.contains(&scheme) => {
                let help = "write it as 'name: value'; a target stands without an option";
                self.reader.advise(span, "this is a URL, not a header", help);
                return;
            }
            Some((name, value)) if !value.trim().is_empty() => (name.trim(), value.trim()),
            // As in curl, `Name:` sends no such header, and `Name;` sends it empty.
            Some((name, _)) => {
                let name = name.trim().to_ascii_lowercase();
                self.put(span, &["headers", &name], Item::List(Vec::new()));
                return;
            }
            None => {
                let Some(name) = line.trim().strip_suffix(';') else {
                    self.reader.advise(span, "this is not a header", "write it as 'name: value'");
                    return;
                };
                (name, "")
            }
        };
        let name = name.to_ascii_lowercase();
        let item = Item::Text(escape(value));
        let key = ["headers", &name];
        let Some(before) = self.overlay.probe.find(&key).map(|node| node.one_or_more().to_vec()) else {
            self.put(span, &key, item);
            return;
        };
        // A repeated header is sent repeatedly.
        let added = Node { span: span.clone(), item };
        self.put(span, &key, Item::List(before.into_iter().chain([added]).collect()));
    }

    fn data(&mut self, span: &Span, value: &str, file: bool, lines: bool) {
        let text = match value.strip_prefix('@').filter(|_| file) {
            Some(path) => match self.text_of(span, path) {
                // As in curl: line breaks are removed from form data.
                Some(text) if !lines => literal(&text.replace(['\r', '\n', '\0'], "")),
                Some(text) => literal(&text),
                None => return,
            },
            None => escaped(value),
        };
        match &mut self.data {
            Some(data) if data.is_json => self.reader.problem(span, "cannot be used with --json: both are the body"),
            Some(data) => {
                data.text.push('&');
                data.text.push_str(&text);
            }
            None => self.data = Some(Data { span: span.clone(), text, is_json: false }),
        }
    }

    fn json(&mut self, span: &Span, value: &str) {
        let (text, body) = match value.strip_prefix('@') {
            Some(path) => match self.text_of(span, path) {
                Some(text) => (text.clone(), literal(&text)),
                None => return,
            },
            None => (value.to_owned(), escaped(value)),
        };
        match &mut self.data {
            Some(data) if !data.is_json => {
                self.reader.problem(span, "cannot be used with -d: both are the body");
                return;
            }
            // As in curl, pieces are joined without change.
            Some(data) => data.text.push_str(&body),
            None => self.data = Some(Data { span: span.clone(), text: body, is_json: true }),
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            let help = "quote it for the shell: --json '{\"key\": \"value\"}'; -d sends any text";
            self.reader.advise(span, message!("this is not JSON: {error}"), help);
        }
    }

    fn user(&mut self, span: &Span, text: &str) {
        // A colon inside `${secret:NAME}` does not end the user name.
        let colon = text.char_indices().find(|(at, c)| *c == ':' && !is_inside_braces(text, *at)).map(|(at, _)| at);
        let Some(at) = colon else {
            let help =
                "write it as user:password; '${secret:NAME}' in single quotes takes the password from the environment";
            self.reader.advise(span, "the password is missing", help);
            return;
        };
        let (user, password) = (&text[..at], &text[at + 1..]);
        let table = merge(
            &Table::of(span, "user", Item::Text(user.to_owned())),
            &Table::of(span, "password", Item::Text(password.to_owned())),
        );
        self.set_once(span, "auth.basic", Item::Table(table));
    }

    fn header_rule(&mut self, span: &Span, value: &str) {
        if let Some((name, text)) = value.split_once('=').filter(|_| !value.contains(':')) {
            let help = message!("write it as '{}: {}'", name.trim(), text.trim());
            self.reader.advise(span, "this is not `name: text`", help);
            return;
        }
        let (name, text) = value.split_once(':').unwrap_or((value, ""));
        let (name, text) = (name.trim().to_ascii_lowercase(), text.trim());
        let rule = Table::of(span, "contains", Item::Text(escaped(text)));
        let path = ["expect", "header", &name];
        if self.overlay.probe.find(&path).is_some() && !text.is_empty() {
            let path = ["expect", "header", &name, "contains"];
            let mut list = self.overlay.probe.find(&path).map(|node| node.one_or_more().to_vec()).unwrap_or_default();
            list.push(Node { span: span.clone(), item: Item::Text(escaped(text)) });
            self.put(span, &path, Item::List(list));
            return;
        }
        let item = if text.is_empty() { Item::Text(String::new()) } else { Item::Table(rule) };
        self.put(span, &path, item);
    }

    fn any_key(&mut self, span: &Span, value: &str) {
        let Some((is_root, table)) = set::read(self.reader, span, value) else { return };
        if self.has_targets && !is_root && table.get("url").is_some() {
            self.reader.problem(span, "`url` is the target itself: write the URL without an option");
            return;
        }
        let part = if is_root { &mut self.overlay.root } else { &mut self.overlay.probe };
        *part = merge(part, &table);
    }

    /// The text of a file, or of the standard input for `-`.
    fn text_of(&mut self, span: &Span, path: &str) -> Option<String> {
        if path.is_empty() {
            self.reader.problem(span, "a file must follow @");
            return None;
        }
        match source::read_any_text(std::path::Path::new(path), source::LARGEST_FILE) {
            Ok(text) => Some(text),
            Err(error) => {
                self.reader.problem(span, message!("the file {path} {error}"));
                None
            }
        }
    }
}

/// A text of the command line, escaped for the probe file. Of the variables, only those that a shell has no form for
/// are filled in: `${secret:NAME}` and `${file:PATH}`.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let is_ours = from.starts_with("${secret:") || from.starts_with("${file:");
        escaped.push_str(if is_ours { "${" } else { "$${" });
        rest = &from[2..];
    }
    escaped + rest
}

/// A text that was read from a file or from standard input, escaped for the probe file: it is data, which may come from
/// somebody else, so that nothing in it is filled in.
pub(crate) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

fn is_inside_braces(text: &str, at: usize) -> bool {
    text[..at].rfind("${").is_some_and(|open| !text[open..at].contains('}'))
}

/// A proxy as curl takes it: without a scheme it speaks HTTP, and an empty one is none.
fn proxy(value: &str, text: String) -> String {
    match value {
        "" => "none".to_owned(),
        "none" | "environment" => text,
        _ if value.contains("://") => text,
        _ => format!("http://{text}"),
    }
}

/// `5` and `0.5` are seconds, as in curl.
fn seconds(value: &str) -> String {
    let is_number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number { format!("{value}s") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_sign_is_the_shells_but_for_secrets_and_files() {
        assert_eq!(escaped("a${b}$c${secret:T}${file:x}$${d}"), "a$${b}$c${secret:T}${file:x}$$${d}");
    }

    #[test]
    fn a_number_is_seconds() {
        assert_eq!((seconds("5"), seconds("0.5"), seconds("500ms")), ("5s".into(), "0.5s".into(), "500ms".into()));
    }
}
