//! Detects flapping: Nagios' percentage of state changes, and whether the changes form a pattern or
//! are random failures.
//!
//! The percentage is that of nagioscore's `base/flapping.c`: of the last 21 states, with 20
//! possible changes, the oldest weighing 0.75 and the newest 1.25. Flapping starts at 30 % and ends
//! at 20 %.
//!
//! A site at which half of the checks fail at random changes its state all the time, but it is down
//! or degraded and not flapping. So flapping needs two things. The percentage must hold for the
//! *firm* state (two failures in a row are down, two good checks up), sampled every 1, 3, 5 or 10
//! checks. And more than three quarters of the changes between checks must be changes of the firm
//! state too; with random failures a third are. Or the checks alternate.

use std::collections::VecDeque;

/// The number of states remembered.
const STATES: u32 = 21;
/// Flapping starts at this percentage
const HIGH: f64 = 30.0;
/// and ends at this one.
const LOW: f64 = 20.0;
/// Checks alternate from this percentage on; random failures give 50 on average at most.
const ALTERNATING: f64 = 85.0;
/// Checks stop alternating at this percentage.
const SCATTERED: f64 = 70.0;
/// The firm state is sampled every this many checks.
const STRIDES: [usize; 4] = [1, 3, 5, 10];
/// A state that has lasted more than this many times as long as each of the two before it is
/// stable: no longer flapping.
const SETTLED: u64 = 2;

/// After this many good checks, everything remembered is good: the states of the longest stride,
/// and the checks before the first of them.
const SETTLED_AFTER: u32 = STATES * 10 + 10;

/// The last states, 1 for failed, the newest in the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
struct States(u32);

impl States {
    fn push(&mut self, failed: bool) {
        self.0 = (self.0 << 1 | u32::from(failed)) & ((1 << STATES) - 1);
    }

    /// Whether the newest state differs from the one before it.
    const fn has_just_changed(self) -> bool {
        (self.0 ^ (self.0 >> 1)) & 1 == 1
    }

    /// Nagios' percentage of state changes, 0 to 100.
    fn percent(self) -> f64 {
        let changes = (self.0 ^ (self.0 >> 1)) & ((1 << (STATES - 1)) - 1);
        if changes == 0 {
            return 0.0;
        }
        let weights = (0..STATES - 1).filter(|age| changes >> age & 1 == 1).map(|age| {
            let position = f64::from(STATES - 1 - age);
            0.75 + (position - 1.0) * 0.5 / 19.0
        });
        weights.sum::<f64>() * 100.0 / 20.0
    }
}

/// Follows the checks of one probe from one vantage.
#[derive(Clone, Debug)]
pub(crate) struct FlapDetector {
    raw: States,
    firm: [States; STRIDES.len()],
    latched: [bool; STRIDES.len()],
    alternating: bool,
    recent: VecDeque<Check>,
    checks: usize,
    /// The latest good checks in a row, at most [`SETTLED_AFTER`].
    good: u32,
    last: bool,
    firm_down: bool,
    dwell: Dwell,
    percent: f64,
}

/// A check and the firm state after it.
#[derive(Clone, Copy, Debug)]
struct Check {
    failed: bool,
    firm: bool,
}

/// How long the firm state has lasted, and how long the two before it lasted, in checks.
#[derive(Clone, Copy, Debug, Default)]
struct Dwell {
    down: bool,
    now: u64,
    before: [u64; 2],
}

impl Default for FlapDetector {
    fn default() -> Self {
        FlapDetector {
            raw: States::default(),
            firm: [States::default(); STRIDES.len()],
            latched: [false; STRIDES.len()],
            alternating: false,
            recent: VecDeque::new(),
            checks: 0,
            good: 0,
            last: false,
            firm_down: false,
            dwell: Dwell::default(),
            percent: 0.0,
        }
    }
}

impl FlapDetector {
    /// Adds a check.
    pub(crate) fn push(&mut self, failed: bool) {
        if !failed && self.is_settled() {
            return self.skip_good(1);
        }
        self.checks += 1;
        self.good = if failed { 0 } else { self.good + 1 };
        if self.last == failed {
            self.firm_down = failed;
        }
        self.last = failed;
        let firm_down = self.firm_down;
        self.remember(Check { failed, firm: firm_down });
        self.raw.push(failed);
        self.dwell.push(firm_down);
        let mut percent = self.raw.percent();
        self.alternating = if self.alternating { percent > SCATTERED } else { percent >= ALTERNATING };
        for (at, stride) in STRIDES.into_iter().enumerate() {
            if self.checks.is_multiple_of(stride) {
                self.firm[at].push(firm_down);
            }
            let of_stride = self.firm[at].percent();
            percent = percent.max(of_stride);
            // Flapping begins with a change: what was no pattern does not become one while nothing changes.
            let begins = of_stride >= HIGH && self.firm[at].has_just_changed();
            let enough = if self.latched[at] { of_stride > LOW } else { begins };
            self.latched[at] = enough && self.is_mostly_firm(stride);
        }
        self.percent = percent;
    }

