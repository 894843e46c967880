//! What became of an exporter's batches: every one is counted.

use crate::model::SafeText;

/// What became of an exporter's batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    /// Batches the backend took.
    pub sent: u64,
    /// Batches dropped: the queue was full, or time ran out.
    pub dropped: u64,
    /// Batches that the backend rejects, and would reject again.
    pub refused: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// The last error.
    pub last_error: Option<SafeText>,
}

impl DeliveryStats {
    /// Whether every batch arrived.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.dropped == 0 && self.refused == 0
    }

    /// One sentence for the user about what was not delivered; none if everything was.
    #[must_use]
    pub fn warning(&self, exporter: &str) -> Option<String> {
        if self.is_whole() {
            return None;
        }
        let all = self.sent + self.dropped + self.refused;
        let lost = self.dropped + self.refused;
        let why = self.last_error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("{exporter}: {lost} of {all} batches did not arrive{why}"))
    }
}
