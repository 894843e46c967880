//! R10 to R14: recorded lines survive kills, failing calls, concurrent writers and damage.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::live::recorded;
use crate::origin::{healthy, probe};
use crate::readings::{Measurement, Thoroughness, is_installed, lines_of, ms, quantile};
use crate::support::run::{Ran, Run};
use crate::support::server::{Server, lines};

/// System calls that write, name or remove files.
const CALLS: [&str; 8] = ["write", "pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "linkat", "unlink"];

/// The most faults injected for one kind and call; a run makes fewer calls than that.
const MOST_CALLS: usize = 60;

/// A folder with the journal of one run, and the lines of that journal.
struct Recorded {
    folder: tempfile::TempDir,
    config: String,
    lines: Vec<String>,
}

impl Recorded {
    fn new(server: &Server) -> Recorded {
        let config = probe("home", &server.url("/"), &[]) + &probe("shop", &server.url("/shop"), &[]);
        let ran = Run::new(["check", "--record", "-q"]).config(&config).run();
        ran.expect_code(0);
        let lines = lines_of(&ran.folder.path().join("uptick-journal"));
        Recorded { folder: ran.folder, config, lines }
    }

    fn journal(&self) -> String {
        self.folder.path().join("uptick-journal").to_string_lossy().into_owned()
    }

    /// Runs a check that records into the journal.
    fn run(&self, wrapper: &[&str]) -> Ran {
        let journal = self.journal();
        let run = Run::new(["check", "--record", "--journal", &journal, "--format", "tap"]).config(&self.config);
        run.through(wrapper).run()
    }

    /// Runs another check, and returns what is wrong with the journal after it.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let next = self.run(&[]);
        if next.code() != 0 {
            problems.push(format!("the next run ends with {}: {}", next.code(), next.stderr.trim()));
        }
        let now = lines_of(Path::new(&self.journal()));
        let times = |line: &String| now.iter().filter(|other| *other == line).count();
        let lost = self.lines.iter().filter(|line| times(line) != 1).count();
        if lost > 0 {
            problems.push(format!("{lost} recorded lines are lost or doubled"));
        }
        let report = Run::new(["report", &self.journal(), "--format", "json"]).config(&self.config).run();
        let corrupt =
            serde_json::from_str::<Value>(&report.stdout).map(|report| report["integrity"]["corrupt_lines"].clone());
        if !corrupt.as_ref().is_ok_and(|corrupt| *corrupt == 0 || *corrupt == 1) {
            problems.push(format!("the report ends with {}, corrupt lines {corrupt:?}", report.code()));
        }
        for entry in fs::read_dir(self.journal()).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if name.contains(".new") || name.contains("tmp") || name.contains("draft") {
                problems.push(format!("{name} is left over"));
            }
        }
        problems
    }
}

/// Runs a check and makes the n-th call on files of the journal fail with strace. Returns `None` if
/// the run made no such call.
fn faulty(recorded: &Recorded, call: &str, fault: &str, n: usize) -> Option<Ran> {
    let trace = recorded.folder.path().join("trace");
    let inject = format!("inject={call}:{fault}:when={n}");
    let trace_text = trace.to_string_lossy().into_owned();
    let path = recorded.journal();
    let day = fs::read_dir(&path)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let day = day.map(|day| day.to_string_lossy().into_owned()).unwrap_or_default();
    let mut wrapper = vec!["strace", "-f", "-qq", "-o", &trace_text, "-e", &inject];
    // The process writes to other files too; only writes to the journal count.
    if ["write", "pwrite64"].contains(&call) {
        wrapper.extend(["-P", &day]);
    }
    let ran = recorded.run(&wrapper);
    let traced = fs::read_to_string(&trace).unwrap_or_default();
    let injected = traced.contains("INJECTED") || traced.contains("killed by SIGKILL");
    injected.then_some(ran)
}

/// R10.
pub(crate) fn kills_at_each_call(scale: Thoroughness) -> Measurement {
    if !is_installed("strace") {
        return Measurement::not_made("strace is not installed");
    }
    let server = healthy();
    let mut kills = 0;
    let mut wrong = BTreeSet::new();
    for call in CALLS {
        for n in 1..=scale.pick(6, MOST_CALLS) {
            let recorded = Recorded::new(&server);
            if faulty(&recorded, call, "signal=KILL", n).is_none() {
                break;
            }
            kills += 1;
            wrong.extend(recorded.problems().into_iter().map(|problem| format!("{call} {n}: {problem}")));
        }
    }
    wrong.iter().for_each(|problem| eprintln!("R10 {problem}"));
    Measurement::judged(wrong.is_empty() && kills >= 3, format!("{kills} kills, {} with a problem", wrong.len()))
}

