//! Whatever happens to the bytes of a journal, a reader returns every intact line, counts the rest,
//! and never panics.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::journal;
use uptick::journal::{Integrity, Line, Range, Writer};
use uptick::model::{FailureClass, Verdict};
use uptick::window::{CheckResult, Window};

/// A random generator (xorshift) with the same sequence on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}

/// A journal of small windows that all differ, with the text of each line.
fn journal_of(lines: u64) -> HashMap<Vec<u8>, Line> {
    let begin: Timestamp = "2025-03-10T00:00:00Z".parse().expect("an instant");
    let mut writer = Writer::default();
    (0..lines)
        .map(|number| {
            let name = |text: &str| Arc::<str>::from(text);
            let mut window = Window::empty(&name("here"), &name(&format!("probe {number}")), &name("web"), false);
            window.from = begin + Duration::from_mins(number);
            window.to = window.from + Duration::from_mins(1);
            window.counts.up = 1;
            window.counts.down = 1;
            window.failures.insert(FailureClass::Status, 1);
            window.strip.push(window.from, CheckResult::new(Verdict::Up, None));
            window.strip.push(
                window.from + Duration::from_secs(30),
                CheckResult::new(Verdict::Down, Some(FailureClass::Status)),
            );
            // One line has too many durations to list each of them.
            for value in 0..if number == 3 { 20 } else { 2 } {
                window.lag.record_micros(number + value * 1000);
            }
            let line = Line::from(window);
            let mut text = Vec::new();
            writer.write(&line, &mut text).expect("the line is short");
            text.pop();
            (text, line)
        })
        .collect()
}

fn text_of(lines: &HashMap<Vec<u8>, Line>) -> Vec<u8> {
    let mut texts: Vec<&Vec<u8>> = lines.keys().collect();
    texts.sort();
    texts.into_iter().flat_map(|text| [text.as_slice(), b"\n"].concat()).collect()
}

/// Reads damaged bytes, and compares the result with the intact lines in them.
#[track_caller]
fn check(file: &Path, bytes: &[u8], lines: &HashMap<Vec<u8>, Line>) -> Integrity {
    fs::write(file, bytes).expect("room");
    let mut reader = journal::read(&[file.to_owned()], Range::ALL).expect("the file is there");
    let found: Vec<Line> = reader.by_ref().collect::<Result<_, _>>().expect("the file is readable");
    let segments: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|segment| !segment.is_empty()).collect();
    let intact: Vec<&Line> = segments.iter().filter_map(|segment| lines.get(*segment)).collect();
    assert_eq!(found.iter().collect::<Vec<_>>(), intact);
    let integrity = *reader.integrity();
    assert_eq!(integrity.lines, segments.len() as u64);
    let unusable = integrity.corrupt_lines + integrity.torn_tails + integrity.newer_lines;
    assert_eq!(found.len() as u64 + unusable, integrity.lines, "{integrity:?}");
    integrity
}

#[test]
fn every_prefix_of_a_journal_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("2025-03-10.jsonl");
    let lines = journal_of(8);
    let text = text_of(&lines);
    let mut torn = 0;
    for end in 0..=text.len() {
        let integrity = check(&file, &text[..end], &lines);
        assert_eq!(integrity.corrupt_lines, 0, "a prefix has a torn tail at most");
        torn += integrity.torn_tails;
    }
    assert!(torn > 1000, "{torn} prefixes end in a line");
}

#[test]
fn ten_thousand_mutations_of_a_journal_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("2025-03-10.jsonl");
    let lines = journal_of(16);
    let text = text_of(&lines);
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut damaged = 0;
    for _ in 0..10_000 {
        let mut bytes = text.clone();
        for _ in 0..=chance.below(3) {
            mutate(&mut bytes, &mut chance);
        }
        let integrity = check(&file, &bytes, &lines);
        damaged += u64::from(integrity.corrupt_lines + integrity.torn_tails > 0);
    }
    assert!(damaged > 9_000, "{damaged} of the mutations did damage");
}

fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let Some(last) = bytes.len().checked_sub(1) else { return };
    let at = chance.below(last + 1);
    let end = (at + 1 + chance.below(512)).min(bytes.len());
    match chance.below(7) {
        0 => bytes[at] ^= 1 << chance.below(8),
        1 => bytes[at..end].fill(0),
        2 => drop(bytes.drain(at..end)),
        3 => bytes[at] = b'\n',
        4 => bytes.truncate(at),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            bytes.splice(
                at..end,
                std::iter::repeat_with(|| u8::try_from(chance.below(256)).expect("a byte")).take(9).collect::<Vec<_>>(),
            );
        }
    }
}

#[test]
fn a_line_without_end_costs_no_memory_and_no_other_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("2025-03-10.jsonl");
    let lines = journal_of(2);
    let text = text_of(&lines);
    let first = text.iter().position(|byte| *byte == b'\n').expect("two lines") + 1;
    let endless = vec![b'x'; 5 << 20];
    let bytes = [&text[..first], &endless, b"\n", &text[first..]].concat();
    let integrity = check(&file, &bytes, &lines);
    assert_eq!((integrity.lines, integrity.corrupt_lines), (3, 1));
}
