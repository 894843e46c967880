//! Five parsers of what others write, against mutations of good input: the probe file, the
//! journal, a server's bytes, the cleaning of text, schedules. Each runs briefly with the other
//! tests and for a minute with `cargo test --release --test fuzz -- --ignored --test-threads 1`.
//!
//! The mutations are blind: nothing here sees which branches an input takes, since that needs a
//! compiler of another channel. What helps is that every input begins as a good one.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use uptick::config;
use uptick::engine::Engine;
use uptick::journal::Decoder;
use uptick::journal::Writer;
use uptick::model::Cron;
use uptick::model::Redactor;
use uptick::model::SafeText;
use uptick::model::Secret;

use support::probes;
use support::server::Server;
use support::strict;

/// With the other tests.
const BRIEFLY: Duration = Duration::from_secs(1);

/// On request.
const LONG: Duration = Duration::from_mins(1);

/// Splitmix64: the same seed makes the same inputs.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// Feeds mutations of the corpus to a target for a while. The seed of an input that panics is in
/// the message, and makes it again.
fn feed(time: Duration, corpus: &[Vec<u8>], words: &[&str], target: impl Fn(&[u8])) {
    assert!(!corpus.is_empty());
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < time {
        let input = mutated(seed, corpus, words);
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&input)));
        assert!(held.is_ok(), "seed {seed}: {:?}", String::from_utf8_lossy(&input));
        seed += 1;
    }
    assert!(seed >= 20, "{seed} inputs in {time:?}");
}

fn mutated(seed: u64, corpus: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut chance = Chance(seed);
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(8) {
        let at = chance.below(input.len() + 1);
        let end = (at + 1 + chance.below(40)).min(input.len());
        let at = at.min(end);
        match chance.below(9) {
            0 if at < input.len() => input[at] ^= 1 << chance.below(8),
            1 if at < input.len() => input[at] = u8::try_from(chance.below(256)).unwrap(),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let piece = input[at..end].to_vec();
                let times = 1 + chance.below(60);
                input.splice(at..at, piece.repeat(times));
            }
            5 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                let until = (from + chance.below(200)).min(other.len());
                input.splice(at..end, other[from..until].to_vec());
            }
            _ => drop(input.splice(at..end, words[chance.below(words.len())].bytes())),
        }
    }
    input.truncate(64 * 1024);
    input
}

/// Every file under a folder whose name ends so.
fn files(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(std::fs::read(path).unwrap());
            }
        }
    }
    found
}

const NUMBERS: [&str; 12] =
    ["0", "-1", "1e400", "99999999999999999999", "0x7f", "\u{0}", "\u{202e}", "ä", "\r\n", "\"", "\\", "${"];

