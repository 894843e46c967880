//! A run in progress: tests send signals to it and inspect what it leaves behind.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::run::Run;

/// The longest that a signalled run may take to end on a busy machine: far less than the 29 s or
/// more that it would wait otherwise.
pub(crate) const ENDS_SOON: Duration = Duration::from_secs(10);

/// A run in progress.
pub(crate) struct RunInProgress {
    run: Run,
    child: KilledOnDrop,
}

/// How a run ended, and how long after [`RunInProgress::end`] was called.
pub(crate) struct RunEnd {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) after: Duration,
    pub(crate) run: Run,
}

impl RunInProgress {
    /// Starts a run.
    pub(crate) fn start(run: Run) -> RunInProgress {
        let child = run.command().spawn().unwrap().into();
        RunInProgress { run, child }
    }

    /// Waits until the run handles signals: before that, a signal simply kills the process.
    #[track_caller]
    pub(crate) fn listens(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        let hears_all = || {
            let status = fs::read_to_string(&status).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
            let caught = u64::from_str_radix(caught.trim(), 16).unwrap_or_default();
            // Signal n is bit n - 1: SIGINT is 2, SIGTERM is 15.
            caught & (1 << 1) != 0 && caught & (1 << 14) != 0
        };
        until("it hears signals", hears_all);
    }

    /// Sends a signal by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success(), "kill -s {name}");
    }

    /// The working folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        self.run.folder()
    }

    /// Whether it is still in progress.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> RunEnd {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "the run did not end");
            thread::sleep(Duration::from_millis(1));
        };
        let after = begin.elapsed();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        RunEnd { code, stdout, stderr, after, run: self.run }
    }
}

/// Waits until a condition holds; panics if that takes too long.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "never came true: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The lines of every journal file below a folder. Panics if a file ends in a torn line.
#[track_caller]
pub(crate) fn journal_lines(folder: &Path) -> Vec<Value> {
    let mut lines = Vec::new();
    let Ok(entries) = fs::read_dir(folder.join("uptick-journal")) else { return lines };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "{}: the last line is torn", path.display());
            lines.extend(text.lines().map(|line| -> Value {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
            }));
        }
    }
    lines
}

/// `[scheduled, up, down, unknown, missed]`, summed over the windows of a journal.
pub(crate) fn recorded(folder: &Path) -> [u64; 5] {
    let mut sums = [0; 5];
    for line in journal_lines(folder).iter().filter(|line| line["kind"] == "window") {
        for (sum, key) in sums.iter_mut().zip(["scheduled", "up", "down", "unknown", "missed"]) {
            *sum += line[key].as_u64().unwrap();
        }
    }
    sums
}
