//! What a run tells the thread of its alerts: checks added up in windows, and what a heartbeat, a warning or an expiring
//! certificate needs. A receiver that does not answer delays only the next judgement; meanwhile the queue stays bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::alert;
use crate::alert::{CheckFindings, ExpiringCertificate, UnmetWarning};
use crate::config::Config;
use crate::model::{Counts, IncidentRules, Mismatch, Outcome, Probe, Verdict};
use crate::window::{Collector, Window};

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
    pub(super) has_checks: bool,
    /// Whether the run is over.
    pub(super) is_last: bool,
}

/// What a run hands over to the thread of its alerts.
pub(super) struct AlertQueue {
    pub(super) timing: AlertTiming,
    vantage: String,
    span: Duration,
    inner: Mutex<Queued>,
    pub(super) changed: Notify,
}

/// What is queued.
pub(super) struct Queued {
    rules: IncidentRules,
    pub(super) collector: Collector,
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
    pub(super) is_urgent: bool,
    /// Whether a check has ended since the last snapshot.
    has_checks: bool,
    pub(super) is_closed: bool,
    pub(super) warnings: Vec<String>,
}

impl AlertQueue {
    pub(super) fn new(config: &Config, timing: AlertTiming) -> AlertQueue {
        let (vantage, span) = (config.settings.vantage.clone(), config.settings.window);
        let inner = Queued {
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
        AlertQueue { timing, vantage, span, inner: Mutex::new(inner), changed: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queued> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything since the previous call.
    pub(super) fn snapshot(&self) -> RunSnapshot {
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

impl Queued {
    pub(super) fn outcome(&mut self, outcome: &Outcome) {
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
    pub(super) fn forget_others(&mut self, probes: &[Arc<Probe>]) {
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
    pub(super) fn add(&mut self, closed: Option<Window>) {
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
