//! The parsers of foreign input, each as a function of bytes that panics if a promise is broken.
//! The fuzzer in fuzz/ runs them guided by coverage, and the mutations in this folder run them
//! blindly. Input that only the engine reads is tested as in practice: a server sends it to a
//! check.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use uptick::config;
use uptick::config::{Config, ConfigError};
use uptick::engine::Engine;
use uptick::import::{self, InputFile};
use uptick::journal::{Decoder, Writer};
use uptick::model::{
    Cron, HttpVersionPreference, Probe, Redactor, SafeText, Schedule, Secret, TextRule, Value, Verdict, quantity,
};

use crate::support::server::Server;
use crate::support::{h2, probes, server, strict};

/// A property that every input must satisfy; panics if it does not.
pub(crate) type Property = fn(&[u8]);

/// Every target, with the name of its folder in the corpus.
pub(crate) const ALL: [(&str, Property); 12] = [
    ("probe-file", probe_file),
    ("import", import),
    ("journal", journal),
    ("strip", strip),
    ("response", response),
    ("coding", coding),
    ("http2", http2),
    ("proxy", proxy),
    ("dns", dns),
    ("text", text),
    ("schedule", schedule),
    ("duration", duration),
];

/// A secret that cleaned text must not contain.
pub(crate) const SECRET: &str = "s3cr3t/+ \"tok\"";

/// A temporary folder for one probe file.
struct Folder(TempDir);

impl Folder {
    fn path(&self) -> PathBuf {
        self.0.path().join("probes.toml")
    }

    fn load(&self, text: &[u8]) -> Result<Config, ConfigError> {
        std::fs::write(self.path(), text).unwrap();
        config::load(&self.path(), &|name| Some(format!("value-of-{name}")))
    }
}

thread_local! {
    static FOLDER: Folder = Folder(tempfile::tempdir().unwrap());
    static STAGES: RefCell<HashMap<&'static str, ProbedServer>> = RefCell::new(HashMap::new());
    static REDACTOR: Redactor = Redactor::new([Secret::new(SECRET)]);
}

/// A probe file is loaded and can be explained, or is refused with visible text.
pub(crate) fn probe_file(input: &[u8]) {
    FOLDER.with(|folder| match folder.load(input) {
        Ok(config) => {
            for probe in &config.probes {
                strict::assert_visible(&config::explain(&config, probe), "explain");
            }
        }
        Err(error) => strict::assert_visible(&error.to_string(), "a diagnostic"),
    });
}

/// A journal line is refused, or has the same meaning after it is written and read again. No
/// mutation produces a valid checksum, so the line is also read with a correct one.
pub(crate) fn journal(input: &[u8]) {
    /// The length of `,"crc":"xxxxxxxx"}` in bytes.
    const CHECKSUM: usize = 18;
    reads_as_written(input);
    let body = &input[..input.len().saturating_sub(CHECKSUM)];
    reads_as_written(&[body, format!(",\"crc\":\"{:08x}\"}}", crc32fast::hash(body)).as_bytes()].concat());
}

fn reads_as_written(line: &[u8]) {
    let Ok(line) = Decoder::default().decode(line) else { return };
    let mut again = Vec::new();
    Writer::default().write(&line, &mut again).unwrap();
    let again = again.strip_suffix(b"\n").unwrap_or(&again);
    assert_eq!(Decoder::default().decode(again).unwrap(), line);
}

/// Another tool's file is refused with visible text, or becomes a valid probe file.
pub(crate) fn import(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    match import::import(&[InputFile { name: "given".to_owned(), text }], Path::new("")) {
        Err(error) => strict::assert_visible(&error.to_string(), "a diagnostic"),
        Ok(imported) => {
            strict::assert_visible(&imported.text, "an imported file");
            // What has a default need not be set.
            let value = |name: &str| {
                let has_default = imported.text.contains(&format!("${{{name}:-"));
                let is_needed = !has_default || imported.text.contains(&format!("${{{name}}}"));
                is_needed.then(|| stand_in(name, &imported.text).to_owned())
            };
            let read = config::load_text(Path::new("probes.toml"), &imported.text, &value);
            let config = read.unwrap_or_else(|error| panic!("{error}\n{}", imported.text));
            assert_eq!(config.probes.len(), imported.probes, "{}", imported.text);
        }
    }
}

