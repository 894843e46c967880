//! Holds a tree against the key table: unknown keys with a suggestion, and wrong types. What a
//! value of the right type says is judged where it is read.

use crate::config::keys::other_forms::right_form;
use crate::config::keys::tables;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::{TableSchema, ValueType};
use crate::model::{is_secret_name, suggest};

/// Checks a table and everything in it.
pub(crate) fn check(reader: &mut ConfigReader, table: &Table, schema: &'static TableSchema) {
    let outer = reader.owner.clone();
    reader.owner = owner(table, schema, outer.as_deref()).or_else(|| outer.clone());
    for entry in &table.entries {
        match schema.key(&entry.key) {
            Some(key) => check_node(reader, &entry.key, &entry.node, &key.value_type),
            None => unknown_key(reader, entry, schema),
        }
    }
    reader.owner = outer;
}

/// `probe "home"`, for the tables whose problems are told with a name.
fn owner(table: &Table, schema: &TableSchema, outer: Option<&str>) -> Option<String> {
    let kind = schema.title.strip_prefix("[[")?.strip_suffix("]]")?;
    let Item::Text(name) = &table.get("name")?.item else { return None };
    match (kind, outer) {
        ("probe.step", Some(outer)) => Some(format!("{outer}, step \"{name}\"")),
        _ => Some(format!("{kind} \"{name}\"")),
    }
}

fn check_node(reader: &mut ConfigReader, name: &str, node: &Node, value_type: &'static ValueType) {
    match (value_type, &node.item) {
        (ValueType::Table(table_schema), Item::Table(table)) => check(reader, table, table_schema),
        (ValueType::Map(of), Item::Table(table)) => {
            let outer = reader.owner.clone();
            for entry in &table.entries {
                if matches!(of, ValueType::Table(table) if table.title.ends_with(".NAME]")) {
                    reader.owner = Some(format!("{name} \"{}\"", entry.key));
                }
                check_node(reader, &entry.key, &entry.node, of);
            }
            reader.owner = outer;
        }
        (ValueType::OneOrMore(of) | ValueType::List(of) | ValueType::Some(of), Item::List(list)) => {
            if list.is_empty() && !matches!(value_type, ValueType::Some(_)) {
                reader.problem(&node.span, format!("`{name}` is an empty list"));
            }
            for element in list {
                check_node(reader, name, element, of);
            }
        }
        (ValueType::OneOrMore(of) | ValueType::Some(of), _) => check_node(reader, name, node, of),
        (ValueType::Either(types), _) => match types.iter().find(|value_type| admits(value_type, node)) {
            Some(value_type) => check_node(reader, name, node, value_type),
            None => wrong_type(reader, name, node, value_type),
        },
        (ValueType::Integer(least, most), Item::Integer(number)) => {
            if !(least..=most).contains(&number) {
                let range = if *most == i64::MAX { format!("at least {least}") } else { format!("from {least} to {most}") };
                reader.problem(&node.span, format!("`{name}` is {number}; it must be {range}"));
            }
        }
        (value_type, _) if admits(value_type, node) => {}
        _ => wrong_type(reader, name, node, value_type),
    }
}

