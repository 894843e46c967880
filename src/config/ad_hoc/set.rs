//! `--set KEY=VALUE`: any key of the probe file.

use crate::config::keys::{tables, type_check};
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree;
use crate::config::syntax::tree::{Item, Node, Span, Table, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType};
use crate::config::value::toml_text::{quoted, toml_of};
use crate::model::{JsonText, message};

/// Keys that make a probe what it is, which only a file gives, and what to do instead.
const OF_FILE: [(&str, &str); 3] = [
    ("name", "a target is named by its URL, and --save NAME keeps it under a name"),
    ("matrix", "give several targets, or write the matrix in the probe file"),
    ("step", "write a journey as [[probe.step]] in the probe file"),
];

/// The table that a `KEY=VALUE` makes, and whether it belongs to the file as a whole and not to a probe.
pub(crate) fn read(reader: &mut ConfigReader, span: &Span, text: &str) -> Option<(bool, Table)> {
    let Some((key, value)) = text.split_once('=') else {
        reader.advise(span, "this is not KEY=VALUE", "write it as --set retries=2 or --set expect.max-bytes=64KiB");
        return None;
    };
    let (key, value) = (key.trim(), value.trim());
    // What is not valid TOML is a string: nobody types quotes for two parsers.
    let typed = tree::parse(0, &format!("{key} = {value}")).ok().filter(|_| !value.is_empty());
    let Some(mut table) = typed.or_else(|| tree::parse(0, &format!("{key} = {}", quoted(value))).ok()) else {
        reader.advise(span, message!("`{key}` is not a key"), "write it as --set tls.min-version=1.3");
        return None;
    };
    let first = table.entries.first()?;
    if let Some((key, help)) = OF_FILE.iter().find(|(key, _)| *key == first.key) {
        reader.advise(span, message!("`{key}` cannot be set here"), *help);
        return None;
    }
    let is_root = match (first.key.as_str(), &first.node.item) {
        ("surface", Item::Table(_)) => true,
        ("surface", _) => false,
        (name, _) => tables::PROBE.key(name).is_none() && tables::ROOT.key(name).is_some(),
    };
    let schema = if is_root { &tables::ROOT } else { &tables::PROBE };
    as_text(&mut table, schema, value);
    place(&mut table, span);
    Some((is_root, table))
}

/// A number at a key that wants a string is a string: `tls.min-version=1.3`.
fn as_text(table: &mut Table, schema: &'static TableSchema, raw: &str) {
    for entry in &mut table.entries {
        if let Some(key) = schema.key(&entry.key) {
            node_as_text(&mut entry.node, &key.value_type, raw);
        }
    }
}

fn node_as_text(node: &mut Node, value_type: &'static ValueType, raw: &str) {
    match (&mut node.item, value_type) {
        (Item::Table(table), ValueType::Table(schema)) => as_text(table, schema, raw),
        (Item::Table(table), ValueType::Map(of)) => {
            for entry in &mut table.entries {
                node_as_text(&mut entry.node, of, raw);
            }
        }
        (Item::Integer(_) | Item::Float(_) | Item::Boolean(_) | Item::Date(_) | Item::Large(_), _) => {
            let text = Node { span: node.span.clone(), item: Item::Text(raw.to_owned()) };
            if !type_check::admits(value_type, node) && type_check::admits(value_type, &text) {
                *node = text;
            }
        }
        _ => {}
    }
}

/// Gives every node the span of the option.
fn place(table: &mut Table, span: &Span) {
    table.span = span.clone();
    for TableEntry { key_span, node, .. } in &mut table.entries {
        *key_span = span.clone();
        place_node(node, span);
    }
}

fn place_node(node: &mut Node, span: &Span) {
    node.span = span.clone();
    match &mut node.item {
        Item::Table(table) => place(table, span),
        Item::List(list) => list.iter_mut().for_each(|node| place_node(node, span)),
        _ => {}
    }
}

/// A JSON value as TOML; numbers keep their digits.
pub(crate) fn item_of(json: &JsonText) -> Option<Item> {
    let table = tree::parse(0, &format!("value = {}", toml_of(json))).ok()?;
    table.entries.into_iter().next().map(|entry| entry.node.item)
}
