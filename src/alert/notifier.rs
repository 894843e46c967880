//! Sends every receiver the changes that are new for it, and records what was sent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::backoff::Backoff;
use super::change::Change;
use super::delivery::{Delivery, DeliveryResult};
use super::findings::CheckFindings;
use super::receiver_state::ReceiverState;
use super::state_file::{AlertError, StateFile};
use super::{changes, delivery, message, payload, state_file};
use crate::model::{Alert, NetworkRules, Redactor, SafeText, message};
use crate::report::Report;

/// The name of the file in the journal's folder that records what was sent.
pub const STATE_FILE: &str = "alerts.json";

/// The most results of deliveries that are recorded at once.
const RESULTS_AT_ONCE: usize = 1 << 10;

/// The receivers of a configuration, and the file that records what each was sent.
#[derive(Clone, Debug)]
pub struct Alerts {
    receivers: Arc<[Alert]>,
    redactor: Redactor,
    network: NetworkRules,
    state: PathBuf,
    backoff: Backoff,
}

/// The results of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// The messages that were delivered, one sentence each.
    pub sent: Vec<SafeText>,
    /// The messages that were not delivered, and why.
    pub warnings: Vec<SafeText>,
}

impl Alerts {
    /// `network` says how receivers may be connected to; what was sent is recorded in the folder of
    /// `journal`.
    #[must_use]
    pub fn new(alerts: &[Alert], redactor: &Redactor, network: NetworkRules, journal: &Path) -> Alerts {
        let state = journal.join(STATE_FILE);
        Alerts { receivers: alerts.into(), redactor: redactor.clone(), network, state, backoff: Backoff::default() }
    }

    /// Changes the wait between attempts.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Alerts {
        self.backoff = backoff;
        self
    }

    /// Whether there are no receivers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receivers.is_empty()
    }

    /// Sends every receiver what is new at `now`, in a report and among the findings of checks. It
    /// waits for the receivers, each within its own limits, so call it beside the checks.
    ///
    /// # Errors
    /// [`AlertError`] if the record of what was sent cannot be read, in which case nothing is sent,
    /// or cannot be written, in which case the same may be sent again.
    pub async fn notify(
        &self,
        report: &Report,
        found: &CheckFindings,
        now: Timestamp,
    ) -> Result<Deliveries, AlertError> {
        if self.is_empty() {
            return Ok(Deliveries::default());
        }
        // Another run that is notifying at this moment sends the same.
        let Some(lock) = state_file::lock(&self.state)? else { return Ok(Deliveries::default()) };
        let mut deliveries = Deliveries::default();
        let mut state = StateFile::read(&self.state, &mut deliveries.warnings)?;
        let (sender, mut results) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let mut owed = Vec::with_capacity(self.receivers.len());
        for (index, alert) in self.receivers.iter().enumerate() {
            let due = self.due(alert, state.of(&alert.name), report, found, now);
            owed.push(due.len());
            running.spawn(delivery::in_order(index, due, self.backoff, sender.clone()));
        }
        drop(sender);
        // What was delivered is recorded before the next receiver has answered: a run that is
        // stopped while one hangs does not send to the others again.
        let mut written = state.write(&self.state, now);
        let mut ended = Vec::new();
        while results.recv_many(&mut ended, RESULTS_AT_ONCE).await > 0 {
            for result in ended.drain(..) {
                self.note(&result, &mut owed[result.receiver], &mut state, now, &mut deliveries);
            }
            written = state.write(&self.state, now);
        }
        drop(lock);
        written.map(|()| deliveries)
    }

    /// The messages for a receiver. A change that it does not want is noted as sent.
    fn due(
        &self,
        alert: &Alert,
        receiver: &mut ReceiverState,
        report: &Report,
        found: &CheckFindings,
        now: Timestamp,
    ) -> Vec<(Change, Delivery)> {
        let changes = changes::changes(alert, receiver, report, found, now);
        let (wanted, others): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| alert.on.contains(&change.event()));
        others.iter().for_each(|change| receiver.note(change, now));
        if wanted.is_empty() {
            receiver.looked_at = Some(now);
        }
        wanted.into_iter().map(|change| self.delivery(alert, change, report, now)).collect()
    }

    /// Records the result of a delivery; `owed` is how many messages its receiver did not have
    /// before.
    fn note(
        &self,
        result: &DeliveryResult,
        owed: &mut usize,
        state: &mut StateFile,
        now: Timestamp,
        deliveries: &mut Deliveries,
    ) {
        let name = &self.receivers[result.receiver].name;
        match &result.result {
            Ok(()) => {
                let receiver = state.of(name);
                receiver.note(&result.change, now);
                *owed -= 1;
                if *owed == 0 {
                    receiver.looked_at = Some(now);
                }
                deliveries.sent.push(SafeText::message(&format!("{name}: {}", result.summary)));
            }
            Err(why) => {
                let event = result.change.event().name();
                let warning = message!("alert \"{name}\" was not delivered ({event}): ").then(why);
                deliveries.warnings.push(self.redactor.message(warning));
            }
        }
    }

    fn delivery(&self, alert: &Alert, change: Change, report: &Report, now: Timestamp) -> (Change, Delivery) {
        let payload = payload::payload(&alert.name, &change, report, now);
        let delivery = message::delivery(alert, &payload, &self.redactor, self.network);
        (change, delivery)
    }
}
