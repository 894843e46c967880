//! The output of a watch while it runs: a board on a terminal. Without one, a line at the start, at
//! each change of a verdict, when an incident opens or closes, and once an hour.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::commands::process::terminal::Terminal;
use crate::commands::run::check_progress::stopping;
use crate::commands::run::events::{Consumer, RunEvent};
use crate::model::{Counts, IncidentRules, Outcome, Probe, Verdict, timestamp};
use crate::progress::{Board, BoardFacts, Painter};
use crate::report::{IncidentChange, OpenIncidents};

/// The time between two summaries of a watch without a terminal.
const SUMMARY_EVERY: Duration = Duration::from_hours(1);

/// The board or the log of a watch.
pub(crate) struct WatchScreen {
    board: Painter<Board>,
    /// Whether lines are printed: there is no board, and no `--quiet`.
    logs: bool,
    is_quiet: bool,
    verbose: bool,
    last: BTreeMap<String, Verdict>,
    /// By probe: the expectations of `warn` that were not met.
    warned: BTreeMap<String, Vec<String>>,
    /// The open incidents; `None` if nothing about them is printed.
    incidents: Option<OpenIncidents>,
    /// The checks since the last summary.
    counts: Counts,
    summed_up: Instant,
}

impl WatchScreen {
    /// The screen for a watch of these probes.
    pub(crate) fn new(
        probes: &[Arc<Probe>],
        rules: IncidentRules,
        facts: BoardFacts,
        terminal: &Terminal,
    ) -> WatchScreen {
        let logs = !terminal.progress && !terminal.quiet;
        let start = format!(
            "watching {} from vantage {}{}",
            counted(probes.len()),
            facts.vantage,
            facts.journal.as_ref().map_or(", not recorded".to_owned(), |journal| format!(", recorded in {journal}")),
        );
        let incidents = (logs || terminal.progress).then(|| OpenIncidents::new(rules, probes));
        let drawn = if terminal.progress { probes } else { &[] };
        let screen = WatchScreen {
            board: Painter::new(Board::new(drawn, facts), terminal.progress),
            logs,
            is_quiet: terminal.quiet,
            verbose: !terminal.progress && terminal.verbose > 0,
            last: BTreeMap::new(),
            warned: BTreeMap::new(),
            incidents,
            counts: Counts::default(),
            summed_up: Instant::now(),
        };
        screen.log(&start);
        screen
    }

    /// Prints a message, above the board if there is one.
    pub(crate) fn say(&self, text: &str) {
        self.board.say(text);
    }

    /// Leaves the board as it is, because the watch is about to end.
    pub(crate) fn freeze(&self) {
        self.board.freeze();
    }

    /// Removes the board.
    pub(crate) fn finish(self) {
        self.board.finish();
    }

    /// Prints the hourly summary, if it is due.
    pub(crate) fn sum_up_if_due(&mut self) {
        if self.summed_up.elapsed() >= SUMMARY_EVERY {
            self.summed_up = Instant::now();
            let counts = std::mem::take(&mut self.counts);
            let open: Vec<&str> =
                self.incidents.iter().flat_map(OpenIncidents::open).map(|(surface, ..)| surface).collect();
            let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
            let Counts { up, down, unknown, missed } = counts;
            let checks = counts.scheduled();
            self.log(&format!(
                "last hour: {checks} checks, {up} up, {down} down, {unknown} unknown, {missed} missed; open incidents: {open}"
            ));
        }
    }

    /// Prints a message, unless `--quiet` was given.
    fn note(&self, text: &str) {
        if !self.is_quiet {
            self.board.say(text);
        }
    }

