//! A probe's keys over the defaults: the nearest value wins, and tables of names (headers, `expect`, `tls`) are merged
//! key by key. And the plain values of a key.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::list_of;
use crate::config::value::interpolate;
use crate::model::quantity::QuantityError;
use crate::model::{MessageText, message, quantity, suggest};

/// Tables laid over each other, the nearest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers<'t>(Vec<&'t Table>);

impl<'t> Layers<'t> {
    pub(crate) fn new(tables: impl IntoIterator<Item = &'t Table>) -> Layers<'t> {
        Layers(tables.into_iter().collect())
    }

    /// The same layers with another table nearest.
    pub(crate) fn under(&self, nearest: &'t Table) -> Layers<'t> {
        Layers(std::iter::once(nearest).chain(self.0.iter().copied()).collect())
    }

    /// The layers without the nearest.
    pub(crate) fn below(&self) -> Layers<'t> {
        Layers(self.0.iter().skip(1).copied().collect())
    }

    /// The nearest value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'t Node> {
        self.0.iter().find_map(|table| table.get(key))
    }

    /// The tables of a key, as layers.
    pub(crate) fn inner(&self, key: &str) -> Layers<'t> {
        Layers(self.0.iter().filter_map(|table| table.get(key)?.as_table()).collect())
    }

    /// The addresses of the tables, valid as long as their tree exists: layers with equal addresses are equal.
    pub(crate) fn places(&self) -> Vec<usize> {
        self.0.iter().map(|table| std::ptr::from_ref(*table).addr()).collect()
    }

    /// Whether no table is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries of a table of names, the furthest first; a nearer one replaces one that `same` calls equal.
    pub(crate) fn entries(&self, same: impl Fn(&str, &str) -> bool) -> Vec<&'t TableEntry> {
        let mut entries: Vec<&TableEntry> = Vec::new();
        for table in self.0.iter().rev() {
            let (kept, own) = (entries.len(), &table.entries);
            let mut next: Vec<&TableEntry> = Vec::with_capacity(kept + own.len());
            next.extend(entries.iter().filter(|entry| !own.iter().any(|nearer| same(&entry.key, &nearer.key))));
            next.extend(own);
            entries = next;
        }
        entries
    }

    /// The nearest of several keys that exclude each other.
    pub(crate) fn one_of(&self, reader: &mut ConfigReader, keys: &[&str]) -> Option<&'t TableEntry> {
        for table in &self.0 {
            let mut said = table.entries.iter().filter(|entry| keys.contains(&entry.key.as_str()));
            if let Some(first) = said.next() {
                for other in said {
                    let message = message!("`{}` and `{}` cannot be used together", first.key, other.key);
                    reader.problem(&other.key_span, message);
                }
                return Some(first);
            }
        }
        None
    }

    /// How far away a key is set: 0 in the nearest table.
    pub(crate) fn distance(&self, is_said: impl Fn(&Table) -> bool) -> Option<usize> {
        self.0.iter().position(|table| is_said(table))
    }

    /// A key of the nearest table alone.
    pub(crate) fn own(&self, key: &str) -> Option<&'t Node> {
        self.0.first().and_then(|table| table.get(key))
    }
}

/// A duration in a range.
pub(crate) fn duration(
    reader: &mut ConfigReader,
    name: &str,
    node: &Node,
    range: RangeInclusive<Duration>,
) -> Option<Duration> {
    let text = interpolate::plain(reader, node)?;
    let time = match quantity::duration(&text) {
        Ok(time) => time,
        Err(why) => {
            let is_cron = name == "interval" && text.split_whitespace().count() >= 5;
            let help = if is_cron {
                "a cron expression is written as schedule = \"*/5 * * * *\""
            } else {
                "write it as \"500ms\", \"30s\" or \"1m 30s\""
            };
            reader.advise(&node.span, message!("`{name}` is not a duration: {why}"), help);
            return None;
        }
    };
    if time.is_zero() && !range.contains(&time) {
        reader.problem(&node.span, message!("`{name}` is zero"));
        return None;
    }
    if !range.contains(&time) {
        let (least, most) = (quantity::show_duration(*range.start()), quantity::show_duration(*range.end()));
        let shown = quantity::show_duration(time);
        reader.problem(&node.span, message!("`{name}` is {shown}; it must be from {least} to {most}"));
        return None;
    }
    Some(time)
}

/// A size in a range.
pub(crate) fn bytes(reader: &mut ConfigReader, name: &str, node: &Node, range: RangeInclusive<u64>) -> Option<u64> {
    let size = match &node.item {
        Item::Integer(number) => u64::try_from(*number).map_err(|_| QuantityError::Negative),
        _ => quantity::bytes(&interpolate::plain(reader, node)?),
    };
    match size {
        Ok(size) if range.contains(&size) => Some(size),
        Ok(size) => {
            let (least, most) = (quantity::show_bytes(*range.start()), quantity::show_bytes(*range.end()));
            let shown = quantity::show_bytes(size);
            reader.problem(&node.span, message!("`{name}` is {shown}; it must be from {least} to {most}"));
            None
        }
        Err(why) => {
            reader.advise(
                &node.span,
                message!("`{name}` is not a size: {why}"),
                "write it as \"512\", \"64KiB\" or \"1MiB\"",
            );
            None
        }
    }
}

