//! The cost of a fleet of shards, without sockets: a million probes, checked every minute by a
//! hundred probers, each of which determines its own part. Every shard runs in its own process
//! through the planner, the runner, the windows and the journal; checks are scripted, and one in a
//! thousand fails. `cargo bench --profile dist --bench shards`; other sizes as `-- 100000/10`,
//! which is probes and shards.
//!
//! The first shard runs on the real clock, because only that has a lag; the others run on a clock
//! that jumps to the next due check.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]

mod memory;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use uptick::journal::{Journal, Line, Options};
use uptick::model::{Check, Failure, FailureClass, Outcome, Phase, Probe, SafeText, Shard, Timings, Verdict};
use uptick::runner::{Event, Settings};
use uptick::window::Collector;
use uptick::{plan, runner};

/// The role of a process, if it is not the benchmark itself: its shard, the number of all probes,
/// and its clock.
const ROLE: &str = "UPTICK_BENCH_SHARD";
const PROBES: &str = "UPTICK_BENCH_PROBES";
const CLOCK: &str = "UPTICK_BENCH_CLOCK";
const FOLDER: &str = "UPTICK_BENCH_FOLDER";

/// The interval of every probe, and the duration of the run.
const INTERVAL: Duration = Duration::from_mins(1);
const SPAN: Duration = Duration::from_mins(3);

/// The most lines that are written to the journal at once.
const BATCH: usize = 4_096;

fn main() {
    match std::env::var(ROLE) {
        Ok(shard) => println!("{}", simulate(shard.parse().expect("a shard"))),
        Err(_) => compare(),
    }
}

fn compare() {
    let asked = std::env::args().skip(1).find_map(|argument| {
        let (probes, shards) = argument.split_once('/')?;
        Some((probes.parse::<usize>().ok()?, shards.parse::<u32>().ok()?))
    });
    let (probes, shards) = asked.unwrap_or((1_000_000, 100));
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let run = |index: u32| shard(probes, Shard::new(index, shards).expect("a shard"), folder.path());
    let all: Vec<Json> = (0..shards).map(run).collect();
    let sum = |key: &str| all.iter().filter_map(|one| one[key].as_u64()).sum::<u64>();
    let most = |key: &str| all.iter().filter_map(|one| one[key].as_u64()).max().unwrap_or_default();
    let least = |key: &str| all.iter().filter_map(|one| one[key].as_u64()).min().unwrap_or_default();
    let (checks, bytes) = (sum("checks"), sum("bytes"));
    println!("{probes} probes in {shards} shards, {INTERVAL:?} apart, {SPAN:?} long");
    println!("probes      {} in all, {} to {} a shard", sum("probes"), least("probes"), most("probes"));
    println!("checks      {checks} made, {} missed", sum("missed"));
    println!("memory      {} MiB a shard at most", most("memory_mib"));
    println!("journal     {bytes} bytes, {} a check, {} GB a day", bytes / checks.max(1), bytes * 480 / 1_000_000_000);
    println!(
        "lag         p50 {} µs, p99 {} µs (the first shard, on the real clock)",
        all[0]["lag_p50"], all[0]["lag_p99"]
    );
    println!("took        {:?}", begun.elapsed());
    assert_eq!(sum("probes"), probes as u64, "every probe has one shard");
    assert_eq!(checks + sum("missed"), probes as u64 * (SPAN.as_secs() / INTERVAL.as_secs()), "no check is lost");
}

/// One shard, in its own process.
fn shard(probes: usize, shard: Shard, folder: &Path) -> Json {
    let mut child = Command::new(std::env::current_exe().expect("this file"));
    child.env(ROLE, shard.to_string()).env(PROBES, probes.to_string()).env(FOLDER, folder);
    child.env(CLOCK, if shard.index == 0 { "real" } else { "jumps" });
    let output = child.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("shard {shard}: {error}: {said}"))
}

