//! A TOML value as the text of a JSON document; numbers keep their digits.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node};
use crate::config::value::interpolate;
use crate::model::{Secret, ValuePart};

/// Reads a string of the value; `key` is that of the nearest table. Its result is escaped afterwards.
type ReadText = fn(reader: &mut ConfigReader, node: &Node, key: Option<&str>) -> Option<Vec<ValuePart>>;

/// The parts of the document: captures are escaped when they are filled in.
pub(crate) fn parts(reader: &mut ConfigReader, node: &Node, text: ReadText) -> Option<Vec<ValuePart>> {
    let mut parts = Vec::new();
    push(reader, node, None, text, &mut parts)?;
    Some(interpolate::join_plain(parts))
}

fn push(
    reader: &mut ConfigReader,
    node: &Node,
    key: Option<&str>,
    text: ReadText,
    parts: &mut Vec<ValuePart>,
) -> Option<()> {
    let plain = |text: &str| ValuePart::Plain(text.to_owned());
    match &node.item {
        Item::Text(_) => {
            let of_text = text(reader, node, key)?;
            parts.push(plain("\""));
            parts.extend(of_text.into_iter().map(escaped));
            parts.push(plain("\""));
        }
        Item::List(list) => {
            parts.push(plain("["));
            for (at, element) in list.iter().enumerate() {
                parts.extend((at > 0).then(|| plain(",")));
                push(reader, element, key, text, parts)?;
            }
            parts.push(plain("]"));
        }
        Item::Table(table) => {
            parts.push(plain("{"));
            for (at, entry) in table.entries.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                parts.push(ValuePart::Plain(format!("{comma}\"{}\":", escape(&entry.key))));
                push(reader, &entry.node, Some(&entry.key), text, parts)?;
            }
            parts.push(plain("}"));
        }
        Item::Integer(_) | Item::Float(_) | Item::Large(_) => parts.push(ValuePart::Plain(number(reader, node)?)),
        Item::Date(date) => parts.push(ValuePart::Plain(format!("\"{date}\""))),
        Item::Boolean(boolean) => parts.push(ValuePart::Plain(boolean.to_string())),
    }
    Some(())
}

/// A number as JSON writes it.
fn number(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    match &node.item {
        Item::Integer(number) => Some(number.to_string()),
        Item::Float(number) if number.is_finite() => Some(serde_json::Value::from(*number).to_string()),
        Item::Float(_) => {
            reader.problem(&node.span, "JSON has no infinite numbers and no NaN");
            None
        }
        Item::Large(Some(digits)) => Some(digits.clone()),
        Item::Large(None) => {
            reader.advise(&node.span, "a number of more than 128 bits", "write it in decimal digits");
            None
        }
        _ => None,
    }
}

fn escaped(part: ValuePart) -> ValuePart {
    match part {
        ValuePart::Plain(text) => ValuePart::Plain(escape(&text)),
        ValuePart::Secret { name, value } => ValuePart::Secret { name, value: Secret::new(&escape(value.reveal())) },
        ValuePart::Capture(name) => ValuePart::Capture(name),
    }
}

/// A text as it is written between the quotes of JSON.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
