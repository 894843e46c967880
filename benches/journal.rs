//! How fast a journal is read: 30 days of 20 probes asked every 30 seconds, in one-minute
//! windows. `cargo bench --bench journal` writes it to a temporary folder and reads it.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uptick::journal;
use uptick::journal::Line;
use uptick::journal::Range;
use uptick::journal::Writer;
use uptick::model::Verdict;
use uptick::window::Window;

const DAYS: i64 = 30;
const PROBES: u64 = 20;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = write(folder.path());
    println!("journal          {} windows, {bytes} bytes", DAYS * 1440 * i64::try_from(PROBES).expect("few"));
    for _ in 0..3 {
        let (begin, ticks) = (Instant::now(), processor_time());
        let mut reader = journal::read(&[folder.path().to_owned()], Range::ALL).expect("the folder is there");
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
        for line in journal::read(&[folder.path().to_owned()], Range::ALL).expect("the folder is there") {
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

fn write(folder: &Path) -> u64 {
    let begin: Timestamp = "2025-03-01T00:00:00Z".parse().expect("an instant");
    let mut writer = Writer::default();
    let mut bytes = 0;
    for day in 0..DAYS {
        let begin = begin + Duration::from_hours(24 * day.unsigned_abs());
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
