//! Rules for the headers of an answer.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::toml_text::{TomlLines, TomlWriter, key as bare_key, list, table};
use crate::config::value::{interpolate, layers, matcher};
use crate::model::{HeaderExpectation, HeaderRule, message};

pub(crate) const HEADER: TableSchema = TableSchema {
    title: "expect.header.NAME",
    groups: &[&[
        key("contains", ValueType::OneOrMore(&ValueType::Text), "", "A value contains this text."),
        key("matches", ValueType::OneOrMore(&ValueType::Text), "", "A value matches this pattern."),
        key("not-matches", ValueType::OneOrMore(&ValueType::Text), "", "No value matches this pattern."),
        key("absent", ValueType::Boolean, "", "The header is not sent; with `false`, it is sent."),
        key("optional", ValueType::Boolean, "false", "A missing header is fine."),
    ]],
    required: &[],
};

/// Reads the rules for one header.
pub(crate) fn read(reader: &mut ConfigReader, entry: &TableEntry) -> Vec<HeaderRule> {
    let Ok(name) = http::HeaderName::from_bytes(entry.key.as_bytes()) else {
        let message = message!("`{}` is not the name of a header: it has letters, digits and hyphens", entry.key);
        reader.problem(&entry.key_span, message);
        return Vec::new();
    };
    let node = &entry.node;
    let (expectations, optional) = if let Item::Table(table) = &node.item {
        read_table(reader, table)
    } else {
        let value = interpolate::fill(reader, node, TextUse::Expectation);
        let is_empty = value.as_ref().is_some_and(|value| value.parts.is_empty());
        let rule = if is_empty { Some(HeaderExpectation::Present) } else { value.map(HeaderExpectation::Contains) };
        (rule.into_iter().collect(), false)
    };
    expectations.into_iter().map(|rule| HeaderRule { name: name.clone(), rule, optional }).collect()
}

fn read_table(reader: &mut ConfigReader, table: &Table) -> (Vec<HeaderExpectation>, bool) {
    let mut rules = Vec::new();
    for node in table.get("contains").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(matcher::text(reader, "contains", node).map(HeaderExpectation::Contains));
    }
    for node in table.get("matches").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(matcher::pattern(reader, "matches", node).map(HeaderExpectation::Matches));
    }
    for node in table.get("not-matches").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(matcher::pattern(reader, "not-matches", node).map(HeaderExpectation::NotMatches));
    }
    let optional = table.get("optional").and_then(layers::boolean).unwrap_or(false);
    match table.get("absent").and_then(layers::boolean) {
        Some(true) if !rules.is_empty() || optional => {
            reader.problem(&table.span, "a header that is `absent` can have no other rule");
        }
        Some(true) => rules.push(HeaderExpectation::Absent),
        Some(false) if optional => reader.problem(&table.span, "a header cannot be both required and `optional`"),
        Some(false) => rules.push(HeaderExpectation::Present),
        None if table.entries.iter().all(|entry| entry.key == "optional") => {
            reader.problem(&table.span, "the header has no rule: add `contains`, `matches`, `not-matches` or `absent`");
        }
        None => {}
    }
    (rules, optional)
}

/// The rules as TOML, a line for each header.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, of: &str, headers: &[HeaderRule]) {
    let mut names: Vec<&str> = headers.iter().map(|rule| rule.name.as_str()).collect();
    names.dedup();
    for name in names {
        let rules: Vec<&HeaderRule> = headers.iter().filter(|rule| rule.name.as_str() == name).collect();
        let mut fields = Vec::new();
        for word in ["contains", "matches", "not-matches"] {
            let said: Vec<String> = rules.iter().filter_map(|rule| text_of(writer, &rule.rule, word)).collect();
            fields.extend((!said.is_empty()).then(|| format!("{word} = {}", list(said.into_iter()))));
        }
        for rule in &rules {
            match rule.rule {
                HeaderExpectation::Absent => fields.push("absent = true".to_owned()),
                HeaderExpectation::Present => fields.push("absent = false".to_owned()),
                _ => {}
            }
        }
        if rules.iter().any(|rule| rule.optional) {
            fields.push("optional = true".to_owned());
        }
        lines.set(&format!("{of}.{}", bare_key(name)), &table(fields.into_iter()));
    }
}

fn text_of(writer: &TomlWriter, rule: &HeaderExpectation, wanted: &str) -> Option<String> {
    let (word, text) = match rule {
        HeaderExpectation::Contains(value) => ("contains", writer.value(value)),
        HeaderExpectation::Matches(pattern) => ("matches", writer.text(pattern.as_str())),
        HeaderExpectation::NotMatches(pattern) => ("not-matches", writer.text(pattern.as_str())),
        HeaderExpectation::Absent | HeaderExpectation::Present => return None,
    };
    (word == wanted).then_some(text)
}
