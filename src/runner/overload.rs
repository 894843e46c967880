//! Notices when the prober itself is too busy or was stopped: then a time-out says nothing about
//! the target.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Failure, FailureClass, Outcome, SafeText};

/// How often the monitor wants to be woken. Whatever comes later is the prober's own delay.
const TICK: Duration = Duration::from_millis(20);
/// How many delays are remembered: the longest check is over long before so many are noted.
const MEMORY: usize = 512;
/// Delays below this are ordinary.
const ORDINARY: Duration = Duration::from_millis(50);

/// Measures how late the prober's own timers are.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    /// Delays beyond the ordinary: when noticed, and how long.
    delays: Arc<Mutex<VecDeque<(Instant, Duration)>>>,
}

impl Monitor {
    /// Measures for ever: spawn it beside the run and abort it with it.
    pub async fn run(self) {
        loop {
            let wanted = Instant::now() + TICK;
            tokio::time::sleep_until(wanted).await;
            let late = wanted.elapsed();
            if late > ORDINARY {
                self.note(Instant::now(), late);
            }
        }
    }

    fn note(&self, at: Instant, late: Duration) {
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        if delays.len() == MEMORY {
            delays.pop_front();
        }
        delays.push_back((at, late));
    }

    /// The longest delay noticed since an instant.
    fn worst_since(&self, since: Instant) -> Duration {
        let delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        delays.iter().filter(|(at, _)| *at >= since).map(|(_, late)| *late).max().unwrap_or_default()
    }

    /// Judges a time-out by our own delay: where that was a tenth of the limit or more while the
    /// check ran, the check says nothing about the target: `unknown` / `prober_overloaded`.
    pub async fn judge(&self, mut outcome: Outcome, began: Instant, limit: Duration) -> Outcome {
        if !outcome.class().is_some_and(is_timeout) {
            return outcome;
        }
        // Where a delay ends this very moment, the monitor is awake as well: it gets its turn.
        tokio::time::sleep(TICK).await;
        let worst = self.worst_since(began);
        if worst >= limit / 10 {
            let (worst, limit) = (worst.as_millis(), limit.as_millis());
            let message = format!("a time-out while the prober itself was late by {worst} ms (limit {limit} ms)");
            let phase = outcome.failure.as_ref().and_then(|failure| failure.phase);
            let failure = Failure::new(FailureClass::ProberOverloaded, phase, SafeText::message(&message));
            outcome.verdict = failure.class.verdict();
            outcome.failure = Some(failure);
        }
        outcome
    }
}

/// Whether a class is a time-out, which our own delay can cause.
const fn is_timeout(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::DnsTimeout
            | FailureClass::ConnectTimeout
            | FailureClass::TlsHandshakeTimeout
            | FailureClass::ResponseTimeout
            | FailureClass::BodyTimeout
    )
}
