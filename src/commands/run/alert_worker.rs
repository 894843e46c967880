//! Sends alerts and the heartbeat from a dedicated thread, which owns the alert history and a queue
//! of events. A run only adds to the queue, and waits for the thread only at its end.
//!
//! A judgement follows soon after a check that may have changed something, and otherwise at regular
//! intervals. A receiver that does not answer delays only the next judgement; in the meantime
//! checks are added up in windows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::alert;
use crate::alert::{Alerts, CheckFindings, ExpiringCertificate, UnmetWarning};
use crate::commands::process::exit::CliError;
use crate::commands::process::signals::Signals;
use crate::commands::run::alert_history::AlertHistory;
use crate::commands::run::events::{Consumer, RunEvent};
use crate::config::Config;
use crate::model::{Counts, IncidentRules, Mismatch, NetworkRules, Outcome, Probe, Redactor, Value, Verdict};
use crate::report::Report;
use crate::window::{Collector, Window};

/// The least time between the starts of two judgements, as a multiple of the duration of the first;
/// never more than [`JUDGES_EVERY`].
const JUDGEMENT_SHARE: u32 = 10;
/// The longest pause between two judgements, and the interval of the heartbeat.
const JUDGES_EVERY: Duration = Duration::from_secs(10);
/// How long the end of a run waits for messages in flight after a signal.
const LAST_SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// The most windows and failures that are queued while a receiver or the journal does not answer.
const QUEUE_LIMIT: usize = 1 << 16;

/// When a run sends alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertTiming {
    /// During the run, and once more at its end.
    Continuous,
    /// Only at its end.
    AtEnd,
}

