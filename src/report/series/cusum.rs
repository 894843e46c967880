//! Detects when the failed ratio of a pool of series rises above its usual value and when it is
//! back: Page's CUSUM (Biometrika 41, 1954) of the log-likelihood ratio of rounds. A *round* is all
//! checks of the pool within one interval.
//!
//! Failures are correlated: in some rounds half of all checks fail together, because of a network
//! hiccup that is over by the next round. So the likelihood is a mixture: a round either is bad,
//! and then any number of failures is equally likely, or its failures are independent, with a
//! probability equal to the ratio. Thirty failures in one round are then no more evidence for a
//! lasting rise than one bad round is; five failures in each of three rounds are.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::model::{IncidentRules, UnixMillis};
use crate::report::fold::history::{DAY_MS, HOUR_MS};
use crate::report::series::recovery;
use crate::report::statistics::{ln_choose, number};

/// The share of rounds that are bad.
const BAD_ROUNDS: f64 = 0.01;

/// The rises that are tested for, as increases of the failed ratio. The larger ones detect large
/// rises sooner.
const RISES: [f64; 3] = [0.04, 0.10, 0.25];

/// The lowest failed ratio that counts as usual.
pub(crate) const USUAL_AT_LEAST: f64 = 0.01;

/// The highest failed ratio that counts as usual, however long it has lasted.
const USUAL_AT_MOST: f64 = 0.05;

/// The usual failed ratio is computed over this long, in milliseconds.
const USUAL_OVER_MS: i64 = DAY_MS;

/// A rise of the failed ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rise {
    /// Its first failure: the first one since the sum last left zero.
    pub(crate) onset: UnixMillis,
    /// The failure at which it was detected.
    pub(crate) detected_at: UnixMillis,
    /// Failed and judged checks from the onset to the detection.
    pub(crate) detected_with: (u32, u32),
    /// Its last failure; `None` while it continues.
    pub(crate) last_failed: Option<UnixMillis>,
}

/// The failures of one round, and its approximate number of checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Its first and its last failure.
    pub(crate) first: UnixMillis,
    pub(crate) last: UnixMillis,
    pub(crate) failed: u32,
    pub(crate) judged: f64,
}

/// Follows the rounds of one pool in order of time.
#[derive(Clone, Debug)]
pub(crate) struct Cusum {
    threshold: f64,
    /// A shorter rise is not reported, in milliseconds.
    least: i64,
    /// A rise is over once the log-likelihood ratio of the usual ratio to that of the incident
    /// reaches this.
    over: f64,
    usual: UsualShare,
    sums: [Sum; RISES.len()],
    open: Option<OpenRise>,
    rises: Vec<Rise>,
}

/// The CUSUM for one size of rise.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    llr: f64,
    /// The first failure since the sum left zero.
    onset: UnixMillis,
    /// The checks since then.
    counted: Counted,
}

/// Checks; fractions if their number is derived from a rate.
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

/// A rise that continues.
#[derive(Clone, Copy, Debug)]
struct OpenRise {
    rise: Rise,
    /// The checks in it.
    counted: Counted,
    /// The sum for its end, the checks since that sum left zero, and the last failure before.
    back: f64,
    pending: Counted,
    last_failed: UnixMillis,
}

/// The failed ratio of the last day without rises.
#[derive(Clone, Debug, Default)]
struct UsualShare {
    /// By hour since 1970.
    hours: VecDeque<(i64, Counted)>,
    all: Counted,
    /// The checks since all sums were last at zero: they become usual only if no rise follows.
    pending: Counted,
}

impl UsualShare {
    fn settle(&mut self, at: UnixMillis) {
        let counted = std::mem::take(&mut self.pending);
        self.add(at, counted);
    }

    fn add(&mut self, at: UnixMillis, counted: Counted) {
        let hour = at.div_euclid(HOUR_MS);
        self.all.add(counted.failed, counted.judged);
        match self.hours.back_mut() {
            Some((newest, sum)) if *newest == hour => sum.add(counted.failed, counted.judged),
            _ => self.hours.push_back((hour, counted)),
        }
        while let Some((_, old)) = self.hours.pop_front_if(|(old, _)| hour - *old > USUAL_OVER_MS / HOUR_MS) {
            self.all.add(-old.failed, -old.judged);
        }
    }

    /// The usual failed ratio. Without data it is the highest allowed, so that a new journal raises
    /// alarms slowly.
    fn share(&self) -> f64 {
        ((self.all.failed + 2.0) / (self.all.judged.max(0.0) + 2.0)).clamp(USUAL_AT_LEAST, USUAL_AT_MOST)
    }
}

