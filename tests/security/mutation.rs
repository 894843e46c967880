//! The parsers of foreign input, against mutations of valid input. Each runs briefly with the other
//! tests, and for twenty seconds with `cargo test --test security -- --ignored mutation`.
//!
//! The mutations are blind. Each input starts from a valid one or from a file in
//! `tests/security/mutation/corpus`, which a coverage-guided fuzzer (libFuzzer, by `fuzz/run`)
//! found: a minimal set that reaches all the code it reached. Each file is also run unchanged.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

mod targets;

use std::path::Path;
use std::time::{Duration, Instant};

use uptick::config;

use targets::SECRET;

use crate::support;
use crate::support::{bombs, h2};

/// How long each target runs with the other tests.
const BRIEFLY: Duration = Duration::from_millis(500);

/// How long each target runs on request. All targets together take four minutes of one core.
const LONG: Duration = Duration::from_secs(20);

/// A splitmix64 generator: the same seed gives the same inputs.
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

/// Feeds mutations of the corpus to a target for a while. If an input panics, the message contains
/// its seed, which reproduces it with the same corpus.
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
    assert!(seed >= 5, "{seed} inputs in {time:?}");
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

/// Every file below a folder whose name ends with `end`.
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

/// One parser: its corpus, words that mutations insert, and the property that every input must
/// satisfy.
struct Target {
    /// The name of its folder in `tests/security/mutation/corpus`.
    name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    words: &'static [&'static str],
    holds: fn(&[u8]),
}

fn texts<const N: usize>(seeds: [&str; N]) -> Vec<Vec<u8>> {
    seeds.map(|text| text.as_bytes().to_vec()).to_vec()
}

const TARGETS: [Target; 12] = [
    Target {
        name: "probe-file",
        seeds: || {
            let mut seeds = files("examples", ".toml");
            seeds.push(config::TEMPLATE.as_bytes().to_vec());
            seeds
        },
        words: &["[[probe]]\n", "[[probe.step]]\n", "expect.", "${secret:A}", "{{a}}", "'''", "5m", "= {", "["],
        holds: targets::probe_file,
    },
    Target {
        name: "journal",
        seeds: || {
            let lines = files("tests/golden/journal", ".jsonl");
            lines.iter().flat_map(|file| file.split(|&byte| byte == b'\n')).map(<[u8]>::to_vec).collect()
        },
        words: &["{\"v\":1,", "null", "[", "}", "\"strip\":\"", "HISTFA", "\"crc\":\"", "true"],
        holds: targets::journal,
    },
    Target {
        name: "response",
        seeds: || {
            texts([
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n",
                "HTTP/1.1 302 Found\r\nlocation: /next\r\nset-cookie: a=b; Path=/; HttpOnly\r\ncontent-length: 0\r\n\r\n",
                "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\u{1f}x\u{8}\u{0}",
                "HTTP/1.0 204 No Content\r\nalt-svc: h3=\":443\"\r\n\r\n",
            ])
        },
        words: &["HTTP/1.1 ", "content-length: ", "transfer-encoding: chunked\r\n", "\r\n\r\n", ": ", "location: "],
        holds: targets::response,
    },
    Target {
        name: "import",
        seeds: || files("tests/config/import", ""),
        words: &[
            "curl ",
            "-H '",
            "--data ",
            "{\"log\":",
            "modules:\n",
            "prober: http\n",
            "scrape_configs:\n",
            "endpoints:\n",
            "  - ",
            ": ",
            "monitorList",
        ],
        holds: targets::import,
    },
    Target {
        name: "strip",
        seeds: || texts(["3412*6+50000U", "U10000U10000*3+20000Da", "*2D10000Xa~a", "*100+990000F5W5V5M"]),
        words: &["*", "+", "-", "U", "D", "X", "M", "a", "z", "~", "99999999999999999999"],
        holds: targets::strip,
    },
    Target {
        name: "coding",
        seeds: || codings(),
        words: &["\u{1f}\u{8b}", "\u{0}", "\u{3}", "(\u{b5}/\u{fd}"],
        holds: targets::coding,
    },
    Target {
        name: "http2",
        seeds: || frames(),
        words: &["\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}", "\u{0}\u{0}\u{1}\u{1}", "\u{1}", "\u{5}"],
        holds: targets::http2,
    },
    Target {
        name: "proxy",
        seeds: || {
            texts([
                "\u{0}HTTP/1.1 200 Connection established\r\n\r\n220 ready\r\n",
                "\u{0}HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"\r\n\r\n",
                "\u{1}\u{5}\u{0}\u{5}\u{0}\u{0}\u{1}\u{7f}\u{0}\u{0}\u{1}\u{0}\u{19}",
                "\u{2}\u{5}\u{2}\u{1}\u{0}\u{5}\u{4}\u{0}\u{3}\u{1}x\u{0}\u{19}",
            ])
        },
        words: &["HTTP/1.1 ", "\u{5}", "\u{0}", "\u{1}", "\r\n\r\n", ": "],
        holds: targets::proxy,
    },
    Target {
        name: "dns",
        seeds: || messages(),
        words: &["\u{c0}\u{c}", "\u{0}\u{1}", "\u{0}\u{5}", "\u{4}test\u{0}", "\u{0}\u{0}\u{0}\u{1}"],
        holds: targets::dns,
    },
    Target {
        name: "text",
        seeds: || {
            let mut seeds: Vec<Vec<u8>> =
                support::hostile::STRINGS.iter().map(|text| support::hostile::bytes(text)).collect();
            seeds.push(format!("a {SECRET} b").into_bytes());
            seeds.extend(texts(["s3cr3t%2F%2B+%22tok%22", "s3cr3t\\/+ \\\"tok\\\""]));
            seeds
        },
        words: &[SECRET, "%25", "%2", "\\u00", "&#x", "&amp;", ";", "+", "\u{1b}["],
        holds: targets::text,
    },
    Target {
        name: "schedule",
        seeds: || {
            texts([
                "*/5 * * * *",
                "0 9-17 * * MON-FRI Europe/Berlin",
                "@daily",
                "30 4 1,15 * 5",
                "0 0 29 2 *",
                "10 0 3 * * 7",
            ])
        },
        words: &["*/", "L", "W", "#", "?", "60", "FRI", "JAN", "@", " UTC", ",", "-", "Europe/", "America/Sao_Paulo"],
        holds: targets::schedule,
    },
    Target {
        name: "duration",
        seeds: || texts(["500ms", "30s", "1m 30s", "1h", "31d", "10ms", "1.5s", "2m30s"]),
        words: &["ms", "us", "s", "m", "h", "d", " ", ".", "1", "sec", "minutes", "18446744073709551615"],
        holds: targets::duration,
    },
];

