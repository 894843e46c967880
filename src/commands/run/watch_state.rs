//! The state of a watch: recorder on one side, the board or a log on the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::alert;
use crate::alert::ExpiringCertificate;
use crate::check_report::CheckReport;
use crate::commands::process::terminal::Terminal;
use crate::commands::run::alert_worker::{AlertWorker, RunSnapshot, SPEAKS_EVERY};
use crate::commands::run::check_pipeline;
use crate::commands::run::run_recorder::RunRecorder;
use crate::model::{Counts, Gap, IncidentRules, Outcome, Probe, Schedule, Verdict, timestamp};
use crate::progress::Board;

const FOOTER: &str = "  · up   X down   ? unknown   - missed        Ctrl-C ends the watch";

/// Takes in what happens in a watch.
pub(crate) struct WatchState {
    recorder: RunRecorder,
    board: Board,
    terminal: Terminal,
    last: BTreeMap<String, Verdict>,
    /// Certificates that end soon, by probe.
    expiring: BTreeMap<String, ExpiringCertificate>,
    /// Who tells alerts, when it was last spoken to, and when it last sent the heartbeat.
    alert_worker: Option<AlertWorker>,
    spoke: Instant,
    beat: Instant,
    /// Whether there may be news since.
    news: bool,
    /// Probes that were not up, with the good checks that it takes until they are no news.
    restless: BTreeMap<String, u32>,
    rules: IncidentRules,
    /// Whether the clocks parted since the last tick.
    parted: bool,
    /// Whether a probe is due by the wall clock.
    by_wall_clock: bool,
}

impl WatchState {
    /// A state for these probes.
    #[must_use]
    pub(crate) fn new(
        recorder: RunRecorder,
        probes: &[Arc<Probe>],
        alert_worker: Option<AlertWorker>,
        rules: IncidentRules,
        terminal: &Terminal,
    ) -> WatchState {
        WatchState {
            recorder: if alert_worker.is_some() { recorder.overheard() } else { recorder },
            board: board(probes, terminal),
            terminal: *terminal,
            last: BTreeMap::new(),
            expiring: BTreeMap::new(),
            alert_worker,
            spoke: Instant::now(),
            beat: Instant::now(),
            news: false,
            restless: BTreeMap::new(),
            rules,
            parted: false,
            by_wall_clock: by_wall_clock(probes),
        }
    }

    /// Goes on with another configuration's probes.
    pub(crate) fn reload(&mut self, probes: &[Arc<Probe>]) {
        self.recorder.adopt(probes);
        self.by_wall_clock = by_wall_clock(probes);
        let board = board(probes, &self.terminal);
        std::mem::replace(&mut self.board, board).finish();
        self.say(&format!("the configuration was read again: {} probes from here on", probes.len()));
    }

    /// Takes an outcome in.
    pub(crate) fn record(&mut self, outcome: Outcome) {
        self.board.record(&outcome);
        if self.alert_worker.is_some() {
            for expiring in alert::expiring([&outcome], outcome.started_at) {
                self.expiring.insert(outcome.probe.clone(), expiring);
            }
            self.listen(&outcome);
        }
        self.log(&outcome);
        self.recorder.record(outcome);
    }

    /// Takes in that a check was due and not run.
    pub(crate) fn missed(&mut self, probe: &Probe, scheduled_at: Timestamp) {
        self.board.record_missed(&probe.name);
        self.recorder.missed(probe, scheduled_at);
    }

    /// Takes in that the clocks parted.
    pub(crate) fn gap(&mut self, gap: Gap) {
        let (from, to) = (timestamp::text(gap.from), timestamp::text(gap.to));
        self.say(&format!("the clock went from {from} to {to} at once: the machine slept, or its clock was set"));
        self.recorder.gap(gap);
        self.parted = true;
    }

    /// Hands ended windows over, draws, and says what trouble there is. Returns whether the clocks
    /// have parted since, and a probe follows the wall clock.
    pub(crate) fn tick(&mut self, now: Timestamp) -> bool {
        self.recorder.close_ended(now);
        self.board.draw_if_due();
        if let Some(trouble) = self.recorder.trouble() {
            self.say(&format!("warning: {trouble}; checks go on, and it will be tried again"));
        }
        self.speak_if_due();
        std::mem::take(&mut self.parted) && self.by_wall_clock
    }