    /// Whether only good checks are remembered, so that one more only changes counts.
    pub(crate) const fn is_settled(&self) -> bool {
        self.good == SETTLED_AFTER
    }

    /// Adds good checks to a settled detector: only counts change.
    pub(crate) fn skip_good(&mut self, checks: u64) {
        self.checks = self.checks.wrapping_add(usize::try_from(checks).unwrap_or(usize::MAX));
        self.dwell.now += checks;
    }

    /// Whether it flaps now.
    pub(crate) fn flapping(&self) -> bool {
        let settled = || self.dwell.now > SETTLED * self.dwell.before.iter().copied().max().unwrap_or_default();
        self.alternating || (self.latched.contains(&true) && !settled())
    }

    /// The percentage of state changes now, 0 to 100: the highest among the checks and the sampled
    /// firm states.
    pub(crate) const fn percent(&self) -> f64 {
        self.percent
    }

    fn remember(&mut self, check: Check) {
        if self.recent.len() == STATES as usize * STRIDES[STRIDES.len() - 1] {
            self.recent.pop_front();
        }
        self.recent.push_back(check);
    }

    /// Whether more than three quarters of the changes were firm, among the checks that the states
    /// of a stride span.
    fn is_mostly_firm(&self, stride: usize) -> bool {
        let span = STATES as usize * stride;
        let (mut raw, mut firm) = (0, 0);
        let checks = self.recent.range(self.recent.len().saturating_sub(span)..);
        for (check, next) in checks.clone().zip(checks.skip(1)) {
            raw += usize::from(check.failed != next.failed);
            firm += usize::from(check.firm != next.firm);
        }
        firm * 4 > raw * 3
    }
}

impl Dwell {
    fn push(&mut self, down: bool) {
        if self.down != down {
            self.before = [self.before[1], self.now];
            self.down = down;
            self.now = 0;
        }
        self.now += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent_of(newest_changes: u32) -> f64 {
        let mut states = States::default();
        for change in 1..=newest_changes {
            states.push(change % 2 == 1);
        }
        states.percent()
    }

    #[test]
    fn the_percentage_is_that_of_nagios() {
        for (changes, percent) in [(1, 6.25), (2, 12.4), (3, 18.4), (4, 24.2), (5, 29.9), (6, 35.5), (20, 100.0)] {
            let actual = percent_of(changes);
            assert!((actual - percent).abs() < 0.05, "{changes} changes: {actual}");
        }
    }

    /// Follows a pattern; returns the number of checks at which it flapped.
    fn flapped(pattern: impl Iterator<Item = bool>) -> (u32, FlapDetector) {
        let mut flap = FlapDetector::default();
        let mut flapped = 0;
        for failed in pattern {
            flap.push(failed);
            flapped += u32::from(flap.flapping());
        }
        (flapped, flap)
    }

    fn oscillating(half: u32, checks: u32) -> impl Iterator<Item = bool> {
        (0..checks).map(move |check| (check / half).is_multiple_of(2))
    }

    #[test]
    fn a_pattern_of_any_usual_length_flaps() {
        for half in [1, 2, 3, 4, 5, 6, 8, 10, 15, 20] {
            let (flapped, flap) = flapped(oscillating(half, 12 * half + 20));
            assert!(flapped > 0 && flap.flapping(), "half a period of {half} checks");
        }
    }

    #[test]
    fn one_outage_is_not_flapping() {
        let outage = (0..400).map(|check| (100..180).contains(&check));
        assert_eq!(flapped(outage).0, 0);
        let three_waves = (0..1080).map(|check| matches!(check, 60..160 | 540..650 | 720..1000));
        assert_eq!(flapped(three_waves).0, 0);
    }

    #[test]
    fn it_settles_soon_after_the_last_change() {
        let (flapped, flap) = flapped(oscillating(5, 100).chain((0..40).map(|_| false)));
        assert!(flapped > 0);
        assert!(!flap.flapping(), "after 40 good checks");
    }

    #[test]
    fn it_begins_with_a_change() {
        let mut random = crate::report::statistics::chance::Chance::new(7);
        for n in 0..500 {
            let (_, mut flap) = flapped((0..200).map(|_| random.happens(0.5)));
            // The longest stride sees a change after ten checks.
            (0..11).for_each(|_| flap.push(false));
            let was = flap.flapping();
            for check in 0..60 {
                flap.push(false);
                assert!(was || !flap.flapping(), "{n}: after {check} more good checks");
            }
        }
    }

    #[test]
    fn chance_does_not_flap() {
        let mut random = crate::report::statistics::chance::Chance::new(7);
        for share in [0.1, 0.3, 0.34, 0.5, 0.71, 0.9] {
            let mut checks = 0;
            for _ in 0..20 {
                let pattern: Vec<bool> = (0..1000).map(|_| random.happens(share)).collect();
                checks += flapped(pattern.into_iter()).0;
            }
            assert!(checks < 20_000 / 50, "failing {share} at random: flapping in {checks} of 20,000 checks");
        }
    }
}