/// The value of a variable of an imported file: a port, or for one that begins a URL its scheme or the whole of it.
fn stand_in(variable: &str, file: &str) -> &'static str {
    if file.contains(&format!("url = \"${{{variable}}}://")) {
        "https"
    } else if ["url", "proxy"].iter().any(|key| file.contains(&format!("{key} = \"${{{variable}}}"))) {
        "https://stand-in.test"
    } else if variable.to_ascii_uppercase().contains("PORT") {
        "8443"
    } else {
        "stand-in"
    }
}

/// A strip in an otherwise valid journal line.
pub(crate) fn strip(input: &[u8]) {
    let strip = serde_json::to_string(&String::from_utf8_lossy(input)).unwrap();
    let (from, to) = ("2025-03-10T09:31:00.000Z", "2025-03-10T09:32:00.000Z");
    let body = format!(
        "{{\"v\":1,\"kind\":\"window\",\"vantage\":\"here\",\"probe\":\"home\",\"surface\":\"web\",\"from\":\"{from}\",\"to\":\"{to}\",\
         \"scheduled\":6,\"up\":4,\"down\":2,\"unknown\":0,\"missed\":0,\"failures\":{{\"status\":2}},\"strip\":{strip}"
    );
    reads_as_written(format!("{body},\"crc\":\"{:08x}\"}}", crc32fast::hash(body.as_bytes())).as_bytes());
}

/// The bytes that a server sends next.
type Next = Arc<Mutex<Vec<u8>>>;

/// A server that sends the given bytes, and a probe that checks it.
struct ProbedServer {
    next: Next,
    probe: Arc<Probe>,
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    _server: Box<dyn Any>,
}

