//! How fast `uptick report` answers for a fleet: 50 vantages, 30 days, 20 probes checked every 30
//! seconds, in an object store that is compacted every night (`--hourly-after 1d --daily-after
//! 2d`): two days are as shipped, every five minutes, one day has hourly windows, the rest daily
//! ones. `cargo bench --bench fleet` writes it to a folder that serves as
//! the store, so the figures do not include the time that a network adds to the first reading.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's answer")]

mod month;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use month::{DAYS, MINUTES, PROBES};
use uptick::journal::{Line, Writer};

const VANTAGES: u64 = 50;
/// The minutes between two shipments.
const SHIPMENT: u64 = 5;

fn main() -> ExitCode {
    if let Some(exit) = month::answer_if_asked() {
        return exit;
    }
    let (store, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut made = Made::default();
    for day in 0..DAYS {
        let folder = store.path().join(month::date(day).to_string());
        fs::create_dir(&folder).expect("room");
        for vantage in 0..VANTAGES {
            match DAYS - day {
                1 | 2 => made.parts(&folder, vantage, day),
                3 => made.merged(&folder, vantage, day, 60),
                _ => made.merged(&folder, vantage, day, MINUTES),
            }
        }
    }
    println!("store          {} objects, {} windows, {} bytes", made.objects, made.windows, made.bytes);
    let url = format!("file://{}/", store.path().display());
    for (reading, format) in [("first", "human"), ("second", "human"), ("third", "html"), ("fourth", "json")] {
        let (time, memory) = month::answer(DAYS, format, &url, cache.path());
        println!("{reading:<7} {format:<6} {time:?}, {memory} MiB at most");
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Made {
    writer: Writer,
    objects: u64,
    windows: u64,
    bytes: u64,
}

impl Made {
    fn parts(&mut self, folder: &Path, vantage: u64, day: u64) {
        for from in (day * MINUTES..(day + 1) * MINUTES).step_by(usize::try_from(SHIPMENT).expect("small")) {
            let lines = (from..from + SHIPMENT).flat_map(|minute| (0..PROBES).map(move |probe| (probe, minute)));
            self.object(&folder.join(format!("v{vantage}-00000000.{from:016x}.jsonl")), vantage, lines, 1);
        }
    }

    fn merged(&mut self, folder: &Path, vantage: u64, day: u64, minutes: u64) {
        let begins = (day * MINUTES..(day + 1) * MINUTES).step_by(usize::try_from(minutes).expect("small"));
        let lines = begins.flat_map(|minute| (0..PROBES).map(move |probe| (probe, minute)));
        self.object(&folder.join(format!("v{vantage}-00000000.merged-1.jsonl")), vantage, lines, minutes);
    }

    fn object(&mut self, path: &Path, vantage: u64, lines: impl Iterator<Item = (u64, u64)>, minutes: u64) {
        let mut text = Vec::new();
        for (probe, minute) in lines {
            let mut window = month::window(&format!("v{vantage}"), probe, minute, minutes);
            if minutes > 1 {
                window.strip.join_even();
            }
            self.writer.write(&Line::from(window), &mut text).expect("the line is short");
            self.windows += 1;
        }
        fs::write(path, &text).expect("room");
        self.objects += 1;
        self.bytes += text.len() as u64;
    }
}
