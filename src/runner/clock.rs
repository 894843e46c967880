//! The two clocks of a run: the monotonic one by which checks are due, and the wall clock; and what it means when they
//! part: the machine was suspended, or its clock was set.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::{Probe, Schedule};

/// The start of a run on its monotonic clock, and the wall clock.
#[derive(Clone)]
pub(super) struct Clock<W> {
    pub(super) started: Instant,
    pub(super) now: W,
}

impl<W: Fn() -> Timestamp> Clock<W> {
    /// The wall time of a past instant of the run. It is computed backwards from now, so that
    /// setting the wall clock in between does not shift it.
    pub(super) fn wall(&self, at: Duration) -> Timestamp {
        back((self.now)(), self.started.elapsed().saturating_sub(at))
    }
}

pub(super) fn back(instant: Timestamp, by: Duration) -> Timestamp {
    instant.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn forward(instant: Timestamp, by: Duration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Compares the two clocks each time a check is due, and at least once a minute.
pub(super) struct GapDetector {
    tolerance: Duration,
    last: (Instant, Timestamp),
    /// When they are compared at the latest.
    pub(super) next: Instant,
}

impl GapDetector {
    /// The least tolerance: smaller steps are normal corrections of time synchronisation.
    const LEAST: Duration = Duration::from_secs(2);

    /// The longest time between two comparisons, and the most by which a check on a schedule may be off.
    const MOST: Duration = Duration::from_mins(1);

    pub(super) fn new<W: Fn() -> Timestamp>(clock: &Clock<W>, probes: &[Arc<Probe>]) -> GapDetector {
        // A step of two intervals loses a check at an interval; one at a time of day is wrong by any step.
        let tolerance = |probe: &Arc<Probe>| match &probe.schedule {
            Schedule::Every(interval) => 2 * *interval,
            Schedule::Cron(cron) => (2 * cron.shortest()).min(Self::MOST),
        };
        let tolerance = probes.iter().map(tolerance).min().unwrap_or_default().max(Self::LEAST);
        let now = Instant::now();
        GapDetector { tolerance, last: (now, (clock.now)()), next: now + Self::MOST }
    }

    /// The two wall times, last and now, if the clocks diverged by more than the tolerance since
    /// the last call; otherwise `None`.
    pub(super) fn check<W: Fn() -> Timestamp>(&mut self, clock: &Clock<W>) -> Option<(Timestamp, Timestamp)> {
        let (mono, wall) = (Instant::now(), (clock.now)());
        self.next = mono + Self::MOST;
        let (last_mono, last_wall) = std::mem::replace(&mut self.last, (mono, wall));
        let expected = forward(last_wall, mono - last_mono);
        let parted = wall.duration_since(expected).unsigned_abs();
        (parted > self.tolerance).then_some((last_wall, wall))
    }
}
