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
    /// Why the last batch that was lost did not arrive.
    pub last_error: Option<SafeText>,
    /// Why the batch that is next has not arrived yet.
    #[cfg(any(feature = "remote-write", feature = "otlp"))]
    retry_error: Option<SafeText>,
}

#[cfg(any(feature = "remote-write", feature = "otlp"))]
impl DeliveryStats {
    /// Counts a batch that arrived.
    pub(super) fn accept(&mut self) {
        self.sent += 1;
        self.retry_error = None;
    }

    /// Counts a batch that is lost because the backend rejects it.
    pub(super) fn refuse(&mut self, why: SafeText) {
        self.refused += 1;
        self.last_error = Some(why);
        self.retry_error = None;
    }

    /// Counts an attempt that is to be repeated.
    pub(super) fn retry(&mut self, why: SafeText) {
        self.retries += 1;
        self.retry_error = Some(why);
    }

    /// Counts batches that are lost because they waited for too long.
    pub(super) fn drop(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.dropped += count;
        let why = self.retry_error.clone();
        self.last_error = Some(why.unwrap_or_else(|| SafeText::message("they were not accepted in time")));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(count: impl FnOnce(&mut DeliveryStats)) -> Option<String> {
        let mut stats = DeliveryStats::default();
        count(&mut stats);
        stats.warning("otlp")
    }

    #[test]
    fn the_reason_is_that_of_what_was_lost() {
        let why = || SafeText::message("503 Service Unavailable");
        assert_eq!(warning(|stats| stats.drop(0)), None);
        assert_eq!(
            warning(|stats| {
                stats.retry(why());
                stats.drop(2);
            }),
            Some("otlp: 2 of 2 batches did not arrive: 503 Service Unavailable".to_owned())
        );
        assert_eq!(
            warning(|stats| {
                stats.retry(why());
                stats.accept();
                stats.drop(1);
            }),
            Some("otlp: 1 of 2 batches did not arrive: they were not accepted in time".to_owned())
        );
        assert_eq!(
            warning(|stats| {
                stats.refuse(why());
                stats.retry(SafeText::message("no answer in time"));
                stats.accept();
            }),
            Some("otlp: 1 of 2 batches did not arrive: 503 Service Unavailable".to_owned())
        );
    }
}
