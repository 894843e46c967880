//! Objects stay below the limit of their readers, whatever was recorded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, iter};

use jiff::Timestamp;

use super::*;
use crate::journal::{CompactRules, Journal, Line, Options, Range, Sharing};
use crate::model::Verdict;
use crate::window::{CheckResult, Window};

const LIMIT: u64 = 4_000;

fn line(probe: usize) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let from: Timestamp = "2025-03-10T00:00:00Z".parse().expect("an instant");
    let mut window = Window::empty(&name("eu"), &name(&format!("probe {probe}")), &name("web"), false);
    (window.from, window.to) = (from, from + Duration::from_mins(1));
    window.counts.up = 1;
    window.strip.push(from, CheckResult::new(Verdict::Up, None));
    Line::from(window)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn no_object_is_larger_than_its_readers_accept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, store, cache) =
        (folder.path().join("outbox"), folder.path().join("store"), folder.path().join("cache"));
    fs::create_dir(&store).expect("a folder");
    let objects = Objects::open(&format!("file://{}", store.display()), &[], Duration::from_mins(1)).expect("a store");
    let objects = Objects { object_limit: LIMIT, ..objects };
    let options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_secs(5) };
    let lines: Vec<Line> = (0..100).map(line).collect();
    Journal::open(&outbox, options).expect("a folder").append(&lines).expect("room");
    let shipped = objects.ship(&outbox, "eu").expect("a readable outbox");
    assert_eq!((shipped.sent, shipped.waiting), (1, 0));
    let check = || {
        assert!(files(&store).iter().all(|file| fs::metadata(file).expect("an object").len() <= LIMIT));
        let files = objects.fetch(Range::ALL, &cache).expect("readable objects");
        let read = crate::journal::read(&files, Range::ALL).expect("a journal");
        let mut probes: Vec<String> = read
            .map(|line| match line {
                Ok(Line::Window(window)) => window.probe.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        probes.sort();
        let mut expected: Vec<String> = (0..100).map(|probe| format!("probe {probe}")).collect();
        expected.sort();
        assert_eq!(probes, expected);
    };
    check();
    // The windows of different probes do not merge: together they stay too large.
    let now: Timestamp = "2025-04-10T00:00:00Z".parse().expect("an instant");
    let compacted = objects.compact(now, &CompactRules::default()).expect("a store");
    assert_eq!((compacted.files, compacted.skipped), (0, files(&store).len() as u64));
    check();
}

#[test]
fn parts_end_with_a_line_and_are_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("2025-03-10.eu-1.0123456789abcdef.jsonl");
    for text in [String::new(), "a\n".to_owned(), "0123456\n".repeat(7), "x".repeat(50), "123\n456789\n0".to_owned()] {
        fs::write(&path, &text).expect("room");
        let sealed = outbox::parse(path.clone()).expect("a sealed file");
        let parts = || sealed.parts(20).expect("a file").map(|part| part.expect("a readable file"));
        let joined: Vec<u8> = parts().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(joined, text.as_bytes());
        let names = iter::once("eu-1.0123456789abcdef.jsonl".to_owned())
            .chain((1..).map(|part| format!("eu-1.0123456789abcdef-{part}.jsonl")));
        for ((name, bytes), expected) in parts().zip(names) {
            assert_eq!(name, expected);
            assert!(
                bytes.len() <= 20 && (bytes.ends_with(b"\n") || bytes.len() == 20 || text.as_bytes().ends_with(&bytes))
            );
        }
        assert!(parts().eq(parts()));
    }
}
