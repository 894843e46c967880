//! A probe's keys over the defaults: what is said nearest wins, and tables of names (headers,
//! `expect`, `tls`) are laid over each other key by key. And the plain values at a key.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::keys::list_of;
use super::reader::Reader;
use super::shape::nearest;
use super::tree::{Entry, Item, Node, Table};
use super::{interpolate, measure};

/// Tables laid over each other, the nearest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers<'t>(Vec<&'t Table>);

impl<'t> Layers<'t> {
    pub(super) fn new(tables: impl IntoIterator<Item = &'t Table>) -> Layers<'t> {
        Layers(tables.into_iter().collect())
    }

    /// These with another nearest.
    pub(super) fn under(&self, nearest: &'t Table) -> Layers<'t> {
        Layers(std::iter::once(nearest).chain(self.0.iter().copied()).collect())
    }

    /// These without the nearest.
    pub(super) fn below(&self) -> Layers<'t> {
        Layers(self.0.iter().skip(1).copied().collect())
    }

    /// The nearest value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Node> {
        self.0.iter().find_map(|table| table.get(key))
    }

    /// The tables at a key, laid over each other.
    pub(super) fn inner(&self, key: &str) -> Layers<'t> {
        Layers(self.0.iter().filter_map(|table| table.get(key)?.as_table()).collect())
    }

    /// The entries of a table of names, the furthest first; a nearer one takes the place of
    /// one that `same` calls the same.
    pub(super) fn entries(&self, same: impl Fn(&str, &str) -> bool) -> Vec<&'t Entry> {
        let mut entries: Vec<&Entry> = Vec::new();
        for table in self.0.iter().rev() {
            let (kept, own) = (entries.len(), &table.entries);
            let mut next: Vec<&Entry> = Vec::with_capacity(kept + own.len());
            next.extend(entries.iter().filter(|entry| !own.iter().any(|nearer| same(&entry.key, &nearer.key))));
            next.extend(own);
            entries = next;
        }
        entries
    }

    /// The one of several keys that exclude each other which is said nearest.
    pub(super) fn one_of(&self, reader: &mut Reader, keys: &[&str]) -> Option<&'t Entry> {
        for table in &self.0 {
            let mut said = table.entries.iter().filter(|entry| keys.contains(&entry.key.as_str()));
            if let Some(first) = said.next() {
                for other in said {
                    let message = format!("`{}` and `{}` exclude each other", first.key, other.key);
                    reader.problem(&other.key_place, message);
                }
                return Some(first);
            }
        }
        None
    }

    /// How far away a value is said: 0 in the nearest table.
    pub(super) fn distance(&self, is_said: impl Fn(&Table) -> bool) -> Option<usize> {
        self.0.iter().position(|table| is_said(table))
    }

    /// A key of the nearest table alone.
    pub(super) fn own(&self, key: &str) -> Option<&'t Node> {
        self.0.first().and_then(|table| table.get(key))
    }
}

/// A duration in a range.
pub(super) fn duration(
    reader: &mut Reader,
    name: &str,
    node: &Node,
    range: RangeInclusive<Duration>,
) -> Option<Duration> {
    let text = interpolate::plain(reader, node)?;
    let time = match measure::duration(&text) {
        Ok(time) => time,
        Err(why) => {
            reader.advise(
                &node.place,
                format!("`{name}` is not a duration: {why}"),
                "write it as \"500ms\", \"30s\" or \"1m 30s\"",
            );
            return None;
        }
    };
    if time.is_zero() && !range.contains(&time) {
        reader.problem(&node.place, format!("`{name}` is zero"));
        return None;
    }
    if !range.contains(&time) {
        let (least, most) = (measure::show_duration(*range.start()), measure::show_duration(*range.end()));
        let shown = measure::show_duration(time);
        reader.problem(&node.place, format!("`{name}` is {shown}, which is not in its range: {least} to {most}"));
        return None;
    }
    Some(time)
}

/// A size in a range.
pub(super) fn bytes(reader: &mut Reader, name: &str, node: &Node, range: RangeInclusive<u64>) -> Option<u64> {
    let size = match &node.item {
        Item::Integer(number) => u64::try_from(*number).map_err(|_| "it is negative".to_owned()),
        _ => measure::bytes(&interpolate::plain(reader, node)?),
    };
    match size {
        Ok(size) if range.contains(&size) => Some(size),
        Ok(size) => {
            let (least, most) = (measure::show_bytes(*range.start()), measure::show_bytes(*range.end()));
            let shown = measure::show_bytes(size);
            reader.problem(&node.place, format!("`{name}` is {shown}, which is not in its range: {least} to {most}"));
            None
        }
        Err(why) => {
            reader.advise(
                &node.place,
                format!("`{name}` is not a size: {why}"),
                "write it as \"512\", \"64KiB\" or \"1MiB\"",
            );
            None
        }
    }
}

/// An integer; the range is that of the key table, which was checked before.
pub(super) fn integer<N: TryFrom<i64>>(node: &Node) -> Option<N> {
    match node.item {
        Item::Integer(number) => N::try_from(number).ok(),
        _ => None,
    }
}

pub(super) fn boolean(node: &Node) -> Option<bool> {
    match node.item {
        Item::Boolean(boolean) => Some(boolean),
        _ => None,
    }
}

/// One of a few words.
pub(super) fn word<'w>(reader: &mut Reader, name: &str, node: &Node, words: &[&'w str]) -> Option<&'w str> {
    let text = interpolate::plain(reader, node)?;
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Some(word);
    }
    let message = format!("`{name}` must be {}", list_of(words));
    match nearest(&text.to_ascii_lowercase(), words.iter().copied()) {
        Some(near) => reader.advise(&node.place, message, format!("did you mean \"{near}\"?")),
        None => reader.problem(&node.place, message),
    }
    None
}

/// A text that is shown in outputs as it is: a name.
pub(super) fn name(reader: &mut Reader, key: &str, node: &Node) -> Option<String> {
    /// The longest name, in characters.
    const LONGEST: usize = 200;
    let text = interpolate::plain(reader, node)?;
    let problem = if text.trim().is_empty() {
        format!("`{key}` is empty")
    } else if text.trim() != text {
        format!("`{key}` begins or ends with a space")
    } else if text.chars().any(crate::model::text::is_hidden) {
        format!("`{key}` has a control character or an invisible one in it")
    } else if text.chars().count() > LONGEST {
        format!("`{key}` has {} characters, and may have {LONGEST}", text.chars().count())
    } else {
        return Some(text);
    };
    reader.problem(&node.place, problem);
    None
}

/// A file that must exist, relative to the probe file.
pub(super) fn file(reader: &mut Reader, name: &str, node: &Node) -> Option<PathBuf> {
    let text = interpolate::plain(reader, node)?;
    let path = reader.folder_of(&node.place).join(&text);
    let problem = match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => return Some(path),
        Ok(_) => "is not a regular file",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "does not exist",
        Err(_) => "cannot be read",
    };
    let message = format!("`{name}`: the file {} {problem}", path.display());
    reader.problem(&node.place, message);
    None
}
