//! Runs the binary and captures its output.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use super::PATIENCE;
use super::killed_on_drop::KilledOnDrop;

/// A run to be started: with its own working directory, and an environment without the variables of
/// the test.
pub struct Run {
    folder: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    input: Option<Vec<u8>>,
    wrapper: Vec<String>,
    patience: Duration,
}

/// A run that has ended.
pub struct Ran {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// Its duration, from start to exit.
    pub took: Duration,
    /// Its working directory, with the files that it left there.
    pub folder: TempDir,
}

impl Run {
    /// `uptick` with these arguments.
    pub fn new<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> Run {
        Run {
            folder: tempfile::tempdir().unwrap(),
            arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(),
            environment: Vec::new(),
            input: None,
            wrapper: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Writes this `probes.toml` to the working directory.
    pub fn config(self, text: &str) -> Run {
        self.file("probes.toml", text)
    }

    /// Writes a file to the working directory.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Run {
        fs::write(self.folder.path().join(name), content).unwrap();
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Passes bytes on stdin.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.input = Some(bytes.into());
        self
    }

    /// Runs it with another command, such as `prlimit --nofile=64`.
    pub fn through<S: AsRef<str>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Run {
        self.wrapper = wrapper.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Waits longer for its end: it takes this long by itself.
    pub fn lasting(mut self, span: Duration) -> Run {
        self.patience = PATIENCE + span;
        self
    }

    /// Its working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, for tests that need the process itself.
    pub fn command(&self) -> Command {
        let binary = binary();
        let mut command = match self.wrapper.split_first() {
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(&binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(&self.arguments).current_dir(self.folder.path()).env_clear();
        for kept in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.env("TZ", "UTC");
        command.envs(self.environment.iter().map(|(name, value)| (name, OsStr::new(value))));
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Ran {
        let start = Instant::now();
        let mut child = KilledOnDrop::from(self.command().spawn().unwrap());
        if let (Some(bytes), Some(mut stdin)) = (self.input.as_ref(), child.stdin.take()) {
            let _ = stdin.write_all(bytes);
        }
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(
                start.elapsed() < self.patience,
                "uptick {:?} did not end within {:?}",
                self.arguments,
                self.patience
            );
            thread::sleep(Duration::from_millis(2));
        };
        let took = start.elapsed();
        Ran { stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap(), status, took, folder: self.folder }
    }
}

impl Ran {
    /// The exit code; 128 plus its number for a signal.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Fails with all output unless the run ended with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Ran {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert_eq!(self.code(), code, "\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Its standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Its standard output as JSON Lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// Every file it left, with path and content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect_files(self.folder.path(), &mut files);
        files.sort();
        files
    }
}

/// The binary of this build, or the one that the scorecard measures.
pub fn binary() -> String {
    std::env::var("UPTICK_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_uptick").to_owned())
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    })
}

fn collect_files(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}
