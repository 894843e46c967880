//! Alerts: a report is compared with what each receiver was sent before, and new changes go to
//! webhooks and programs. Alerts never delay a check, and a receiver that cannot be reached leads
//! to a warning, not to another verdict.
//!
//! One file holds what was sent, so that a prober that cron starts every minute sends an incident
//! only once. If a receiver could not be reached, the next pass tries again.

mod backoff;
mod change;
mod changes;
mod conditions;
mod delivery;
mod findings;
mod heartbeat;
mod message;
mod notifier;
mod payload;
mod receiver_state;
mod state_file;

pub use backoff::Backoff;
pub use findings::{CheckFindings, ExpiringCertificate, UnmetWarning, expiring};
pub use heartbeat::heartbeat;
pub use notifier::{Alerts, Deliveries, STATE_FILE};
pub use payload::{SCHEMA, schema};
pub use state_file::AlertError;
