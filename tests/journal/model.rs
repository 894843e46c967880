//! Tests the journal against a model: writers append, are killed, find the lock held, lines are
//! torn, days are compacted, and several processes read. The model knows only what was reported as
//! recorded; the journal must have exactly that, whatever the order of events.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::Config;
use uptick::journal;
use uptick::journal::{CompactRules, Journal, Line, Options, Range, Sharing, Writer};
use uptick::model::Verdict;
use uptick::window::{CheckResult, Window};

const WRITERS: usize = 3;
const PROBES: u64 = 3;

/// Nobody else holds the lock unless the model says so; then a writer must not wait for it.
const OPTIONS: Options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_millis(1) };

/// A day that is old enough to be compacted, and one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Day {
    Old,
    Young,
}

impl Day {
    const fn date(self) -> &'static str {
        match self {
            Day::Old => "2025-03-10",
            Day::Young => "2025-06-01",
        }
    }

    fn start(self) -> Timestamp {
        format!("{}T00:00:00Z", self.date()).parse().unwrap()
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A writer appends `lines` lines of a day; another process may hold the lock.
    Append { writer: usize, lines: u64, day: Day, held: bool },
    /// A writer is killed, and another one takes its place.
    Kill { writer: usize },
    /// Another writer dies in the middle of a line.
    Tear { day: Day, share: u8 },
    /// Bytes that no writer has written.
    Damage { day: Day },
    /// Old days are compacted.
    Compact,
    /// Two other processes read at once.
    ReadElsewhere,
}

/// By day and probe: the number of checks, and the sum of their durations.
type Sums = BTreeMap<(Day, u64), (u64, u64)>;

/// What was recorded: by day and probe, the number of checks and the sum of their durations. Only
/// this has to survive compaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    sums: Sums,
    appended: u64,
    damaged: u64,
}

impl Model {
    fn record(&mut self, day: Day, number: u64) {
        let sum = self.sums.entry((day, number % PROBES)).or_default();
        sum.0 += 1;
        sum.1 += number;
    }
}

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![2 => Just(Day::Old), 1 => Just(Day::Young)]
}

/// Any step. None depends on what happened before, so a failing sequence can be shortened anywhere.
fn step() -> impl Strategy<Value = Step> {
    let append = (0..WRITERS, 1..4_u64, day(), prop::bool::weighted(0.2));
    prop_oneof![
        8 => append.prop_map(|(writer, lines, day, held)| Step::Append { writer, lines, day, held }),
        2 => (0..WRITERS).prop_map(|writer| Step::Kill { writer }),
        2 => (day(), 1..100_u8).prop_map(|(day, share)| Step::Tear { day, share }),
        1 => day().prop_map(|day| Step::Damage { day }),
        2 => Just(Step::Compact),
        1 => Just(Step::ReadElsewhere),
    ]
}

/// The window of one check, whose duration in microseconds is its number.
fn line(day: Day, number: u64) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let mut window = Window::empty(&name("here"), &name(&format!("probe {}", number % PROBES)), &name("web"), false);
    window.from = day.start() + Duration::from_mins(number % 1_440);
    window.to = window.from + Duration::from_mins(1);
    window.counts.up = 1;
    window.strip.push(window.from, CheckResult::new(Verdict::Up, None));
    window.latency.total.record_micros(number);
    Line::from(window)
}

