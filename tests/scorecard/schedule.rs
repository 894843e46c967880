//! R6 to R9 and R15: checks start on time, their durations are right, and each is counted once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use jiff::Timestamp;
use serde_json::Value;
use uptick::journal::{self, Line, Range};
use uptick::window::Histogram;

use crate::live::{RunInProgress, journal_lines, recorded};
use crate::origin::{healthy, probe};
use crate::readings::{Measurement, Thoroughness, adds_up, micros, ms, quantile};
use crate::support::dns::{Dns, Reply};
use crate::support::run::Run;
use crate::support::server::{Server, lines, ok};

/// Keeps one core busy until dropped.
struct BusyLoop {
    burns: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl BusyLoop {
    fn start() -> BusyLoop {
        let burns = Arc::new(AtomicBool::new(true));
        let thread = thread::spawn({
            let burns = Arc::clone(&burns);
            move || {
                let mut sum = 0_u64;
                while burns.load(Ordering::Relaxed) {
                    sum = std::hint::black_box(sum.wrapping_add(1));
                }
            }
        });
        BusyLoop { burns, thread: Some(thread) }
    }
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        self.burns.store(false, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// R6.
pub(crate) fn soak(scale: Thoroughness) -> Measurement {
    let span = scale.pick(Duration::from_secs(15), Duration::from_mins(5));
    let server = healthy();
    let url = server.url("/");
    let config = "[defaults]\ninterval = \"1s\"\ntimeout = \"900ms\"\n".to_owned()
        + &lines(200, |n| probe(&format!("p{n}"), &url, &[]));
    let ran = {
        let _burner = BusyLoop::start();
        let seconds = format!("{}s", span.as_secs());
        Run::new(["watch", "-q", "--for", seconds.as_str()]).config(&config).lasting(span).run()
    };
    let counts = recorded(ran.folder.path());
    let [scheduled, up, down, unknown, missed] = counts;
    let figure = format!("{scheduled} checks in {span:?}: {up} up, {down} down, {unknown} unknown, {missed} missed");
    Measurement::judged(adds_up(counts) && up > 0 && down + unknown == 0 && missed * 1_000 <= scheduled, figure)
}

/// R7.
pub(crate) fn accounting(_: Thoroughness) -> Measurement {
    let [scheduled, up, down, unknown, missed] = crate::accounting::run_all();
    let figure = format!(
        "{} runs that signals ended: {scheduled} = {up} + {down} + {unknown} + {missed}",
        crate::accounting::REPEATS
    );
    Measurement::judged(adds_up([scheduled, up, down, unknown, missed]), figure)
}

/// R8. The connect phase is not measured: on loopback only a special network device could slow it
/// down.
pub(crate) fn latency(scale: Thoroughness) -> Measurement {
    let delays = scale.pick(&[10, 50][..], &[10, 50, 200][..]);
    let mut worst = (0, String::new());
    let mut holds = true;
    for &delay in delays {
        for phase in ["resolve", "processing", "transfer"] {
            let error = error_of(phase, delay);
            holds &= error <= u64::max(3_000, delay * 30);
            worst = worst.max((error, format!("{phase} at {delay} ms")));
        }
    }
    let (error, at) = worst;
    let percentiles = percentiles();
    Measurement::judged(holds, format!("p50 at most {} off ({at}; connect is not slowed here)", ms(error)))
        .and(percentiles)
}

/// The difference between the median of a phase and its delay, in microseconds.
fn error_of(phase: &str, delay: u64) -> u64 {
    let hold = move |name: &str, phase: &str| if name == phase { Duration::from_millis(delay) } else { Duration::ZERO };
    let (before, between) = (hold("processing", phase), hold("transfer", phase));
    let server = Server::start(move |conn| {
        conn.request();
        conn.wait(before);
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab");
        conn.wait(between);
        conn.send("cd");
    });
    let reply = Reply::address(std::net::Ipv4Addr::LOCALHOST);
    let late = hold("resolve", phase);
    let dns = Dns::always(if late.is_zero() { reply } else { Reply::Later(late, Box::new(reply)) });
    let keys = [format!("resolver = \"udp://{}\"", dns.address()), "ip = \"v4\"".to_owned()];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let config = probe("slow", &format!("http://name.test:{}/", server.port()), &keys);
    let outcomes = Run::new(["check", "--count", "15", "--format", "ndjson"]).config(&config).run().json_lines();
    let times = outcomes.iter().filter_map(|outcome| outcome["timings_us"][phase].as_u64());
    let mut times: Vec<u64> = times.collect();
    assert_eq!(times.len(), 15, "every check has the phase {phase}");
    quantile(&mut times, 0.5).abs_diff(delay * 1_000)
}

/// The percentile in the document compared to the exact one, from the list of all times.
fn percentiles() -> Measurement {
    let server = Server::start(|conn| {
        conn.request();
        conn.wait(Duration::from_micros(u64::try_from(conn.number() * 7_919 % 20_000).unwrap_or_default()));
        conn.send(ok("soon"));
    });
    let config = probe("uneven", &server.url("/"), &[]);
    let run = Run::new(["check", "--count", "300", "--format", "json=out.json", "--format", "ndjson"]).config(&config);
    let ran = run.run();
    let times = ran.json_lines();
    let mut times: Vec<u64> = times.iter().filter_map(|line| line["timings_us"]["total"].as_u64()).collect();
    let document: Value = serde_json::from_slice(&fs::read(ran.folder.path().join("out.json")).unwrap()).unwrap();
    let said = document["probes"][0]["latency_us"]["p99"].as_u64().unwrap_or_default();
    let exact = quantile(&mut times, 0.99);
    // The histogram keeps three significant digits.
    let holds = times.len() == 300 && said.abs_diff(exact) * 1_000 <= exact * 2;
    Measurement::judged(holds, format!("p99 {} of a list of 300, {} said", ms(exact), ms(said)))
}

/// R9.
pub(crate) fn starts(scale: Thoroughness) -> Measurement {
    let span = scale.pick("10s", "100s");
    let server = healthy();
    let url = server.url("/");
    let head = "[settings]\nwindow = \"1s\"\n[defaults]\ninterval = \"100ms\"\ntimeout = \"90ms\"\n";
    let config = head.to_owned() + &lines(100, |n| probe(&format!("p{n}"), &url, &[]));
    let ran = Run::new(["watch", "-q", "--for", span]).config(&config).run();
    let lags = lags_of(&ran.folder.path().join("uptick-journal"));
    let counts = recorded(ran.folder.path());
    let all = lags.values().fold(Histogram::default(), |mut sum, lag| {
        sum.merge(lag);
        sum
    });
    let median = |lag: Option<&Histogram>| micros(lag.and_then(|lag| lag.percentile(0.5)).unwrap_or_default());
    // The first second includes the start of the program.
    let drift = median(lags.values().nth(1)).abs_diff(median(lags.values().last()));
    let p99 = micros(all.percentile(0.99).unwrap_or(Duration::MAX));
    let missed = counts[4];
    let figure = format!("{} starts, error p99 {}, drift {}, {missed} missed", all.count(), ms(p99), ms(drift));
    let even = Measurement::judged(all.count() > 0 && p99 <= 10_000 && drift <= 10_000 && adds_up(counts), figure);
    even.and(stopped())
}

/// How late the checks of each second started.
fn lags_of(journal: &Path) -> BTreeMap<i64, Histogram> {
    let mut lags: BTreeMap<i64, Histogram> = BTreeMap::new();
    for line in journal::read(&[journal.to_owned()], Range::ALL).unwrap() {
        if let Line::Window(window) = line.unwrap() {
            lags.entry(window.from.as_second()).or_default().merge(&window.lag);
        }
    }
    lags
}

/// Stops the process for three seconds: checks due meanwhile are counted as missed and are not made
/// up for.
fn stopped() -> Measurement {
    let server = healthy();
    let config = "[settings]\nwindow = \"1s\"\n[defaults]\ninterval = \"100ms\"\ntimeout = \"90ms\"\n".to_owned()
        + &probe("even", &server.url("/"), &[]);
    let live = RunInProgress::start(Run::new(["watch", "-q", "--for", "8s"]).config(&config));
    live.listens();
    thread::sleep(Duration::from_secs(2));
    live.signal("STOP");
    thread::sleep(Duration::from_secs(3));
    let before = server.connections();
    live.signal("CONT");
    thread::sleep(Duration::from_millis(300));
    let burst = server.connections() - before;
    let ended = live.end();
    let counts = recorded(ended.run.folder());
    let missed = counts[4];
    let figure = format!("stopped for 3 s: {missed} missed, {burst} starts in the 0.3 s after");
    Measurement::judged(adds_up(counts) && (25..=32).contains(&missed) && burst <= 5, figure)
}

/// R15.
pub(crate) fn clock_jumps(_: Thoroughness) -> Measurement {
    let Some(library) = faketime() else { return Measurement::not_made("faketime is not installed") };
    let mut sum = Vec::new();
    let mut holds = true;
    // The last two cross the clock changes of Berlin, both at 01:00 UTC.
    for (jump, begin, then) in [
        ("-1h", "2025-03-10T12:00:00Z", Some("2025-03-10T11:00:00Z")),
        ("+1d", "2025-03-10T12:00:00Z", Some("2025-03-11T12:00:00Z")),
        ("+0", "2025-03-30T00:59:58Z", None),
        ("+0", "2025-10-26T00:59:58Z", None),
    ] {
        let (problems, counted) = under_a_clock(&library, begin, then);
        holds &= problems.is_empty() && counted > 0;
        sum.push(format!("{} {jump}: {}", &begin[..10], if problems.is_empty() { "holds" } else { &problems }));
    }
    Measurement::judged(holds, sum.join(", "))
}

/// The path of the faketime library for programs with threads; `None` if it is not installed.
fn faketime() -> Option<String> {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    fs::exists(&folder).unwrap_or(false).then_some(folder)
}

/// Watches for three seconds with a clock that starts at `begin` and after a second jumps as if it
/// had started at `then`. Returns what is wrong with the journal (empty if nothing), and how many
/// checks it has.
fn under_a_clock(library: &str, begin: &str, then: Option<&str>) -> (String, u64) {
    /// One check each 100 ms for three seconds, and one at the end.
    const SLOTS: u64 = 31;
    // Seconds to add to the clock: faketime reads absolute times in the zone of the program, where the hour of a clock
    // change occurs twice or not at all.
    let now = Timestamp::now();
    let offset = |instant: &str| {
        let instant: Timestamp = instant.parse().expect("an instant");
        format!("{:+}\n", instant.as_second() - now.as_second())
    };
    let server = healthy();
    let config = "[settings]\nwindow = \"1s\"\n[defaults]\ninterval = \"100ms\"\ntimeout = \"90ms\"\n".to_owned()
        + &probe("even", &server.url("/"), &[]);
    let run = Run::new(["watch", "-q", "--for", "3s"])
        .config(&config)
        .file("clock", offset(begin))
        .env("TZ", "Europe/Berlin")
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let clock = run.folder().join("clock");
    let run = run.env("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy()).env("LD_PRELOAD", library);
    let live = RunInProgress::start(run);
    thread::sleep(Duration::from_millis(1_300));
    if let Some(then) = then {
        // The process may read the file at any moment, so it must never be half written.
        let next = clock.with_extension("next");
        fs::write(&next, offset(then)).unwrap();
        fs::rename(&next, &clock).unwrap();
    }
    let ended = live.end();
    let counts = recorded(ended.run.folder());
    let mut problems = Vec::new();
    if !adds_up(counts) {
        problems.push(format!("{counts:?} does not add up"));
    }
    if counts[0] > SLOTS {
        problems.push(format!("{} checks for {SLOTS} slots", counts[0]));
    }
    let lines = journal_lines(ended.run.folder());
    let change = format!("{}T01:00:00", &begin[..10]);
    let is_before = |line: &Value| line["from"].as_str().is_some_and(|from| from < change.as_str());
    let is_after = |line: &Value| line["to"].as_str().is_some_and(|to| to > change.as_str());
    if then.is_none() && !(lines.iter().any(is_before) && lines.iter().any(is_after)) {
        problems.push(format!("no checks on both sides of {change}Z"));
    }
    for line in lines {
        let (from, to) = (line["from"].as_str().unwrap_or_default(), line["to"].as_str().unwrap_or_default());
        // After a clock is set back, a gap line ends before it starts, by design.
        if line["kind"] == "window" && from > to {
            problems.push(format!("a window from {from} to {to}"));
        }
    }
    if ended.stderr.contains("panicked") || counts[2] + counts[3] > 0 {
        problems.push(format!("{counts:?} {}", ended.stderr.lines().next().unwrap_or_default()));
    }
    (problems.join("; "), counts[0])
}
