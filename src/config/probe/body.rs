//! The body of a request: text, JSON, a form, a file, or parts.

use std::sync::Arc;

use crate::config::probe::body_secrets;
use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::tree::{Item, Node};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::{interpolate, json_of_toml, layers};
use crate::model::{Body, FileBody, FormPart, Value, ValuePart, is_secret_name, message};

pub(crate) const FILE: TableSchema = TableSchema {
    title: "file",
    groups: &[&[
        key("path", ValueType::Text, "", "The file, relative to the probe file; up to 16MiB."),
        key("content-type", ValueType::Text, "\"application/octet-stream\"", "Its media type."),
    ]],
    required: &["path"],
};

/// The keys that say what the body is; one excludes the others.
pub(crate) const KEYS: [&str; 5] = ["body", "json", "form", "file", "multipart"];
/// The largest file that is sent, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Reads the body.
pub(crate) fn body(reader: &mut ConfigReader, layers: &Layers) -> Option<Body> {
    let Some(entry) = layers.one_of(reader, &KEYS) else { return Some(Body::Empty) };
    match entry.key.as_str() {
        "json" => json_text(reader, &entry.node).map(Body::Json),
        "form" => form(reader, &entry.node).map(Body::Form),
        "file" => file(reader, &entry.node).map(Body::File),
        "multipart" => multipart(reader, &entry.node).map(Body::Multipart),
        _ => text(reader, &entry.node).map(Body::Text),
    }
}

/// A text, in which what is a secret by the name of its field is one.
fn text(reader: &mut ConfigReader, node: &Node) -> Option<Value> {
    let filled = interpolate::fill(reader, node, TextUse::Open)?;
    let mut parts = Vec::new();
    for part in filled.parts {
        let ValuePart::Plain(text) = part else {
            parts.push(part);
            continue;
        };
        let mut copied = 0;
        for (name, at) in body_secrets::within(&text) {
            parts.push(ValuePart::Plain(text[copied..at.start].to_owned()));
            parts.extend(interpolate::open_secret(reader, &name, &text[at.clone()], &node.span));
            copied = at.end;
        }
        parts.push(ValuePart::Plain(text[copied..].to_owned()));
    }
    Some(Value { parts: interpolate::join_plain(parts) })
}

fn form(reader: &mut ConfigReader, node: &Node) -> Option<Vec<(String, Value)>> {
    let entries = &node.as_table()?.entries;
    entries.iter().map(|entry| Some((entry.key.clone(), field(reader, &entry.key, &entry.node)?))).collect()
}

fn field(reader: &mut ConfigReader, name: &str, node: &Node) -> Option<Value> {
    let usage = if is_secret_name(name) { TextUse::Secret(name) } else { TextUse::Open };
    match &node.item {
        Item::Text(_) => interpolate::fill(reader, node, usage),
        _ => Some(Value::plain(&scalar(node)?)),
    }
}

fn multipart(reader: &mut ConfigReader, node: &Node) -> Option<Vec<(String, FormPart)>> {
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

/// A file that is sent, read now: a check does not read files.
fn file(reader: &mut ConfigReader, node: &Node) -> Option<FileBody> {
    let (path, kind) = match &node.item {
        Item::Table(table) => (layers::required(reader, table, "path", "the file")?, table.get("content-type")),
        _ => (node, None),
    };
    let found = layers::file(reader, "file", path);
    let content_type = kind.and_then(|node| media_type(reader, node));
    let found = found?;
    match source::read_bytes(&found, LARGEST_FILE) {
        Ok(bytes) => Some(FileBody { path: found, bytes: Arc::from(bytes), content_type }),
        Err(error) => {
            reader.problem(&path.span, message!("`file`: the file {} {error}", found.display()));
            None
        }
    }
}

fn media_type(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    if text.contains('/') && http::HeaderValue::from_str(&text).is_ok() {
        return Some(text);
    }
    reader.problem(&node.span, "`content-type` is not a media type, such as \"image/png\"");
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

/// A TOML value as the text of a JSON document. Variables occur only in its strings, and are escaped here; captures are
/// escaped when they are filled in.
fn json_text(reader: &mut ConfigReader, node: &Node) -> Option<Value> {
    if matches!(&node.item, Item::Text(text) if text.trim_start().starts_with(['{', '['])) {
        reader.warn(
            "`json` is a text with JSON in it, and is sent as a text; write it as a table: json = { name = \"value\" }",
        );
    }
    Some(Value { parts: json_of_toml::parts(reader, node, text_parts)? })
}

/// A text of it, with its variables and captures.
fn text_parts(reader: &mut ConfigReader, node: &Node, key: Option<&str>) -> Option<Vec<ValuePart>> {
    let usage = key.filter(|key| is_secret_name(key)).map_or(TextUse::Open, TextUse::Secret);
    Some(interpolate::fill(reader, node, usage)?.parts)
}
