//! Sends alerts and the heartbeat from a dedicated thread, which owns the alert history and a queue
//! of events. A run only adds to the queue, and waits for the thread only at its end.
//!
//! A judgement follows soon after a check that may have changed something, and otherwise at regular
//! intervals. A receiver that does not answer delays only the next judgement; in the meantime
//! checks are added up in windows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::alert;
use crate::alert::Alerts;
use crate::commands::process::exit::CliError;
use crate::commands::process::signals::Signals;
use crate::commands::run::alert_history::AlertHistory;
use crate::commands::run::alert_queue::{AlertQueue, AlertTiming, RunSnapshot};
use crate::commands::run::events::{Consumer, RunEvent};
use crate::config::Config;
use crate::model::{NetworkRules, Outcome, Redactor, Value};
use crate::report::Report;
use crate::window::Window;

/// The least time between the starts of two judgements, as a multiple of the duration of the first;
/// never more than [`JUDGES_EVERY`].
const JUDGEMENT_SHARE: u32 = 10;
/// The longest pause between two judgements, and the interval of the heartbeat.
const JUDGES_EVERY: Duration = Duration::from_secs(10);
/// How long the end of a run waits for messages in flight after a signal.
const LAST_SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// The run's handle of the thread: it hands over results and asks for warnings.
pub(crate) struct AlertWorker {
    queue: Arc<AlertQueue>,
    ended: oneshot::Receiver<()>,
}

impl AlertWorker {
    /// Starts the thread. `None` if neither alerts nor a heartbeat are configured. `folder` keeps what was sent;
    /// `recorded`: whether the run records into the journal.
    ///
    /// # Errors
    /// If the system provides no thread.
    pub(crate) fn start(
        config: &Config,
        journal: &Path,
        folder: &Path,
        recorded: bool,
        timing: AlertTiming,
    ) -> io::Result<Option<AlertWorker>> {
        let alerts = Alerts::new(&config.alerts, &config.redactor, config.network, folder);
        if alerts.is_empty() && config.heartbeat.is_none() {
            return Ok(None);
        }
        let queue = Arc::new(AlertQueue::new(config, timing));
        let thread = AlertThread {
            alerts,
            heartbeat: config.heartbeat.clone(),
            redactor: config.redactor.clone(),
            network: config.network,
            history: AlertHistory::new(journal.to_path_buf(), config, recorded),
            queue: Arc::clone(&queue),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (sender, ended) = oneshot::channel();
        let work = move || {
            runtime.block_on(thread.run());
            // A name lookup that hangs does not delay the end.
            runtime.shutdown_background();
            let _ = sender.send(());
        };
        thread::Builder::new().name("alerts".to_owned()).spawn(work)?;
        Ok(Some(AlertWorker { queue, ended }))
    }

    /// The warnings since the last call.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.queue.lock().warnings)
    }

