//! The body of a request: text, JSON, a form, a file, or parts.

use std::sync::Arc;

use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::tree::{Item, Node};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::{interpolate, layers};
use crate::model::{Body, FileBody, FormPart, Secret, Value, ValuePart, is_secret_name};

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
        _ => interpolate::fill(reader, &entry.node, TextUse::Open).map(Body::Text),
    }
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

/// A file that is sent, read now: a check reads no files.
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
            reader.problem(&path.span, format!("`file`: the file {} {error}", found.display()));
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

/// A value of TOML as the text of a JSON document. Variables stand in its strings alone, and
/// are escaped there; captures are escaped when they are filled in.
fn json_text(reader: &mut ConfigReader, node: &Node) -> Option<Value> {
    if matches!(&node.item, Item::Text(text) if text.trim_start().starts_with(['{', '['])) {
        reader.warn(
            "`json` is a text with JSON in it, and is sent as a text; write it as a table: json = { name = \"value\" }",
        );
    }
    let mut parts = Vec::new();
    push_json(reader, node, None, &mut parts)?;
    Some(Value { parts: interpolate::join_plain(parts) })
}

fn push_json(reader: &mut ConfigReader, node: &Node, key: Option<&str>, parts: &mut Vec<ValuePart>) -> Option<()> {
    match &node.item {
        Item::Text(_) => {
            let usage = key.filter(|key| is_secret_name(key)).map_or(TextUse::Open, TextUse::Secret);
            let value = interpolate::fill(reader, node, usage)?;
            parts.push(ValuePart::Plain("\"".to_owned()));
            parts.extend(value.parts.into_iter().map(escaped));
            parts.push(ValuePart::Plain("\"".to_owned()));
        }
        Item::List(list) => {
            parts.push(ValuePart::Plain("[".to_owned()));
            for (at, element) in list.iter().enumerate() {
                parts.extend((at > 0).then(|| ValuePart::Plain(",".to_owned())));
                push_json(reader, element, key, parts)?;
            }
            parts.push(ValuePart::Plain("]".to_owned()));
        }
        Item::Table(table) => {
            parts.push(ValuePart::Plain("{".to_owned()));
            for (at, entry) in table.entries.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                parts.push(ValuePart::Plain(format!("{comma}\"{}\":", escape(&entry.key))));
                push_json(reader, &entry.node, Some(&entry.key), parts)?;
            }
            parts.push(ValuePart::Plain("}".to_owned()));
        }
        Item::Integer(_) | Item::Float(_) | Item::Large(_) => {
            parts.push(ValuePart::Plain(layers::json_number(reader, node)?));
        }
        Item::Date(date) => parts.push(ValuePart::Plain(format!("\"{date}\""))),
        Item::Boolean(_) => parts.push(ValuePart::Plain(scalar(node)?)),
    }
    Some(())
}

fn escaped(part: ValuePart) -> ValuePart {
    match part {
        ValuePart::Plain(text) => ValuePart::Plain(escape(&text)),
        ValuePart::Secret { name, value } => ValuePart::Secret { name, value: Secret::new(&escape(value.reveal())) },
        ValuePart::Capture(name) => ValuePart::Capture(name),
    }
}

/// A text as it stands between the quotes of JSON.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
