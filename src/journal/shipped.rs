//! What became of the files that a run sends to an object store.

use super::error::JournalError;

/// What was shipped, and what waits on the local disk for another attempt.
#[derive(Debug, Default)]
pub struct Shipped {
    /// Files that are objects now.
    pub sent: u64,
    /// Files that wait.
    pub waiting: u64,
    /// Why they wait.
    pub waiting_because: Option<JournalError>,
}
