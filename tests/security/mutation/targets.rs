//! Six parsers of what others write, each as a function of bytes that panics where a promise is
//! broken. A fuzzer that sees coverage can be pointed at them as well as the mutations beside.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use uptick::config;
use uptick::config::{Config, ConfigError};
use uptick::engine::Engine;
use uptick::journal::{Decoder, Writer};
use uptick::model::{Cron, Probe, Redactor, SafeText, Schedule, Secret, Verdict, quantity};

use crate::support::server::Server;
use crate::support::{probes, strict};

/// A secret that cleaned text must not have.
pub(crate) const SECRET: &str = "s3cr3t/+ \"tok\"";

/// A folder for one probe file.
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
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
    static REDACTOR: Redactor = Redactor::new([Secret::new(SECRET)]);
}

/// A probe file is read, or its problems are told in visible text; what is read is explained.
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

/// A line of a journal is refused, or means the same when it is written and read again. No mutation
/// finds its checksum, so it is read with the right one too.
pub(crate) fn journal(input: &[u8]) {
    /// The bytes of `,"crc":"xxxxxxxx"}`.
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

/// A server that sends what it is told, and a probe of it.
struct Stage {
    next: Arc<Mutex<Vec<u8>>>,
    probe: Arc<Probe>,
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    _server: Server,
}

impl Stage {
    fn new() -> Stage {
        let next = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start({
            let next = Arc::clone(&next);
            move |conn| {
                conn.request();
                let answer = next.lock().unwrap().clone();
                conn.send(answer);
            }
        });
        let mut probe = probes::get(&server.url("/"));
        probe.timeout = Duration::from_secs(5);
        let probe = Arc::new(probe);
        let engine = Engine::new("fuzz", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Stage { next, probe, engine, runtime, _server: server }
    }
}

/// Whatever a server sends, the check ends in time, in a class, and in visible text.
pub(crate) fn response(input: &[u8]) {
    STAGE.with_borrow_mut(|stage| {
        let stage = stage.get_or_insert_with(Stage::new);
        *stage.next.lock().unwrap() = input.to_vec();
        let outcome = stage.runtime.block_on(Box::pin(stage.engine.check(probes::due(&stage.probe))));
        assert!(outcome.timings.total < Duration::from_secs(6), "{outcome:?}");
        assert_eq!(outcome.verdict == Verdict::Up, outcome.failure.is_none());
        strict::json(&serde_json::to_string(&outcome).unwrap());
    });
}

/// Text from outside is visible, bounded and without secrets, and cleaning it again changes nothing.
pub(crate) fn text(input: &[u8]) {
    REDACTOR.with(|redactor| {
        let text = redactor.clean_bytes(input, 500);
        strict::assert_visible(text.as_str(), "clean text");
        assert!(text.as_str().chars().count() <= 501);
        assert!(!text.as_str().contains(SECRET), "{text}");
        assert_eq!(SafeText::clean(text.as_str(), usize::MAX / 8), text);
    });
}

/// A schedule is refused in one line, or its next time is later, and is one of its times.
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

/// A duration is refused in visible text, or is the same when it is shown and read again.
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
