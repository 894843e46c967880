//! Sends every receiver the changes that are new for it, and records what was sent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::backoff::Backoff;
use super::change::Change;
use super::delivery::Delivery;
use super::findings::CheckFindings;
use super::state_file::{AlertError, StateFile};
use super::{changes, delivery, message, payload, state_file};
use crate::model::{Alert, NetworkRules, Redactor, SafeText, message};
use crate::report::Report;

/// The name of the file in the journal's folder that records what was sent.
pub const STATE_FILE: &str = "alerts.json";

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
        let mut running = JoinSet::new();
        for (index, alert) in self.receivers.iter().enumerate() {
            let receiver = state.of(&alert.name);
            let changes = changes::changes(alert, receiver, report, found, now);
            let (wanted, others): (Vec<Change>, Vec<Change>) =
                changes.into_iter().partition(|change| alert.on.contains(&change.event()));
            for change in &others {
                receiver.note(change, now);
            }
            receiver.looked_at = Some(now);
            let deliveries_of_alert: Vec<(Change, Delivery)> =
                wanted.into_iter().map(|change| self.delivery(alert, change, report, now)).collect();
            let backoff = self.backoff;
            running.spawn(async move { (index, delivery::in_order(deliveries_of_alert, backoff).await) });
        }
        while let Some(ended) = running.join_next().await {
            let Ok((index, ended)) = ended else { continue };
            let alert = &self.receivers[index];
            for (change, summary, result) in ended {
                match result {
                    Ok(()) => {
                        state.of(&alert.name).note(&change, now);
                        deliveries.sent.push(SafeText::message(&format!("{}: {summary}", alert.name)));
                    }
                    Err(why) => {
                        let event = change.event().name();
                        let warning = message!("alert \"{}\" was not delivered ({event}): ", alert.name).then(&why);
                        deliveries.warnings.push(self.redactor.message(warning));
                    }
                }
            }
        }
        state.write(&self.state, now)?;
        drop(lock);
        Ok(deliveries)
    }

    fn delivery(&self, alert: &Alert, change: Change, report: &Report, now: Timestamp) -> (Change, Delivery) {
        let payload = payload::payload(&alert.name, &change, report, now);
        let delivery = message::delivery(alert, &payload, &self.redactor, self.network);
        (change, delivery)
    }
}
