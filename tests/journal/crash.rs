//! Writers that are killed, and many writers at once: every line that was reported as recorded is
//! in the journal, once, and the journal opens. The writers are this test's own binary, started
//! again with a task.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use jiff::Timestamp;
use uptick::journal;
use uptick::journal::{Integrity, Journal, Line, Options, Range, Sharing};
use uptick::model::Verdict;
use uptick::window::{CheckResult, Window};

/// The environment variable with the task of a started writer: `FOLDER|NAME|APPENDS`.
const TASK: &str = "JOURNAL_CRASH_TASK";
/// Lines per append.
const LINES: u64 = 3;

fn line(writer: &str, number: u64) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let begin: Timestamp = "2025-03-10T23:00:00Z".parse().expect("an instant");
    let from = begin + Duration::from_mins(number % 120);
    let mut window = Window::empty(&name("here"), &name(&format!("{writer} {number}")), &name("web"), false);
    window.from = from;
    window.to = from + Duration::from_mins(1);
    window.counts.up = 1;
    window.strip.push(from, CheckResult::new(Verdict::Up, None));
    Line::from(window)
}

/// Not a test in itself, but the program that the tests below start. It appends, and prints a line
/// after each append that was recorded.
#[test]
fn writer() {
    let Ok(task) = env::var(TASK) else { return };
    let mut parts = task.split('|');
    let (folder, name) = (parts.next().expect("a folder"), parts.next().expect("a name"));
    let appends: u64 = parts.next().expect("a count").parse().expect("a number");
    let options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_mins(1) };
    let Ok(mut journal) = Journal::open(Path::new(folder), options) else { return };
    for append in 0..appends {
        let lines: Vec<Line> = (0..LINES).map(|n| line(name, append * LINES + n)).collect();
        let mut out = std::io::stderr();
        let _ = match journal.append(&lines) {
            Ok(_) => writeln!(out, "recorded {}", (append + 1) * LINES),
            Err(error) => writeln!(out, "failed {error}"),
        };
    }
}

fn command(folder: &Path, name: &str, appends: u64) -> Command {
    let mut command = Command::new(env::current_exe().expect("this test"));
    command
        .args(["--exact", "crash::writer", "--nocapture", "--test-threads=1"])
        .env(TASK, format!("{}|{name}|{appends}", folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// How many of its lines, counted from the first, a writer has reported as recorded.
fn acknowledged(child: &mut Child) -> u64 {
    let stderr = child.stderr.take().expect("it is piped");
    let said = BufReader::new(stderr).lines().map_while(Result::ok);
    said.filter_map(|line| line.strip_prefix("recorded ")?.parse().ok()).last().unwrap_or(0)
}

/// How many times each line occurs, by writer and number.
fn read(folder: &Path) -> (BTreeMap<(String, u64), u64>, Integrity) {
    let mut reader = journal::read(&[folder.to_owned()], Range::ALL).expect("the journal opens");
    let mut found = BTreeMap::new();
    for line in reader.by_ref() {
        let Line::Window(window) = line.expect("the files are readable") else { panic!("a window") };
        let (writer, number) = window.probe.split_once(' ').expect("a writer and a number");
        *found.entry((writer.to_owned(), number.parse().expect("a number"))).or_default() += 1;
    }
    (found, *reader.integrity())
}

#[test]
fn sixteen_writers_at_once_lose_nothing_and_tear_nothing() {
    const WRITERS: u64 = 16;
    const APPENDS: u64 = 50;
    let folder = tempfile::tempdir().expect("a folder");
    let mut writers: Vec<Child> = (0..WRITERS)
        .map(|writer| command(folder.path(), &format!("w{writer}"), APPENDS).spawn().expect("it starts"))
        .collect();
    for writer in &mut writers {
        assert_eq!(acknowledged(writer), APPENDS * LINES);
        assert!(writer.wait().expect("it ends").success());
    }
    let (found, integrity) = read(folder.path());
    assert_eq!(found.len() as u64, WRITERS * APPENDS * LINES);
    assert!(found.values().all(|count| *count == 1));
    assert_eq!((integrity.corrupt_lines, integrity.torn_tails), (0, 0));
}

#[test]
fn the_rights_of_files_do_not_depend_on_the_umask() {
    for umask in ["000", "077", "277"] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("journal");
        let inner = command(&folder, "masked", 1);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(inner.get_program())
            .args(inner.get_args());
        for (key, value) in inner.get_envs() {
            shell.env(key, value.unwrap_or_default());
        }
        assert!(shell.output().expect("sh starts").status.success());
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "umask {umask}");
        for name in ["lock", "2025-03-10.jsonl"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name} with umask {umask}");
        }
    }
}

