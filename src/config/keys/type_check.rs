//! Checks a tree against the key table: unknown keys, with a suggestion, and wrong types. The values themselves are
//! checked where they are read.

use std::time::Duration;

use crate::config::keys::other_forms::right_form;
use crate::config::keys::{other_words, tables};
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType};
use crate::config::value::layers;
use crate::model::{MessageText, is_secret_name, message, quantity};

/// Checks a table and everything in it.
pub(crate) fn check(reader: &mut ConfigReader, table: &Table, schema: &'static TableSchema) {
    let outer = reader.owner.clone();
    reader.owner = owner(table, schema, outer.as_deref()).or_else(|| outer.clone());
    for entry in &table.entries {
        match schema.key(&entry.key) {
            Some(key) => check_node(reader, Key::of_schema(&entry.key), &entry.node, &key.value_type),
            None => unknown_key(reader, entry, schema),
        }
    }
    reader.owner = outer;
}

/// `probe "home"`, for the tables whose problems are reported with a name.
fn owner(table: &Table, schema: &TableSchema, outer: Option<&str>) -> Option<String> {
    let kind = schema.title.strip_prefix("[[")?.strip_suffix("]]")?;
    let Item::Text(name) = &table.get("name")?.item else { return None };
    match (kind, outer) {
        ("probe.step", Some(outer)) => Some(format!("{outer}, step \"{name}\"")),
        _ => Some(format!("{kind} \"{name}\"")),
    }
}

/// The key of a value.
#[derive(Clone, Copy)]
struct Key<'k> {
    name: &'k str,
    /// Whether the key table has it. A name that the author chose, such as that of a header, may be spelt like a known
    /// key but does not have its form.
    is_known: bool,
}

