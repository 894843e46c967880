//! How fast a journal is read, and how fast `uptick report` answers from it: 30 days of 20 probes
//! checked every 30 seconds, in one-minute windows. `cargo bench --bench journal` writes it to a
//! temporary folder and reads it. It also reads half of it, to show that the time grows with the
//! lines, and a year of 100 probes that is compacted to days.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's answer")]

mod month;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use month::{DAYS, MINUTES, PROBES};
use uptick::journal;
use uptick::journal::{Line, Range, Writer};
use uptick::window::Window;

/// The days and the probes of the compacted year.
const YEAR: u64 = 365;
const YEAR_PROBES: u64 = 100;

fn main() -> ExitCode {
    if let Some(exit) = month::answer_if_asked() {
        return exit;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = write(folder.path(), DAYS);
    println!("journal          {} windows, {bytes} bytes", DAYS * MINUTES * PROBES);
    read(folder.path());
    add_up(folder.path());
    let half = tempfile::tempdir().expect("a folder");
    write(half.path(), DAYS / 2);
    for (days, folder) in [(DAYS / 2, half.path()), (DAYS, folder.path())] {
        for format in ["human", "json", "html"] {
            report(days, format, folder);
        }
    }
    let year = tempfile::tempdir().expect("a folder");
    write_compacted_year(year.path());
    report(YEAR, "human", year.path());
    ExitCode::SUCCESS
}

fn report(days: u64, format: &str, folder: &Path) {
    let journal = folder.to_str().expect("text");
    let mut answers: Vec<(Duration, u64)> = (0..5).map(|_| month::answer(days, format, journal, folder)).collect();
    answers.sort_unstable();
    let memory = answers.iter().map(|(_, memory)| *memory).max().unwrap_or_default();
    println!("report {format:<8}  {days} days in {:?} (median of 5), {memory} MiB at most", answers[2].0);
}

fn read(folder: &Path) {
    for _ in 0..3 {
        let (begin, ticks) = (Instant::now(), processor_time());
        let mut reader = journal::read(&[folder.to_owned()], Range::ALL).expect("the folder is there");
        let (mut windows, mut checks) = (0_u64, 0);
        for line in reader.by_ref() {
            if let Line::Window(window) = line.expect("the files are readable") {
                windows += 1;
                checks += window.counts.scheduled();
            }
        }
        let (time, ticks) = (begin.elapsed(), processor_time() - ticks);
        assert_eq!(checks, 2 * windows);
        let memory = month::peak_memory_mib();
        println!("read             {windows} windows in {time:?} ({ticks}0 ms of processor), {memory} MiB at most");
    }
}

fn add_up(folder: &Path) {
    for _ in 0..3 {
        let (begin, ticks) = (Instant::now(), processor_time());
        let mut sums: HashMap<(Arc<str>, i64), Window> = HashMap::new();
        for line in journal::read(&[folder.to_owned()], Range::ALL).expect("the folder is there") {
            if let Line::Window(window) = line.expect("the files are readable") {
                let key = (Arc::clone(&window.probe), window.from.as_second().div_euclid(6 * 3600));
                match sums.get_mut(&key) {
                    Some(sum) => {
                        sum.merge(&window);
                        sum.strip.thin();
                    }
                    None => {
                        sums.insert(key, *window);
                    }
                }
            }
        }
        let (time, ticks, memory) = (begin.elapsed(), processor_time() - ticks, month::peak_memory_mib());
        let sums = sums.len();
        println!("read and add up  {sums} sums in {time:?} ({ticks}0 ms of processor), {memory} MiB at most");
    }
}

/// The processor time of all threads so far, in hundredths of a second.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn write(folder: &Path, days: u64) -> u64 {
    let mut writer = Writer::default();
    let mut bytes = 0;
    for day in 0..days {
        let mut file = file_of(folder, day);
        for minute in day * MINUTES..(day + 1) * MINUTES {
            let mut lines = Vec::new();
            for probe in 0..PROBES {
                let window = month::window("local", probe, minute, 1);
                writer.write(&Line::from(window), &mut lines).expect("the line is short");
            }
            bytes += lines.len() as u64;
            file.write_all(&lines).expect("room");
        }
    }
    bytes
}

fn write_compacted_year(folder: &Path) {
    let mut writer = Writer::default();
    for day in 0..YEAR {
        let mut lines = Vec::new();
        for probe in 0..YEAR_PROBES {
            let mut window = month::window("local", probe, day * MINUTES, MINUTES);
            window.strip.join_even();
            writer.write(&Line::from(window), &mut lines).expect("the line is short");
        }
        file_of(folder, day).write_all(&lines).expect("room");
    }
}

/// Creates the journal's file of a day.
fn file_of(folder: &Path, day: u64) -> BufWriter<File> {
    BufWriter::new(File::create(folder.join(format!("{}.jsonl", month::date(day)))).expect("room"))
}
