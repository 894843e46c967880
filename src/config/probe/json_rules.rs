//! Expectations for the nodes that a JSON path finds in an answer.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Node, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, toml_of};
use crate::config::value::{interpolate, json_of_toml, layers, matcher};
use crate::model::{Decimal, JsonExpectation, JsonRule, JsonText, Value, ValuePart};

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
    let bound = |is_bound: fn(&JsonExpectation) -> Option<&JsonText>| rules.iter().find_map(is_bound);
    if let (Some(min), Some(max)) = (bound(least), bound(most))
        && Decimal::of(min.as_str()) > Decimal::of(max.as_str())
    {
        reader.problem(&table.span, "`min` is larger than `max`: no number can be both");
    }
    let length = |key: &str| table.get(key).and_then(layers::integer::<u64>);
    if let (Some(min), Some(max)) = (length("min-length"), length("max-length"))
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

fn least(rule: &JsonExpectation) -> Option<&JsonText> {
    if let JsonExpectation::Min(least) = rule { Some(least) } else { None }
}

fn most(rule: &JsonExpectation) -> Option<&JsonText> {
    if let JsonExpectation::Max(most) = rule { Some(most) } else { None }
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
        "min" => json_value(reader, node).map(JsonExpectation::Min),
        "max" => json_value(reader, node).map(JsonExpectation::Max),
        _ => None,
    }
}

/// A TOML value as JSON. Expected values hold no secrets or captures.
fn json_value(reader: &mut ConfigReader, node: &Node) -> Option<JsonText> {
    let plain = |reader: &mut ConfigReader, node: &Node, _: Option<&str>| {
        Some(vec![ValuePart::Plain(interpolate::plain(reader, node)?)])
    };
    let parts = json_of_toml::parts(reader, node, plain)?;
    Some(JsonText::new(Value { parts }.to_string()))
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
            JsonExpectation::Min(number) => ("min", toml_of(number)),
            JsonExpectation::Max(number) => ("max", toml_of(number)),
        };
        format!("{{ path = {}, {name} = {value} }}", writer.text(rule.path.as_str()))
    });
    lines.set(key, &list(rules));
}
