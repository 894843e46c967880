//! The README and the pages of `docs/` are correct: every command in them is run and answers as
//! shown, every probe file is valid, every excerpt is in the file it names, every table is
//! generated, and every link has a target. `cargo test --test repository -- --ignored
//! write_what_is_generated` regenerates the generated parts.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

mod book;
mod recording;
mod shop;
mod similar;
mod svg;
mod tables;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use book::{Block, Book};
use shop::Shop;
use similar::similar;

/// The pages whose commands are run, each in its own folder.
const PAGES: &[&str] = &["README.md", "docs/first-hour.md", "docs/running.md"];

/// The page whose tables are generated from the code.
const GENERATED: &str = "docs/formats.md";

/// The most words the README may have: it is a landing page.
const README_WORDS: usize = 1_600;

#[test]
fn every_command_in_it_answers_as_shown() {
    let mut commands = 0;
    for page in PAGES {
        let shop = Shop::open();
        let mut section = ("", Instant::now());
        // Prints how long each part of a page takes, for `.ci/first-hour`.
        let told = |(name, began): (&str, Instant)| println!("{page}  {:6.2} s  {name}", began.elapsed().as_secs_f64());
        let book = Book::read(page);
        for block in &book.blocks {
            match block {
                Block::Section(name) => told(std::mem::replace(&mut section, (name, Instant::now()))),
                Block::File { name, text } => shop.write(name, text),
                Block::Console { line, entries } => {
                    for entry in entries {
                        let answer = shop.run(&entry.command);
                        commands += 1;
                        if let Err(difference) = similar(entry.shown.as_deref(), &answer) {
                            panic!("{page}:{line}: $ {}\n{difference}\n--- it says\n{answer}", entry.command);
                        }
                    }
                }
                Block::Excerpt { .. } | Block::Lines { .. } | Block::Elsewhere => {}
            }
        }
        told(section);
    }
    assert!(commands >= 12, "{commands} commands were run");
}

#[test]
#[ignore = "writes the README and pages under docs/"]
fn write_what_is_generated() {
    fs::write(GENERATED, tables::filled(&fs::read_to_string(GENERATED).unwrap())).unwrap();
    for page in PAGES {
        let text = fs::read_to_string(page).unwrap();
        let shop = Shop::open();
        let mut answers = Vec::new();
        for block in &Book::parse(page, &text).blocks {
            match block {
                Block::File { name, text } => shop.write(name, text),
                Block::Console { entries, .. } => {
                    answers.extend(entries.iter().map(|entry| (entry.shown.is_some(), shop.run(&entry.command))));
                }
                Block::Excerpt { .. } | Block::Lines { .. } | Block::Section(_) | Block::Elsewhere => {}
            }
        }
        fs::write(page, book::with_answers(&text, &answers)).unwrap();
    }
}

#[test]
fn the_readme_is_a_landing_page() {
    let words = fs::read_to_string("README.md").unwrap().split_whitespace().count();
    assert!(words <= README_WORDS, "{words} words: hand something over to a page under docs/");
}

#[test]
fn every_excerpt_is_of_the_file_it_names() {
    let mut excerpts = 0;
    for page in PAGES {
        let read = |line: usize, file: &str| {
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{page}:{line}: {file}: {error}"))
        };
        for block in &Book::read(page).blocks {
            match block {
                Block::Excerpt { line, file, text } => {
                    assert!(read(*line, file).contains(text.as_str()), "{page}:{line} is no excerpt of {file}");
                }
                Block::Lines { line, file, text } => {
                    let whole = read(*line, file);
                    let stray = text.lines().find(|line| !whole.lines().any(|other| other == *line));
                    assert_eq!(stray, None, "{page}:{line} shows a line that {file} does not have");
                }
                Block::Console { .. } | Block::File { .. } | Block::Section(_) | Block::Elsewhere => continue,
            }
            excerpts += 1;
        }
    }
    assert!(excerpts >= 2, "{excerpts}");
}

#[test]
fn every_table_in_it_is_current() {
    let text = fs::read_to_string(GENERATED).unwrap();
    assert!(tables::filled(&text) == text, "cargo test --test repository -- --ignored write_what_is_generated");
}

#[test]
fn every_link_leads_somewhere() {
    let docs = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let own = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "tests/README.md"].map(PathBuf::from);
    for page in own.into_iter().chain(pages) {
        let text = fs::read_to_string(&page).unwrap();
        let folder = page.parent().unwrap();
        let shown = page.display();
        for (_, rest) in text.match_indices("](").map(|(at, found)| text.split_at(at + found.len())) {
            let target = rest.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { folder.join(file) };
            assert!(file.exists(), "{shown} links to {target}");
            if !heading.is_empty() {
                let linked = fs::read_to_string(&file).unwrap();
                let headings: Vec<String> = linked.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(headings.iter().any(|anchor| anchor == heading), "{shown} links to {target}; {headings:?}");
            }
        }
    }
}

#[test]
fn every_page_stands_in_the_summary() {
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    for entry in fs::read_dir("docs").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_page = name != "SUMMARY.md" && name.strip_suffix(".md").is_some();
        assert!(!is_page || summary.contains(&format!("]({name})")), "docs/SUMMARY.md does not name {name}");
    }
}

/// The anchor that GitHub and GitLab give a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_';
    heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}
