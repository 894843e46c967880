//! Who is notified when something changes: what a report shows is compared with what was sent before,
//! and what is new goes to webhooks and programs. It never stands in a check's way, and a
//! receiver that cannot be reached is a warning, not a verdict.
//!
//! What was sent is kept in one file, so that a prober that cron starts every minute notifies of an
//! incident once. A receiver that could not be reached is tried again with the next pass.

mod backoff;
mod change;
mod changes;
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