/// Whether the type is right; what is inside is not looked at.
pub(crate) fn admits(value_type: &ValueType, node: &Node) -> bool {
    match value_type {
        ValueType::Text | ValueType::Words(_) | ValueType::Duration => matches!(node.item, Item::Text(_)),
        ValueType::Bytes => matches!(node.item, Item::Text(_) | Item::Integer(_)),
        ValueType::Integer(..) => matches!(node.item, Item::Integer(_)),
        ValueType::Number => matches!(node.item, Item::Integer(_) | Item::Float(_)),
        ValueType::Boolean => matches!(node.item, Item::Boolean(_)),
        ValueType::Json => !matches!(node.item, Item::TooLarge),
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

/// Says that a value has the wrong type.
pub(crate) fn wrong_type(reader: &mut ConfigReader, name: &str, node: &Node, value_type: &ValueType) {
    let message = format!("`{name}` must be {}, and this is {}", value_type.title(), node.kind());
    match (value_type, &node.item) {
        (ValueType::Duration, Item::Integer(number)) => {
            reader.advise(&node.span, message, format!("add the unit: \"{number}s\""));
        }
        (ValueType::List(of), Item::Table(_)) if matches!(**of, ValueType::Table(_)) => {
            reader.advise(&node.span, message, format!("use two brackets: [[{name}]]"));
        }
        (_, item) if let Some(form) = right_form(name, item) => reader.advise(&node.span, message, form),
        (ValueType::Boolean, Item::Text(text)) if text == "true" || text == "false" => {
            reader.advise(&node.span, message, format!("remove the quotes: {text}"));
        }
        (ValueType::Text, Item::Integer(_) | Item::Float(_) | Item::Boolean(_)) => {
            reader.advise(&node.span, message, format!("add quotes: \"{}\"", reader.text_at(&node.span)));
        }
        _ => reader.problem(&node.span, message),
    }
}

/// Hides the texts of secret places from every diagnostic, whatever else is wrong with them.
pub(crate) fn mask_secrets(reader: &mut ConfigReader, table: &Table) {
    for entry in &table.entries {
        mask_node(reader, is_secret_key(&entry.key), &entry.node);
    }
}

fn mask_node(reader: &mut ConfigReader, is_secret: bool, node: &Node) {
    match &node.item {
        // A reference shows nothing; the rest of such a text helps to see what is wrong.
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

/// `tls.client-key` names a file, which is no secret.
fn is_secret_key(key: &str) -> bool {
    (is_secret_name(key) && key != "client-key") || key == "bearer"
}

/// Words of other tools, and ours for the same thing.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("assert", "expect"),
    ("assertions", "expect"),
    ("body", "body-contains"),
    ("code", "expect.status"),
    ("code", "status"),
    ("contains", "expect.body-contains"),
    ("content-type", "headers.content-type"),
    ("cookie", "headers.cookie"),
    ("cookies", "headers.cookie"),
    ("cron", "schedule"),
    ("data", "body"),
    ("duration", "latency"),
    ("group", "surface"),
    ("endpoint", "url"),
    ("every", "interval"),
    ("expected-status", "expect.status"),
    ("follow-redirects", "redirects"),
    ("frequency", "interval"),
    ("header", "headers"),
    ("host", "url"),
    ("id", "name"),
    ("insecure-skip-verify", "tls.insecure"),
    ("location", "vantage"),
    ("max-redirects", "redirects"),
    ("payload", "body"),
    ("period", "interval"),
    ("region", "vantage"),
    ("retry", "retries"),
    ("sni", "tls.server-name"),
    ("status-code", "expect.status"),
    ("target", "url"),
    ("skip-verify", "tls.insecure"),
    ("text", "body-contains"),
    ("token", "auth.bearer"),
    ("uri", "url"),
    ("user-agent", "headers.user-agent"),
    ("verify", "tls.insecure"),
    ("verify-ssl", "tls.insecure"),
];

fn unknown_key(reader: &mut ConfigReader, entry: &TableEntry, schema: &TableSchema) {
    let message = format!("unknown key `{}` in {}", entry.key, schema.title);
    let help = suggestion(&entry.key, schema).unwrap_or_else(|| {
        let keys: Vec<&str> = schema.keys().map(|key| key.name).collect();
        format!("its keys are {}", keys.join(", "))
    });
    reader.advise(&entry.key_span, message, help);
}

/// What may have been meant by an unknown key.
fn suggestion(unknown: &str, schema: &TableSchema) -> Option<String> {
    let kebab = unknown.to_ascii_lowercase().replace('_', "-");
    if schema.key(&kebab).is_some() {
        return Some(format!("did you mean `{kebab}`?"));
    }
    let reachable = |word: &str| schema.key(word.split('.').next().unwrap_or(word)).is_some();
    if let Some((_, ours)) = OTHER_WORDS.iter().find(|(other, ours)| *other == kebab && reachable(ours)) {
        return Some(format!("did you mean `{ours}`?"));
    }
    let inner = schema.keys().find_map(|key| match &key.value_type {
        ValueType::Table(table) => table.key(&kebab).map(|found| (key.name, found.name)),
        _ => None,
    });
    if let Some((table, found)) = inner {
        return Some(format!("did you mean `{table}.{found}`?"));
    }
    if let Some(near) = suggest::nearest(&kebab, schema.keys().map(|key| key.name)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let homes = [
        (&tables::DEFAULTS, "a [[probe]] or in [defaults]"),
        (&tables::PROBE, "a [[probe]]"),
        (&tables::SETTINGS, "[settings]"),
        (&tables::SURFACE, "a [surface.NAME]"),
        (&tables::INCIDENT, "[incident]"),
    ];
    let home = homes.iter().find(|(table, _)| table.key(&kebab).is_some());
    home.map(|(_, home)| format!("`{kebab}` belongs in {home}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_is_told_from_another_word() {
        assert_eq!(suggestion("timout", &tables::PROBE).unwrap(), "did you mean `timeout`?");
        assert_eq!(suggestion("body_limit", &tables::PROBE).unwrap(), "did you mean `body-limit`?");
        assert_eq!(suggestion("every", &tables::PROBE).unwrap(), "did you mean `interval`?");
        assert_eq!(suggestion("status", &tables::PROBE).unwrap(), "did you mean `expect.status`?");
        assert_eq!(
            suggestion("interval", &tables::SETTINGS).unwrap(),
            "`interval` belongs in a [[probe]] or in [defaults]"
        );
        assert_eq!(suggestion("xylophone", &tables::PROBE), None);
    }

    #[test]
    fn every_other_word_leads_to_a_key() {
        for (_, ours) in OTHER_WORDS {
            let of_expect = tables::EXPECT.key(ours).is_some();
            let first = ours.split('.').next().unwrap();
            assert!(
                of_expect || tables::PROBE.key(first).or(tables::SETTINGS.key(first)).is_some() || first == "schedule",
                "{ours}"
            );
        }
    }
}