    /// Sends the last events, and waits for that at most `patience`, or [`LAST_SEND_TIMEOUT`] after a
    /// signal. `None` waits without a limit. The next run sends what is not delivered by then: only
    /// delivered events are marked as sent.
    pub(crate) async fn finish(self, signals: &Signals, patience: Option<Duration>) -> Vec<String> {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_one();
        let limit = async {
            match patience {
                Some(patience) => tokio::time::sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        let ended = self.ended;
        let work = async {
            tokio::select! {
                _ = ended => {}
                () = limit => {}
            }
        };
        signals.bounded(work, LAST_SEND_TIMEOUT).await;
        std::mem::take(&mut self.queue.lock().warnings)
    }
}

impl Consumer for AlertWorker {
    fn consume(&mut self, event: &RunEvent<'_>) {
        let mut queue = self.queue.lock();
        match event {
            RunEvent::ProbesChanged(probes) => return queue.forget_others(probes),
            RunEvent::Outcome(outcome) => queue.outcome(outcome),
            RunEvent::Missed { probe, scheduled_at } => {
                let closed = queue.collector.record_missed(probe, *scheduled_at);
                queue.add(closed);
            }
            _ => return,
        }
        if queue.is_urgent && self.queue.timing == AlertTiming::Continuous {
            drop(queue);
            self.queue.changed.notify_one();
        }
    }
}

/// The state of the alert thread.
struct AlertThread {
    alerts: Alerts,
    heartbeat: Option<Value>,
    redactor: Redactor,
    network: NetworkRules,
    history: AlertHistory,
    queue: Arc<AlertQueue>,
}

impl AlertThread {
    async fn run(mut self) {
        let mut next = Instant::now() + JUDGES_EVERY;
        let mut earliest = Instant::now();
        // A monitor of the monitor hears of checks: without any it hears nothing.
        let (mut heartbeat_due, mut has_checks) = (next, false);
        loop {
            self.wait(earliest, next).await;
            let snapshot = self.queue.snapshot();
            let is_last = snapshot.is_last;
            let started = Instant::now();
            has_checks |= snapshot.has_checks;
            let beats = has_checks && (is_last || started >= heartbeat_due);
            if beats {
                (heartbeat_due, has_checks) = (started + JUDGES_EVERY, false);
            }
            let took = self.judge(snapshot, beats).await;
            if is_last {
                return;
            }
            next = Instant::now() + JUDGES_EVERY;
            earliest = started + (took * JUDGEMENT_SHARE).min(JUDGES_EVERY);
        }
    }

    /// Waits until a judgement is due: at `next`; earlier if a check may have changed something,
    /// but not before `earliest`; and at once at the end of the run.
    async fn wait(&self, earliest: Instant, next: Instant) {
        loop {
            let (is_urgent, is_closed) = {
                let inner = self.queue.lock();
                (inner.is_urgent, inner.is_closed)
            };
            let due = match self.queue.timing {
                _ if is_closed => return,
                AlertTiming::AtEnd => None,
                AlertTiming::Continuous if is_urgent => Some(earliest.min(next)),
                AlertTiming::Continuous => Some(next),
            };
            let until = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = until => return,
                () = self.queue.changed.notified() => {}
            }
        }
    }

    /// Sends new alerts and, if due, the heartbeat. Returns how long the judgement took.
    async fn judge(&mut self, snapshot: RunSnapshot, heartbeat_due: bool) -> Duration {
        let verdict = snapshot.verdict;
        let started = Instant::now();
        let mut took = Duration::ZERO;
        if !self.alerts.is_empty() {
            let (at, found) = (snapshot.at, snapshot.found);
            let report = self.report(at, snapshot.windows, snapshot.failures);
            took = started.elapsed();
            let warnings = match report {
                Ok(report) => match self.alerts.notify(&report, &found, at).await {
                    Ok(deliveries) => deliveries.warnings.iter().map(ToString::to_string).collect(),
                    Err(error) => vec![error.to_string()],
                },
                Err(error) => vec![format!("no alert was sent: {error}")],
            };
            self.warn(warnings);
        }
        if let Some(url) = self.heartbeat.as_ref().filter(|_| heartbeat_due)
            && let Err(why) = alert::heartbeat(url, verdict, &self.redactor, self.network).await
        {
            self.warn(vec![format!("heartbeat request failed: {why}")]);
        }
        took
    }

    /// The report on the last day, made on a thread of its own: a journal in an object store is read by a runtime, which
    /// may not begin within this thread's.
    fn report(&mut self, at: Timestamp, windows: Vec<Window>, failures: Vec<Outcome>) -> Result<Report, CliError> {
        let history = &mut self.history;
        thread::scope(|scope| {
            let read = move || history.report(at, windows, failures);
            let reader = thread::Builder::new().name("alert-history".to_owned()).spawn_scoped(scope, read);
            let reader = reader.map_err(|error| CliError::io("the thread that reads the journal", &error))?;
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn warn(&self, warnings: Vec<String>) {
        self.queue.lock().warnings.extend(warnings);
    }
}
