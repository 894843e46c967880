//! Plans: a plan is an iterator of due checks, ordered by time. Only this module knows the
//! difference between counts, intervals and schedules; the code that runs the checks does not.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Probe, Schedule, fnv1a, mixed};

/// A check that is due. Times are relative to the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The probe, as an index into the probes of the run.
    pub probe: usize,
    /// When it is due.
    pub at: Duration,
    /// When the probe is due again: a check that has not started by then is missed. `None` if it
    /// never expires.
    pub expires: Option<Duration>,
    /// Whether all earlier checks must have ended first: true for the first check of a pass.
    pub after_all: bool,
}

/// Passes: every probe once, all together, then again. The next pass starts `every` after the start
/// of the last one, or when that one has ended, whichever is later.
///
/// With `count` `None` the plan is endless; then the runner must have a limit.
pub fn passes(probes: usize, count: Option<u64>, every: Duration) -> impl Iterator<Item = Due> {
    let passes = 0..count.unwrap_or(u64::MAX);
    passes.flat_map(move |pass| {
        let at = every.saturating_mul(u32::try_from(pass).unwrap_or(u32::MAX));
        (0..probes).map(move |probe| Due { probe, at, expires: None, after_all: probe == 0 })
    })
}

/// Every probe at its own interval or schedule, forever. The first checks at an interval are spread
/// over it by a hash of the probe's name, so that neither a fleet of probers nor the probes of a
/// file all start at once, and every run has the same times. A check on a cron schedule is due
/// exactly at the scheduled time.
#[derive(Debug)]
pub struct Intervals {
    next: BinaryHeap<Reverse<Slot>>,
    schedules: Vec<Schedule>,
    origin: Timestamp,
    jitter: Jitter,
}

/// The next check of one probe, ordered by its due time. `start` is the start of its slot, without
/// jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    due: Duration,
    probe: usize,
    start: Duration,
}

/// A random delay of each check, up to a share of its interval. It does not shift the slots.
#[derive(Clone, Copy, Debug)]
struct Jitter {
    share: f64,
    seed: u64,
}

impl Intervals {
    /// A plan for these probes, whose time starts at `origin` on the wall clock. Each check at an
    /// interval is delayed by a random part of it, up to `jitter` (0 to 1); the same `seed` gives
    /// the same delays.
    #[must_use]
    pub fn new(probes: &[Arc<Probe>], origin: Timestamp, jitter: f64, seed: u64) -> Intervals {
        let schedules = probes.iter().map(|probe| probe.schedule.clone()).collect();
        let jitter = Jitter { share: jitter.clamp(0.0, 1.0), seed };
        let mut plan = Intervals { next: BinaryHeap::new(), schedules, origin, jitter };
        for (index, probe) in probes.iter().enumerate() {
            match &probe.schedule {
                Schedule::Every(interval) => plan.push(index, spread(&probe.name, *interval)),
                Schedule::Cron(cron) => plan.push_after(index, cron.next_after(origin)),
            }
        }
        plan
    }

    /// The plan without checks that were due before `from`, for a run that takes over from another.
    #[must_use]
    pub(crate) fn starting_at(mut self, from: Duration) -> Intervals {
        for Reverse(Slot { probe, start, .. }) in std::mem::take(&mut self.next) {
            match &self.schedules[probe] {
                Schedule::Every(length) => {
                    let behind = from.saturating_sub(start).as_nanos().div_ceil(length.as_nanos().max(1));
                    let start = start + length.saturating_mul(u32::try_from(behind).unwrap_or(u32::MAX));
                    self.push(probe, start);
                }
                Schedule::Cron(cron) => {
                    let next = self.instant(from).and_then(|instant| cron.next_after(instant));
                    self.push_after(probe, next);
                }
            }
        }
        self
    }

    fn push(&mut self, probe: usize, start: Duration) {
        let delay = match &self.schedules[probe] {
            Schedule::Every(interval) => self.jitter.delay(probe, start, *interval),
            Schedule::Cron(_) => Duration::ZERO,
        };
        self.next.push(Reverse(Slot { due: start + delay, probe, start }));
    }

