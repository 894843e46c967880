//! When the share of failures of a pool of series rises above what is usual, and when it is back: Page's CUSUM
//! (Biometrika 41, 1954) of the log-likelihood of rounds. A *round* is all checks of the pool within one interval.
//!
//! Failures are correlated: in some rounds half of all checks fail together, by a network's hiccup that is over with
//! the next. So a round is either bad, and then any number of its checks fail alike, or its failures are independent
//! at a share. The likelihood is that mixture: thirty failures in one round say no more for a lasting rise than one
//! bad round does, and five failures in each of three rounds do.

use std::collections::VecDeque;

use crate::report::series::recovery;
use crate::report::statistics::{ln_choose, number};

/// The share of rounds that are bad.
const BAD_ROUNDS: f64 = 0.01;

/// A rise is to this much above the usual share, in points. Large ones are found sooner by the others.
const RISES: [f64; 3] = [0.04, 0.10, 0.25];

/// Less than this is not looked for: it is the least share that counts as usual.
pub(crate) const USUAL_AT_LEAST: f64 = 0.01;

/// What fails more often than this is not usual, however long it has.
const USUAL_AT_MOST: f64 = 0.05;

/// How far back the usual share looks.
const DAY_MS: i64 = 24 * 3_600_000;

/// A rise of the share of failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rise {
    /// The first failure of it: where the sum left zero for the last time.
    pub(crate) onset: i64,
    /// The failure that made it certain.
    pub(crate) detected_at: i64,
    /// Failed and judged checks from the onset to then.
    pub(crate) detected_with: (u32, u32),
    /// Its last failure; absent while it goes on.
    pub(crate) last_failed: Option<i64>,
}

/// The failures of one round, and about how many checks it had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Its first failure and its last.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) failed: u32,
    pub(crate) judged: f64,
}

/// Follows the rounds of one pool in order of time.
#[derive(Clone, Debug)]
pub(crate) struct Cusum {
    threshold: f64,
    /// A rise is over when the evidence for the usual share against the incident's is so strong.
    over: f64,
    usual: UsualShare,
    sums: [Sum; RISES.len()],
    open: Option<OpenRise>,
    rises: Vec<Rise>,
}

/// The sum for one rise.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    llr: f64,
    /// The first failure since it left zero.
    onset: i64,
    /// What was counted since.
    counted: Counted,
}

/// Checks, in fractions where their number is known by their rate.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    failed: f64,
    judged: f64,
}

impl Counted {
    fn add(&mut self, failed: f64, judged: f64) {
        self.failed += failed;
        self.judged += judged;
    }
}

/// A rise that goes on.
#[derive(Clone, Copy, Debug)]
struct OpenRise {
    rise: Rise,
    /// What was counted in it.
    counted: Counted,
    /// The sum for its end, what was counted since that left zero, and the last failure before.
    back: f64,
    pending: Counted,
    last_failed: i64,
}

/// The share of failures in the last day, rises left out.
#[derive(Clone, Debug, Default)]
struct UsualShare {
    /// By hour.
    hours: VecDeque<(i64, Counted)>,
    all: Counted,
    /// What was counted since the sums were last at zero: it is usual only if no rise comes of it.
    pending: Counted,
}

impl UsualShare {
    fn settle(&mut self, at: i64) {
        let counted = std::mem::take(&mut self.pending);
        self.add(at, counted);
    }

    fn add(&mut self, at: i64, counted: Counted) {
        const HOUR_MS: i64 = 3_600_000;
        let hour = at.div_euclid(HOUR_MS);
        self.all.add(counted.failed, counted.judged);
        match self.hours.back_mut() {
            Some((newest, sum)) if *newest == hour => sum.add(counted.failed, counted.judged),
            _ => self.hours.push_back((hour, counted)),
        }
        while let Some((_, old)) = self.hours.pop_front_if(|(old, _)| hour - *old > DAY_MS / HOUR_MS) {
            self.all.add(-old.failed, -old.judged);
        }
    }

    /// The usual share: of nothing it is high, so that a young journal is believed slowly.
    fn share(&self) -> f64 {
        ((self.all.failed + 2.0) / (self.all.judged.max(0.0) + 2.0)).clamp(USUAL_AT_LEAST, USUAL_AT_MOST)
    }
}

