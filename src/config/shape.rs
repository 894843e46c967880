//! Holds a tree against the key table: unknown keys with a suggestion, and wrong types. What a
//! value of the right type says is judged where it is read.

use super::keys;
use super::keys::{Shape, TableShape};
use super::reader::Reader;
use super::tree::{Entry, Item, Node, Table};
use crate::model::is_secret_name;

/// Checks a table and everything in it.
pub(super) fn check(reader: &mut Reader, table: &Table, shape: &'static TableShape) {
    let outer = reader.owner.clone();
    reader.owner = owner(table, shape, outer.as_deref()).or_else(|| outer.clone());
    for entry in &table.entries {
        match shape.key(&entry.key) {
            Some(key) => check_node(reader, &entry.key, &entry.node, &key.shape),
            None => unknown_key(reader, entry, shape),
        }
    }
    reader.owner = outer;
}

/// `probe "home"`, for the tables whose problems are told with a name.
fn owner(table: &Table, shape: &TableShape, outer: Option<&str>) -> Option<String> {
    let kind = shape.title.strip_prefix("[[")?.strip_suffix("]]")?;
    let Item::Text(name) = &table.get("name")?.item else { return None };
    match (kind, outer) {
        ("probe.step", Some(outer)) => Some(format!("{outer}, step \"{name}\"")),
        _ => Some(format!("{kind} \"{name}\"")),
    }
}

fn check_node(reader: &mut Reader, name: &str, node: &Node, shape: &'static Shape) {
    match (shape, &node.item) {
        (Shape::Table(table_shape), Item::Table(table)) => check(reader, table, table_shape),
        (Shape::Map(of), Item::Table(table)) => {
            let outer = reader.owner.clone();
            for entry in &table.entries {
                if matches!(of, Shape::Table(table) if table.title.ends_with(".NAME]")) {
                    reader.owner = Some(format!("{name} \"{}\"", entry.key));
                }
                check_node(reader, &entry.key, &entry.node, of);
            }
            reader.owner = outer;
        }
        (Shape::OneOrMore(of) | Shape::List(of) | Shape::Some(of), Item::List(list)) => {
            if list.is_empty() && !matches!(shape, Shape::Some(_)) {
                reader.problem(&node.place, format!("`{name}` is an empty list"));
            }
            for element in list {
                check_node(reader, name, element, of);
            }
        }
        (Shape::OneOrMore(of) | Shape::Some(of), _) => check_node(reader, name, node, of),
        (Shape::Either(shapes), _) => match shapes.iter().find(|shape| admits(shape, node)) {
            Some(shape) => check_node(reader, name, node, shape),
            None => wrong_type(reader, name, node, shape),
        },
        (Shape::Integer(least, most), Item::Integer(number)) => {
            if !(least..=most).contains(&number) {
                let range = if *most == i64::MAX { format!("at least {least}") } else { format!("{least} to {most}") };
                reader.problem(&node.place, format!("`{name}` is {number}, which is not in its range: {range}"));
            }
        }
        (shape, _) if admits(shape, node) => {}
        _ => wrong_type(reader, name, node, shape),
    }
}

/// Whether the type is right; what is inside is not looked at.
fn admits(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Text | Shape::Words(_) | Shape::Duration => matches!(node.item, Item::Text(_)),
        Shape::Bytes => matches!(node.item, Item::Text(_) | Item::Integer(_)),
        Shape::Integer(..) => matches!(node.item, Item::Integer(_)),
        Shape::Number => matches!(node.item, Item::Integer(_) | Item::Float(_)),
        Shape::Boolean => matches!(node.item, Item::Boolean(_)),
        Shape::Json => !matches!(node.item, Item::TooLarge),
        Shape::Scalar => {
            matches!(node.item, Item::Text(_) | Item::Integer(_) | Item::Float(_) | Item::Boolean(_))
        }
        Shape::Instant => matches!(node.item, Item::Text(_) | Item::Date(_)),
        Shape::List(_) => matches!(node.item, Item::List(_)),
        Shape::OneOrMore(of) | Shape::Some(of) => matches!(node.item, Item::List(_)) || admits(of, node),
        Shape::Either(shapes) => shapes.iter().any(|shape| admits(shape, node)),
        Shape::Table(_) | Shape::Map(_) => matches!(node.item, Item::Table(_)),
    }
}

