//! `include`: more files beside the first, by path or by pattern.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use super::interpolate;
use super::keys;
use super::reader::Reader;
use super::shape;
use super::source::Source;
use super::tree;
use super::tree::Node;
use super::tree::Table;

/// The most files that one file includes.
const MOST_FILES: usize = 1_000;

/// Reads the files that a file includes, in the order of their names.
pub(super) fn files(reader: &mut Reader, root: &Table) -> Vec<Table> {
    let mut files = Vec::new();
    let mut seen: Vec<PathBuf> = reader.sources.iter().filter_map(|source| source.path.canonicalize().ok()).collect();
    for node in root.get("include").map(Node::one_or_more).unwrap_or_default() {
        for path in paths(reader, node) {
            let Ok(canonical) = path.canonicalize() else {
                reader.problem(&node.place, format!("`include`: the file {} does not exist", path.display()));
                continue;
            };
            if seen.contains(&canonical) {
                reader.problem(&node.place, format!("`include`: the file {} is included twice", path.display()));
                continue;
            }
            seen.push(canonical);
            files.extend(file(reader, &path));
        }
    }
    files
}

fn file(reader: &mut Reader, path: &Path) -> Option<Table> {
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => {
            reader.take(error);
            return None;
        }
    };
    let number = reader.sources.len();
    let parsed = tree::parse(number, &source.text);
    reader.sources.push(source);
    match parsed {
        Ok(table) => {
            shape::mask_secrets(reader, &table);
            shape::check(reader, &table, &keys::INCLUDED);
            Some(table)
        }
        Err(mistakes) => {
            reader.syntax_mistakes(number, mistakes);
            None
        }
    }
}

/// The paths that one entry means: a pattern means the files that match, maybe none.
fn paths(reader: &mut Reader, node: &Node) -> Vec<PathBuf> {
    let Some(text) = interpolate::plain(reader, node) else { return Vec::new() };
    let path = reader.folder_of(&node.place).join(&text);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    if folder.to_string_lossy().contains(['*', '?']) {
        reader.problem(&node.place, "`include`: `*` and `?` may stand in a file's name, not in a folder's");
        return Vec::new();
    }
    if !name.contains(['*', '?']) {
        return vec![path];
    }
    let folder_to_read = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
    let entries = fs::read_dir(folder_to_read).map(|entries| entries.flatten().map(|entry| entry.file_name()));
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .filter(|entry| matches(&name, &entry.to_string_lossy()))
        .map(|entry| folder.join(entry))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        reader.warn(&format!("no file matches include = \"{text}\""));
    }
    if found.len() > MOST_FILES {
        reader.problem(&node.place, format!("`include`: more than {MOST_FILES} files match"));
        found.clear();
    }
    found
}

/// Whether a name matches a pattern of `*` and `?`. A hidden file is matched by name alone.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last `*` stood, and how far the name was when it began to take characters.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_names() {
        assert!(matches("*.toml", "a.toml"));
        assert!(!matches("*.toml", "a.toml.bak"));
        assert!(!matches("*.toml", ".hidden.toml"));
        assert!(matches(".*", ".hidden.toml"));
        assert!(matches("a*b*c", "aXbYbZc"));
        assert!(!matches("a*b*c", "aXbYb"));
        assert!(matches("??.toml", "ab.toml"));
        assert!(!matches("??.toml", "a.toml"));
    }
}