impl Cusum {
    /// Nothing seen yet, in one of so many pools, with rounds of so many milliseconds. Each pool is a chance for a
    /// false alarm: the threshold grows with their number, so that the run length of all together is that of one.
    pub(crate) fn new(pools: usize, round: i64) -> Cusum {
        /// e^13 rounds of chance make one false alarm: at 30 seconds each, five months of nothing but failures.
        const ONE_POOL: f64 = 13.0;
        Cusum {
            threshold: ONE_POOL + number(pools.max(1) as u64).ln(),
            over: recovery::evidence(round),
            usual: UsualShare::default(),
            sums: [Sum::default(); RISES.len()],
            open: None,
            rises: Vec::new(),
        }
    }

    /// Adds so many rounds without a failure, of so many checks each, up to an instant.
    pub(crate) fn push_good(&mut self, to: i64, rounds: f64, judged: f64) {
        if rounds <= 0.0 || judged <= 0.0 {
            return;
        }
        let usual = self.usual.share();
        let all = rounds * judged;
        if let Some(open) = &mut self.open {
            open.back += rounds * llr(0.0, judged, open.share(usual), usual);
            open.pending.add(0.0, all);
            self.close_if_over(to);
            return;
        }
        for (sum, rise) in self.sums.iter_mut().zip(RISES) {
            if sum.llr > 0.0 {
                sum.counted.add(0.0, all);
                sum.llr += rounds * llr(0.0, judged, usual, usual + rise);
            }
        }
        self.usual.pending.add(0.0, all);
        self.rest(to);
    }

    /// Adds a round with failures.
    pub(crate) fn push(&mut self, round: &Round) {
        let usual = self.usual.share();
        let (failed, judged) = (f64::from(round.failed), round.judged.max(f64::from(round.failed)));
        if let Some(open) = &mut self.open {
            open.back += llr(failed, judged, open.share(usual), usual);
            open.pending.add(failed, judged);
            if open.back <= 0.0 {
                let pending = std::mem::take(&mut open.pending);
                open.counted.add(pending.failed, pending.judged);
                (open.back, open.last_failed) = (0.0, round.last);
            }
            self.close_if_over(round.last);
            return;
        }
        self.usual.pending.add(failed, judged);
        for (sum, rise) in self.sums.iter_mut().zip(RISES) {
            if sum.llr <= 0.0 {
                *sum = Sum { onset: round.first, ..Sum::default() };
            }
            sum.llr += llr(failed, judged, usual, usual + rise);
            sum.counted.add(failed, judged);
        }
        self.rest(round.last);
        let threshold = self.threshold;
        if let Some(sum) = self.sums.iter().copied().find(|sum| sum.llr >= threshold) {
            self.open(&sum, round.last);
        }
    }

    /// Sums below zero start again, and where all do, what was counted was usual.
    fn rest(&mut self, at: i64) {
        for sum in &mut self.sums {
            if sum.llr <= 0.0 {
                *sum = Sum::default();
            }
        }
        if self.sums.iter().all(|sum| sum.llr <= 0.0) {
            self.usual.settle(at);
        }
    }

    fn open(&mut self, sum: &Sum, at: i64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of checks")]
        let detected_with = (sum.counted.failed.round() as u32, sum.counted.judged.round() as u32);
        let rise = Rise { onset: sum.onset, detected_at: at, detected_with, last_failed: None };
        let open = OpenRise { rise, counted: sum.counted, back: 0.0, pending: Counted::default(), last_failed: at };
        self.open = Some(open);
        self.sums = [Sum::default(); RISES.len()];
        self.usual.pending = Counted::default();
    }

    fn close_if_over(&mut self, at: i64) {
        let Some(open) = self.open.take_if(|open| open.back >= self.over) else { return };
        self.rises.push(Rise { last_failed: Some(open.last_failed), ..open.rise });
        self.usual.add(at, open.pending);
    }

    /// The onset of the rise that goes on.
    pub(crate) fn rising_since(&self) -> Option<i64> {
        self.open.map(|open| open.rise.onset)
    }

    /// The rises in order; the last may go on.
    pub(crate) fn finish(self) -> Vec<Rise> {
        let mut rises = self.rises;
        rises.extend(self.open.map(|open| open.rise));
        rises
    }
}

impl OpenRise {
    /// The share of failures in it, by Laplace's rule, and no lower than what was looked for.
    fn share(&self, usual: f64) -> f64 {
        let share = (self.counted.failed + 1.0) / (self.counted.judged + 2.0);
        share.clamp(usual + RISES[0] / 2.0, 0.95)
    }
}

