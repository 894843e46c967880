//! A pattern of paths: `*` and `?` in any part of it, and `**` for folders however deep.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::io_reason;

/// Maximum number of files that one pattern may match.
const MOST_FILES: usize = 1_000;
/// Maximum number of folder entries that one pattern may visit.
const MOST_ENTRIES: usize = 100_000;
/// Maximum depth that `**` descends to, in folders.
const DEEPEST: usize = 32;

/// Whether a path is a pattern.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The files that match a pattern, sorted part by part. A relative pattern begins in `folder`.
///
/// `*` and `?` stand for characters of one part. A part `**` stands for any number of folders, including none; it does
/// not follow links to folders, so that it cannot loop. Hidden entries match only a part that begins with a dot.
///
/// # Errors
/// One sentence, if the pattern matches no files, or too many.
pub(crate) fn files(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    if Path::new(pattern).file_name().is_none_or(|name| name == "**") || pattern.ends_with('/') {
        return Err("a pattern ends in the name of a file, like `**/probes.toml`".to_owned());
    }
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { folder.to_owned() };
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let mut walk = Walk { entries: 0, found: Vec::new() };
    walk.follow(&start, &parts)?;
    walk.found.sort();
    // Two `**` can lead to one file in several ways.
    walk.found.dedup();
    Ok(walk.found)
}

struct Walk {
    /// How many entries it has visited.
    entries: usize,
    found: Vec<PathBuf>,
}

impl Walk {
    /// Follows the rest of a pattern from a folder.
    fn follow(&mut self, folder: &Path, parts: &[&str]) -> Result<(), String> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if *part == "**" {
            return self.descend(folder, rest, DEEPEST);
        }
        if !is_pattern(part) {
            return self.enter(folder.join(part), rest);
        }
        for name in self.names(folder)? {
            if matches(part, &name) {
                self.enter(folder.join(name), rest)?;
            }
        }
        Ok(())
    }

    /// Follows the rest from a path that a part has matched.
    fn enter(&mut self, path: PathBuf, rest: &[&str]) -> Result<(), String> {
        if !rest.is_empty() {
            return self.follow(&path, rest);
        }
        if path.is_file() {
            if self.found.len() == MOST_FILES {
                return Err(format!("more than {MOST_FILES} files match"));
            }
            self.found.push(path);
        }
        Ok(())
    }

    /// Follows the rest from a folder and from every folder below it.
    fn descend(&mut self, folder: &Path, rest: &[&str], deeper: usize) -> Result<(), String> {
        self.follow(folder, rest)?;
        for name in self.names(folder)? {
            let path = folder.join(&name);
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if !is_folder || name.starts_with('.') {
                continue;
            }
            if deeper == 0 {
                return Err(format!("`**` goes deeper than {DEEPEST} folders, at {}", path.display()));
            }
            self.descend(&path, rest, deeper - 1)?;
        }
        Ok(())
    }

    /// The names in a folder that are valid text; none if it is not a folder.
    fn names(&mut self, folder: &Path) -> Result<Vec<String>, String> {
        let path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let unreadable =
            |error: &std::io::Error| format!("the folder {} cannot be read: {}", path.display(), io_reason(error));
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(format!("there are more than {MOST_ENTRIES} files and folders to look at"));
            }
            names.extend(entry.map_err(|error| unreadable(&error))?.file_name().into_string());
        }
        Ok(names)
    }
}

/// Whether a name matches a pattern of `*` and `?`. A hidden file matches only a pattern that begins with a dot.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    matches_text(pattern, name)
}

/// Whether a text matches a pattern of `*` and `?`.
pub(crate) fn matches_text(pattern: &str, text: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // The position of the last `*`, and of the name when it began to take characters.
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

    /// Creates files, each with its parent folders.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let files = files(folder, pattern).unwrap();
        files.iter().map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_pattern_stands_in_any_part_of_a_path() {
        let tree = tree(&["p.toml", "b/p.toml", "a/p.toml", "a/q.toml", "a/x/y/p.toml", "a.d/p.toml", ".git/p.toml"]);
        let found = |pattern: &str| found(tree.path(), pattern);
        assert_eq!(found("*/p.toml"), ["a/p.toml", "a.d/p.toml", "b/p.toml"]);
        assert_eq!(found("?/*.toml"), ["a/p.toml", "a/q.toml", "b/p.toml"]);
        assert_eq!(found("a/*/y/p.toml"), ["a/x/y/p.toml"]);
        assert_eq!(found(".g*/p.toml"), [".git/p.toml"]);
        assert_eq!(found("**/p.toml"), ["a/p.toml", "a/x/y/p.toml", "a.d/p.toml", "b/p.toml", "p.toml"]);
        assert_eq!(found("**/**/p.toml"), found("**/p.toml"));
        assert_eq!(found("a/**/p.toml"), ["a/p.toml", "a/x/y/p.toml"]);
        assert_eq!(found("b/../a/*.toml"), ["b/../a/p.toml", "b/../a/q.toml"]);
        assert_eq!(found("nothing/*/p.toml"), Vec::<String>::new());
        assert_eq!(found("p.toml/*/p.toml"), Vec::<String>::new());
        let absolute = format!("{}/?/q.toml", tree.path().display());
        assert_eq!(files(Path::new("elsewhere"), &absolute).unwrap(), [tree.path().join("a/q.toml")]);
    }

    #[test]
    fn a_loop_of_links_is_not_walked() {
        let tree = tree(&["a/p.toml", "b/q.toml"]);
        std::os::unix::fs::symlink(tree.path(), tree.path().join("a/loop")).unwrap();
        std::os::unix::fs::symlink("../a", tree.path().join("b/link")).unwrap();
        assert_eq!(found(tree.path(), "**/*.toml"), ["a/p.toml", "b/q.toml"]);
        assert_eq!(found(tree.path(), "b/*/p.toml"), ["b/link/p.toml"]);
    }

    #[test]
    fn what_a_pattern_means_is_bounded() {
        let refused = |folder: &Path, pattern: &str| files(folder, pattern).unwrap_err();
        let deep = tree(&[&format!("{}p.toml", "d/".repeat(DEEPEST + 1))]);
        assert!(refused(deep.path(), "**/p.toml").starts_with("`**` goes deeper than 32 folders, at "));
        let names: Vec<String> = (0..=MOST_FILES).map(|number| format!("{number}.toml")).collect();
        let many = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(refused(many.path(), "*.toml"), "more than 1000 files match");
        assert_eq!(files(many.path(), "1*.toml").unwrap().len(), 112);
        for pattern in ["a/**", "*/", "*/.."] {
            assert!(refused(many.path(), pattern).starts_with("a pattern ends in the name of a file"));
        }
    }
}