/// A text in each content coding, after a byte that chooses the coding.
fn codings() -> Vec<Vec<u8>> {
    let body = b"<!doctype html><title>Shop</title><p>All is well, all is well.";
    let coded = [bombs::gzipped(body), bombs::deflated(body), bombs::brotlied(body), bombs::zstded(body)];
    (0..).zip(coded).map(|(choice, body)| [vec![choice], body].concat()).collect()
}

/// HTTP/2 answers to the first request of a connection, and frames that may come instead.
fn frames() -> Vec<Vec<u8>> {
    let headers = [h2::STATUS_200, &h2::header("content-type", b"text/html")].concat();
    vec![
        h2::answer(1, b"hello"),
        [h2::frame(h2::HEADERS, 0, 1, &headers), h2::frame(h2::CONTINUATION, h2::END_HEADERS, 1, &[])].concat(),
        h2::reset(1, h2::REFUSED_STREAM),
        h2::goaway(0, h2::NO_ERROR, b"so long"),
        [h2::frame(h2::PING, 0, 0, &[7; 8]), h2::answer(1, b"late")].concat(),
    ]
}

/// DNS answers to "x.test, type A", without the message ID: an address, an alias, no such name.
fn messages() -> Vec<Vec<u8>> {
    let question: &[u8] = b"\x01x\x04test\0\0\x01\0\x01";
    let head = |code: u8, records: u8| vec![0x81, 0x80 | code, 0, 1, 0, records, 0, 0, 0, 0];
    let address: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01";
    let alias: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01y\xc0\x0e";
    vec![
        [&head(0, 1), question, address].concat(),
        [&head(0, 2), question, alias, address].concat(),
        [&head(3, 0), question].concat(),
    ]
}

impl Target {
    /// The files that the fuzzer found.
    fn found(&self) -> Vec<Vec<u8>> {
        let folder = format!("tests/security/mutation/corpus/{}", self.name);
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).exists() { files(&folder, "") } else { Vec::new() }
    }

    fn feed(&self, time: Duration) {
        let corpus = [(self.seeds)(), self.found()].concat();
        feed(time, &corpus, &words(self.words), self.holds);
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

#[test]
fn fuzz_has_every_target() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), targets::ALL.len());
    for (name, _) in targets::ALL {
        assert!(names.contains(&name), "{name} is fed here");
        let harness = format!("fuzz/targets/{name}.rs");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&harness).exists(), "{harness} is there");
    }
}

#[test]
fn no_input_breaks_a_parser() {
    for target in &TARGETS {
        target.feed(BRIEFLY);
    }
}

#[test]
fn nothing_of_the_corpus_breaks_a_parser() {
    for target in &TARGETS {
        let found = target.found();
        let bytes: usize = found.iter().map(Vec::len).sum();
        assert!(bytes < 16 << 10, "the corpus of {} has {bytes} bytes", target.name);
        for input in &found {
            (target.holds)(input);
        }
    }
}

#[test]
#[ignore = "twenty seconds each"]
fn no_input_breaks_the_probe_file_in_twenty_seconds() {
    target("probe-file").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_file_of_another_tool_breaks_the_import_in_twenty_seconds() {
    target("import").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_input_breaks_the_journal_in_twenty_seconds() {
    target("journal").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_strip_breaks_a_window_in_twenty_seconds() {
    target("strip").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_answer_breaks_a_check_in_twenty_seconds() {
    target("response").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_body_breaks_a_decoder_in_twenty_seconds() {
    target("coding").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_frame_breaks_a_connection_in_twenty_seconds() {
    target("http2").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_proxy_breaks_a_check_in_twenty_seconds() {
    target("proxy").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_name_server_breaks_a_check_in_twenty_seconds() {
    target("dns").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_text_gets_past_the_cleaning_in_twenty_seconds() {
    target("text").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_schedule_breaks_the_clock_in_twenty_seconds() {
    target("schedule").feed(LONG);
}

#[test]
#[ignore = "twenty seconds each"]
fn no_duration_is_read_as_another_in_twenty_seconds() {
    target("duration").feed(LONG);
}
