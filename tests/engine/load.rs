//! Measures the scheduler under load: run it in release mode on a quiet machine, one test at a
//! time.
//!
//! `cargo test --profile dist --test engine load -- --ignored --nocapture --test-threads 1`
//!
//! Each test prints its figures. The limits are those that the project promises, so each test can
//! fail.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use uptick::engine::Engine;
use uptick::model::{Counts, Probe, Redactor, Verdict};
use uptick::plan::Intervals;
use uptick::runner;
use uptick::runner::Event;

/// A server that responds to every request with a short page and closes.
async fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 2_048];
                if stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
                }
            });
        }
    });
    address
}

/// The results of a run.
#[derive(Default)]
struct LoadResult {
    counts: Counts,
    lags: Vec<Duration>,
    /// For the first probe: how far each start is from its slot.
    offsets: Vec<Duration>,
}

impl LoadResult {
    fn p99_lag(&mut self) -> Duration {
        self.lags.sort_unstable();
        self.lags[self.lags.len() * 99 / 100]
    }
}

async fn run(probes: usize, interval: Duration, span: Duration) -> LoadResult {
    let address = origin().await;
    let url = format!("http://{address}/");
    let probes: Vec<Arc<Probe>> =
        (0..probes).map(|n| Arc::new(Probe::plain(&format!("probe-{n}"), "web", &url, interval))).collect();
    let engine = Arc::new(Engine::new("here", Redactor::default(), &probes).unwrap());
    let settings = runner::Settings {
        started: Instant::now(),
        concurrency: 256,
        until: Some(span),
        vantage: "here".to_owned(),
        now: Timestamp::now,
        has_room: || true,
    };
    let check = move |check| {
        let engine = Arc::clone(&engine);
        async move { engine.check(check).await }
    };
    let plan = Intervals::new(&probes, Timestamp::now(), 0.0, 0);
    let mut seen = LoadResult::default();
    let (mut first, mut slot) = (None, 0u32);
    runner::run(
        &probes,
        plan,
        settings,
        check,
        std::future::pending::<std::future::Ready<()>>(),
        |event| match event {
            Event::Outcome(outcome) => {
                seen.counts.add(outcome.verdict, 1);
                seen.lags.push(outcome.lag);
                if outcome.probe == "probe-0" {
                    let begun = outcome.started_at;
                    let first = *first.get_or_insert(begun);
                    let expected = first + interval * slot;
                    seen.offsets.push(begun.duration_since(expected).unsigned_abs());
                    slot += 1;
                }
            }
            Event::Missed { .. } => seen.counts.add(Verdict::Missed, 1),
            Event::Gap(gap) => panic!("{gap:?}"),
            Event::PassEnded | Event::Stopping { .. } => {}
        },
    )
    .await;
    seen
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of 100 seconds"]
async fn a_hundred_probes_every_hundred_milliseconds_start_on_time_and_do_not_drift() {
    let mut seen = run(100, Duration::from_millis(100), Duration::from_secs(100)).await;
    let p99 = seen.p99_lag();
    let drift = seen.offsets.iter().rev().take(10).min().copied().unwrap();
    say(&format!("100 probes x 1,000 ticks: {:?}, start error p99 {p99:?}, drift {drift:?}", seen.counts));
    assert_eq!(seen.counts, Counts { up: 100_000, ..Counts::default() });
    assert!(p99 <= Duration::from_millis(10) && drift <= Duration::from_millis(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of a minute"]
async fn ten_thousand_probes_every_ten_seconds_miss_nothing() {
    let mut seen = run(10_000, Duration::from_secs(10), Duration::from_mins(1)).await;
    let p99 = seen.p99_lag();
    say(&format!("10,000 probes every 10 s for 60 s: {:?}, start lag p99 {p99:?}", seen.counts));
    assert_eq!(seen.counts, Counts { up: 60_000, ..Counts::default() });
    assert!(p99 <= Duration::from_millis(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of five minutes"]
async fn sixty_thousand_healthy_checks_beside_a_busy_core_are_all_up() {
    let busy = Arc::new(AtomicBool::new(true));
    let burning = Arc::clone(&busy);
    let burner = std::thread::spawn(move || {
        let mut sum = 0u64;
        while burning.load(Ordering::Relaxed) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    });
    let mut seen = run(200, Duration::from_secs(1), Duration::from_mins(5)).await;
    busy.store(false, Ordering::Relaxed);
    burner.join().unwrap();
    let p99 = seen.p99_lag();
    say(&format!("200 probes every second for 5 min beside a busy core: {:?}, start lag p99 {p99:?}", seen.counts));
    assert_eq!((seen.counts.down, seen.counts.unknown), (0, 0));
    assert_eq!(seen.counts.scheduled(), 60_000);
    assert!(seen.counts.missed <= 60, "one in a thousand at most");
}

/// The peak memory of this process, in KiB (`VmHWM`).
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_idle_probes_stay_below_sixty_four_mebibytes() {
    let before = peak_kib();
    let interval = Duration::from_secs(30);
    let probes: Vec<Arc<Probe>> = (0..10_000)
        .map(|n| Arc::new(Probe::plain(&format!("probe-{n}"), "web", "http://127.0.0.1:9/", interval)))
        .collect();
    let engine = Engine::new("here", Redactor::default(), &probes).unwrap();
    let mut plan = Intervals::new(&probes, Timestamp::now(), 0.0, 0);
    let mut fold = crate::support::pass::Checks::new("here", &probes, Duration::from_mins(1), Timestamp::UNIX_EPOCH);
    // Open windows of one minute: what a watch holds between two writes to its journal.
    for due in plan.by_ref().take(20_000) {
        let probe = Arc::clone(&probes[due.probe]);
        let scheduled_at = Timestamp::UNIX_EPOCH + due.at.mul_f64(0.5);
        let check = uptick::model::Check { probe, scheduled_at, lag: Duration::ZERO };
        let failure =
            uptick::model::Failure::new(uptick::model::FailureClass::Status, None, uptick::model::SafeText::default());
        let mut outcome = uptick::model::Outcome::without_measurement(&check, "here", scheduled_at, failure);
        outcome.verdict = Verdict::Up;
        outcome.failure = None;
        fold.record(outcome);
    }
    let used = peak_kib() - before;
    say(&format!("10,000 probes with two open samples each: {used} KiB"));
    assert!(used < 64 * 1_024, "{used} KiB");
    drop((engine, fold));
}
