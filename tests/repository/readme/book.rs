//! A page of documentation as a list of blocks.
//!
//! The language of a fenced block and the comment before it decide what it is:
//!
//! - `console`: lines that begin with `$ ` are commands, which are run in order in one folder. The
//!   lines after a command are its answer; a command shown without an answer may print anything;
//! - `<!-- file: NAME -->`: the block is a file in that folder;
//! - `<!-- from: PATH -->`: the block is an excerpt of that file in the repository;
//! - `<!-- lines of: PATH -->`: each line of the block is a line of that file;
//! - `<!-- elsewhere: WHY -->`: the block is not checked.

use std::fs;

pub(crate) struct Book {
    pub(crate) blocks: Vec<Block>,
}

pub(crate) enum Block {
    Console {
        line: usize,
        entries: Vec<Entry>,
    },
    File {
        name: String,
        text: String,
    },
    Excerpt {
        line: usize,
        file: String,
        text: String,
    },
    Lines {
        line: usize,
        file: String,
        text: String,
    },
    /// A heading of the second level.
    Section(String),
    Elsewhere,
}

pub(crate) struct Entry {
    pub(crate) command: String,
    /// The answer that the page shows; `None` if it shows none.
    pub(crate) shown: Option<String>,
}

impl Book {
    pub(crate) fn read(path: &str) -> Book {
        Book::parse(path, &fs::read_to_string(path).unwrap())
    }

    pub(crate) fn parse(page: &str, text: &str) -> Book {
        let mut blocks = Vec::new();
        let mut note = "";
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if let Some(heading) = line.strip_prefix("## ") {
                blocks.push(Block::Section(heading.to_owned()));
            }
            let Some(language) = line.strip_prefix("```") else {
                if !line.trim().is_empty() {
                    note = line;
                }
                continue;
            };
            let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            blocks.push(block(page, number + 1, language, note, &body));
            note = "";
        }
        Book { blocks }
    }
}

fn block(page: &str, line: usize, language: &str, note: &str, body: &[&str]) -> Block {
    let note = note.strip_prefix("<!-- ").and_then(|note| note.strip_suffix(" -->")).unwrap_or_default();
    let text = || body.iter().map(|line| [line, "\n"].concat()).collect::<String>();
    match (note.split_once(": "), language) {
        (Some(("file", name)), _) => Block::File { name: name.to_owned(), text: text() },
        (Some(("from", file)), _) => Block::Excerpt { line, file: file.to_owned(), text: text() },
        (Some(("lines of", file)), _) => Block::Lines { line, file: file.to_owned(), text: text() },
        (Some(("elsewhere", why)), _) if !why.is_empty() => Block::Elsewhere,
        (None, "console") => Block::Console { line, entries: entries(body) },
        _ => panic!("{page}:{line}: a block of {language:?} that no rule covers"),
    }
}

fn entries(body: &[&str]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in body {
        if let Some(command) = line.strip_prefix("$ ") {
            entries.push(Entry { command: command.to_owned(), shown: None });
        } else {
            let entry = entries.last_mut().expect("a console block begins with a command");
            let shown = entry.shown.get_or_insert_default();
            shown.push_str(line);
            shown.push('\n');
        }
    }
    entries
}

/// Replaces the answer of each console command that shows one with its new answer. Commands shown
/// without an answer get none.
pub(crate) fn with_answers(text: &str, answers: &[(bool, String)]) -> String {
    let mut answers = answers.iter();
    let mut out = String::new();
    let (mut in_console, mut note) = (false, "");
    for line in text.lines() {
        let begins = line == "```console" && !note.starts_with("<!-- elsewhere");
        if !line.trim().is_empty() {
            note = line;
        }
        if begins {
            in_console = true;
        } else if in_console && line == "```" {
            in_console = false;
        } else if in_console {
            if line.starts_with("$ ") {
                out.push_str(line);
                out.push('\n');
                if let Some((true, answer)) = answers.next() {
                    out.push_str(answer);
                }
            }
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}
