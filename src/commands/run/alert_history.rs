//! What alerts are judged from: what is recorded, read now and then, and what a run has seen since.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::commands::input::journal_query;
use crate::commands::process::exit::CliError;
use crate::journal;
use crate::journal::Line;
use crate::model::{IncidentRules, Surfaces};
use crate::report::{Fold, Integrity, Question, Report};
use crate::window::{Collector, Window};

/// How far back an alert looks: an incident that began earlier is open, and was told.
const LOOKS_BACK: Duration = Duration::from_hours(24);

/// The journal is read again after this, or after so many times of what it took, so that the
/// longest journal costs a small share of one processor.
const READS_AFTER: Duration = Duration::from_secs(10);
const READS_SHARE: u32 = 20;

/// What was handed to the journal this long ago is in it, or waits for a disk.
const RECORDED_AFTER: Duration = Duration::from_mins(1);

/// What is known of the last day.
pub(crate) struct AlertHistory {
    journal: PathBuf,
    rules: IncidentRules,
    surfaces: Surfaces,
    /// Whether what the run sees goes into the journal.
    recorded: bool,
    read: Option<Read>,
    /// Windows and failures of this run that the journal may not have yet, and when they came.
    fresh: Vec<(Instant, Line)>,
}

/// The journal as it was read.
struct Read {
    fold: Fold,
    integrity: Integrity,
    at: Instant,
    took: Duration,
}

impl AlertHistory {
    pub(crate) fn new(journal: PathBuf, rules: IncidentRules, surfaces: Surfaces, recorded: bool) -> AlertHistory {
        AlertHistory { journal, rules, surfaces, recorded, read: None, fresh: Vec::new() }
    }

    /// Takes in what the run has handed to the journal.
    pub(crate) fn add(&mut self, lines: Vec<Line>) {
        let now = Instant::now();
        self.fresh.extend(lines.into_iter().map(|line| (now, line)));
    }

    /// The report on the last day as it is known at `now`, with the windows that are open still.
    ///
    /// # Errors
    /// What [`journal_query::read`] says.
    pub(crate) fn report(&mut self, now: Timestamp, mut open: Collector) -> Result<Report, CliError> {
        let is_stale = |read: &Read| read.at.elapsed() >= READS_AFTER.max(read.took * READS_SHARE);
        let read = match self.read.take().filter(|read| !is_stale(read)) {
            Some(read) => read,
            None => self.read_journal(now)?,
        };
        let mut fold = read.fold.clone().judged_at(now);
        for (_, line) in &self.fresh {
            journal_query::add(&mut fold, line);
        }
        open.take_failures().iter().for_each(|failure| fold.failure(failure));
        open.close_all().iter().for_each(|window| fold.window(window));
        let report = crate::report::answer(fold, now, read.integrity);
        self.read = Some(read);
        Ok(report)
    }

    /// Reads the journal without what is fresh, which is counted on its own.
    fn read_journal(&mut self, now: Timestamp) -> Result<Read, CliError> {
        let at = Instant::now();
        let forgets_after = if self.recorded { RECORDED_AFTER } else { LOOKS_BACK };
        self.fresh.retain(|(came, _)| came.elapsed() < forgets_after);
        let question = Question {
            from: Some(now.checked_sub(LOOKS_BACK).unwrap_or(Timestamp::MIN)),
            to: Some(now),
            rules: self.rules,
            surfaces: self.surfaces.clone(),
            ..Question::default()
        };
        let fresh: BTreeSet<Mark> = self.fresh.iter().filter_map(|(_, line)| Mark::of(line)).collect();
        let fold = Fold::new(question);
        // Before the first window ends there may be no journal yet.
        let is_there = journal::is_url(&self.journal) || self.journal.exists();
        let journals = if is_there { std::slice::from_ref(&self.journal) } else { &[] };
        let add = |fold: &mut Fold, line: &Line| {
            if Mark::of(line).is_none_or(|mark| !fresh.contains(&mark)) {
                journal_query::add(fold, line);
            }
        };
        let (fold, integrity) = journal_query::read(&fold, journals, &fold, add, Fold::merge)?;
        Ok(Read { fold, integrity, at, took: at.elapsed() })
    }
}

