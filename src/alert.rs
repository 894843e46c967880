//! Who is told when something changes: what a report shows is held against what was told before,
//! and what is new goes to webhooks and programs. It never stands in a check's way, and a
//! receiver that cannot be reached is a warning, not a verdict.
//!
//! What was told is kept in one file, so that a prober that cron starts every minute tells of an
//! incident once. A receiver that could not be reached is tried again with the next pass.

mod changes;
mod delivery;
mod heartbeat;
mod message;
mod payload;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::model::{Alert, Redactor, SafeText, Verdict};
use crate::report::Report;

pub use changes::{ExpiringCertificate, expiring};
pub use payload::{SCHEMA, schema};
pub use state::AlertError;

use self::changes::Change;
use self::delivery::Delivery;
use self::state::State;

/// The name of the file in the journal's folder that says what was told.
pub const STATE_FILE: &str = "alerts.json";

/// The receivers of a configuration, and what they were told.
#[derive(Clone, Debug)]
pub struct Alerts {
    receivers: Arc<[Alert]>,
    redactor: Redactor,
    state: PathBuf,
    backoff: Backoff,
}

/// The wait between attempts: it doubles up to a longest.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait before the second attempt.
    pub first: Duration,
    /// The longest wait, also where a receiver asks for a longer one.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait before an attempt, counted from the second as 1.
    fn before(self, attempt: u32) -> Duration {
        self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.longest)
    }
}

/// What came of telling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// What was told, one sentence each.
    pub sent: Vec<SafeText>,
    /// Who could not be told, and why.
    pub warnings: Vec<SafeText>,
}

impl Alerts {
    /// The receivers, with the journal's folder to remember in.
    #[must_use]
    pub fn new(alerts: &[Alert], redactor: &Redactor, journal: &Path) -> Alerts {
        let state = journal.join(STATE_FILE);
        Alerts { receivers: alerts.into(), redactor: redactor.clone(), state, backoff: Backoff::default() }
    }

    /// The same with another wait between attempts.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Alerts {
        self.backoff = backoff;
        self
    }

    /// Whether there is nobody to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receivers.is_empty()
    }

    /// Tells every receiver what is new in a report and among certificates, at an instant. It
    /// waits for the receivers, each within its own limits: call it beside the checks.
    ///
    /// # Errors
    /// [`AlertError`], where what was told cannot be read or kept. Nothing is told then, or it
    /// may be told again.
    pub async fn notify(
        &self,
        report: &Report,
        expiring: &[ExpiringCertificate],
        now: Timestamp,
    ) -> Result<Deliveries, AlertError> {
        if self.is_empty() {
            return Ok(Deliveries::default());
        }
        // Another run that tells at this moment tells the same.
        let Some(lock) = state::lock(&self.state)? else { return Ok(Deliveries::default()) };
        let mut deliveries = Deliveries::default();
        let mut state = State::read(&self.state, &mut deliveries.warnings)?;
        let mut running = JoinSet::new();
        for (index, alert) in self.receivers.iter().enumerate() {
            let receiver = state.of(&alert.name);
            let changes = changes::changes(alert, receiver, report, expiring, now);
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
                        let warning =
                            format!("alert \"{}\" was not delivered ({}): {why}", alert.name, change.event().name());
                        deliveries.warnings.push(self.redactor.message(&warning));
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
        let delivery = message::delivery(alert, &payload, &self.redactor);
        (change, delivery)
    }
}

/// Asks the heartbeat URL after a pass (the convention of healthchecks.io): as it is, or with
/// `/fail` where something was down. `unknown` is no answer of the targets', and is not `/fail`.
///
/// # Errors
/// Why it failed.
pub async fn heartbeat(url: &crate::model::Value, verdict: Verdict, redactor: &Redactor) -> Result<(), SafeText> {
    heartbeat::ping(url, verdict, redactor, Backoff::default()).await
}