/// The logarithm of how much likelier a round is at the second share of failures than at the first. A round that
/// has no more failures than are usual is not bad.
fn llr(failed: f64, judged: f64, first: f64, second: f64) -> f64 {
    let choices = ln_choose(judged, failed);
    let is_bad = failed > judged * first.min(second);
    let bad = (BAD_ROUNDS / judged.max(1.0)).ln();
    let likelihood = |share: f64| {
        let independent = choices + failed * share.ln() + (judged - failed) * (1.0 - share).ln();
        if is_bad { ln_sum(independent + (1.0 - BAD_ROUNDS).ln(), bad) } else { independent }
    };
    likelihood(second) - likelihood(first)
}

/// The logarithm of the sum of two numbers of which the logarithms are given.
fn ln_sum(one: f64, other: f64) -> f64 {
    let (less, more) = if one < other { (one, other) } else { (other, one) };
    more + (less - more).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::statistics::chance::Chance;

    const ROUND_MS: i64 = 30_000;

    /// The rises in rounds of so many checks, of which each round fails as told.
    fn rises(judged: u32, rounds: impl Iterator<Item = u32>) -> Vec<Rise> {
        let mut cusum = Cusum::new(12, ROUND_MS);
        for (at, failed) in (0..).map(|n| n * ROUND_MS).zip(rounds) {
            if failed == 0 {
                cusum.push_good(at, 1.0, f64::from(judged));
            } else {
                cusum.push(&Round { first: at, last: at + 1_000, failed, judged: f64::from(judged) });
            }
        }
        cusum.finish()
    }

    /// How many of so many checks fail by chance.
    fn failed(chance: &mut Chance, judged: u32, share: f64) -> u32 {
        (0..judged).map(|_| u32::from(chance.happens(share))).sum()
    }

    #[test]
    fn a_round_has_the_likelihood_of_its_failures() {
        // Without a failure there is no bad round: 60 × ln(0.95 / 0.99).
        assert!((llr(0.0, 60.0, 0.01, 0.05) - 60.0 * (0.95_f64 / 0.99).ln()).abs() < 1e-9);
        assert!(llr(5.0, 60.0, 0.01, 0.05) > 4.0, "five of sixty are five times what is usual");
        assert!(llr(30.0, 60.0, 0.01, 0.05).abs() < 0.01, "half of all is a bad round, at either share");
        assert!((llr(4.0, 60.0, 0.01, 0.05) + llr(4.0, 60.0, 0.05, 0.01)).abs() < 1e-9);
    }

    #[test]
    fn five_percent_are_found_within_minutes_and_end_when_they_end() {
        let (mut delays, mut ends) = (Vec::new(), Vec::new());
        for seed in 0..21 {
            let mut chance = Chance::new(seed);
            let share = |round: u32| if (2_880..3_360).contains(&round) { 0.05 } else { 0.0005 };
            let found = rises(60, (0..3_840).map(|round| failed(&mut chance, 60, share(round))));
            assert_eq!(found.len(), 1, "{seed}: {found:?}");
            let (onset, end) = (2_880 * ROUND_MS, 3_360 * ROUND_MS);
            assert!((found[0].onset - onset).abs() < 5 * 60_000, "{seed}: {found:?}");
            delays.push(found[0].detected_at - onset);
            ends.push(found[0].last_failed.map_or(i64::MAX, |last| (last - end).abs()));
        }
        delays.sort_unstable();
        ends.sort_unstable();
        assert!(delays[10] <= 5 * 60_000 && ends[10] <= 3 * 60_000, "{delays:?} {ends:?}");
    }

    #[test]
    fn what_is_usual_is_no_rise_nor_are_rounds_in_which_half_of_all_fail() {
        for (seed, share, bad) in [(1, 0.0005, 0.0), (2, 0.02, 0.0), (3, 0.0005, 0.01), (4, 0.02, 0.01)] {
            for judged in [10, 60] {
                let mut chance = Chance::new(seed);
                let round = |_| {
                    let is_bad = chance.happens(bad);
                    failed(&mut chance, judged, if is_bad { 0.5 } else { share })
                };
                let found = rises(judged, (0..30 * 2_880).map(round));
                assert!(found.is_empty(), "{share} {bad} {judged}: {found:?}");
            }
        }
    }

    #[test]
    fn what_goes_on_has_no_end() {
        let found = rises(60, (0..200).map(|round| if round < 100 { 0 } else { 6 }));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].onset, found[0].last_failed), (100 * ROUND_MS, None));
    }
}
