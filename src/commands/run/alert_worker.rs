//! Alerts and the heartbeat of a run: told from what is recorded and what a watch has seen since,
//! beside the checks and after them, never in their way.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::alert;
use crate::alert::{Alerts, ExpiringCertificate};
use crate::commands::process::exit::CliError;
use crate::commands::run::alert_history::AlertHistory;
use crate::config::Config;
use crate::journal::Line;
use crate::model::{Redactor, Value, Verdict};
use crate::window::Collector;

/// Between two judgements of a watch is at least so many times of what the last one took,
const JUDGES_SHARE: u32 = 10;
/// and no more than this.
pub(crate) const SPEAKS_EVERY: Duration = Duration::from_secs(10);

/// How long the end of a watch waits for what is being told.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Who is told, and what it takes to know what to tell.
pub(crate) struct Alerting {
    alerts: Alerts,
    heartbeat: Option<Value>,
    redactor: Redactor,
    history: AlertHistory,
    /// How long the last judgement took.
    took: Duration,
}

/// What a run knows that its journal does not.
pub(crate) struct RunSnapshot {
    /// When this is known.
    pub(crate) at: Timestamp,
    /// What was handed to the journal since the last time.
    pub(crate) lines: Vec<Line>,
    /// What is not in a window yet.
    pub(crate) open: Collector,
    /// Whether the heartbeat is due.
    pub(crate) heartbeat_due: bool,
    /// Certificates that end soon.
    pub(crate) expiring: Vec<ExpiringCertificate>,
    /// The verdict on the last checks.
    pub(crate) verdict: Verdict,
}

impl Alerting {
    /// What the configuration asks for; none where nobody is to be told.
    /// `recorded` says whether the run records into the journal.
    pub(crate) fn of(config: &Config, journal: &Path, recorded: bool) -> Option<Alerting> {
        let alerts = Alerts::new(&config.alerts, &config.redactor, journal);
        if alerts.is_empty() && config.heartbeat.is_none() {
            return None;
        }
        Some(Alerting {
            alerts,
            heartbeat: config.heartbeat.clone(),
            redactor: config.redactor.clone(),
            history: AlertHistory::new(journal.to_path_buf(), config.incident, config.surfaces.clone(), recorded),
            took: Duration::ZERO,
        })
    }

    /// Tells what is new and sends the heartbeat. Blocks until the receivers have heard it, each
    /// within its own limits. What could not be told is a warning each.
    pub(crate) fn speak(&mut self, now: RunSnapshot) -> Vec<String> {
        let (verdict, heartbeat_due) = (now.verdict, now.heartbeat_due);
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return vec![format!("alerts could not be told: {error}")],
        };
        let warnings = runtime.block_on(async {
            let mut warnings = self.tell(now).await;
            if let Some(url) = self.heartbeat.as_ref().filter(|_| heartbeat_due)
                && let Err(why) = alert::heartbeat(url, verdict, &self.redactor).await
            {
                warnings.push(format!("the heartbeat was not heard: {why}"));
            }
            warnings
        });
        runtime.shutdown_background();
        warnings
    }

    async fn tell(&mut self, now: RunSnapshot) -> Vec<String> {
        if self.alerts.is_empty() {
            return Vec::new();
        }
        let began = Instant::now();
        self.history.add(now.lines);
        let report = match self.history.report(now.at, now.open) {
            Ok(report) => report,
            Err(CliError::Usage(why) | CliError::Runtime(why) | CliError::Busy(why)) => {
                return vec![format!("alerts could not be told: {why}")];
            }
            Err(CliError::BrokenPipe) => return Vec::new(),
        };
        self.took = began.elapsed();
        match self.alerts.notify(&report, &now.expiring, now.at).await {
            Ok(told) => told.warnings.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    }
}

/// Speaks beside a watch, in a thread of its own.
pub(crate) struct AlertWorker {
    sender: mpsc::SyncSender<RunSnapshot>,
    thread: JoinHandle<()>,
    warnings: Arc<Mutex<Vec<String>>>,
    /// Milliseconds between two judgements.
    pace: Arc<AtomicU64>,
}

impl AlertWorker {
    /// Begins to listen for words.
    pub(crate) fn start(mut alerting: Alerting) -> AlertWorker {
        // One waits while one is told: what a third would say, the second will.
        let (sender, receiver) = mpsc::sync_channel::<RunSnapshot>(1);
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let said = Arc::clone(&warnings);
        let pace = Arc::new(AtomicU64::new(0));
        let paced = Arc::clone(&pace);
        let thread = thread::spawn(move || {
            for now in receiver {
                let new = alerting.speak(now);
                let pace = (alerting.took * JUDGES_SHARE).min(SPEAKS_EVERY);
                paced.store(u64::try_from(pace.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                said.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
            }
        });
        AlertWorker { sender, thread, warnings, pace }
    }

    /// Hands over what is known now. Does not wait.
    ///
    /// # Errors
    /// What was not taken, because it is busy or gone: the next time will do.
    pub(crate) fn speak(&self, now: RunSnapshot) -> Result<(), Box<RunSnapshot>> {
        self.sender.try_send(now).map_err(|error| match error {
            TrySendError::Full(now) | TrySendError::Disconnected(now) => Box::new(now),
        })
    }

    /// The time that is to pass between two judgements.
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_millis(self.pace.load(Ordering::Relaxed))
    }

    /// The warnings since this was last asked.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says the last word and waits a moment for it to be heard. What is not told by then is told
    /// by the next run: what was told is remembered, and not what was tried.
    pub(crate) fn finish(self, now: RunSnapshot) -> Vec<String> {
        let AlertWorker { sender, thread, warnings, .. } = self;
        let _ = sender.try_send(now);
        drop(sender);
        let end = Instant::now() + LAST_WORD;
        while !thread.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
