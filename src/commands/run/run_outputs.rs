//! The consumers that every run has: the answer, the journal, the exporters, the alerts. None of
//! them knows another; this file starts them together and ends them in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::check_report::{CheckReport, CheckReportBuilder};
use crate::commands::process::exit::CliError;
use crate::commands::process::signals::{Signals, WRAP_UP};
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::alert_worker::AlertWorker;
use crate::commands::run::events::{Consumer, RunEvent};
use crate::commands::run::run_recorder::{JournalLocation, Recorded, RunRecorder};
use crate::config::{Config, Settings};
use crate::export::Exporters;
use crate::format;
use crate::model::{Probe, Verdict};

/// The longest that the end of a run waits for backends. What they have not accepted by then is
/// counted.
const EXPORT_PATIENCE: Duration = Duration::from_secs(10);

/// The same after a signal, when somebody waits for the end.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// After this long a note says that the end of the run waits for the journal.
const WAIT_NOTE_AFTER: Duration = Duration::from_secs(2);

/// The outputs of a run.
pub(crate) struct RunOutputs {
    document: CheckReportBuilder,
    recorder: Option<RunRecorder>,
    exporters: Exporters,
    alerts: Option<AlertWorker>,
    warnings: Vec<String>,
    started: Instant,
}

/// The results of a run that has ended.
pub(crate) struct RunAnswer {
    document: CheckReportBuilder,
    elapsed: Duration,
    warnings: Vec<String>,
}

/// The outputs that still send once the answer of a run is known.
pub(crate) struct PendingSenders {
    exporters: Exporters,
    alerts: Option<AlertWorker>,
}

impl RunOutputs {
    /// Starts the outputs for a run. `journal` is where it records; `None` if it does not.
    ///
    /// # Errors
    /// If the system provides no thread.
    pub(crate) fn start(
        config: &Config,
        document: CheckReportBuilder,
        journal: Option<PathBuf>,
        exporters: Exporters,
        alerts: Option<AlertWorker>,
    ) -> Result<RunOutputs, CliError> {
        let start = |place| RunRecorder::start(JournalLocation::of(place, config));
        let recorder = journal.map(start).transpose().map_err(|error| CliError::io("the journal's thread", &error))?;
        let warnings = config.warnings.clone();
        Ok(RunOutputs { document, recorder, exporters, alerts, warnings, started: Instant::now() })
    }

    /// Records which probes run from now on, if the run is recorded.
    pub(crate) fn record_plan(&mut self, settings: &Settings, probes: &[Arc<Probe>]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record_plan(&settings.vantage, settings.shard, probes, Timestamp::now());
        }
    }

    /// Records which shard this run is, if it is one and is recorded.
    pub(crate) fn record_shard(&mut self, settings: &Settings, probes: &[Arc<Probe>]) {
        if let (Some(recorder), Some(shard)) = (&mut self.recorder, settings.shard) {
            recorder.record_shard(&settings.vantage, shard, probes, Timestamp::now());
        }
    }

    /// A function that returns whether there is room for the result of another check.
    pub(crate) fn admission(&self) -> impl Fn() -> bool + use<> {
        let recorder = self.recorder.as_ref().map(RunRecorder::admission);
        move || recorder.as_ref().is_none_or(|has_room| has_room())
    }

    /// The problems since the last call, to be printed during the run.
    pub(crate) fn trouble(&self) -> Vec<String> {
        let journal = self.recorder.as_ref().and_then(RunRecorder::trouble);
        let journal = journal.map(|trouble| format!("{trouble}; checks continue, and it will be tried again"));
        let alerts = self.alerts.iter().flat_map(AlertWorker::warnings);
        journal.into_iter().chain(alerts).collect()
    }

    /// Ends the recording. Returns the answer, whether everything is in the journal, and the
    /// outputs that still send.
    pub(crate) async fn finish(self, signals: &Signals, terminal: &Terminal) -> (RunAnswer, bool, PendingSenders) {
        let RunOutputs { document, recorder, exporters, alerts, warnings, started } = self;
        let elapsed = started.elapsed();
        let is_recorded = match recorder {
            Some(recorder) => finish_recording(recorder, signals, terminal).await,
            None => true,
        };
        (RunAnswer { document, elapsed, warnings }, is_recorded, PendingSenders { exporters, alerts })
    }
}