fn words(more: &[&'static str]) -> Vec<&'static str> {
    NUMBERS.iter().chain(more).copied().collect()
}

/// A probe file is read, or its problems are told in visible text; what is read is explained.
fn probe_files(time: Duration) {
    let mut corpus = files("examples", ".toml");
    corpus.push(config::TEMPLATE.as_bytes().to_vec());
    let words = words(&["[[probe]]\n", "[[probe.step]]\n", "expect.", "${secret:A}", "{{a}}", "'''", "5m", "= {", "["]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probes.toml");
    feed(time, &corpus, &words, |input| {
        std::fs::write(&path, input).unwrap();
        match config::load(&path, &|name| Some(format!("value-of-{name}"))) {
            Ok(config) => {
                for probe in &config.probes {
                    strict::assert_visible(&config::explain(&config, probe), "explain");
                }
            }
            Err(error) => strict::assert_visible(&error.to_string(), "a diagnostic"),
        }
    });
}

/// A line of a journal is refused, or means the same when it is written and read again.
fn journals(time: Duration) {
    let lines = files("tests/golden/journal", ".jsonl");
    let corpus: Vec<Vec<u8>> =
        lines.iter().flat_map(|file| file.split(|&byte| byte == b'\n')).map(<[u8]>::to_vec).collect();
    let words = words(&["{\"v\":1,", "null", "[", "}", "\"strip\":\"", "HISTFA", "\"crc\":\"", "true"]);
    feed(time, &corpus, &words, |input| {
        let Ok(line) = Decoder::default().decode(input) else { return };
        let mut again = Vec::new();
        Writer::default().write(&line, &mut again).unwrap();
        let again = again.strip_suffix(b"\n").unwrap_or(&again);
        assert_eq!(Decoder::default().decode(again).unwrap(), line);
    });
}

/// Whatever a server sends, the check ends in time, in a class, and in visible text.
fn responses(time: Duration) {
    let corpus: Vec<Vec<u8>> = [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: /next\r\nset-cookie: a=b; Path=/; HttpOnly\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\u{1f}x\u{8}\u{0}",
        "HTTP/1.0 204 No Content\r\nalt-svc: h3=\":443\"\r\n\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let words =
        words(&["HTTP/1.1 ", "content-length: ", "transfer-encoding: chunked\r\n", "\r\n\r\n", ": ", "location: "]);
    let next = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start({
        let next = Arc::clone(&next);
        move |conn| {
            conn.request();
            let answer = next.lock().unwrap().clone();
            conn.send(answer);
        }
    });
    let mut probe = probes::get(&server.url("/"));
    probe.timeout = Duration::from_secs(5);
    let probe = Arc::new(probe);
    let engine = Engine::new("fuzz", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    feed(time, &corpus, &words, |input| {
        *next.lock().unwrap() = input.to_vec();
        let outcome = runtime.block_on(Box::pin(engine.check(probes::due(&probe))));
        assert!(outcome.timings.total < Duration::from_secs(6), "{outcome:?}");
        assert_eq!(outcome.verdict == uptick::model::Verdict::Up, outcome.failure.is_none());
        strict::json(&serde_json::to_string(&outcome).unwrap());
    });
}

/// Text from outside is visible, bounded and without secrets, and cleaning it again changes nothing.
fn texts(time: Duration) {
    const SECRET: &str = "s3cr3t/+ \"tok\"";
    let corpus: Vec<Vec<u8>> = support::hostile::STRINGS
        .iter()
        .map(|text| support::hostile::bytes(text))
        .chain(
            [format!("a {SECRET} b"), "s3cr3t%2F%2B+%22tok%22".to_owned(), "s3cr3t\\/+ \\\"tok\\\"".to_owned()]
                .map(String::into_bytes),
        )
        .collect();
    let words = words(&[SECRET, "%25", "%2", "\\u00", "&#x", "&amp;", ";", "+", "\u{1b}["]);
    let redactor = Redactor::new([Secret::new(SECRET)]);
    feed(time, &corpus, &words, |input| {
        let text = redactor.clean_bytes(input, 500);
        strict::assert_visible(text.as_str(), "clean text");
        assert!(text.as_str().chars().count() <= 501);
        assert!(!text.as_str().contains(SECRET), "{text}");
        assert_eq!(SafeText::clean(text.as_str(), usize::MAX / 8), text);
    });
}

/// A schedule is refused in one line, or its next time is later, and is one of its times.
fn schedules(time: Duration) {
    let corpus: Vec<Vec<u8>> =
        ["*/5 * * * *", "0 9-17 * * MON-FRI Europe/Berlin", "@daily", "30 4 1,15 * 5", "0 0 29 2 *", "10 0 3 * * 7"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
    let words =
        words(&["*/", "L", "W", "#", "?", "60", "FRI", "JAN", "@", " UTC", ",", "-", "Europe/", "America/Sao_Paulo"]);
    let instant: Timestamp = "2025-03-30T00:59:59Z".parse().unwrap();
    feed(time, &corpus, &words, |input| match Cron::new(&String::from_utf8_lossy(input)) {
        Err(reason) => assert!(!reason.contains('\n'), "{reason:?}"),
        Ok(cron) => {
            if let Some(next) = cron.next_after(instant) {
                assert!(next > instant, "{next}");
                assert_eq!(cron.last_at(next), Some(next));
            }
        }
    });
}

#[test]
fn no_input_breaks_a_parser() {
    for target in [probe_files, journals, responses, texts, schedules] {
        target(BRIEFLY);
    }
}

#[test]
#[ignore = "a minute each"]
fn no_input_breaks_the_probe_file_in_a_minute() {
    probe_files(LONG);
}

#[test]
#[ignore = "a minute each"]
fn no_input_breaks_the_journal_in_a_minute() {
    journals(LONG);
}

#[test]
#[ignore = "a minute each"]
fn no_answer_breaks_a_check_in_a_minute() {
    responses(LONG);
}

#[test]
#[ignore = "a minute each"]
fn no_text_gets_past_the_cleaning_in_a_minute() {
    texts(LONG);
}

#[test]
#[ignore = "a minute each"]
fn no_schedule_breaks_the_clock_in_a_minute() {
    schedules(LONG);
}