/// The run's handle of the thread: it hands over results and asks for warnings.
pub(crate) struct AlertWorker {
    queue: Arc<Queue>,
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
        let queue = Arc::new(Queue::new(config, timing));
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

/// What happened since the previous judgement.
pub(crate) struct RunSnapshot {
    /// When the snapshot was taken.
    pub(crate) at: Timestamp,
    /// The checks, in windows that add up with those of earlier snapshots.
    pub(crate) windows: Vec<Window>,
    /// The evidence of the first failures.
    pub(crate) failures: Vec<Outcome>,
    /// Certificates that expire soon, and unmet warnings.
    pub(crate) found: CheckFindings,
    /// With [`AlertTiming::Continuous`], the verdict on the last check of every probe; with
    /// [`AlertTiming::AtEnd`], on all checks of the run.
    pub(crate) verdict: Verdict,
    /// Whether a check has ended since the previous snapshot.
    has_checks: bool,
    /// Whether the run is over.
    is_last: bool,
}

struct Queue {
    timing: AlertTiming,
    vantage: String,
    span: Duration,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    rules: IncidentRules,
    collector: Collector,
    windows: Vec<Window>,
    failures: Vec<Outcome>,
    /// The last verdict of each probe.
    last: BTreeMap<String, Verdict>,
    /// The number of checks of the run by verdict.
    counts: Counts,
    /// By probe whose certificate was seen: the certificate, if it expires soon.
    expiring: BTreeMap<String, Option<ExpiringCertificate>>,
    /// By probe: the expectations of `warn` that its last `up` check did not meet.
    warned: BTreeMap<String, Vec<UnmetWarning>>,
    /// Probes that were not up recently: how many more good checks each needs before its checks no
    /// longer change an incident.
    unsettled: BTreeMap<String, u32>,
    /// Whether a check may have opened or closed an incident since the last snapshot.
    is_urgent: bool,
    /// Whether a check has ended since the last snapshot.
    has_checks: bool,
    is_closed: bool,
    warnings: Vec<String>,
}

impl Queue {
    fn new(config: &Config, timing: AlertTiming) -> Queue {
        let (vantage, span) = (config.settings.vantage.clone(), config.settings.window);
        let inner = Inner {
            rules: config.incident,
            collector: Collector::new(&vantage, span),
            windows: Vec::new(),
            failures: Vec::new(),
            last: BTreeMap::new(),
            counts: Counts::default(),
            expiring: BTreeMap::new(),
            warned: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            is_urgent: false,
            has_checks: false,
            is_closed: false,
            warnings: Vec::new(),
        };
        Queue { timing, vantage, span, inner: Mutex::new(inner), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything since the previous call.
    fn snapshot(&self) -> RunSnapshot {
        let mut inner = self.lock();
        // Close the windows after releasing the lock, so that no check waits for that.
        let fresh = Collector::new(&self.vantage, self.span);
        let mut collector = std::mem::replace(&mut inner.collector, fresh);
        let (mut windows, mut failures) = (std::mem::take(&mut inner.windows), std::mem::take(&mut inner.failures));
        inner.is_urgent = false;
        let has_checks = std::mem::take(&mut inner.has_checks);
        let counts = match self.timing {
            AlertTiming::AtEnd => inner.counts,
            AlertTiming::Continuous => inner.last.values().fold(Counts::default(), |mut counts, verdict| {
                counts.add(*verdict, 1);
                counts
            }),
        };
        let found = CheckFindings { expiring: inner.expiring.clone(), warnings: inner.warned.clone() };
        let is_last = inner.is_closed;
        drop(inner);
        failures.extend(collector.take_failures());
        windows.extend(collector.close_all());
        RunSnapshot { at: Timestamp::now(), windows, failures, found, verdict: counts.verdict(), has_checks, is_last }
    }
}

impl Inner {
    fn outcome(&mut self, outcome: &Outcome) {
        self.has_checks = true;
        if let Some(certificate) = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) {
            let expiring = alert::expiring(outcome, certificate, outcome.started_at);
            self.expiring.insert(outcome.probe.clone(), expiring);
        }
        if !outcome.control && !outcome.maintenance {
            self.warn(outcome);
            self.last.insert(outcome.probe.clone(), outcome.verdict);
            self.counts.add(outcome.verdict, 1);
        }
        self.settle(outcome);
        let closed = self.collector.record(outcome);
        self.add(closed);
    }

    /// Forgets what probes said that are no longer checked.
    fn forget_others(&mut self, probes: &[Arc<Probe>]) {
        let names: BTreeSet<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
        self.last.retain(|probe, _| names.contains(probe.as_str()));
        self.expiring.retain(|probe, _| names.contains(probe.as_str()));
        self.warned.retain(|probe, _| names.contains(probe.as_str()));
        self.unsettled.retain(|probe, _| names.contains(probe.as_str()));
    }

    /// Remembers the unmet expectations of `warn` of a check that was up; other checks say nothing
    /// about them.
    fn warn(&mut self, outcome: &Outcome) {
        if outcome.verdict != Verdict::Up {
            return;
        }
        let warning = |unmet: &Mismatch| UnmetWarning {
            probe: outcome.probe.clone(),
            surface: outcome.surface.clone(),
            unmet: unmet.clone(),
        };
        let warnings: Vec<UnmetWarning> = outcome.warnings.iter().map(warning).collect();
        let rules = |warnings: &[UnmetWarning]| -> Vec<String> {
            warnings.iter().map(|warning| warning.unmet.assertion.clone()).collect()
        };
        let before = self.warned.insert(outcome.probe.clone(), warnings.clone()).unwrap_or_default();
        self.is_urgent |= rules(&before) != rules(&warnings);
    }

    /// Keeps a closed window and the failures so far. Beyond the limit evidence is dropped first:
    /// failures are counted in their windows, and the journal has everything.
    fn add(&mut self, closed: Option<Window>) {
        let Some(window) = closed else { return };
        self.windows.push(window);
        let failures = self.collector.take_failures();
        self.failures.extend(failures);
        if self.windows.len() + self.failures.len() > QUEUE_LIMIT {
            self.failures.clear();
            let excess = self.windows.len().saturating_sub(QUEUE_LIMIT);
            self.windows.drain(..excess);
        }
    }

    /// Marks a check as urgent if it may change something: it was not up, or it is one of the good
    /// checks after one that may end an incident.
    fn settle(&mut self, outcome: &Outcome) {
        if outcome.verdict != Verdict::Up {
            self.unsettled.insert(outcome.probe.clone(), self.rules.close_after.get());
            self.is_urgent = true;
        } else if let Some(left) = self.unsettled.get_mut(&outcome.probe) {
            *left -= 1;
            if *left == 0 {
                self.unsettled.remove(&outcome.probe);
            }
            self.is_urgent = true;
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
    queue: Arc<Queue>,
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