    /// Adds the next check of a probe on a cron schedule; `None` if the schedule has no later date.
    fn push_after(&mut self, probe: usize, next: Option<Timestamp>) {
        if let Some(next) = next {
            self.push(probe, next.duration_since(self.origin).try_into().unwrap_or_default());
        }
    }

    fn instant(&self, at: Duration) -> Option<Timestamp> {
        self.origin.checked_add(at).ok()
    }

    /// The start of the slot after the one that starts at `start`; `None` if there is none.
    fn after(&self, probe: usize, start: Duration) -> Option<Duration> {
        match &self.schedules[probe] {
            Schedule::Every(interval) => Some(start + *interval),
            Schedule::Cron(cron) => {
                let next = cron.next_after(self.instant(start)?)?;
                next.duration_since(self.origin).try_into().ok()
            }
        }
    }
}

impl Iterator for Intervals {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let Reverse(Slot { due, probe, start }) = self.next.pop()?;
        let ends = self.after(probe, start);
        if let Some(ends) = ends {
            self.push(probe, ends);
        }
        Some(Due { probe, at: due, expires: ends, after_all: false })
    }
}

impl Jitter {
    fn delay(self, probe: usize, slot: Duration, interval: Duration) -> Duration {
        if self.share == 0.0 {
            return Duration::ZERO;
        }
        let slot = u64::try_from(slot.as_nanos()).unwrap_or(u64::MAX);
        let random = mixed(self.seed ^ mixed(probe as u64) ^ slot);
        interval.mul_f64(self.share * unit(random))
    }
}

/// The time until a probe is due again, `elapsed` after the plan's time started and at `now` on the
/// wall clock. Jitter is not included. `None` if its schedule has no later date.
#[must_use]
pub(crate) fn until_next(probe: &Probe, elapsed: Duration, now: Timestamp) -> Option<Duration> {
    let interval = match &probe.schedule {
        Schedule::Every(interval) => *interval,
        Schedule::Cron(cron) => return Some(cron.next_after(now)?.duration_since(now).unsigned_abs()),
    };
    let first = spread(&probe.name, interval);
    let Some(since) = elapsed.checked_sub(first) else { return Some(first.saturating_sub(elapsed)) };
    let into = since.as_nanos() % interval.as_nanos().max(1);
    Some(interval.saturating_sub(Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX))))
}

/// The position within its interval at which a probe starts: the same in every run and on every
/// machine.
#[must_use]
pub fn spread(name: &str, interval: Duration) -> Duration {
    interval.mul_f64(unit(mixed(fnv1a(name.as_bytes()))))
}