/// R12.
pub(crate) fn failing_calls(scale: Thoroughness) -> Measurement {
    if !is_installed("strace") {
        return Measurement::not_made("strace is not installed");
    }
    let server = healthy();
    let mut faults = 0;
    let mut wrong = BTreeSet::new();
    let errors = scale.pick(&["ENOSPC", "EIO"][..], &["ENOSPC", "EIO", "EACCES", "EROFS", "EDQUOT"][..]);
    for call in CALLS.iter().copied().chain(["openat"]) {
        for error in errors {
            for n in 1..=scale.pick(4, MOST_CALLS) {
                let recorded = Recorded::new(&server);
                let path = recorded.journal();
                let Some(ran) = faulty(&recorded, call, &format!("error={error}"), n) else { break };
                faults += 1;
                let said = format!("{}{}", ran.stdout, ran.stderr);
                if said.contains("panicked") {
                    wrong.insert(format!("{call} {n} {error}: a panic"));
                }
                // The call may open a library or a terminal instead; then the program does not even
                // start.
                if call == "openat" {
                    continue;
                }
                if !(ran.stdout.contains("ok 1") && ran.stdout.contains("ok 2")) {
                    wrong.insert(format!("{call} {n} {error}: verdicts are not printed"));
                }
                let names_it = ran.stderr.contains(&path) || ran.stderr.contains("uptick-journal");
                // If there is another way to record, the run takes it and ends with status 0.
                if !(ran.code() == 0 || ran.code() == 3 && names_it) {
                    wrong.insert(format!("{call} {n} {error}: status {}: {}", ran.code(), ran.stderr.trim()));
                }
                wrong.extend(recorded.problems().into_iter().map(|problem| format!("{call} {n} {error}: {problem}")));
            }
        }
    }
    wrong.iter().for_each(|problem| eprintln!("R12 {problem}"));
    Measurement::judged(
        wrong.is_empty() && faults >= 5,
        format!("{faults} failing calls, {} with a problem", wrong.len()),
    )
}

/// R11.
pub(crate) fn kills_at_random(scale: Thoroughness) -> Measurement {
    const WRITERS: usize = 4;
    let rounds = scale.pick(15, 75);
    let server = healthy();
    let config = lines(20, |n| probe(&format!("p{n}"), &server.url("/"), &[]));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let journal_text = journal.to_string_lossy().into_owned();
    let mut seen = HashSet::new();
    for round in 0..rounds {
        let runs: Vec<Run> = (0..WRITERS)
            .map(|_| Run::new(["check", "--record", "-q", "--journal", &journal_text]).config(&config))
            .collect();
        let mut children: Vec<_> =
            runs.iter().map(|run| run.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()).collect();
        // A moment to kill at, not a wait for something: any moment will do.
        thread::sleep(Duration::from_millis(8 + round * 37 % 61));
        seen.extend(lines_of(&journal));
        for child in &mut children {
            child.kill().unwrap();
            let _ = child.wait();
        }
    }
    let after = Run::new(["check", "--record", "-q", "--journal", &journal_text]).config(&config).run();
    let mut times: HashMap<String, usize> = HashMap::new();
    lines_of(&journal).into_iter().for_each(|line| *times.entry(line).or_default() += 1);
    let lost = seen.iter().filter(|line| times.get(*line) != Some(&1)).count();
    let figure =
        format!("{} kills, {} lines were on the disk before them, {lost} lost or doubled", rounds * 4, seen.len());
    Measurement::judged(lost == 0 && after.code() == 0 && !seen.is_empty(), figure)
}