    /// Notes whether a check may be news: it was not up, or it follows on one that was not closely
    /// enough to end an incident.
    fn listen(&mut self, outcome: &Outcome) {
        if outcome.verdict != Verdict::Up {
            self.restless.insert(outcome.probe.clone(), self.rules.close_after.get());
            self.news = true;
        } else if let Some(left) = self.restless.get_mut(&outcome.probe) {
            *left -= 1;
            if *left == 0 {
                self.restless.remove(&outcome.probe);
            }
            self.news = true;
        }
    }

    /// Speaks where there may be news, as often as that is cheap, and else now and then.
    fn speak_if_due(&mut self) {
        let Some(alert_worker) = &self.alert_worker else { return };
        for warning in alert_worker.warnings() {
            self.say(&format!("warning: {warning}"));
        }
        let since = self.spoke.elapsed();
        if since >= SPEAKS_EVERY || self.news && since >= alert_worker.pace() {
            let now = self.now();
            let heartbeat_due = now.heartbeat_due;
            let Some(alert_worker) = &self.alert_worker else { return };
            match alert_worker.speak(now) {
                Ok(()) => {
                    self.news = false;
                    if heartbeat_due {
                        self.beat = Instant::now();
                    }
                }
                Err(now) => self.recorder.put_back(now.lines),
            }
            self.spoke = Instant::now();
        }
    }

    fn now(&mut self) -> RunSnapshot {
        let mut counts = Counts::default();
        self.last.values().for_each(|verdict| counts.add(*verdict, 1));
        let (lines, open) = self.recorder.news();
        RunSnapshot {
            at: check_pipeline::now(),
            lines,
            open,
            heartbeat_due: self.beat.elapsed() >= SPEAKS_EVERY,
            expiring: self.expiring.values().cloned().collect(),
            verdict: counts.verdict(),
        }
    }

    /// Says that the watch comes to its end; the board stays as it is.
    pub(crate) fn stopping(&mut self, text: &str) {
        self.board.freeze();
        self.say(text);
    }

    /// Says something, above the board where there is one.
    pub(crate) fn say(&self, text: &str) {
        self.board.say(text);
    }

    /// Takes the board away and closes the recorder.
    #[must_use]
    pub(crate) fn close(mut self) -> (CheckReport, bool) {
        let now = RunSnapshot { heartbeat_due: true, ..self.now() };
        self.board.finish();
        let closed = self.recorder.close(&self.terminal);
        let warnings = self.alert_worker.map(|alert_worker| alert_worker.finish(now)).unwrap_or_default();
        for warning in &warnings {
            self.terminal.warn(warning);
        }
        closed
    }

    /// Without a board, a change of state is a line of log; with `-v` every outcome is.
    fn log(&mut self, outcome: &Outcome) {
        let before = self.last.insert(outcome.probe.clone(), outcome.verdict);
        let changed = before.map_or(outcome.verdict != Verdict::Up, |before| before != outcome.verdict);
        if self.terminal.progress || !(changed && !self.terminal.quiet || self.terminal.verbose > 0) {
            return;
        }
        let reason = outcome.failure.as_ref().map(|failure| format!(" {}: {}", failure.class, failure.message));
        self.board.say(&format!(
            "{} {} {} {}{} after {:.1} ms{}",
            timestamp::text(outcome.started_at),
            outcome.verdict,
            outcome.surface,
            outcome.probe,
            reason.unwrap_or_default(),
            outcome.timings.total.as_secs_f64() * 1e3,
            if outcome.insecure { ", INSECURE TLS: any certificate is accepted" } else { "" },
        ));
    }
}

fn by_wall_clock(probes: &[Arc<Probe>]) -> bool {
    probes.iter().any(|probe| matches!(probe.schedule, Schedule::Cron(_)))
}

fn board(probes: &[Arc<Probe>], terminal: &Terminal) -> Board {
    Board::new(probes, FOOTER.to_owned(), terminal.talk_colour, terminal.progress)
}