/// Says that a value has the wrong type.
pub(super) fn wrong_type(reader: &mut Reader, name: &str, node: &Node, shape: &Shape) {
    let message = format!("`{name}` must be {}, and this is {}", shape.title(), node.kind());
    match (shape, &node.item) {
        (Shape::Duration, Item::Integer(number)) => {
            reader.advise(&node.place, message, format!("with its unit: \"{number}s\""));
        }
        (Shape::List(of), Item::Table(_)) if matches!(**of, Shape::Table(_)) => {
            reader.advise(&node.place, message, format!("with two brackets: [[{name}]]"));
        }
        (Shape::Boolean, Item::Text(text)) if text == "true" || text == "false" => {
            reader.advise(&node.place, message, format!("without quotes: {text}"));
        }
        (Shape::Text, Item::Integer(_) | Item::Float(_) | Item::Boolean(_)) => {
            reader.advise(&node.place, message, format!("in quotes: \"{}\"", reader.text_at(&node.place)));
        }
        _ => reader.problem(&node.place, message),
    }
}

/// Hides the texts of secret places from every diagnostic, whatever else is wrong with them.
pub(super) fn mask_secrets(reader: &mut Reader, table: &Table) {
    for entry in &table.entries {
        mask_node(reader, is_secret_key(&entry.key), &entry.node);
    }
}

fn mask_node(reader: &mut Reader, is_secret: bool, node: &Node) {
    match &node.item {
        // A reference shows nothing; the rest of such a text helps to see what is wrong.
        Item::Text(text) if is_secret && !text.contains("${") => reader.mask(&node.place),
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
const OTHER_WORDS: [(&str, &str); 22] = [
    ("assert", "expect"),
    ("assertions", "expect"),
    ("cron", "schedule"),
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
    ("uri", "url"),
];

fn unknown_key(reader: &mut Reader, entry: &Entry, shape: &TableShape) {
    let message = format!("unknown key `{}` in {}", entry.key, shape.title);
    let help = suggestion(&entry.key, shape).unwrap_or_else(|| {
        let keys: Vec<&str> = shape.keys().map(|key| key.name).collect();
        format!("its keys are {}", keys.join(", "))
    });
    reader.advise(&entry.key_place, message, help);
}

/// What may have been meant by an unknown key.
fn suggestion(unknown: &str, shape: &TableShape) -> Option<String> {
    let kebab = unknown.to_ascii_lowercase().replace('_', "-");
    if shape.key(&kebab).is_some() {
        return Some(format!("did you mean `{kebab}`?"));
    }
    let reachable = |word: &str| shape.key(word.split('.').next().unwrap_or(word)).is_some();
    if let Some((_, ours)) = OTHER_WORDS.iter().find(|(other, ours)| *other == kebab && reachable(ours)) {
        return Some(format!("did you mean `{ours}`?"));
    }
    if let Some(near) = nearest(&kebab, shape.keys().map(|key| key.name)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let inner = shape.keys().find_map(|key| match &key.shape {
        Shape::Table(table) => table.key(&kebab).map(|found| (key.name, found.name)),
        _ => None,
    });
    if let Some((table, found)) = inner {
        return Some(format!("did you mean `{table}.{found}`?"));
    }
    let homes = [
        (&keys::DEFAULTS, "a [[probe]] or in [defaults]"),
        (&keys::PROBE, "a [[probe]]"),
        (&keys::SETTINGS, "[settings]"),
        (&keys::SURFACE, "a [surface.NAME]"),
        (&keys::INCIDENT, "[incident]"),
    ];
    let home = homes.iter().find(|(table, _)| table.key(&kebab).is_some());
    home.map(|(_, home)| format!("`{kebab}` belongs in {home}"))
}

/// The nearest of some words, where one is near enough to have been meant.
pub(super) fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let length = word.chars().count();
    words
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= length.max(candidate.chars().count()).div_ceil(3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_is_told_from_another_word() {
        assert_eq!(suggestion("timout", &keys::PROBE).unwrap(), "did you mean `timeout`?");
        assert_eq!(suggestion("body_limit", &keys::PROBE).unwrap(), "did you mean `body-limit`?");
        assert_eq!(suggestion("every", &keys::PROBE).unwrap(), "did you mean `interval`?");
        assert_eq!(suggestion("status", &keys::PROBE).unwrap(), "did you mean `expect.status`?");
        assert_eq!(
            suggestion("interval", &keys::SETTINGS).unwrap(),
            "`interval` belongs in a [[probe]] or in [defaults]"
        );
        assert_eq!(suggestion("xylophone", &keys::PROBE), None);
    }

    #[test]
    fn every_other_word_leads_to_a_key() {
        for (_, ours) in OTHER_WORDS {
            let first = ours.split('.').next().unwrap();
            assert!(keys::PROBE.key(first).or(keys::SETTINGS.key(first)).is_some() || first == "schedule", "{ours}");
        }
    }
}
