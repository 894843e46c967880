//! The result of shipping a run's files to an object store.

use super::error::JournalError;

/// What was shipped, and what waits on the local disk for another attempt.
#[derive(Debug, Default)]
pub struct Shipped {
    /// The number of files that became objects.
    pub sent: u64,
    /// The number of files that wait.
    pub waiting: u64,
    /// Why they wait; `None` if none does.
    pub waiting_because: Option<JournalError>,
}