fn simulate(shard: Shard) -> Json {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok()).expect("a number");
    let names = (0..number(PROBES)).map(|number| format!("shop-{number} /health"));
    let probe = |name: String| Arc::new(Probe::plain(&name, "shops", "https://shop.example/health", INTERVAL));
    let probes: Vec<Arc<Probe>> = names.filter(|name| shard.owns(name)).map(probe).collect();
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let folder = Path::new(&folder).join(format!("shard-{}", shard.index));
    let jumps = std::env::var(CLOCK).is_ok_and(|clock| clock == "jumps");
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(jumps).build().expect("a runtime");
    let made = runtime.block_on(run(&probes, &folder));
    let bytes: u64 = files(&folder).iter().map(|file| file.metadata().expect("a file").len()).sum();
    let mut lags = made.lags;
    lags.sort_unstable();
    let lag = |share: usize| lags.get(lags.len() * share / 100).copied().unwrap_or_default();
    json!({
        "probes": probes.len(), "checks": lags.len(), "missed": made.missed, "bytes": bytes,
        "memory_mib": memory::peak_memory_mib(), "lag_p50": lag(50), "lag_p99": lag(99),
    })
}

struct Made {
    /// The lag of each check, in microseconds.
    lags: Vec<u64>,
    missed: u64,
}

async fn run(probes: &[Arc<Probe>], folder: &Path) -> Made {
    let (started, origin) = (tokio::time::Instant::now(), Timestamp::now());
    let now = move || origin + started.elapsed();
    let settings =
        Settings { started, concurrency: 500, until: Some(SPAN), vantage: "here".to_owned(), now, has_room: || true };
    // The journal has its own thread, as in `uptick watch`.
    let (lines, waiting) = mpsc::unbounded_channel();
    let journal = Journal::open(folder, Options::default()).expect("a journal");
    let writer = std::thread::spawn(move || write(journal, waiting));
    let mut collector = Collector::new("here", INTERVAL);
    let (mut made, mut next_tick) = (Made { lags: Vec::new(), missed: 0 }, Duration::ZERO);
    let on_event = |event| {
        let closed = match event {
            Event::Outcome(outcome) => {
                made.lags.push(u64::try_from(outcome.lag.as_micros()).unwrap_or(u64::MAX));
                collector.record(&outcome)
            }
            Event::Missed { probe, scheduled_at } => {
                made.missed += 1;
                collector.record_missed(&probes[probe], scheduled_at)
            }
            _ => None,
        };
        let mut closed: Vec<_> = closed.into_iter().collect();
        if started.elapsed() >= next_tick {
            next_tick = started.elapsed() + Duration::from_millis(200);
            closed.extend(collector.close_ended(now()));
        }
        let failures = collector.take_failures().into_iter().map(Line::from);
        closed.into_iter().map(Line::from).chain(failures).for_each(|line| lines.send(line).expect("a writer"));
    };
    let plan = plan::Intervals::new(probes, origin, 0.0, 0);
    let stop = std::future::pending::<std::future::Ready<()>>();
    runner::run(probes, plan, settings, check, stop, on_event).await;
    collector.close_all().into_iter().for_each(|window| lines.send(Line::from(window)).expect("a writer"));
    drop(lines);
    writer.join().expect("a writer");
    made
}

/// A healthy response after a few dozen milliseconds; one in a thousand connections is refused.
async fn check(check: Check) -> Outcome {
    let started_at = check.scheduled_at + check.lag;
    let number = check.probe.name.bytes().fold(started_at.as_second().unsigned_abs(), |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let total = Duration::from_micros(20_000 + number % 60_000);
    tokio::time::sleep(total).await;
    let refused = Failure::new(FailureClass::ConnectRefused, Some(Phase::Connect), SafeText::message("refused"));
    let mut outcome = Outcome::without_measurement(&check, "here", started_at, refused);
    outcome.timings = Timings { total, ..Timings::default() };
    if number % 1_000 > 0 {
        (outcome.verdict, outcome.failure, outcome.status) = (Verdict::Up, None, Some(200));
    }
    outcome
}

fn write(mut journal: Journal, mut waiting: mpsc::UnboundedReceiver<Line>) {
    let mut batch = Vec::new();
    while waiting.blocking_recv_many(&mut batch, BATCH) > 0 {
        journal.append(&batch).expect("a disk");
        batch.clear();
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