/// The journal, and its writers.
struct Files {
    _folder: tempfile::TempDir,
    journal: PathBuf,
    writers: Vec<Journal>,
}

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("uptick-journal");
        let writers = (0..WRITERS).map(|_| Journal::open(&journal, OPTIONS).unwrap()).collect();
        Files { _folder: folder, journal, writers }
    }

    fn writer(&self) -> Journal {
        Journal::open(&self.journal, OPTIONS).unwrap()
    }

    fn path(&self, day: Day) -> PathBuf {
        self.journal.join(format!("{}.jsonl", day.date()))
    }

    fn write_raw(&self, day: Day, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(day)).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Holds the lock as another process would, until the returned file is dropped.
    fn hold_lock(&self) -> File {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.journal.join("lock")).unwrap();
        file.lock().unwrap();
        file
    }

    /// What a reader finds, in the form of the model, and how many lines were unusable.
    fn sums(&self) -> (Sums, u64) {
        let mut reader = journal::read(std::slice::from_ref(&self.journal), Range::ALL).unwrap();
        let mut sums = Sums::new();
        for line in reader.by_ref() {
            let Line::Window(window) = line.unwrap() else { panic!("a window") };
            let day = if window.from < Day::Young.start() { Day::Old } else { Day::Young };
            let probe: u64 = window.probe.strip_prefix("probe ").unwrap().parse().unwrap();
            let sum = sums.entry((day, probe)).or_default();
            sum.0 += window.counts.up;
            sum.1 += window.latency.total.sum_micros();
        }
        let integrity = reader.integrity();
        (sums, integrity.corrupt_lines + integrity.torn_tails)
    }

    /// The numbers of checks in the reports of two processes that read at once, while nobody
    /// writes.
    fn reports(&self) -> Vec<u64> {
        let report = || {
            Command::new(crate::support::run::binary())
                .arg("report")
                .arg(&self.journal)
                .args(["--from", "2025-03-01", "--to", "2025-06-30", "--format", "json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let children = [report(), report()];
        let checks = |child: std::process::Child| {
            let output = child.wait_with_output().unwrap();
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            report["surfaces"].as_array().unwrap().iter().map(|surface| surface["checks"].as_u64().unwrap()).sum()
        };
        children.into_iter().map(checks).collect()
    }

    /// Takes a step, and updates the model.
    fn take(&mut self, step: &Step, model: &mut Model) {
        match *step {
            Step::Append { writer, lines, day, held } => {
                let lock = held.then(|| self.hold_lock());
                let numbers = model.appended..model.appended + lines;
                let lines: Vec<Line> = numbers.clone().map(|number| line(day, number)).collect();
                let recorded = self.writers[writer].append(&lines).unwrap();
                assert_eq!(recorded.spooled > 0, held, "what cannot have the lock waits in the spool");
                model.appended = numbers.end;
                numbers.for_each(|number| model.record(day, number));
                // Another test may be starting a program, which also holds the file until its
                // `exec`.
                lock.iter().for_each(|lock| lock.unlock().unwrap());
            }
            Step::Kill { writer } => self.writers[writer] = self.writer(),
            Step::Tear { day, share } => {
                let mut text = Vec::new();
                Writer::default().write(&line(day, 0), &mut text).unwrap();
                let end = (text.len() - 2) * usize::from(share) / 100;
                self.write_raw(day, &text[..end.max(1)]);
                model.damaged += 1;
            }
            Step::Damage { day } => {
                self.write_raw(day, b"{\"v\":1,\"kind\":\"window\"}\n");
                model.damaged += 1;
            }
            Step::Compact => {
                let now = Day::Young.start() + Duration::from_hours(12);
                let rules = CompactRules { lock_timeout: OPTIONS.lock_timeout, ..CompactRules::default() };
                journal::compact(&self.journal, now, &rules).unwrap();
            }
            Step::ReadElsewhere => {
                let all: u64 = model.sums.values().map(|sum| sum.0).sum();
                assert_eq!(self.reports(), [all, all]);
            }
        }
    }

    /// Compares what is read with the model.
    fn check(&self, model: &Model) {
        let (sums, useless) = self.sums();
        assert_eq!(sums, model.sums);
        assert!(useless <= model.damaged, "{useless} lines of no use after {} damages", model.damaged);
        for entry in fs::read_dir(&self.journal).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(!name.contains("compacting"), "{name} is left over");
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_journal_has_what_was_recorded_whatever_happens_in_which_order(steps in prop::collection::vec(step(), 1..24)) {
        let (mut files, mut model) = (Files::new(), Model::default());
        for step in &steps {
            files.take(step, &mut model);
            files.check(&model);
        }
    }
}
