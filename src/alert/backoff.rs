//! The wait between attempts to deliver a message.

use std::time::Duration;

/// The wait between attempts: it doubles after each attempt, up to a limit.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait before the second attempt.
    pub first: Duration,
    /// The longest wait, even if a receiver asks for a longer one.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait after the attempt with this number, counted from 1.
    pub(super) fn before(self, attempt: u32) -> Duration {
        self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.longest)
    }
}
