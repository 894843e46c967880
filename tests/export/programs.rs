//! Real programs, each on its own loopback port; they end when they are dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::support::PATIENCE;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::server::free_port;

/// A running program.
pub(crate) struct Program {
    child: KilledOnDrop,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

impl Program {
    /// Prometheus with remote write and native histograms, which scrapes these targets every
    /// second. `None`, with a note on stderr, if it is not installed.
    pub(crate) fn prometheus(targets: &[SocketAddr]) -> Option<Program> {
        Program::prometheus_with(targets, &[])
    }

    /// The same with rules, which are evaluated every second.
    pub(crate) fn prometheus_with(targets: &[SocketAddr], rules: &[PathBuf]) -> Option<Program> {
        Program::prometheus_configured(targets, rules, "")
    }

    /// Prometheus that also accepts samples which are older than those it has.
    pub(crate) fn prometheus_out_of_order() -> Option<Program> {
        Program::prometheus_configured(&[], &[], "storage: {tsdb: {out_of_order_time_window: 3h}}\n")
    }

    fn prometheus_configured(targets: &[SocketAddr], rules: &[PathBuf], more: &str) -> Option<Program> {
        let targets: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
        let configuration = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: {rules:?}\n\
             scrape_configs: [{{job_name: uptick, static_configs: [{{targets: [{}]}}]}}]\n{more}",
            targets.join(", ")
        );
        Program::start("prometheus", "/-/ready", |folder, address| {
            fs::write(folder.path().join("prometheus.yml"), &configuration).unwrap();
            vec![
                format!("--config.file={}", folder.path().join("prometheus.yml").display()),
                format!("--storage.tsdb.path={}", folder.path().join("data").display()),
                format!("--web.listen-address={address}"),
                "--web.enable-remote-write-receiver".to_owned(),
                "--enable-feature=native-histograms".to_owned(),
            ]
        })
    }

    /// `node_exporter` with only the files of a folder.
    pub(crate) fn node_exporter(files: &Path) -> Option<Program> {
        let files = files.display().to_string();
        Program::start("prometheus-node-exporter", "/metrics", |_, address| {
            vec![
                "--collector.disable-defaults".to_owned(),
                "--collector.textfile".to_owned(),
                format!("--collector.textfile.directory={files}"),
                format!("--web.listen-address={address}"),
            ]
        })
    }

    /// `VictoriaMetrics`.
    pub(crate) fn victoria_metrics() -> Option<Program> {
        Program::start("victoria-metrics", "/health", |folder, address| {
            vec![
                format!("-storageDataPath={}", folder.path().join("data").display()),
                format!("-httpListenAddr={address}"),
                "-memory.allowedBytes=200MB".to_owned(),
            ]
        })
    }

    /// An OpenTelemetry collector that logs what it receives.
    pub(crate) fn collector() -> Option<Program> {
        let agent = glob("target/ci-tools/lib", "site-packages/rotel/rotel-agent");
        let Some(agent) = agent else {
            skip("rotel");
            return None;
        };
        Program::start(&agent.display().to_string(), "/", |_, address| {
            let grpc = format!("127.0.0.1:{}", free_port());
            ["start", "--exporter", "blackhole", "--debug-log", "metrics", "--debug-log-verbosity", "detailed"]
                .into_iter()
                .map(str::to_owned)
                .chain([
                    "--otlp-http-endpoint".to_owned(),
                    address.to_string(),
                    "--otlp-grpc-endpoint".to_owned(),
                    grpc,
                ])
                .collect()
        })
    }

    /// Starts a program. Another one may take the port before it does; then it is started again.
    fn start(program: &str, ready: &str, arguments: impl Fn(&TempDir, SocketAddr) -> Vec<String>) -> Option<Program> {
        for _ in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
            let log = fs::File::create(folder.path().join("log")).unwrap();
            let mut command = Command::new(program);
            command.args(arguments(&folder, address)).stdin(Stdio::null());
            command.stdout(log.try_clone().unwrap()).stderr(log);
            let Ok(child) = command.spawn() else {
                skip(program);
                return None;
            };
            let mut started = Program { child: child.into(), address, folder };
            let mut ended = false;
            started.wait_with(|child| {
                ended = child.try_wait().unwrap().is_some();
                ended || try_get(address, ready).is_some()
            });
            if !ended {
                return Some(started);
            }
        }
        panic!("{program} does not start");
    }

    fn wait_with(&mut self, mut is_over: impl FnMut(&mut Child) -> bool) {
        let start = Instant::now();
        while !is_over(&mut self.child) {
            assert!(start.elapsed() < PATIENCE, "never ready:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a condition holds.
    #[track_caller]
    pub(crate) fn wait(&self, mut holds: impl FnMut() -> bool, what: &str) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "never {what}:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The program's log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The current results of a query.
    #[track_caller]
    pub(crate) fn query(&self, query: &str) -> Vec<serde_json::Value> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = try_get(self.address, &format!("/api/v1/query?nocache=1&query={query}")).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    /// The only number that a query yields, once it does.
    #[track_caller]
    pub(crate) fn number(&self, query: &str) -> f64 {
        let mut found = None;
        self.wait(
            || {
                let results = self.query(query);
                found = results.first().and_then(|result| result["value"][1].as_str()?.parse().ok());
                found.is_some()
            },
            &format!("a result of {query}"),
        );
        found.unwrap()
    }
}

/// Prints a note that a test could not test what it is for.
pub(crate) fn skip(program: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
}

/// The body of a response with status 200; `None` if there is none.
pub(crate) fn try_get(address: SocketAddr, path: &str) -> Option<String> {
    let answer =
        raw(address, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    // A collector has no page, but its response shows that it listens.
    let is_there = head.starts_with("HTTP/1.1 200") || (path == "/" && head.starts_with("HTTP/1.1 4"));
    is_there.then(|| if head.to_ascii_lowercase().contains("chunked") { unchunked(body) } else { body.to_owned() })
}

/// Everything that a server sends in response to these bytes until it closes.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        text.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    text
}

fn glob(folder: &str, rest: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().map(|entry| entry.path().join(rest)).find(|path| path.exists())
}