/// R13.
pub(crate) fn many_writers(scale: Thoroughness) -> Measurement {
    const WRITERS: usize = 16;
    let runs = scale.pick(20, 500);
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]);
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("uptick-journal");
    let journal_text = journal.to_string_lossy().into_owned();
    let traced = is_installed("strace");
    let mut waits: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (config, journal_text) = (&config, &journal_text);
                scope.spawn(move || {
                    let mut waits = Vec::new();
                    for _ in 0..runs {
                        let run = Run::new(["check", "--record", "-q", "--journal", journal_text]).config(config);
                        // Only one of the sixteen measures how long it waits for the lock, because
                        // tracing costs time.
                        let run = if writer == 0 && traced {
                            run.through(["strace", "-f", "-ttt", "-e", "trace=flock", "-o", "locks"])
                        } else {
                            run
                        };
                        let ran = run.run();
                        ran.expect_code(0);
                        let locks = fs::read_to_string(ran.folder.path().join("locks")).unwrap_or_default();
                        waits.extend(lock_wait(&locks));
                    }
                    waits
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let all = u64::try_from(WRITERS * runs).unwrap();
    let counts = recorded(folder.path());
    let p99 = quantile(&mut waits, 0.99);
    let waited = if traced { format!("lock wait p99 {}", ms(p99)) } else { "no strace, so no lock wait".to_owned() };
    let figure = format!("{} of {all} records, {waited}", counts[0]);
    Measurement::judged(counts[0] == all && counts[1] == all && p99 <= 200_000, figure)
}

/// How long a traced run waited for its lock, in microseconds: from its first try until it got the
/// lock.
fn lock_wait(trace: &str) -> Option<u64> {
    let time =
        |line: &str| line.split_whitespace().find_map(|word| word.parse::<f64>().ok().filter(|time| *time > 1e9));
    let mut first = None;
    for line in trace.lines().filter(|line| line.contains("flock(") && line.contains("LOCK_EX")) {
        let at = time(line)?;
        let begin = *first.get_or_insert(at);
        if line.contains("= 0") {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds at most")]
            return Some(((at - begin) * 1e6) as u64);
        }
    }
    None
}

/// R14.
pub(crate) fn damaged_journals(scale: Thoroughness) -> Measurement {
    let count = scale.pick(300, 10_000);
    let server = healthy();
    let config =
        "[defaults]\ninterval = \"30s\"\n".to_owned() + &lines(200, |n| probe(&format!("p{n}"), &server.url("/"), &[]));
    let ran = Run::new(["check", "--record", "-q"]).config(&config).run();
    ran.expect_code(0);
    let day = ran.files().into_iter().find(|(path, _)| path.extension().is_some_and(|extension| extension == "jsonl"));
    let (path, text) = day.unwrap();
    let whole: HashSet<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut dice = crate::accounting::Dice(14);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path.file_name().unwrap());
    let mut wrong = 0;
    for number in 0..count {
        let mut bytes = text.clone();
        // Every tenth journal is cut to a prefix; the others get up to three zeroed ranges, flipped
        // bits, removed ranges or stray newlines.
        for _ in 0..=dice.below(3) {
            damage(&mut bytes, &mut dice, number % 10 == 0);
        }
        fs::write(&file, &bytes).unwrap();
        let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|piece| !piece.is_empty()).collect();
        let intact = pieces.iter().filter(|piece| whole.contains(**piece)).count();
        let report = Run::new(["report", &folder.path().to_string_lossy(), "--format", "json"]).run();
        let said: Value = serde_json::from_str(&report.stdout).unwrap_or_default();
        let said =
            |key: &str| usize::try_from(said["integrity"][key].as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let unusable = ["corrupt_lines", "torn_tails", "newer_lines"]
            .map(said)
            .iter()
            .fold(0_usize, |sum, n| sum.saturating_add(*n));
        if report.stderr.contains("panicked")
            || said("lines") != pieces.len()
            || intact.saturating_add(unusable) != pieces.len()
        {
            wrong += 1;
            eprintln!("R14 number {number}: {} lines, {intact} intact, {unusable} not", said("lines"));
        }
    }
    Measurement::judged(wrong == 0, format!("{count} damaged journals of 200 lines, {wrong} read otherwise"))
}

fn damage(bytes: &mut Vec<u8>, dice: &mut crate::accounting::Dice, cut: bool) {
    let mut below = |limit: usize| usize::try_from(dice.below(u64::try_from(limit.max(1)).unwrap())).unwrap();
    let Some(last) = bytes.len().checked_sub(1) else { return };
    let at = below(last + 1);
    let end = (at + 1 + below(4_096)).min(bytes.len());
    match below(4) {
        _ if cut => bytes.truncate(at),
        0 => bytes[at] ^= 1 << below(8),
        1 => bytes[at..end].fill(0),
        2 => drop(bytes.drain(at..end)),
        _ => bytes[at] = b'\n',
    }
}
