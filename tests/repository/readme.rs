//! The README is true: every command in it is run and answers as shown, every probe file in it is
//! valid, every excerpt is of the file it names, every table is generated, every link leads
//! somewhere. `cargo test --test repository -- --ignored write_what_is_generated` writes the generated parts anew.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

mod book;
mod recording;
mod shop;
mod similar;
mod svg;
mod tables;

use std::fs;
use std::path::Path;

use book::{Block, Book};
use shop::Shop;
use similar::similar;

const README: &str = "README.md";

#[test]
fn every_command_in_it_answers_as_shown() {
    let book = Book::read(README);
    let shop = Shop::open();
    let mut commands = 0;
    for block in &book.blocks {
        match block {
            Block::File { name, text } => shop.write(name, text),
            Block::Console { line, entries } => {
                for entry in entries {
                    let answer = shop.run(&entry.command);
                    commands += 1;
                    if let Err(difference) = similar(entry.shown.as_deref(), &answer) {
                        panic!("{README}:{line}: $ {}\n{difference}\n--- it says\n{answer}", entry.command);
                    }
                }
            }
            Block::Excerpt { .. } | Block::Lines { .. } | Block::Elsewhere => {}
        }
    }
    assert!(commands >= 8, "{commands} commands were run");
}

#[test]
#[ignore = "writes README.md"]
fn write_what_is_generated() {
    let text = tables::filled(&fs::read_to_string(README).unwrap());
    let book = Book::parse(&text);
    let shop = Shop::open();
    let mut answers = Vec::new();
    for block in &book.blocks {
        match block {
            Block::File { name, text } => shop.write(name, text),
            Block::Console { entries, .. } => {
                answers.extend(entries.iter().map(|entry| (entry.shown.is_some(), shop.run(&entry.command))));
            }
            Block::Excerpt { .. } | Block::Lines { .. } | Block::Elsewhere => {}
        }
    }
    fs::write(README, book::with_answers(&text, &answers)).unwrap();
}

#[test]
fn every_excerpt_is_of_the_file_it_names() {
    let mut excerpts = 0;
    let read = |line: usize, file: &str| {
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{README}:{line}: {file}: {error}"))
    };
    for block in &Book::read(README).blocks {
        match block {
            Block::Excerpt { line, file, text } => {
                assert!(read(*line, file).contains(text.as_str()), "{README}:{line} is no excerpt of {file}");
            }
            Block::Lines { line, file, text } => {
                let whole = read(*line, file);
                let stray = text.lines().find(|line| !whole.lines().any(|other| other == *line));
                assert_eq!(stray, None, "{README}:{line} shows a line that {file} does not have");
            }
            Block::Console { .. } | Block::File { .. } | Block::Elsewhere => continue,
        }
        excerpts += 1;
    }
    assert!(excerpts >= 3, "{excerpts}");
}

#[test]
fn every_table_in_it_is_current() {
    let text = fs::read_to_string(README).unwrap();
    assert!(tables::filled(&text) == text, "cargo test --test repository -- --ignored write_what_is_generated");
}

#[test]
fn every_link_leads_somewhere() {
    for page in [README, "CHANGELOG.md", "docs/journal.md", "docs/probes.md", "docs/failure-classes.md"] {
        let Ok(text) = fs::read_to_string(page) else { continue };
        let folder = Path::new(page).parent().unwrap();
        for (_, rest) in text.match_indices("](").map(|(at, found)| text.split_at(at + found.len())) {
            let target = rest.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { Path::new(page).to_path_buf() } else { folder.join(file) };
            assert!(file.exists(), "{page} links to {target}");
            if !heading.is_empty() {
                let linked = fs::read_to_string(&file).unwrap();
                let headings: Vec<String> = linked.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(headings.iter().any(|anchor| anchor == heading), "{page} links to {target}; {headings:?}");
            }
        }
    }
}

/// The anchor that a forge gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_';
    heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}
