//! The twenty lines, and their output.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::readings::{LineResult, Measurement, Thoroughness};
use crate::{catalogue, durability, exhaustion, schedule, suites};

/// A line: its number, its subject, its requirement, and the function that measures it.
struct Line {
    number: usize,
    name: &'static str,
    asked: &'static str,
    measure: fn(Thoroughness) -> Measurement,
}

const fn line(
    number: usize,
    name: &'static str,
    asked: &'static str,
    measure: fn(Thoroughness) -> Measurement,
) -> Line {
    Line { number, name, asked, measure }
}

const LINES: [Line; 20] = [
    line(1, "fault catalogue", "every row has its class and phase", catalogue::classes),
    line(
        2,
        "deadlines",
        "each check ends within its limit and 250 ms, the process 500 ms after the last",
        catalogue::deadlines,
    ),
    line(3, "memory", "64 MiB for one hostile answer, 200 MiB for a hundred", catalogue::memory),
    line(
        4,
        "dead name servers",
        "50 of 50 healthy hosts up beside 1,000 hung lookups, 100 ms later at most",
        exhaustion::dead_name_servers,
    ),
    line(5, "local exhaustion", "never down: no files, no ports, no disk, no roots", exhaustion::local),
    line(6, "false alarms", "none beside a busy core, one in a thousand missed at most", schedule::soak),
    line(7, "accounting", "scheduled = up + down + unknown + missed, under random signals", schedule::accounting),
    line(8, "latency", "each phase within 3 ms or 3 % of what is injected; p99 as in a list", schedule::latency),
    line(9, "schedule", "start error p99 and drift 10 ms; a stop of 3 s is counted exactly", schedule::starts),
    line(
        10,
        "kills at each call",
        "no recorded line lost, no journal unreadable, nothing left over",
        durability::kills_at_each_call,
    ),
    line(11, "kills at random", "no line that was on the disk is lost or doubled", durability::kills_at_random),
    line(12, "failing calls", "no panic; path and error named; status 3; verdicts printed", durability::failing_calls),
    line(13, "many writers", "every record once, none torn, lock wait p99 200 ms", durability::many_writers),
    line(14, "damaged journals", "every intact line read, the rest counted, no panic", durability::damaged_journals),
    line(15, "clock", "no negative time, no slot twice when the clock jumps", schedule::clock_jumps),
    line(16, "secrets", "none in any output, none sent to another origin", suites::secrets),
    line(17, "injection", "every output parses by its grammar", suites::injection),
    line(18, "mutated input", "no parser panics or hangs", suites::mutation),
    line(19, "signals and pipes", "exact status, ends soon, records kept", suites::signals),
    line(20, "hygiene", "dependencies allowed, files for their owner alone", suites::hygiene),
];

/// Measures the chosen lines (all if none is chosen) and prints each as soon as it is measured.
/// Fails if any of them fails.
pub(crate) fn measure(scale: Thoroughness, binary: &Path, chosen: &[&String], markdown: Option<&Path>) -> ExitCode {
    println!("{}, {}", binary.display(), machine());
    let mut rows = Vec::new();
    let mut counts = [0; 3];
    for line in &LINES {
        if !chosen.is_empty() && !chosen.iter().any(|word| **word == format!("R{}", line.number)) {
            continue;
        }
        let start = Instant::now();
        let reading = catch_unwind(AssertUnwindSafe(|| (line.measure)(scale))).unwrap_or_else(|cause| {
            let said = cause.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            Measurement::judged(false, said.lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned())
        });
        let (word, at) = match reading.result {
            LineResult::Pass => ("pass", 0),
            LineResult::Fail => ("FAIL", 1),
            LineResult::NotMade => ("skipped:", 2),
        };
        counts[at] += 1;
        let took = start.elapsed().as_secs_f64();
        println!("R{:<3} {word:<8} {}: {} ({took:.1} s)", line.number, line.name, reading.figure);
        rows.push(format!("| R{} | {} | {} | {} | {word} |", line.number, line.name, line.asked, reading.figure));
    }
    let [passed, failed, skipped] = counts;
    println!("{passed} passed, {failed} failed, {skipped} could not be made here");
    if let Some(path) = markdown {
        let head = "| | line | asked | found | |\n|---|---|---|---|---|\n";
        std::fs::write(path, format!("{}\n\n{head}{}\n", machine(), rows.join("\n"))).unwrap();
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A description of this machine on one line.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = Command::new("uname").args(["-sr"]).output().map(|output| output.stdout).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{} on {cpus} cores, load {load} at the start", String::from_utf8_lossy(&kernel).trim())
}
