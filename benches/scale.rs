//! The cost of many probes: `uptick watch` of 10,000 probes every 10 s and of 100,000 every 60 s
//! against its own server, with recording: peak memory, processor time, how late checks start, and
//! whether any was missed. `cargo bench --profile dist --bench scale`; other sizes as `--
//! 20000@10`, which is probes and seconds.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 31\r\n\r\n<title>hello</title>all is well";

/// The number of probes per file.
const PART: usize = 10_000;

/// How many times each probe is due.
const ROUNDS: u64 = 6;

fn main() {
    let sizes: Vec<(usize, u64)> = std::env::args().skip(1).filter_map(|argument| size(&argument)).collect();
    let sizes = if sizes.is_empty() { vec![(10_000, 10), (100_000, 60)] } else { sizes };
    let port = serve();
    for (probes, seconds) in sizes {
        measure(port, probes, seconds);
    }
}

fn size(text: &str) -> Option<(usize, u64)> {
    let (probes, seconds) = text.split_once('@')?;
    Some((probes.parse().ok()?, seconds.parse().ok()?))
}

fn measure(port: u16, probes: usize, seconds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, journal) = (folder.path().join("probes.toml"), folder.path().join("journal"));
    configure(&config, port, probes, seconds);
    let rounds = if seconds > 30 { 2 } else { ROUNDS };
    let mut watch = Command::new(env!("CARGO_BIN_EXE_uptick"));
    watch.args(["watch", "-q", "--for", &format!("{}s", seconds * rounds), "-c"]).arg(&config);
    watch.arg("--journal").arg(&journal).stdout(Stdio::null());
    let mut watch = watch.spawn().expect("it starts");
    let status = format!("/proc/{}/status", watch.id());
    let stat = format!("/proc/{}/stat", watch.id());
    let (mut peak, mut ticks) = (0, 0);
    while watch.try_wait().expect("a child").is_none() {
        peak = peak.max(peak_memory(Path::new(&status)));
        ticks = ticks.max(processor_ticks(Path::new(&stat)));
        thread::sleep(Duration::from_millis(50));
    }
    let report = report(&config, &journal);
    let lag = &report["lag_us"];
    let surface = &report["surfaces"][0];
    let milliseconds = |name: &str| format!("{:.1} ms", lag[name].as_f64().unwrap_or_default() / 1000.0);
    println!(
        "{probes} probes every {seconds} s: peak {:.1} MB, {:.1} s of processor time, lag p50 {} p99 {} max {}, \
         {} checks, {} up, {} missed",
        f64::from(peak) / 1000.0,
        // A tick of /proc is a hundredth of a second on every Linux.
        f64::from(ticks) / 100.0,
        milliseconds("p50"),
        milliseconds("p99"),
        milliseconds("max"),
        surface["checks"],
        surface["up"],
        surface["missed"],
    );
}

/// Writes the configuration in parts, because the size of a file is limited.
fn configure(config: &Path, port: u16, probes: usize, seconds: u64) {
    let folder = config.parent().expect("a folder");
    let common = format!("[defaults]\ninterval = \"{seconds}s\"\nexpect.body-contains = \"all is well\"\n");
    std::fs::write(config, format!("include = \"part-*.toml\"\n{common}")).expect("a file");
    for first in (0..probes).step_by(PART) {
        let mut part = String::new();
        for number in first..probes.min(first + PART) {
            let _ = write!(part, "[[probe]]\nname = \"p{number}\"\nurl = \"http://127.0.0.1:{port}/{number}\"\n");
        }
        std::fs::write(folder.join(format!("part-{first}.toml")), part).expect("a file");
    }
}

fn report(config: &Path, journal: &Path) -> Json {
    let mut report = Command::new(env!("CARGO_BIN_EXE_uptick"));
    let output = report.args(["report", "--format", "json", "-c"]).arg(config).arg(journal).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no report: {error}: {said}"))
}

/// The peak memory of a process, in kB.
fn peak_memory(status: &Path) -> u32 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// User and system time of a process, in ticks.
fn processor_ticks(stat: &Path) -> u32 {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok()).unwrap_or_default();
    field(11) + field(12)
}

/// Starts a server on its own thread. Returns its port.
fn serve() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("an option");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    });
    port
}

async fn answer(mut stream: TcpStream) {
    let mut request = Vec::with_capacity(1024);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = stream.write_all(ANSWER.as_bytes()).await;
    // The client closes first, as with a server that keeps connections open.
    let _ = stream.read_buf(&mut request).await;
}
