//! What must hold of the nodes that a JSON path finds in an answer.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, toml_of};
use crate::config::value::{interpolate, layers, matcher};
use crate::model::{JsonExpectation, JsonRule};

pub(crate) const JSON: TableSchema = TableSchema {
    title: "expect.json",
    groups: &[&[
        key("path", ValueType::Text, "", "The JSON path (RFC 9535) of the nodes that the rules are about."),
        key("exists", ValueType::Boolean, "true", "Whether the path finds something."),
        key("equals", ValueType::Json, "", "Every node equals this."),
        key("not-equals", ValueType::Json, "", "No node equals this."),
        key("contains", ValueType::Json, "", "Every node is a text or a list that contains this."),
        key("matches", ValueType::Text, "", "Every node is a text that matches this pattern."),
        key(
            "min-length",
            ValueType::Integer(0, i64::MAX),
            "",
            "Every node is a list, table or text at least this long.",
        ),
        key(
            "max-length",
            ValueType::Integer(0, i64::MAX),
            "",
            "Every node is a list, table or text at most this long.",
        ),
        key("min", ValueType::Number, "", "Every node is a number of at least this."),
        key("max", ValueType::Number, "", "Every node is a number of at most this."),
    ]],
    required: &["path"],
};

/// Reads the rules of one path.
pub(super) fn read(reader: &mut ConfigReader, node: &Node) -> Vec<JsonRule> {
    let Some(table) = node.as_table() else { return Vec::new() };
    let Some(path) = layers::required(reader, table, "path", "expect.json") else { return Vec::new() };
    let path = matcher::json_path(reader, "path", path);
    let mut rules = Vec::new();
    for entry in &table.entries {
        rules.extend(expectation(reader, entry));
    }
    if let (Some(min), Some(max)) = (number(table, "min"), number(table, "max"))
        && min > max
    {
        reader.problem(&table.span, "`min` is larger than `max`: no number can be both");
    }
    if let (Some(min), Some(max)) = (number(table, "min-length"), number(table, "max-length"))
        && min > max
    {
        reader.problem(&table.span, "`min-length` is larger than `max-length`: nothing can be both");
    }
    if table.get("exists").and_then(layers::boolean) == Some(false) && rules.len() > 1 {
        reader.problem(&table.span, "a node that must not exist can have no other rule");
    }
    if table.entries.iter().all(|entry| entry.key == "path") {
        rules.push(JsonExpectation::Exists(true));
    }
    let Some(path) = path else { return Vec::new() };
    rules.into_iter().map(|rule| JsonRule { path: path.clone(), rule }).collect()
}

fn number(table: &Table, key: &str) -> Option<f64> {
    table.get(key).and_then(float)
}

#[expect(clippy::cast_precision_loss, reason = "a bound past 2^53 is compared as the nearest double, as JSON does")]
fn float(node: &Node) -> Option<f64> {
    match node.item {
        Item::Integer(number) => Some(number as f64),
        Item::Float(number) => Some(number),
        _ => None,
    }
}

fn expectation(reader: &mut ConfigReader, entry: &TableEntry) -> Option<JsonExpectation> {
    let node = &entry.node;
    match entry.key.as_str() {
        "exists" => layers::boolean(node).map(JsonExpectation::Exists),
        "equals" => json_value(reader, node).map(JsonExpectation::Equals),
        "not-equals" => json_value(reader, node).map(JsonExpectation::NotEquals),
        "contains" => json_value(reader, node).map(JsonExpectation::Contains),
        "matches" => matcher::pattern(reader, "matches", node).map(JsonExpectation::Matches),
        "min-length" => layers::integer(node).map(JsonExpectation::MinLength),
        "max-length" => layers::integer(node).map(JsonExpectation::MaxLength),
        "min" => bound(reader, "min", node).map(JsonExpectation::Min),
        "max" => bound(reader, "max", node).map(JsonExpectation::Max),
        _ => None,
    }
}

fn bound(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<f64> {
    let number = float(node)?;
    if number.is_nan() {
        reader.problem(&node.span, format!("`{key}` is not a number"));
        return None;
    }
    Some(number)
}

/// A value of TOML as JSON.
fn json_value(reader: &mut ConfigReader, node: &Node) -> Option<serde_json::Value> {
    Some(match &node.item {
        Item::Text(_) => serde_json::Value::from(interpolate::plain(reader, node)?),
        Item::Integer(number) => serde_json::Value::from(*number),
        Item::Float(number) if !number.is_finite() => {
            reader.problem(&node.span, "JSON has no infinite numbers and no NaN");
            return None;
        }
        Item::Float(number) => serde_json::Value::from(*number),
        Item::Boolean(boolean) => serde_json::Value::from(*boolean),
        Item::Date(date) => serde_json::Value::from(date.as_str()),
        Item::TooLarge => return None,
        Item::List(list) => list.iter().map(|node| json_value(reader, node)).collect::<Option<_>>()?,
        Item::Table(table) => {
            let mut object = serde_json::Map::new();
            for entry in &table.entries {
                object.insert(entry.key.clone(), json_value(reader, &entry.node)?);
            }
            serde_json::Value::Object(object)
        }
    })
}

/// Writes the rules as they are written in a file, a table each.
pub(super) fn explain(lines: &mut TomlLines, writer: &TomlWriter, key: &str, rules: &[JsonRule]) {
    if rules.is_empty() {
        return;
    }
    let rules = rules.iter().map(|rule| {
        let (name, value) = match &rule.rule {
            JsonExpectation::Exists(exists) => ("exists", exists.to_string()),
            JsonExpectation::Equals(value) => ("equals", toml_of(value)),
            JsonExpectation::NotEquals(value) => ("not-equals", toml_of(value)),
            JsonExpectation::Contains(value) => ("contains", toml_of(value)),
            JsonExpectation::Matches(pattern) => ("matches", writer.text(pattern.as_str())),
            JsonExpectation::MinLength(length) => ("min-length", length.to_string()),
            JsonExpectation::MaxLength(length) => ("max-length", length.to_string()),
            JsonExpectation::Min(number) => ("min", format!("{number:?}")),
            JsonExpectation::Max(number) => ("max", format!("{number:?}")),
        };
        format!("{{ path = {}, {name} = {value} }}", writer.text(rule.path.as_str()))
    });
    lines.set(key, &list(rules));
}
