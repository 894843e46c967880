//! The books of a run: what happened goes into the answer and into the journal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::check_report::condition::Condition;
use crate::check_report::{CheckReport, CheckReportBuilder};
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::check_pipeline;
use crate::commands::run::journal_writer::{JournalLocation, Recorded, Recorder};
use crate::config::Config;
use crate::export::Exporters;
use crate::journal::{JournalError, Line};
use crate::model::{Gap, Outcome, Probe};
use crate::window::{Collector, Window};

/// Keeps the books.
pub(crate) struct RunRecorder {
    fold: CheckReportBuilder,
    recorder: Option<Recorder>,
    exporters: Arc<Exporters>,
    warnings: Vec<String>,
    began: Instant,
    /// What was handed over since it was last asked for, where anybody asks.
    overheard: Option<Vec<Line>>,
}

impl RunRecorder {
    /// New books for these probes; with a journal's folder they are recorded there, and the
    /// exporters hear of everything.
    #[must_use]
    pub(crate) fn open(
        config: &Config,
        probes: &[Arc<Probe>],
        journal: Option<PathBuf>,
        exporters: Arc<Exporters>,
    ) -> RunRecorder {
        let vantage = &config.settings.vantage;
        RunRecorder {
            fold: CheckReportBuilder::new(vantage, probes, config.settings.window, check_pipeline::now()),
            recorder: journal.map(|place| Recorder::start(JournalLocation::of(place, config))),
            exporters,
            warnings: config.warnings.clone(),
            began: Instant::now(),
            overheard: None,
        }
    }

    /// Keeps what it hands over for [`RunRecorder::news`] too.
    pub(crate) fn overheard(mut self) -> RunRecorder {
        self.overheard = Some(Vec::new());
        self
    }

    /// What was handed over since this was last asked, and what is not yet.
    pub(crate) fn news(&mut self) -> (Vec<Line>, Collector) {
        (self.overheard.as_mut().map(std::mem::take).unwrap_or_default(), self.fold.open())
    }

    /// Judges the run by these conditions, and compares it with what is recorded.
    pub(crate) fn judged_by(mut self, conditions: Vec<Condition>, recorded: Option<Vec<Window>>) -> RunRecorder {
        self.fold = self.fold.judged_by(conditions);
        if let Some(recorded) = recorded {
            self.fold = self.fold.compared_with(recorded);
        }
        self
    }

    /// Goes on with these probes too.
    pub(crate) fn adopt(&mut self, probes: &[Arc<Probe>]) {
        self.fold.adopt(probes);
        self.exporters.adopt(probes);
    }

    /// Takes back what [`RunRecorder::news`] gave, to be asked for again.
    pub(crate) fn put_back(&mut self, lines: Vec<Line>) {
        if let Some(overheard) = &mut self.overheard {
            overheard.splice(..0, lines);
        }
    }

    /// Records an outcome.
    pub(crate) fn record(&mut self, outcome: Outcome) {
        self.exporters.outcome(&outcome);
        let closed = self.fold.record(outcome);
        self.hand_over(closed.into_iter().collect());
    }

    /// Records that a check was due and not run.
    pub(crate) fn missed(&mut self, probe: &Probe, scheduled_at: Timestamp) {
        self.exporters.missed(probe, scheduled_at);
        let closed = self.fold.missed(probe, scheduled_at);
        self.hand_over(closed.into_iter().collect());
    }

    /// Records that the clocks parted.
    pub(crate) fn gap(&self, gap: Gap) {
        if let Some(recorder) = &self.recorder {
            recorder.record(vec![Line::Gap(gap)]);
        }
    }

    /// Hands the windows over whose span has ended.
    pub(crate) fn close_ended(&mut self, now: Timestamp) {
        let closed = self.fold.close_ended(now);
        self.hand_over(closed);
    }

    /// What trouble the journal has had since this was last asked.
    #[must_use]
    pub(crate) fn trouble(&self) -> Option<JournalError> {
        self.recorder.as_ref().and_then(Recorder::trouble)
    }

    /// Closes the books: the answer, and whether everything is in the journal.
    pub(crate) fn close(mut self, terminal: &Terminal) -> (CheckReport, bool) {
        let failures = self.fold.take_failures();
        let (pass, windows) = self.fold.finish(self.began.elapsed(), &self.warnings);
        self.exporters.windows(&windows);
        let Some(recorder) = self.recorder else { return (pass, true) };
        recorder.record(lines(windows, failures));
        let Recorded { error, lost, unshipped } = recorder.finish();
        if let Some(error) = &error {
            terminal.say(MessageLevel::Error, &format!("{error}; {lost} lines are not in the journal"));
        }
        if let Some(unshipped) = &unshipped {
            terminal.say(
                MessageLevel::Error,
                &format!("{unshipped}; what was recorded waits on this disk for the next run"),
            );
        }
        (pass, error.is_none() && unshipped.is_none())
    }

    fn hand_over(&mut self, windows: Vec<Window>) {
        if windows.is_empty() {
            return;
        }
        self.exporters.windows(&windows);
        if self.recorder.is_none() && self.overheard.is_none() {
            return;
        }
        let lines = lines(windows, self.fold.take_failures());
        if let Some(overheard) = &mut self.overheard {
            overheard.extend(lines.iter().cloned());
        }
        if let Some(recorder) = &self.recorder {
            recorder.record(lines);
        }
    }
}

fn lines(windows: Vec<Window>, failures: Vec<Outcome>) -> Vec<Line> {
    windows.into_iter().map(Line::from).chain(failures.into_iter().map(Line::from)).collect()
}