impl<'k> Key<'k> {
    fn of_schema(name: &'k str) -> Key<'k> {
        Key { name, is_known: true }
    }

    fn of_author(name: &'k str) -> Key<'k> {
        Key { name, is_known: false }
    }

    fn right_form(self, value: &Item) -> Option<String> {
        right_form(self.name, value).filter(|_| self.is_known)
    }
}

fn check_node(reader: &mut ConfigReader, key: Key<'_>, node: &Node, value_type: &'static ValueType) {
    let name = key.name;
    match (value_type, &node.item) {
        (ValueType::Table(table_schema), Item::Table(table)) => check(reader, table, table_schema),
        (ValueType::Map(of), Item::Table(table)) => {
            let outer = reader.owner.clone();
            for entry in &table.entries {
                if matches!(of, ValueType::Table(table) if table.title.ends_with(".NAME]")) {
                    reader.owner = Some(format!("{name} \"{}\"", entry.key));
                }
                check_node(reader, Key::of_author(&entry.key), &entry.node, of);
            }
            reader.owner = outer;
        }
        (ValueType::OneOrMore(of) | ValueType::List(of) | ValueType::Some(of), Item::List(list)) => {
            if list.is_empty() && !matches!(value_type, ValueType::Some(_)) {
                reader.problem(&node.span, message!("`{name}` is an empty list"));
            }
            for element in list {
                check_node(reader, key, element, of);
            }
        }
        (ValueType::OneOrMore(of) | ValueType::Some(of), _) => check_node(reader, key, node, of),
        (ValueType::Either(types), _) => match types.iter().find(|value_type| admits(value_type, node)) {
            Some(value_type) => check_node(reader, key, node, value_type),
            None => wrong_type(reader, key, node, value_type),
        },
        (ValueType::Integer(least, most), Item::Integer(number)) => {
            if !(least..=most).contains(&number) {
                let range =
                    if *most == i64::MAX { message!("at least {least}") } else { message!("from {least} to {most}") };
                reader.problem(&node.span, message!("`{name}` is {number}; it must be {range}"));
            }
        }
        (value_type, _) if admits(value_type, node) => {}
        _ => wrong_type(reader, key, node, value_type),
    }
}

/// Whether the type matches; nested values are not checked.
pub(crate) fn admits(value_type: &ValueType, node: &Node) -> bool {
    match value_type {
        ValueType::Text | ValueType::Words(_) | ValueType::Duration => matches!(node.item, Item::Text(_)),
        ValueType::Bytes => matches!(node.item, Item::Text(_) | Item::Integer(_)),
        ValueType::Integer(..) => matches!(node.item, Item::Integer(_)),
        ValueType::Number => matches!(node.item, Item::Integer(_) | Item::Float(_) | Item::Large(_)),
        ValueType::Boolean => matches!(node.item, Item::Boolean(_)),
        ValueType::Json => true,
        ValueType::Scalar => {
            matches!(node.item, Item::Text(_) | Item::Integer(_) | Item::Float(_) | Item::Boolean(_))
        }
        ValueType::Instant => matches!(node.item, Item::Text(_) | Item::Date(_)),
        ValueType::List(_) => matches!(node.item, Item::List(_)),
        ValueType::OneOrMore(of) | ValueType::Some(of) => matches!(node.item, Item::List(_)) || admits(of, node),
        ValueType::Either(types) => types.iter().any(|value_type| admits(value_type, node)),
        ValueType::Table(_) | ValueType::Map(_) => matches!(node.item, Item::Table(_)),
    }
}

/// Reports that a value has the wrong type.
fn wrong_type(reader: &mut ConfigReader, key: Key<'_>, node: &Node, value_type: &ValueType) {
    let name = key.name;
    let message = message!("`{name}` must be ").then(MessageText::ours(format!(
        "{}, and this is {}",
        value_type.title(),
        node.kind()
    )));
    match (value_type, &node.item) {
        (ValueType::Duration, Item::Integer(number)) => {
            // Some tools count milliseconds: a time of a thousand and more may be either.
            let units = match number {
                _ if is_latency(name) => message!("\"{number}ms\""),
                1_000.. => message!("\"{number}ms\" or \"{number}s\""),
                _ => message!("\"{number}s\""),
            };
            reader.advise(&node.span, message, message!("add the unit: {units}"));
        }
        (ValueType::Duration, Item::Float(seconds)) => {
            let time = Duration::try_from_secs_f64(*seconds).ok();
            let shown = time.map_or_else(|| "500ms".to_owned(), quantity::show_duration);
            reader.advise(&node.span, message, message!("write it as \"{shown}\""));
        }
        (_, item) if let Some(form) = key.right_form(item) => reader.advise(&node.span, message, form),
        (ValueType::List(of), Item::Table(_)) if matches!(**of, ValueType::Table(_)) => {
            reader.advise(&node.span, message, message!("use two brackets: [[{name}]]"));
        }
        (ValueType::Boolean, Item::Text(text)) if text == "true" || text == "false" => {
            reader.advise(&node.span, message, message!("remove the quotes: {text}"));
        }
        (ValueType::Boolean, Item::Text(text)) if let Some(word) = boolean_word(text) => {
            reader.advise(&node.span, message, message!("write {name} = {word}"));
        }
        (value_type, Item::Text(text)) if let Some(number) = whole_number(value_type, text) => {
            reader.advise(&node.span, message, message!("write a number without quotes: {number}"));
        }
        (ValueType::Words(words), Item::Integer(_) | Item::Float(_))
            if let Some(word) = layers::word_of_number(reader.text_at(&node.span), words) =>
        {
            reader.advise(&node.span, message, message!("write \"{word}\""));
        }
        (ValueType::Table(schema), _) | (ValueType::Map(ValueType::Table(schema)), Item::List(_))
            if schema.title.starts_with("[surface") =>
        {
            reader.advise(&node.span, message, "a surface has a name: [surface.NAME], and its keys below");
        }
        (ValueType::Table(schema), Item::List(_)) if schema.title.starts_with('[') => {
            reader.advise(&node.span, message, message!("use one pair of brackets: [{name}]"));
        }
        (ValueType::List(of), Item::Text(_) | Item::Integer(_)) if admits(of, node) => {
            reader.advise(&node.span, message, message!("write a list: [{}]", reader.text_at(&node.span)));
        }
        (ValueType::Text, Item::Integer(_) | Item::Float(_) | Item::Boolean(_)) => {
            reader.advise(&node.span, message, message!("add quotes: \"{}\"", reader.text_at(&node.span)));
        }
        _ => reader.problem(&node.span, message),
    }
}

/// Whether a key is the limit of a phase, for which people think in milliseconds.
fn is_latency(name: &str) -> bool {
    tables::LATENCY.key(name).is_some()
}

/// A boolean as other languages write it.
fn boolean_word(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// The number in a string, if the type takes one: `"14"`, or `"14d"` for days.
fn whole_number(value_type: &ValueType, text: &str) -> Option<i64> {
    let takes_number = match value_type {
        ValueType::Integer(..) => true,
        ValueType::Either(types) => types.iter().any(|one| matches!(one, ValueType::Integer(..))),
        _ => false,
    };
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    digits.parse().ok().filter(|_| takes_number)
}

/// Hides the secret texts in every diagnostic, whatever else is wrong with them.
pub(crate) fn mask_secrets(reader: &mut ConfigReader, table: &Table) {
    for entry in &table.entries {
        mask_node(reader, is_secret_key(&entry.key), &entry.node);
    }
}

fn mask_node(reader: &mut ConfigReader, is_secret: bool, node: &Node) {
    match &node.item {
        // A reference reveals nothing, and the rest of the text helps to find the mistake.
        Item::Text(text) if is_secret && !text.contains("${") => reader.mask(&node.span),
        Item::List(list) => list.iter().for_each(|node| mask_node(reader, is_secret, node)),
        Item::Table(table) => {
            for entry in &table.entries {
                mask_node(reader, is_secret || is_secret_key(&entry.key), &entry.node);
            }
        }
        _ => {}
    }
}

/// `tls.client-key` names a file, which is not a secret.
fn is_secret_key(key: &str) -> bool {
    (is_secret_name(key) && key != "client-key") || key == "bearer"
}

fn unknown_key(reader: &mut ConfigReader, entry: &TableEntry, schema: &TableSchema) {
    let message = message!("unknown key `{}` in {}", entry.key, schema.title);
    let help = other_words::suggestion(&entry.key, schema).unwrap_or_else(|| {
        let keys: Vec<&str> = schema.keys().map(|key| key.name).collect();
        format!("its keys are {}", keys.join(", "))
    });
    reader.advise(&entry.key_span, message, help);
}