impl ProbedServer {
    fn new(build: fn(Next) -> (Probe, Box<dyn Any>)) -> ProbedServer {
        let next = Next::default();
        let (probe, server) = build(Arc::clone(&next));
        let probe = Arc::new(probe);
        let engine = Engine::new("fuzz", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        ProbedServer { next, probe, engine, runtime, _server: server }
    }
}

/// Whatever the server sends, the check ends in time, a check that is not up has a failure, and the
/// outcome is strict JSON.
fn meet(name: &'static str, build: fn(Next) -> (Probe, Box<dyn Any>), input: &[u8]) {
    STAGES.with_borrow_mut(|stages| {
        let stage = stages.entry(name).or_insert_with(|| ProbedServer::new(build));
        *stage.next.lock().unwrap() = input.to_vec();
        let outcome = stage.runtime.block_on(Box::pin(stage.engine.check(probes::due(&stage.probe))));
        assert!(outcome.timings.total < stage.probe.timeout + Duration::from_secs(1), "{outcome:?}");
        assert_eq!(outcome.verdict == Verdict::Up, outcome.failure.is_none());
        strict::json(&serde_json::to_string(&outcome).unwrap());
    });
}

fn probe_of(url: &str) -> Probe {
    let mut probe = probes::get(url);
    probe.timeout = Duration::from_secs(5);
    // This expectation makes the check read the whole body.
    probe.steps[0].expect.body.push(TextRule::Lacks(Value::plain("maintenance")));
    probe
}

/// A server that reads a request and sends the next bytes.
fn answering(next: Next) -> Server {
    Server::start(move |conn| {
        conn.request();
        let answer = next.lock().unwrap().clone();
        conn.send(answer);
    })
}

/// The bytes are the head and the body of an answer.
pub(crate) fn response(input: &[u8]) {
    meet("response", answer_to_a_request, input);
}

fn answer_to_a_request(next: Next) -> (Probe, Box<dyn Any>) {
    let server = answering(next);
    (probe_of(&server.url("/")), Box::new(server))
}

/// The first byte chooses a content coding, the others are the body.
pub(crate) fn coding(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let codings = ["gzip", "deflate", "br", "zstd", "gzip, br", "x-gzip"];
    let coding = codings[usize::from(*choice) % codings.len()];
    meet("response", answer_to_a_request, &server::answer(200, &[("content-encoding", coding)], body));
}

/// The bytes are HTTP/2 frames, after the settings.
pub(crate) fn http2(input: &[u8]) {
    meet("http2", frames_to_a_request, input);
}

fn frames_to_a_request(next: Next) -> (Probe, Box<dyn Any>) {
    let server = Server::start(move |conn| {
        conn.send(h2::settings());
        if h2::read_request(conn).is_some() {
            let frames = next.lock().unwrap().clone();
            conn.send(frames);
        }
    });
    let mut probe = probe_of(&server.url("/"));
    probe.transport.http_version = HttpVersionPreference::Http2;
    (probe, Box::new(server))
}

/// The first byte chooses the scheme of a proxy, the others are what the proxy sends.
pub(crate) fn proxy(input: &[u8]) {
    let Some((choice, said)) = input.split_first() else { return };
    match choice % 3 {
        0 => meet("connect", |next| through("http", next), said),
        1 => meet("socks5", |next| through("socks5", next), said),
        _ => meet("socks5h", |next| through("socks5h", next), said),
    }
}

fn through(scheme: &str, next: Next) -> (Probe, Box<dyn Any>) {
    let server = Server::start(move |conn| {
        conn.read_some(&mut Vec::new());
        let said = next.lock().unwrap().clone();
        conn.send(said);
    });
    let mut probe = probe_of("tcp://127.0.0.1:25");
    probe.transport.proxy = Some(Value::plain(&format!("{scheme}://{}", server.address())));
    (probe, Box::new(server))
}

/// The bytes are what a name server answers, after the message ID of the question.
pub(crate) fn dns(input: &[u8]) {
    meet("dns", name_server, input);
}

fn name_server(next: Next) -> (Probe, Box<dyn Any>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    // The thread ends with the process; a fuzzer has no point at which to stop it.
    std::thread::spawn(move || {
        let mut query = [0; 1_500];
        while let Ok((length, peer)) = socket.recv_from(&mut query) {
            let answer = [&query[..length.min(2)], &next.lock().unwrap()].concat();
            let _ = socket.send_to(&answer, peer);
        }
    });
    let mut probe = probes::get(&format!("dns://{address}/x.test?type=A"));
    // The resolver ignores anything that is not an answer to its question until the timeout.
    probe.timeout = Duration::from_millis(20);
    (probe, Box::new(()))
}

/// Cleaned text from outside is visible, bounded and without secrets, and cleaning it again changes
/// nothing.
pub(crate) fn text(input: &[u8]) {
    REDACTOR.with(|redactor| {
        let text = redactor.clean_bytes(input, 500);
        strict::assert_visible(text.as_str(), "clean text");
        assert!(text.as_str().chars().count() <= 501);
        assert!(!text.as_str().contains(SECRET), "{text}");
        assert_eq!(SafeText::clean(text.as_str(), usize::MAX / 8), text);
    });
}

/// A schedule is refused in one line, or its next time is later than the given one and belongs to
/// it.
pub(crate) fn schedule(input: &[u8]) {
    let instant: Timestamp = "2025-03-30T00:59:59Z".parse().unwrap();
    match Cron::new(&String::from_utf8_lossy(input)) {
        Err(reason) => assert!(!reason.contains('\n'), "{reason:?}"),
        Ok(cron) => {
            if let Some(next) = cron.next_after(instant) {
                assert!(next > instant, "{next}");
                assert_eq!(cron.last_at(next), Some(next));
            }
        }
    }
}

/// A duration is refused with visible text, or is the same after it is shown and read again.
pub(crate) fn duration(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let read = |text: &str| {
        let text = toml::Value::from(text);
        let file = format!("[[probe]]\nname = \"a\"\nurl = \"http://x.test/\"\ntimeout = \"1ms\"\ninterval = {text}\n");
        FOLDER.with(|folder| folder.load(file.as_bytes()))
    };
    match read(&text) {
        Err(error) => strict::assert_visible(&error.to_string(), "a diagnostic"),
        Ok(config) => {
            let Schedule::Every(interval) = config.probes[0].schedule else { panic!("an interval") };
            assert!((Duration::from_millis(10)..=Duration::from_hours(31 * 24)).contains(&interval), "{interval:?}");
            let shown = quantity::show_duration(interval);
            let again = read(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert_eq!(again.probes[0].schedule, Schedule::Every(interval), "{shown}");
        }
    }
}
