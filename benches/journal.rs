//! How fast a journal is read, and how fast `uptick report` answers from it: 30 days of 20 probes
//! asked every 30 seconds, in one-minute windows. `cargo bench --bench journal` writes it to a
//! temporary folder and reads it; half of it too, to see that the time grows with the lines.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's answer")]

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use clap::Parser as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uptick::cli::Cli;
use uptick::commands;
use uptick::journal;
use uptick::journal::Line;
use uptick::journal::Range;
use uptick::journal::Writer;
use uptick::model::Verdict;
use uptick::window::Window;

const DAYS: i64 = 30;
const PROBES: u64 = 20;

/// Set for the process that answers, so that its memory is that of a report and of nothing else.
const ANSWERING: &str = "UPTICK_BENCH_ANSWERING";

fn main() -> ExitCode {
    if std::env::var_os(ANSWERING).is_some() {
        let exit = commands::run(Cli::parse());
        eprintln!("{}", peak_memory_mib());
        return exit;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = write(folder.path(), DAYS);
    println!("journal          {} windows, {bytes} bytes", DAYS * 1440 * i64::try_from(PROBES).expect("few"));
    read(folder.path());
    let half = tempfile::tempdir().expect("a folder");
    write(half.path(), DAYS / 2);
    for (days, folder) in [(DAYS / 2, half.path()), (DAYS, folder.path())] {
        for format in ["human", "json", "html"] {
            report(days, format, folder);
        }
    }
    ExitCode::SUCCESS
}

/// Answers in a process of its own, from the begin of the journal to its end.
fn report(days: i64, format: &str, folder: &Path) {
    let end = begin() + Duration::from_hours(24 * days.unsigned_abs());
    let (mut times, mut memory) = (Vec::new(), 0);
    for _ in 0..5 {
        let begun = Instant::now();
        let done = Command::new(std::env::current_exe().expect("this program"))
            .args(["report", "--from", &begin().to_string(), "--to", &end.to_string(), "--format", format])
            .arg(folder)
            .env(ANSWERING, "1")
            .stdout(Stdio::null())
            .output()
            .expect("it starts");
        times.push(begun.elapsed());
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        memory = memory.max(String::from_utf8_lossy(&done.stderr).trim().parse::<u64>().expect("a number"));
    }
    times.sort_unstable();
    println!("report {format:<8}  {days} days in {:?} (median of 5), {memory} MiB at most", times[2]);
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
        println!(
            "read             {windows} windows in {time:?} ({ticks}0 ms of processor), {} MiB at most",
            peak_memory_mib()
        );
    }
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
        let (time, ticks) = (begin.elapsed(), processor_time() - ticks);
        println!(
            "read and add up  {} sums in {time:?} ({ticks}0 ms of processor), {} MiB at most",
            sums.len(),
            peak_memory_mib()
        );
    }
}

/// The processor time of all threads so far, in hundredths of a second.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// The most memory the process ever had, as Linux tells it.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn begin() -> Timestamp {
    "2025-03-01T00:00:00Z".parse().expect("an instant")
}

fn write(folder: &Path, days: i64) -> u64 {
    let mut writer = Writer::default();
    let mut bytes = 0;
    for day in 0..days {
        let begin = begin() + Duration::from_hours(24 * day.unsigned_abs());
        let date = TimeZone::UTC.to_datetime(begin).date();
        let mut file = BufWriter::new(File::create(folder.join(format!("{date}.jsonl"))).expect("room"));
        for minute in 0..1440 {
            let mut lines = Vec::new();
            for probe in 0..PROBES {
                let window = window(begin + Duration::from_mins(minute), probe, minute);
                writer.write(&Line::from(window), &mut lines).expect("the line is short");
            }
            bytes += lines.len() as u64;
            file.write_all(&lines).expect("room");
        }
    }
    bytes
}

fn window(from: Timestamp, probe: u64, minute: u64) -> Window {
    let name = |text: &str| Arc::<str>::from(text);
    let mut window = Window::empty(&name("local"), &name(&format!("probe-{probe}")), &name("web"), false);
    window.from = from;
    window.to = from + Duration::from_mins(1);
    window.counts.up = 2;
    for n in 0..2 {
        let chance = (minute * 2 + n + probe * 7_919).wrapping_mul(2_654_435_761) % 10_007;
        window.strip.push(from + Duration::from_millis(n * 30_000 + chance % 30_000), Verdict::Up, None);
        window.latency.resolve.record_micros(1_200 + chance);
        window.latency.connect.record_micros(18_000 + chance);
        window.latency.tls.record_micros(41_000 + chance);
        window.latency.processing.record_micros(87_000 + chance * 7);
        window.latency.transfer.record_micros(240 + chance % 500);
        window.latency.total.record_micros(148_000 + chance * 10);
        window.lag.record_micros(80 + chance % 400);
    }
    window
}
