//! A pool: series whose checks are judged together, such as those of a surface or of a vantage. A
//! partial failure of 5 % causes no three failures in a row in any of sixty series, but three in
//! each round of all of them.

use crate::model::{IncidentRules, UnixMillis};
use crate::report::series::cusum::{Cusum, Rise, Round};
use crate::report::series::failure_log::FailureLog;
use crate::report::statistics::number;

/// A pool that is followed check by check during a run.
#[derive(Clone, Debug)]
pub(crate) struct LivePool {
    cusum: Cusum,
    /// The length of a round in milliseconds.
    length: i64,
    /// The number of the current round, and its checks.
    number: i64,
    judged: u32,
    failed: u32,
    /// The first and the last failure of the current round.
    first: UnixMillis,
    last: UnixMillis,
}

impl LivePool {
    /// The initial state, for one of `pools` pools with rounds of `round` milliseconds; `None`: a
    /// minute.
    pub(crate) fn new(rules: &IncidentRules, round: Option<i64>, pools: usize) -> LivePool {
        const UNKNOWN: i64 = 60_000;
        let length = round.unwrap_or(UNKNOWN).max(1);
        let cusum = Cusum::new(rules, pools, length);
        LivePool {
            cusum,
            length,
            number: i64::MIN,
            judged: 0,
            failed: 0,
            first: UnixMillis::MIN,
            last: UnixMillis::MIN,
        }
    }

    /// Adds a judged check. A late check counts in the current round.
    pub(crate) fn push(&mut self, at: UnixMillis, failed: bool) {
        let number = at.div_euclid(self.length);
        if number > self.number {
            self.end_round();
            self.number = number;
        }
        self.judged = self.judged.saturating_add(1);
        if failed {
            self.first = if self.failed == 0 { at } else { self.first.min(at) };
            self.last = if self.failed == 0 { at } else { self.last.max(at) };
            self.failed = self.failed.saturating_add(1);
        }
    }

    fn end_round(&mut self) {
        let judged = f64::from(std::mem::take(&mut self.judged));
        let failed = std::mem::take(&mut self.failed);
        if failed > 0 {
            self.cusum.push(&Round { first: self.first, last: self.last, failed, judged });
        } else {
            let end = UnixMillis(self.number.saturating_add(1).saturating_mul(self.length));
            self.cusum.push_good(end, 1.0, judged);
        }
    }

    /// The instant since which more checks fail than usual; `None` if no more do.
    pub(crate) fn rising_since(&self) -> Option<UnixMillis> {
        self.cusum.rising_since()
    }
}

/// A change of the check rate of a pool, in checks per millisecond.
#[derive(Clone, Copy, Debug)]
struct RateChange {
    at: UnixMillis,
    by: f64,
}

/// Walks through a pool from failure to failure; the rate gives the number of good checks between
/// two of them.
struct PoolWalk<'c> {
    cusum: &'c mut Cusum,
    changes: std::iter::Peekable<std::vec::IntoIter<RateChange>>,
    rate: f64,
    at: UnixMillis,
    /// The length of a round in milliseconds.
    round: i64,
}

/// The rises of the failed ratio of some series together, as one of `pools` pools with rounds of
/// `round` milliseconds.
pub(crate) fn rises(rules: &IncidentRules, series: &[&FailureLog], round: i64, pools: usize) -> Vec<Rise> {
    let round = round.max(1);
    let mut failed: Vec<UnixMillis> = series.iter().flat_map(|one| one.failed()).copied().collect();
    failed.sort_unstable();
    if failed.is_empty() {
        return Vec::new();
    }
    let spans = series.iter().flat_map(|one| one.spans());
    let mut changes: Vec<RateChange> = spans
        .flat_map(|span| [RateChange { at: span.from, by: span.rate }, RateChange { at: span.to, by: -span.rate }])
        .collect();
    changes.sort_unstable_by_key(|change| change.at);
    let Some(end) = changes.last().map(|change| change.at) else { return Vec::new() };
    let begin = changes.first().map_or(end, |change| change.at);
    let mut cusum = Cusum::new(rules, pools, round);
    let mut walk = PoolWalk { cusum: &mut cusum, changes: changes.into_iter().peekable(), rate: 0.0, at: begin, round };
    for failures in failed.chunk_by(|one, other| one.div_euclid(round) == other.div_euclid(round)) {
        walk.failures(failures);
    }
    walk.advance(end);
    cusum.finish()
}

impl PoolWalk<'_> {
    /// Adds the failures of one round.
    fn failures(&mut self, failures: &[UnixMillis]) {
        let (Some(first), Some(last)) = (failures.first(), failures.last()) else { return };
        let begin = first.floor(self.round);
        self.advance(begin);
        let judged = self.judged_to(begin.saturating_add(self.round));
        let failed = u32::try_from(failures.len()).unwrap_or(u32::MAX);
        let nth = self.cusum.push(&Round { first: *first, last: *last, failed, judged });
        let shown_at = nth.and_then(|nth| failures.get(usize::try_from(nth).ok()?.checked_sub(1)?));
        shown_at.into_iter().for_each(|at| self.cusum.found_at(*at));
    }

    /// Adds good checks up to an instant.
    fn advance(&mut self, to: UnixMillis) {
        while self.at < to {
            let until = self.changes.peek().map_or(to, |change| change.at.min(to));
            let rounds = length(until - self.at) / length(self.round);
            self.cusum.push_good(until, rounds, self.rate * length(self.round));
            self.at = until.max(self.at);
            self.change();
        }
    }

    /// Advances to an instant and returns the number of checks until then.
    fn judged_to(&mut self, to: UnixMillis) -> f64 {
        let mut judged = 0.0;
        while self.at < to {
            let until = self.changes.peek().map_or(to, |change| change.at.min(to));
            judged += self.rate * length(until - self.at);
            self.at = until.max(self.at);
            self.change();
        }
        judged
    }

    /// Applies the rate changes that are due.
    fn change(&mut self) {
        while let Some(change) = self.changes.next_if(|change| change.at <= self.at) {
            self.rate = (self.rate + change.by).max(0.0);
        }
    }
}

fn length(ms: i64) -> f64 {
    number(u64::try_from(ms).unwrap_or_default())
}
