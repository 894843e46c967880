//! The body of a request: text, JSON, a form, a file, or parts.

use std::sync::Arc;

use super::interpolate::Use;
use super::layers::Layers;
use super::reader::Reader;
use super::tree::{Item, Node};
use super::{interpolate, layers, source};
use crate::model::{Body, FileBody, FormPart, Part, Secret, Value, is_secret_name};

/// The keys that say what the body is; one excludes the others.
pub(super) const KEYS: [&str; 5] = ["body", "json", "form", "file", "multipart"];
/// The largest file that is sent, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Reads the body.
pub(super) fn body(reader: &mut Reader, layers: &Layers) -> Option<Body> {
    let Some(entry) = layers.one_of(reader, &KEYS) else { return Some(Body::Empty) };
    match entry.key.as_str() {
        "json" => json_text(reader, &entry.node).map(Body::Json),
        "form" => form(reader, &entry.node).map(Body::Form),
        "file" => file(reader, &entry.node).map(Body::File),
        "multipart" => multipart(reader, &entry.node).map(Body::Multipart),
        _ => interpolate::fill(reader, &entry.node, Use::Open).map(Body::Text),
    }
}

fn form(reader: &mut Reader, node: &Node) -> Option<Vec<(String, Value)>> {
    let entries = &node.as_table()?.entries;
    entries.iter().map(|entry| Some((entry.key.clone(), field(reader, &entry.key, &entry.node)?))).collect()
}

fn field(reader: &mut Reader, name: &str, node: &Node) -> Option<Value> {
    let usage = if is_secret_name(name) { Use::Secret(name) } else { Use::Open };
    match &node.item {
        Item::Text(_) => interpolate::fill(reader, node, usage),
        _ => Some(Value::plain(&scalar(node)?)),
    }
}

fn multipart(reader: &mut Reader, node: &Node) -> Option<Vec<(String, FormPart)>> {
    let mut parts = Vec::new();
    for entry in &node.as_table()?.entries {
        let part = match &entry.node.item {
            Item::Table(_) => FormPart::File(file(reader, &entry.node)?),
            _ => FormPart::Text(field(reader, &entry.key, &entry.node)?),
        };
        parts.push((entry.key.clone(), part));
    }
    Some(parts)
}

/// A file that is sent, read now: a check reads no files.
fn file(reader: &mut Reader, node: &Node) -> Option<FileBody> {
    let (path, kind) = match &node.item {
        Item::Table(table) => (super::request::required(reader, table, "path", "the file")?, table.get("content-type")),
        _ => (node, None),
    };
    let found = layers::file(reader, "file", path);
    let content_type = kind.and_then(|node| media_type(reader, node));
    let found = found?;
    match source::read_bytes(&found, LARGEST_FILE) {
        Ok(bytes) => Some(FileBody { path: found, bytes: Arc::from(bytes), content_type }),
        Err(sentence) => {
            reader.problem(&path.place, format!("`file`: the file {} {sentence}", found.display()));
            None
        }
    }
}

fn media_type(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    if text.contains('/') && http::HeaderValue::from_str(&text).is_ok() {
        return Some(text);
    }
    reader.problem(&node.place, "`content-type` is not a media type, such as \"image/png\"");
    None
}

fn scalar(node: &Node) -> Option<String> {
    match &node.item {
        Item::Integer(number) => Some(number.to_string()),
        Item::Float(number) => Some(number.to_string()),
        Item::Boolean(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// A value of TOML as the text of a JSON document. Variables stand in its strings alone, and
/// are escaped there; captures are escaped when they are filled in.
fn json_text(reader: &mut Reader, node: &Node) -> Option<Value> {
    let mut parts = Vec::new();
    push_json(reader, node, None, &mut parts)?;
    Some(Value { parts: interpolate::join_plain(parts) })
}

fn push_json(reader: &mut Reader, node: &Node, key: Option<&str>, parts: &mut Vec<Part>) -> Option<()> {
    match &node.item {
        Item::Text(_) => {
            let usage = key.filter(|key| is_secret_name(key)).map_or(Use::Open, Use::Secret);
            let value = interpolate::fill(reader, node, usage)?;
            parts.push(Part::Plain("\"".to_owned()));
            parts.extend(value.parts.into_iter().map(escaped));
            parts.push(Part::Plain("\"".to_owned()));
        }
        Item::List(list) => {
            parts.push(Part::Plain("[".to_owned()));
            for (at, element) in list.iter().enumerate() {
                parts.extend((at > 0).then(|| Part::Plain(",".to_owned())));
                push_json(reader, element, key, parts)?;
            }
            parts.push(Part::Plain("]".to_owned()));
        }
        Item::Table(table) => {
            parts.push(Part::Plain("{".to_owned()));
            for (at, entry) in table.entries.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                parts.push(Part::Plain(format!("{comma}\"{}\":", escape(&entry.key))));
                push_json(reader, &entry.node, Some(&entry.key), parts)?;
            }
            parts.push(Part::Plain("}".to_owned()));
        }
        Item::Float(number) if !number.is_finite() => {
            reader.problem(&node.place, "JSON has no number that is not finite");
            return None;
        }
        Item::Date(date) => parts.push(Part::Plain(format!("\"{date}\""))),
        _ => parts.push(Part::Plain(scalar(node)?)),
    }
    Some(())
}

fn escaped(part: Part) -> Part {
    match part {
        Part::Plain(text) => Part::Plain(escape(&text)),
        Part::Secret { name, value } => Part::Secret { name, value: Secret::new(&escape(value.reveal())) },
        Part::Capture(name) => Part::Capture(name),
    }
}

/// A text as it stands between the quotes of JSON.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