    fn log(&self, text: &str) {
        if self.logs {
            self.board.say(text);
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        self.board.update(|board| board.record(outcome));
        self.counts.add(outcome.verdict, 1);
        if self.verbose {
            self.board.say(&sentence(outcome));
        }
        let has_new_warnings = self.logs && !self.verbose && self.has_new_warnings(outcome);
        let Some(incidents) = &mut self.incidents else { return };
        let before = self.last.insert(outcome.probe.clone(), outcome.verdict);
        let changed = before.map_or(outcome.verdict != Verdict::Up, |before| before != outcome.verdict);
        if !self.verbose && (changed || has_new_warnings) && self.logs {
            self.board.say(&sentence(outcome));
        }
        let at = timestamp::text(outcome.started_at);
        let change = incidents.record(outcome);
        if change.is_some() {
            self.show_incidents();
        }
        match change {
            Some(IncidentChange::Opened { surface, since }) => {
                self.log(&format!("{at} incident opened: {surface} is failing since {}", timestamp::text(since)));
            }
            Some(IncidentChange::ChangedCause { surface, failures }) => {
                self.log(&format!("{at} incident goes on: {surface} now fails with {failures}"));
            }
            Some(IncidentChange::Closed { surface, since }) => {
                self.log(&format!("{at} incident closed: {surface} is up again; it began {}", timestamp::text(since)));
            }
            None => {}
        }
    }

    /// Whether a check that was up has other warnings than the previous one.
    fn has_new_warnings(&mut self, outcome: &Outcome) -> bool {
        if outcome.verdict != Verdict::Up {
            return false;
        }
        let rules = || outcome.warnings.iter().map(|unmet| &unmet.assertion);
        let before = self.warned.get(&outcome.probe).map_or(&[][..], Vec::as_slice);
        let differ = !before.iter().eq(rules());
        if differ {
            self.warned.insert(outcome.probe.clone(), rules().cloned().collect());
        }
        differ
    }
}

impl WatchScreen {
    fn show_incidents(&self) {
        let Some(incidents) = &self.incidents else { return };
        let shown = |(surface, since, now): (&str, Timestamp, Option<&str>)| {
            (surface.to_owned(), since, now.map(str::to_owned))
        };
        let open = incidents.open().map(shown).collect();
        self.board.update(|board| board.show_incidents(open));
    }
}

impl Consumer for WatchScreen {
    fn consume(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Outcome(outcome) => self.outcome(outcome),
            RunEvent::Missed { probe, .. } => {
                self.board.update(|board| board.record_missed(&probe.name));
                self.counts.add(Verdict::Missed, 1);
            }
            RunEvent::Gap(gap) => {
                let (from, to) = (timestamp::text(gap.from), timestamp::text(gap.to));
                self.say(&format!("clock jumped from {from} to {to}: the machine slept, or its clock was set"));
            }
            RunEvent::ProbesChanged(probes) => {
                self.board.update(|board| board.replace_probes(probes));
                self.incidents.iter_mut().for_each(|incidents| incidents.replace_probes(probes));
                self.show_incidents();
                self.note(&format!("configuration reloaded: {} from here on", counted(probes.len())));
            }
            RunEvent::Stopping(running) => self.say(&stopping(running)),
            RunEvent::WindowsClosed { .. } | RunEvent::PassEnded => {}
        }
    }
}

/// One outcome as a line of the log.
fn sentence(outcome: &Outcome) -> String {
    let reason = outcome.failure.as_ref().map(|failure| format!(" {}: {}", failure.class, failure.message));
    let warnings: String = outcome.warnings.iter().map(|unmet| format!(", warning: {unmet}")).collect();
    format!(
        "{} {} {} {}{} after {:.1} ms{}{}",
        timestamp::text(outcome.started_at),
        outcome.verdict,
        outcome.surface,
        outcome.probe,
        reason.unwrap_or_default(),
        outcome.timings.total.as_secs_f64() * 1e3,
        warnings,
        if outcome.insecure { ", INSECURE TLS: any certificate is accepted" } else { "" },
    )
}

fn counted(probes: usize) -> String {
    if probes == 1 { "1 probe".to_owned() } else { format!("{probes} probes") }
}
