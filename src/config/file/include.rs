//! `include`: more files beside the first, by path or by pattern.

use std::path::{Path, PathBuf};

use crate::config::keys::{tables, type_check};
use crate::config::reader::ConfigReader;
use crate::config::syntax::source::Source;
use crate::config::syntax::tree;
use crate::config::syntax::tree::{Node, Table};
use crate::config::value::{glob, interpolate};
use crate::model::message;

/// Reads the files that a file includes, in the order of their names.
pub(crate) fn files(reader: &mut ConfigReader, root: &Table) -> Vec<Table> {
    let mut files = Vec::new();
    let mut seen: Vec<PathBuf> = reader.sources.iter().filter_map(|source| source.path.canonicalize().ok()).collect();
    for node in root.get("include").map(Node::one_or_more).unwrap_or_default() {
        for path in paths(reader, node) {
            let Ok(canonical) = path.canonicalize() else {
                reader.problem(&node.span, message!("`include`: the file {} does not exist", path.display()));
                continue;
            };
            if seen.contains(&canonical) {
                reader.problem(&node.span, message!("`include`: the file {} is included twice", path.display()));
                continue;
            }
            seen.push(canonical);
            files.extend(file(reader, &path));
        }
    }
    files
}

fn file(reader: &mut ConfigReader, path: &Path) -> Option<Table> {
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => {
            reader.unreadable(path, &error);
            return None;
        }
    };
    let number = reader.sources.len();
    let parsed = tree::parse(number, &source.text);
    reader.sources.push(source);
    match parsed {
        Ok(table) => {
            type_check::mask_secrets(reader, &table);
            type_check::check(reader, &table, &tables::INCLUDED);
            Some(table)
        }
        Err(mistakes) => {
            reader.syntax_mistakes(number, mistakes);
            None
        }
    }
}

/// The paths that one entry names: a pattern names the other files that match, which may be none.
fn paths(reader: &mut ConfigReader, node: &Node) -> Vec<PathBuf> {
    let Some(text) = interpolate::plain(reader, node) else { return Vec::new() };
    let folder = reader.folder_of(&node.span);
    if !glob::is_pattern(&text) {
        return vec![folder.join(&text)];
    }
    let mut found = glob::files(&folder, &text).unwrap_or_else(|why| {
        reader.problem(&node.span, message!("`include`: {why}"));
        Vec::new()
    });
    // `**/probes.toml` also matches the file that contains it.
    let own = reader.sources.get(node.span.file).and_then(|source| source.path.canonicalize().ok());
    found.retain(|path| path.canonicalize().ok() != own);
    if found.is_empty() {
        reader.warn(&format!("no file matches include = \"{text}\""));
    }
    found
}