impl Cusum {
    /// The initial state, for one of `pools` pools with rounds of `round` milliseconds. Each pool
    /// is one more chance of a false alarm, so the threshold grows with their number: all together
    /// have the run length of one. An `open-after` that is set by hand holds here too: a rise must
    /// last as many rounds.
    pub(crate) fn new(rules: &IncidentRules, pools: usize, round: i64) -> Cusum {
        /// Chance makes one false alarm in e^13 rounds: with rounds of 30 seconds, in five months.
        const ONE_POOL: f64 = 13.0;
        // From the first to the last of so many checks, which are due half a round earlier or later.
        let least = round.saturating_mul(i64::from(rules.open_after.get()).saturating_mul(2) - 3) / 2;
        Cusum {
            least: if rules.open_is_set { least } else { 0 },
            threshold: ONE_POOL + number(pools.max(1) as u64).ln(),
            over: recovery::evidence(round),
            usual: UsualShare::default(),
            sums: [Sum::default(); RISES.len()],
            open: None,
            rises: Vec::new(),
        }
    }

    /// Adds `rounds` rounds without a failure, of `judged` checks each, up to an instant.
    pub(crate) fn push_good(&mut self, to: UnixMillis, rounds: f64, judged: f64) {
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

    /// Adds a round with failures. If these show a rise, returns how many of them suffice: the same ones as when they
    /// were not all known yet.
    pub(crate) fn push(&mut self, round: &Round) -> Option<u32> {
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
            return None;
        }
        self.usual.pending.add(failed, judged);
        let (threshold, least) = (self.threshold, self.least);
        let mut found: Option<(u32, Sum)> = None;
        for (sum, rise) in self.sums.iter_mut().zip(RISES) {
            if sum.llr <= 0.0 {
                *sum = Sum { onset: round.first, ..Sum::default() };
            }
            let with = |failed: f64| sum.llr + llr(failed, judged, usual, usual + rise);
            let lasts = round.last.saturating_since(sum.onset) >= least;
            let shows = |nth: &u32| lasts && with(f64::from(*nth)) >= threshold;
            let shown_by = if shows(&round.failed) { (1..=round.failed).find(shows) } else { None };
            sum.llr = with(failed);
            sum.counted.add(failed, judged);
            let first = found.map_or(u32::MAX, |(nth, _)| nth);
            found = shown_by.filter(|nth| *nth < first).map(|nth| (nth, *sum)).or(found);
        }
        self.rest(round.last);
        let (nth, sum) = found?;
        self.open(&sum, round.last);
        Some(nth)
    }

    /// Resets the sums that are not above zero. If all are reset, the checks since then were usual.
    fn rest(&mut self, at: UnixMillis) {
        for sum in &mut self.sums {
            if sum.llr <= 0.0 {
                *sum = Sum::default();
            }
        }
        if self.sums.iter().all(|sum| sum.llr <= 0.0) {
            self.usual.settle(at);
        }
    }

    fn open(&mut self, sum: &Sum, at: UnixMillis) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of checks")]
        let detected_with = (sum.counted.failed.round() as u32, sum.counted.judged.round() as u32);
        let rise = Rise { onset: sum.onset, detected_at: at, detected_with, last_failed: None };
        let open = OpenRise { rise, counted: sum.counted, back: 0.0, pending: Counted::default(), last_failed: at };
        self.open = Some(open);
        self.sums = [Sum::default(); RISES.len()];
        self.usual.pending = Counted::default();
    }

    /// Sets when the rise that was just found could be detected.
    pub(crate) fn found_at(&mut self, at: UnixMillis) {
        if let Some(open) = &mut self.open {
            open.rise.detected_at = at;
        }
    }

    fn close_if_over(&mut self, at: UnixMillis) {
        let Some(open) = self.open.take_if(|open| open.back >= self.over) else { return };
        self.rises.push(Rise { last_failed: Some(open.last_failed), ..open.rise });
        self.usual.add(at, open.pending);
    }

    /// The onset of the rise that continues; `None` if there is none.
    pub(crate) fn rising_since(&self) -> Option<UnixMillis> {
        self.open.map(|open| open.rise.onset)
    }

    /// The rises in order of time; the last may continue.
    pub(crate) fn finish(self) -> Vec<Rise> {
        let mut rises = self.rises;
        rises.extend(self.open.map(|open| open.rise));
        rises
    }
}

impl OpenRise {
    /// The failed ratio within the rise, by Laplace's rule, and at least half of the smallest rise
    /// above the usual one.
    fn share(&self, usual: f64) -> f64 {
        let share = (self.counted.failed + 1.0) / (self.counted.judged + 2.0);
        share.clamp(usual + RISES[0] / 2.0, 0.95)
    }
}

/// The log-likelihood ratio of a round: positive if the failed ratio `second` explains it better
/// than `first`. A round with no more failures than usual is not bad.
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

/// The logarithm of the sum of two numbers, given their logarithms.
fn ln_sum(one: f64, other: f64) -> f64 {
    let (less, more) = if one < other { (one, other) } else { (other, one) };
    more + (less - more).exp().ln_1p()
}