#[test]
fn three_hundred_kills_lose_no_recorded_line() {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 75;
    let folder = tempfile::tempdir().expect("a folder");
    let mut recorded: Vec<(String, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let mut writers: Vec<(String, Child)> = (0..WRITERS)
            .map(|writer| {
                let name = format!("r{round}w{writer}");
                let child = command(folder.path(), &name, 100_000).spawn().expect("it starts");
                (name, child)
            })
            .collect();
        // When to kill, not a wait for anything: any moment will do.
        thread::sleep(Duration::from_millis(20 + round * 37 % 101));
        for (name, mut writer) in writers.drain(..) {
            writer.kill().expect("it can be killed");
            recorded.push((name, acknowledged(&mut writer)));
            let _ = writer.wait();
        }
    }
    let total: u64 = recorded.iter().map(|(_, count)| count).sum();
    assert!(total > 300, "the writers recorded {total} lines before they were killed");
    let (found, integrity) = read(folder.path());
    for (name, count) in &recorded {
        for number in 0..*count {
            assert_eq!(found.get(&(name.clone(), number)), Some(&1), "line {number} of {name}");
        }
    }
    assert!(found.values().all(|count| *count == 1), "no line is there twice");
    assert!(integrity.corrupt_lines + integrity.torn_tails <= WRITERS * ROUNDS, "{integrity:?}");
    let mut last =
        Journal::open(folder.path(), Options { sharing: Sharing::Lock, ..Options::default() }).expect("it opens");
    last.append(&[line("last", 0)]).expect("it takes lines");
}

/// Runs a writer of two appends under strace with one fault.
fn traced(folder: &Path, fault: &str) -> std::process::Output {
    let inner = command(folder, "traced", 2);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(folder.with_extension("trace")).arg("-P").arg(folder.join("2025-03-10.jsonl"));
    strace.args(["-e", fault]).arg(inner.get_program()).args(inner.get_args());
    for (key, value) in inner.get_envs() {
        strace.env(key, value.unwrap_or_default());
    }
    strace.output().expect("strace starts")
}

#[test]
fn a_fault_injected_into_each_call_of_a_real_writer_loses_no_recorded_line() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED: strace is not installed, so no call of a real writer was made to fail");
        return;
    }
    let mut injected = 0;
    for call in ["write", "fdatasync", "fsync", "ftruncate"] {
        for how in ["signal=KILL", "error=ENOSPC", "error=EIO", "error=EACCES", "retval=7"] {
            for when in 1..=4 {
                if how == "retval=7" && call != "write" {
                    continue;
                }
                let folder = tempfile::tempdir().expect("a folder");
                let folder = folder.path().join("journal");
                Journal::open(&folder, Options { sharing: Sharing::Lock, ..Options::default() }).expect("a folder");
                let context = format!("{call}:{how}:when={when}");
                let output = traced(&folder, &format!("inject={context}"));
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(!said.contains("panicked"), "{context}: {said}");
                let acknowledged: u64 =
                    said.lines().rev().find_map(|line| line.strip_prefix("recorded ")?.parse().ok()).unwrap_or(0);
                let trace = fs::read_to_string(folder.with_extension("trace")).unwrap_or_default();
                injected += u64::from(trace.contains("INJECTED") || trace.contains("killed by SIGKILL"));
                let (found, _) = read(&folder);
                for number in 0..acknowledged {
                    // A write that claims to have written bytes that it did not write is a disk
                    // that lies; the only requirement is that nothing panics.
                    if how != "retval=7" {
                        assert_eq!(found.get(&("traced".to_owned(), number)), Some(&1), "{context}: {said}");
                    }
                }
                let options = Options { sharing: Sharing::Lock, ..Options::default() };
                Journal::open(&folder, options).expect("it opens").append(&[line("last", 0)]).expect("it takes lines");
                let (found, _) = read(&folder);
                assert!(found.contains_key(&("last".to_owned(), 0)), "{context}");
            }
        }
    }
    assert!(injected >= 10, "strace injected {injected} faults");
}