/// The upper 53 bits as a number in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(intervals: &[(&str, u64)]) -> Vec<Arc<Probe>> {
        intervals
            .iter()
            .map(|(name, ms)| Arc::new(Probe::plain(name, "web", "http://127.0.0.1/", Duration::from_millis(*ms))))
            .collect()
    }

    #[test]
    fn a_pass_is_every_probe_once_and_waits_for_the_pass_before() {
        let dues: Vec<Due> = passes(2, Some(2), Duration::from_secs(1)).collect();
        let shape: Vec<(usize, u64, bool)> =
            dues.iter().map(|due| (due.probe, due.at.as_secs(), due.after_all)).collect();
        assert_eq!(shape, [(0, 0, true), (1, 0, false), (0, 1, true), (1, 1, false)]);
    }

    #[test]
    fn slots_do_not_drift_and_come_in_the_order_of_time() {
        let probes = probes(&[("a", 100), ("b", 250)]);
        let dues: Vec<Due> = Intervals::new(&probes, Timestamp::UNIX_EPOCH, 0.0, 0).take(1_000).collect();
        assert!(dues.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let of_a: Vec<Duration> = dues.iter().filter(|due| due.probe == 0).map(|due| due.at).collect();
        assert_eq!(of_a[500], of_a[0] + Duration::from_millis(100) * 500);
        assert!(dues.iter().all(|due| due.expires.is_some_and(|expires| expires > due.at)));
    }

    #[test]
    fn probes_are_spread_over_their_interval_and_always_the_same_way() {
        let interval = Duration::from_secs(10);
        let names: Vec<String> = (0..1_000).map(|n| format!("probe-{n}")).collect();
        let mut tenths = [0; 10];
        for name in &names {
            let at = spread(name, interval);
            assert!(at < interval);
            assert_eq!(at, spread(name, interval));
            tenths[usize::try_from(at.as_secs()).expect("small")] += 1;
        }
        assert!(tenths.iter().all(|n| (60..=140).contains(n)), "{tenths:?}");
    }

    #[test]
    fn a_check_on_a_schedule_is_due_at_the_time_it_names() {
        let schedule = Schedule::Cron(crate::model::Cron::new("*/10 * * * * *").expect("a cron expression"));
        let cron = Arc::new(Probe { schedule, ..Probe::clone(&probes(&[("cron", 1)])[0]) });
        let probes = [probes(&[("a", 4_000)]), vec![cron]].concat();
        let origin: Timestamp = "2026-01-01T00:00:07.500Z".parse().expect("an instant");
        let dues: Vec<Due> = Intervals::new(&probes, origin, 0.9, 1).take(40).collect();
        assert!(dues.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let of_cron: Vec<(Duration, Option<Duration>)> =
            dues.iter().filter(|due| due.probe == 1).map(|due| (due.at, due.expires)).collect();
        let [first, second, third] = [2_500, 12_500, 22_500].map(Duration::from_millis);
        assert_eq!(of_cron[..2], [(first, Some(second)), (second, Some(third))]);
        let late = Intervals::new(&probes, origin, 0.0, 0).starting_at(Duration::from_secs(20));
        assert_eq!(
            late.filter(|due| due.probe == 1).take(1).next().expect("a check").at,
            Duration::from_millis(22_500)
        );
    }

    #[test]
    fn the_next_check_is_foreseen_where_the_plan_puts_it() {
        let schedule = Schedule::Cron(crate::model::Cron::new("*/10 * * * * *").expect("a cron expression"));
        let every = probes(&[("a", 4_000)]).remove(0);
        let cron = Arc::new(Probe { schedule, ..Probe::clone(&every) });
        let origin: Timestamp = "2026-01-01T00:00:07.500Z".parse().expect("an instant");
        for probe in [every, cron] {
            let dues: Vec<Duration> =
                Intervals::new(&[Arc::clone(&probe)], origin, 0.0, 0).take(4).map(|due| due.at).collect();
            for elapsed in (0..9_000).step_by(250).map(Duration::from_millis) {
                let next = dues.iter().find(|due| **due > elapsed).expect("one is due");
                let foreseen = until_next(&probe, elapsed, origin + elapsed).expect("it goes on");
                assert_eq!(foreseen, next.saturating_sub(elapsed), "{elapsed:?}");
            }
        }
    }

    #[test]
    fn a_plan_that_takes_over_keeps_the_slots() {
        let probes = probes(&[("a", 100), ("b", 250)]);
        let from = Duration::from_secs(7);
        let whole: Vec<Due> =
            Intervals::new(&probes, Timestamp::UNIX_EPOCH, 0.0, 0).skip_while(|due| due.at < from).take(50).collect();
        let late: Vec<Due> =
            Intervals::new(&probes, Timestamp::UNIX_EPOCH, 0.0, 0).starting_at(from).take(50).collect();
        assert_eq!(whole, late);
    }

    #[test]
    fn jitter_delays_a_check_within_its_slot_and_moves_no_slot() {
        let probes = probes(&[("a", 100)]);
        let slots: Vec<Due> = Intervals::new(&probes, Timestamp::UNIX_EPOCH, 0.0, 0).take(50).collect();
        let jittered: Vec<Due> = Intervals::new(&probes, Timestamp::UNIX_EPOCH, 0.5, 7).take(50).collect();
        for (slot, jittered) in slots.iter().zip(&jittered) {
            assert_eq!(slot.expires, jittered.expires);
            let delay = jittered.at.abs_diff(slot.at);
            assert!(jittered.at >= slot.at);
            assert!(delay < Duration::from_millis(50), "{delay:?}");
        }
        assert!(jittered.iter().zip(&slots).any(|(jittered, slot)| jittered.at != slot.at));
    }
}
