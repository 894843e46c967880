//! The data that alerts are judged by: the last day of the journal, and what this run has seen
//! since.
//!
//! The journal and this run have some windows in common, and each must count once: up to a cut-off
//! instant the run's own windows are read from the journal, after it they are taken from memory.
//! Windows start at multiples of their span, and the cut-off is such a multiple, so no window
//! crosses it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::commands::input::journal_query;
use crate::commands::process::exit::CliError;
use crate::config::Config;
use crate::journal::Line;
use crate::model::{IncidentRules, Outcome, Surfaces};
use crate::report::{Fold, Integrity, Question, Report};
use crate::window::{LatencyDetail, Window};
use crate::{object_storage, report};

/// How far back alerts are judged. An incident that started earlier is open, and its alert was
/// sent.
const LOOKS_BACK: Duration = Duration::from_hours(24);

/// The journal is read again after this time, or after [`READS_SHARE`] times the duration of the
/// last read, whichever is longer. Even the longest journal then costs only a small share of one
/// processor.
const READS_AFTER: Duration = Duration::from_secs(10);
const READS_SHARE: u32 = 20;
/// The same for a journal in an object store, to which probers upload every few minutes.
const READS_STORE_AFTER: Duration = Duration::from_mins(1);

/// Results of this run that are older than this are in the journal, or waiting for a disk.
const RECORDED_AFTER: Duration = Duration::from_mins(1);
/// The same for a journal in an object store, with room for an upload that failed. A dead store cannot be read either.
const SHIPPED_AFTER: Duration = Duration::from_mins(15);

/// Everything that is known about the last day.
pub(crate) struct AlertHistory {
    journal: PathBuf,
    vantage: String,
    rules: IncidentRules,
    surfaces: Surfaces,
    /// The span of this run's windows.
    span: Duration,
    /// Whether this run records into the journal.
    recorded: bool,
    started: Timestamp,
    known: Option<Known>,
    /// Windows of this run that the journal may not have yet, merged into one per probe and span.
    /// The key: the window's start, its probe, its surface, and whether it is a maintenance window.
    recent: BTreeMap<(Timestamp, Arc<str>, Arc<str>, bool), Window>,
    recent_failures: Vec<Outcome>,
}

/// The state of knowledge: the journal as last read, and what the run has seen since.
struct Known {
    fold: Fold,
    integrity: Integrity,
    read_at: Instant,
    took: Duration,
}

impl AlertHistory {
    /// The history of a run that starts now. `recorded`: whether the run records into the journal.
    pub(crate) fn new(journal: PathBuf, config: &Config, recorded: bool) -> AlertHistory {
        AlertHistory {
            journal,
            vantage: config.settings.vantage.clone(),
            rules: config.incident,
            surfaces: config.surfaces.clone(),
            span: config.settings.window,
            recorded,
            started: Timestamp::now(),
            known: None,
            recent: BTreeMap::new(),
            recent_failures: Vec::new(),
        }
    }

    /// The report on the last day as of `now`. `windows` and `failures` are what the run has seen
    /// since the previous call.
    ///
    /// # Errors
    /// See [`journal_query::read`].
    pub(crate) fn report(
        &mut self,
        now: Timestamp,
        windows: Vec<Window>,
        failures: Vec<Outcome>,
    ) -> Result<Report, CliError> {
        let reads_after = if object_storage::is_url(&self.journal) { READS_STORE_AFTER } else { READS_AFTER };
        let is_fresh = |known: &Known| known.read_at.elapsed() < reads_after.max(known.took * READS_SHARE);
        let mut known = if let Some(mut known) = self.known.take().filter(is_fresh) {
            known.fold = known.fold.judged_at(now);
            windows.iter().for_each(|window| known.fold.window(window));
            failures.iter().for_each(|failure| known.fold.failure(failure));
            self.keep(windows, failures);
            known
        } else {
            self.keep(windows, failures);
            self.read_journal(now)?
        };
        known.fold.check_limit().map_err(|error| CliError::Runtime(error.to_string()))?;
        let report = report::answer(&mut known.fold, now, known.integrity);
        self.known = Some(known);
        Ok(report)
    }

    /// Keeps what the run has seen until the journal has it.
    fn keep(&mut self, windows: Vec<Window>, failures: Vec<Outcome>) {
        for window in windows {
            let key = (window.from, Arc::clone(&window.probe), Arc::clone(&window.surface), window.maintenance);
            match self.recent.get_mut(&key) {
                Some(sum) => sum.merge(&window),
                None => drop(self.recent.insert(key, window)),
            }
        }
        self.recent_failures.extend(failures);
    }

    /// Reads the journal without the lines that are kept in memory, then adds those.
    fn read_journal(&mut self, now: Timestamp) -> Result<Known, CliError> {
        let read_at = Instant::now();
        let from = now.checked_sub(LOOKS_BACK).unwrap_or(Timestamp::MIN);
        let kept_from = self.kept_from(now);
        self.recent.retain(|(start, ..), _| *start >= kept_from.max(from));
        self.recent_failures.retain(|failure| failure.scheduled_at >= kept_from.max(from));
        let question = Question {
            from: Some(from),
            to: Some(now),
            rules: self.rules,
            surfaces: self.surfaces.clone(),
            latency: LatencyDetail::Total,
            ..Question::default()
        };
        // Before the first window closes there may be no journal yet.
        let is_there = object_storage::is_url(&self.journal) || self.journal.exists();
        let journals = if is_there { std::slice::from_ref(&self.journal) } else { &[] };
        let empty = Fold::new(question);
        let add = |fold: &mut Fold, line: &Line| {
            if !self.is_kept_here(line, kept_from) {
                journal_query::add(fold, line);
            }
        };
        let (mut fold, integrity) = journal_query::read(&empty, journals, &empty, add, Fold::merge)?;
        self.recent.values().for_each(|window| fold.window(window));
        self.recent_failures.iter().for_each(|failure| fold.failure(failure));
        Ok(Known { fold, integrity, read_at, took: read_at.elapsed() })
    }

