//! Equal checks at even distances, as one value: a month can have hundreds of millions of checks,
//! but only thousands of these.

use crate::model::UnixMillis;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::time_span::TimeSpan;

/// Equal checks at even distances: a single check, or a thinned run that no other check falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EvenRun {
    /// The first check.
    pub(crate) first: LoggedCheck,
    /// The instant of the last check.
    pub(crate) last_at: UnixMillis,
    /// The number of checks, at least one.
    pub(crate) count: u64,
}

impl EvenRun {
    pub(super) const fn one(first: LoggedCheck) -> EvenRun {
        EvenRun { first, last_at: first.at, count: 1 }
    }

    /// The number of distances between the checks, at least 1, as a divisor.
    fn gaps(&self) -> i64 {
        i64::try_from(self.count - 1).unwrap_or(i64::MAX).max(1)
    }

    /// The distance between two neighbours, rounded down, and the remainder that is spread over all
    /// distances, both in milliseconds.
    fn distance(&self) -> (i64, i64) {
        let length = (self.last_at - self.first.at).max(0);
        (length / self.gaps(), length % self.gaps())
    }

    /// The longest distance between two neighbours, in milliseconds.
    pub(crate) fn longest_distance(&self) -> i64 {
        let (distance, longer) = self.distance();
        distance + i64::from(longer > 0)
    }

    /// The span from the first to the last check, if no two neighbours are more than `apart`
    /// milliseconds apart; otherwise an empty span at each check, so that the time between them
    /// does not count as covered.
    pub(crate) fn spans(self, apart: i64) -> impl Iterator<Item = TimeSpan> {
        let is_whole = self.longest_distance() <= apart;
        let whole = is_whole.then_some(TimeSpan::new(self.first.at, self.last_at));
        let each = (!is_whole).then(|| self.checks().map(|check| TimeSpan::new(check.at, check.at)));
        whole.into_iter().chain(each.into_iter().flatten())
    }

    /// The two distances between neighbours, in milliseconds, and how often each occurs: the
    /// remainder adds one millisecond to some of them.
    pub(crate) fn distances(&self) -> [(i64, u64); 2] {
        let (distance, longer) = self.distance();
        let longer = longer.unsigned_abs();
        [(distance, self.count - 1 - longer), (distance + 1, longer)]
    }

    /// The instant of the nth check, counted from 0.
    pub(crate) fn at(&self, n: u64) -> UnixMillis {
        let length = i128::from((self.last_at - self.first.at).max(0));
        let into = length * i128::from(n) / i128::from(self.gaps());
        self.first.at + i64::try_from(into).unwrap_or_default()
    }

    /// The checks one by one.
    pub(crate) fn checks(self) -> impl Iterator<Item = LoggedCheck> {
        let (gaps, (distance, longer)) = (self.gaps(), self.distance());
        let (mut at, mut over) = (self.first.at, 0);
        (0..self.count).map(move |_| {
            let tick = LoggedCheck { at, ..self.first };
            // Carrying the remainder gives the exact position, rounded down to the millisecond.
            over += longer;
            at += distance + i64::from(over >= gaps);
            over -= if over >= gaps { gaps } else { 0 };
            tick
        })
    }

    /// The number of checks before an instant.
    pub(crate) fn before(&self, at: UnixMillis) -> u64 {
        let (into, length) = (i128::from(at - self.first.at), i128::from(self.last_at - self.first.at));
        if into <= 0 {
            0
        } else if length < into {
            self.count
        } else {
            // The nth check is at length × n / (count - 1), rounded down.
            let before = (into * i128::from(self.count - 1)).div_euclid(length)
                + i128::from((into * i128::from(self.count - 1)).rem_euclid(length) > 0);
            u64::try_from(before).unwrap_or(u64::MAX).min(self.count)
        }
    }
}