impl RunAnswer {
    /// The verdict on the run. A shard without a probe has nothing to judge and is up.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.document.has_targets() { self.document.verdict() } else { Verdict::Up }
    }

    /// The whole answer. With many probes it takes as much memory as the run did.
    pub(crate) fn document(self) -> CheckReport {
        self.document.finish(self.elapsed, &self.warnings)
    }
}

impl Consumer for RunOutputs {
    fn consume(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::ProbesChanged(probes) => {
                self.document.set_probes(probes);
                self.exporters.set_probes(probes);
            }
            RunEvent::Outcome(outcome) => {
                self.exporters.outcome(outcome);
                self.document.outcome(Arc::clone(outcome));
            }
            RunEvent::Missed { probe, scheduled_at } => self.exporters.missed(probe, *scheduled_at),
            RunEvent::WindowsClosed { windows, .. } => {
                self.exporters.windows(windows);
                windows.iter().for_each(|window| self.document.window(window));
            }
            RunEvent::Gap(_) | RunEvent::PassEnded | RunEvent::Stopping(_) => {}
        }
        self.recorder.consume(event);
        self.alerts.consume(event);
    }
}

/// Waits until everything is in the journal, and prints what is not. Returns whether everything is.
pub(crate) async fn finish_recording(recorder: RunRecorder, signals: &Signals, terminal: &Terminal) -> bool {
    let queue = recorder.queue();
    let finish = recorder.finish();
    tokio::pin!(finish);
    let patient = async {
        if let Ok(recorded) = tokio::time::timeout(WAIT_NOTE_AFTER, &mut finish).await {
            return recorded;
        }
        terminal.say(MessageLevel::Warning, "waiting for the journal; Ctrl-C ends without it");
        finish.await
    };
    let Some(Recorded { error, lost, unshipped }) = signals.bounded(patient, WRAP_UP / 2).await else {
        let waiting = queue.waiting();
        terminal.say(
            MessageLevel::Error,
            &format!("the journal does not answer; not in it: {}", format::counted(waiting as u64, "line")),
        );
        return false;
    };
    if let Some(error) = &error {
        terminal.say(MessageLevel::Error, &format!("{error}; not in the journal: {}", format::counted(lost, "line")));
    }
    if let Some(unshipped) = &unshipped {
        let kept = "results are kept on this disk; the next run uploads them";
        terminal.say(MessageLevel::Error, &format!("{unshipped}; {kept}"));
    }
    error.is_none() && unshipped.is_none()
}

impl PendingSenders {
    /// Lets the exporters send what they have, and the alerts their last events, within their time
    /// limits. The verdict of the run does not depend on them.
    pub(crate) async fn finish(self, signals: &Signals, alert_patience: Option<Duration>, terminal: &Terminal) {
        let stopped = signals.came().is_some();
        let patience = if stopped { SHORT_PATIENCE } else { EXPORT_PATIENCE };
        let exporters = self.exporters;
        let export = async {
            if exporters.is_empty() {
                return Vec::new();
            }
            let ended = in_background("exporters", move || exporters.finish(patience));
            match signals.bounded(ended, SHORT_PATIENCE).await {
                Some(warnings) => warnings.unwrap_or_default(),
                None => vec!["exporters were stopped before they had sent everything".to_owned()],
            }
        };
        let send_alerts = async {
            match self.alerts {
                // A run that sends its alerts only at its end leaves them to the next run if a
                // signal stops it.
                Some(alerts) if !stopped || alert_patience.is_some() => alerts.finish(signals, alert_patience).await,
                _ => Vec::new(),
            }
        };
        let (exported, alerted) = tokio::join!(export, send_alerts);
        for warning in exported.iter().chain(&alerted) {
            terminal.warn(warning);
        }
    }
}

/// Runs a blocking call on a thread of its own. `None` if the system provides no thread.
async fn in_background<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || drop(sender.send(work()))).ok()?;
    receiver.await.ok()
}

/// An empty answer for probes that are checked from `config`'s vantage, starting now.
pub(crate) fn document(config: &Config, probes: &[Arc<Probe>]) -> CheckReportBuilder {
    CheckReportBuilder::new(&config.settings.vantage, probes, jiff::Timestamp::now())
        .of_shard(config.settings.shard)
        .judged_with(config.incident, &config.surfaces)
}