/// What tells a line of one run from every other: its probe and the milliseconds of its checks.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Window(Arc<str>, Arc<str>, Vec<i64>),
    Failure(String, String, i64),
}

impl Mark {
    fn of(line: &Line) -> Option<Mark> {
        match line {
            Line::Window(window) => Some(Mark::of_window(window)),
            Line::Failure(outcome) => {
                let due = outcome.scheduled_at.as_millisecond();
                Some(Mark::Failure(outcome.vantage.clone(), outcome.probe.clone(), due))
            }
            Line::Gap(_) => None,
        }
    }

    fn of_window(window: &Window) -> Mark {
        let runs = window.strip.runs().flat_map(|run| [run.from, run.to]);
        let times = runs.chain([window.from]).map(Timestamp::as_millisecond).collect();
        Mark::Window(Arc::clone(&window.vantage), Arc::clone(&window.probe), times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, Options};
    use crate::model::{Check, Failure, FailureClass, Outcome, Probe, SafeText, Verdict};

    const MINUTE: Duration = Duration::from_mins(1);

    fn start() -> Timestamp {
        "2026-03-10T09:00:00Z".parse().expect("an instant")
    }

    fn outcome(n: u32, is_up: bool) -> Outcome {
        let probe = Arc::new(Probe::plain("home", "web", "http://x.test/", Duration::from_secs(10)));
        let at = start() + Duration::from_secs(10) * n;
        let check = Check { probe, scheduled_at: at, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("no"));
        let down = Outcome::without_measurement(&check, "here", at, failure);
        if is_up { Outcome { verdict: Verdict::Up, failure: None, ..down } } else { down }
    }

    /// Five minutes of checks, the last three of them down, and what closed with them.
    fn checks() -> (Collector, Vec<Line>) {
        let mut collector = Collector::new("here", MINUTE);
        let closed: Vec<Line> = (0..33).filter_map(|n| collector.record(&outcome(n, n < 30))).map(Line::from).collect();
        assert_eq!(closed.len(), 5);
        (collector, closed)
    }

    fn history(folder: &std::path::Path) -> AlertHistory {
        AlertHistory::new(folder.to_owned(), IncidentRules::default(), Surfaces::new(), true)
    }

    fn told(history: &mut AlertHistory, open: &Collector) -> (u64, u64, usize) {
        let report = history.report(start() + MINUTE * 6, open.clone()).unwrap_or_else(|_| panic!("a report"));
        (report.surfaces[0].figures.up, report.surfaces[0].figures.down, report.incidents.len())
    }

    #[test]
    fn a_check_counts_once_whether_it_is_recorded_fresh_or_in_an_open_window() {
        let folder = tempfile::tempdir().expect("a folder");
        let (open, closed) = checks();
        let mut journal = Journal::open(folder.path(), Options::default()).expect("a journal");
        journal.append(&closed[..3]).expect("room");
        // The last two are recorded already or not yet.
        for recorded in [false, true] {
            if recorded {
                journal.append(&closed[3..]).expect("room");
            }
            let mut history = history(folder.path());
            history.add(closed[1..].to_vec());
            assert_eq!(told(&mut history, &open), (30, 3, 1), "{recorded}");
        }
        let nothing = Collector::new("here", MINUTE);
        assert_eq!(told(&mut history(folder.path()), &nothing), (30, 0, 0), "without the open windows");
    }

    #[test]
    fn the_journal_is_not_read_for_each_report() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal");
        let (open, closed) = checks();
        Journal::open(&journal, Options::default()).expect("a journal").append(&closed[..4]).expect("room");
        let mut history = history(&journal);
        assert_eq!(told(&mut history, &Collector::new("here", MINUTE)), (24, 0, 0));
        std::fs::remove_dir_all(&journal).expect("it is there");
        // Far away from the time at which it is read again, however slow the machine is.
        history.read.as_mut().expect("it was read").took = Duration::from_hours(1);
        history.add(closed[4..].to_vec());
        assert_eq!(told(&mut history, &open), (30, 3, 1));
        assert_eq!(told(&mut history, &open), (30, 3, 1), "what is open is not kept");
    }
}
