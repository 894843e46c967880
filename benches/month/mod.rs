//! Shared by the benchmarks of a month: its windows, and a separate process for each answer.

#[path = "../memory/mod.rs"]
mod memory;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
pub(crate) use memory::peak_memory_mib;
use uptick::commands;
use uptick::model::Verdict;
use uptick::window::{CheckResult, Window};

/// The days of the month.
pub(crate) const DAYS: u64 = 30;
/// The number of probes.
pub(crate) const PROBES: u64 = 20;
/// The interval of each probe, in milliseconds.
const INTERVAL_MS: u64 = 30_000;
/// The minutes of a day.
pub(crate) const MINUTES: u64 = 1_440;

/// Set for the process that answers, so that its memory is that of a report and of nothing else.
const ANSWERING: &str = "UPTICK_BENCH_ANSWERING";

/// Answers, if this process was started for that, and prints its peak memory in MiB on stderr.
/// `None` otherwise.
pub(crate) fn answer_if_asked() -> Option<ExitCode> {
    std::env::var_os(ANSWERING)?;
    let exit = commands::main();
    eprintln!("{}", peak_memory_mib());
    Some(exit)
}

/// Answers for the first `days` days of a journal in a separate process. Returns how long that took
/// from start to exit, and its peak memory in MiB.
pub(crate) fn answer(days: u64, format: &str, journal: &str, cache: &Path) -> (Duration, u64) {
    let end = begin() + Duration::from_hours(24 * days);
    let begun = Instant::now();
    let done = Command::new(std::env::current_exe().expect("this program"))
        .args(["report", "--from", &begin().to_string(), "--to", &end.to_string(), "--format", format, journal])
        .env(ANSWERING, "1")
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::null())
        .output()
        .expect("it starts");
    let time = begun.elapsed();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    (time, said.trim().parse().expect("a number of mebibytes"))
}

/// The start of the month.
pub(crate) fn begin() -> Timestamp {
    "2025-03-01T00:00:00Z".parse().expect("an instant")
}

/// The date of a day of the month.
pub(crate) fn date(day: u64) -> Date {
    TimeZone::UTC.to_datetime(begin() + Duration::from_hours(24 * day)).date()
}

/// A window of `minutes` minutes that starts at a minute of the month, of checks that were all up.
pub(crate) fn window(vantage: &str, probe: u64, minute: u64, minutes: u64) -> Window {
    let name = |text: &str| Arc::<str>::from(text);
    let surface = if probe.is_multiple_of(2) { "app" } else { "web" };
    let mut window = Window::empty(&name(vantage), &name(&format!("probe-{probe}")), &name(surface), false);
    // Each probe has its own position in the interval, as in `watch`.
    let place = probe * 7_919 % INTERVAL_MS;
    window.from = begin() + Duration::from_mins(minute);
    window.to = window.from + Duration::from_mins(minutes);
    window.counts.up = 2 * minutes;
    for n in 2 * minute..2 * (minute + minutes) {
        let chance = (n + probe * 7_919).wrapping_mul(2_654_435_761) % 10_007;
        let at = begin() + Duration::from_millis(n * INTERVAL_MS + place);
        window.strip.push(at, CheckResult::new(Verdict::Up, None));
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