    /// The cut-off: from this instant on, this run's windows are taken from memory. A multiple of
    /// their span.
    fn kept_from(&self, now: Timestamp) -> Timestamp {
        let in_journal = if object_storage::is_url(&self.journal) { SHIPPED_AFTER } else { RECORDED_AFTER };
        let back = if self.recorded { in_journal } else { LOOKS_BACK };
        let span = i64::try_from(self.span.as_millis()).unwrap_or(i64::MAX).clamp(1, 86_400_000);
        let instant = now.checked_sub(back).unwrap_or(Timestamp::MIN).as_millisecond();
        Timestamp::from_millisecond(instant - instant.rem_euclid(span)).unwrap_or(Timestamp::MIN)
    }

    /// Whether a line of the journal was written by this run and is still kept in memory.
    fn is_kept_here(&self, line: &Line, kept_from: Timestamp) -> bool {
        match line {
            Line::Window(window) => {
                let first_check = window.strip.runs().next().map_or(window.from, |run| run.from);
                *window.vantage == *self.vantage && window.from >= kept_from && first_check >= self.started_ms()
            }
            Line::Failure(outcome) => {
                outcome.vantage == self.vantage
                    && outcome.scheduled_at >= kept_from
                    && outcome.started_at >= self.started_ms()
            }
            Line::Gap(_) | Line::Plan(_) => false,
        }
    }

    /// The start of the run, truncated to milliseconds as in the journal.
    fn started_ms(&self) -> Timestamp {
        Timestamp::from_millisecond(self.started.as_millisecond()).unwrap_or(self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, Options};
    use crate::model::{Check, Failure, FailureClass, Probe, SafeText, Verdict};
    use crate::window::Collector;

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

    /// The windows of a range of checks; those from number 30 on are down.
    fn windows(checks: std::ops::Range<u32>) -> Vec<Window> {
        let mut collector = Collector::new("here", MINUTE);
        let mut closed: Vec<Window> = checks.filter_map(|n| collector.record(&outcome(n, n < 30))).collect();
        closed.extend(collector.close_all());
        closed
    }

    fn history(folder: &std::path::Path) -> AlertHistory {
        let settings = crate::config::Settings { vantage: "here".to_owned(), ..crate::config::Settings::default() };
        let config = Config::of(settings, Vec::new());
        AlertHistory { started: start(), ..AlertHistory::new(folder.to_owned(), &config, true) }
    }

    fn counts(history: &mut AlertHistory, windows: Vec<Window>) -> (u64, u64, usize) {
        let report = history.report(start() + MINUTE * 6, windows, Vec::new()).unwrap_or_else(|_| panic!("a report"));
        (report.surfaces[0].figures.up, report.surfaces[0].figures.down, report.incidents.len())
    }

    fn record(journal: &std::path::Path, windows: Vec<Window>) {
        let lines: Vec<Line> = windows.into_iter().map(Line::from).collect();
        Journal::open(journal, Options::default()).expect("a journal").append(&lines).expect("room");
    }

    #[test]
    fn a_check_counts_once_whether_it_is_recorded_or_not_or_in_parts() {
        for recorded in [30, 33] {
            let folder = tempfile::tempdir().expect("a folder");
            record(folder.path(), windows(0..recorded));
            let mut history = history(folder.path());
            // The run delivers windows in parts.
            let seen = windows(0..20).into_iter().chain(windows(20..31)).chain(windows(31..33)).collect();
            assert_eq!(counts(&mut history, seen), (30, 3, 1), "{recorded} checks are in the journal");
        }
    }

    #[test]
    fn what_another_run_recorded_counts_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut earlier = history(folder.path());
        record(folder.path(), windows(0..30));
        earlier.started = start() + MINUTE * 5;
        assert_eq!(counts(&mut earlier, windows(30..33)), (30, 3, 1), "of an earlier run from here");
        let elsewhere = windows(0..30).into_iter().map(|window| Window { vantage: "there".into(), ..window }).collect();
        record(folder.path(), elsewhere);
        let mut history = history(folder.path());
        history.started = start() + MINUTE * 5;
        assert_eq!(counts(&mut history, windows(30..33)).0, 60, "of another run from elsewhere");
    }

    #[test]
    fn the_journal_is_not_read_for_each_report() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal");
        record(&journal, windows(0..24));
        let mut history = history(&journal);
        assert_eq!(counts(&mut history, Vec::new()), (24, 0, 0));
        std::fs::remove_dir_all(&journal).expect("it is there");
        // Prevents another read of the journal, however slow the machine is.
        history.known.as_mut().expect("it was read").took = Duration::from_hours(1);
        assert_eq!(counts(&mut history, windows(24..33)), (30, 3, 1));
        assert_eq!(counts(&mut history, Vec::new()), (30, 3, 1), "each check counts once");
    }
}