/// An integer; its range was checked against the key table before.
pub(crate) fn integer<N: TryFrom<i64>>(node: &Node) -> Option<N> {
    match node.item {
        Item::Integer(number) => N::try_from(number).ok(),
        _ => None,
    }
}

pub(crate) fn boolean(node: &Node) -> Option<bool> {
    match node.item {
        Item::Boolean(boolean) => Some(boolean),
        _ => None,
    }
}

/// One of a few words.
pub(crate) fn word<'w>(reader: &mut ConfigReader, name: &str, node: &Node, words: &[&'w str]) -> Option<&'w str> {
    let text = interpolate::plain(reader, node)?;
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Some(word);
    }
    let message = message!("`{name}` must be ").then(MessageText::ours(list_of(words)));
    match meant_word(&text, words) {
        Some(near) => reader.advise(&node.span, message, message!("did you mean \"{near}\"?")),
        None => reader.problem(&node.span, message),
    }
    None
}

/// Words of other tools and languages, and ours for each.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("down", "open"),
    ("env", "environment"),
    ("fail", "open"),
    ("failure", "open"),
    ("ipv4", "v4"),
    ("ipv6", "v6"),
    ("keep-alive", "reuse"),
    ("no", "none"),
    ("off", "none"),
    ("recovered", "close"),
    ("resolved", "close"),
    ("triggered", "open"),
    ("up", "close"),
    ("yes", "follow"),
];

/// Which of the words another one means: in another tool's words, in another spelling (`TLSv1.3`, `HTTP/2`), or by a
/// typo.
fn meant_word<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    let text = text.to_ascii_lowercase();
    let of_other =
        OTHER_WORDS.iter().find(|(other, ours)| *other == text && words.contains(ours)).map(|(_, ours)| *ours);
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(*word);
    let found = of_other.or_else(|| words.iter().copied().rfind(is_version));
    found.or_else(|| suggest::nearest(&text, words.iter().copied()))
}

/// The word that a number stands for: `"1.3"` for 1.3, `"v4"` for 4.
pub(crate) fn word_of_number<'w>(number: &str, words: &[&'w str]) -> Option<&'w str> {
    words.iter().copied().find(|word| word.trim_start_matches('v') == number)
}

/// A name, which outputs show as it is.
pub(crate) fn name(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<String> {
    /// The longest name, in characters.
    const LONGEST: usize = 200;
    let text = interpolate::plain(reader, node)?;
    let problem = if text.trim().is_empty() {
        message!("`{key}` is empty")
    } else if text.trim() != text {
        message!("`{key}` starts or ends with a space")
    } else if let Some(hidden) = text.chars().find(|character| crate::model::text::is_hidden(*character)) {
        message!("`{key}` contains the control or invisible character U+{:04X}", u32::from(hidden))
    } else if !crate::model::text::is_shown_as_it_is(&text) {
        message!("`{key}` contains a command of a CI system")
    } else if text.chars().count() > LONGEST {
        message!("`{key}` has {} characters; at most {LONGEST} are allowed", text.chars().count())
    } else {
        return Some(text);
    };
    reader.problem(&node.span, problem);
    None
}

/// One name, or a list of names. Names in one text, with commas, are a list in disguise.
pub(crate) fn names(reader: &mut ConfigReader, key: &str, node: &Node) -> Vec<String> {
    if let Item::Text(text) = &node.item
        && text.contains(',')
    {
        let names: Vec<String> = text.split(',').map(|name| format!("\"{}\"", name.trim())).collect();
        let message = message!("`{key}` is a list, and this is one text with a comma in it");
        reader.advise(&node.span, message, message!("write [{}]", names.join(", ")));
        return Vec::new();
    }
    node.one_or_more().iter().filter_map(|node| name(reader, key, node)).collect()
}

/// A file that must exist, relative to the probe file.
pub(crate) fn file(reader: &mut ConfigReader, name: &str, node: &Node) -> Option<PathBuf> {
    let text = interpolate::plain(reader, node)?;
    let path = reader.folder_of(&node.span).join(&text);
    let Some(problem) = source::not_a_file(&path) else { return Some(path) };
    let message = message!("`{name}`: the file {} {problem}", path.display());
    reader.problem(&node.span, message);
    None
}

/// The node of a required key.
pub(crate) fn required<'t>(reader: &mut ConfigReader, table: &'t Table, key: &str, of: &str) -> Option<&'t Node> {
    let node = table.get(key);
    if node.is_none() {
        reader.problem(&table.span, message!("{of} has no `{key}`"));
    }
    node
}
