//! Checks that have become rarer than they were for most of the range, as after a change of the interval. What was usual
//! no longer says what is due: without a plan the latest checks do.

use crate::model::UnixMillis;
use crate::report::series::cadence::Cadence;

/// This many distances in a row have to be longer: fewer may be checks that were lost.
const FEWEST: u64 = 3;

/// The end of a series, where all checks are further apart than is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slowdown {
    /// The check after which they are.
    pub(crate) since: UnixMillis,
    /// The shortest of the distances since then, in milliseconds: longer ones have lost checks in them.
    pub(crate) every: i64,
}

impl Slowdown {
    /// The slowdown in which a series ends, if it does: from the distances of its checks in order, how often each
    /// occurs in a row, and the last check.
    pub(crate) fn of(
        distances: impl Iterator<Item = (i64, u64)>,
        last: UnixMillis,
        usual: Cadence,
    ) -> Option<Slowdown> {
        let longer = usual.every.saturating_add(usual.every / 2);
        let (mut longer_ones, mut span, mut shortest) = (0, 0, i64::MAX);
        for (distance, times) in distances.filter(|(_, times)| *times > 0) {
            if distance > longer {
                longer_ones += times;
                span += distance.saturating_mul(times.cast_signed());
                shortest = shortest.min(distance);
            } else {
                (longer_ones, span, shortest) = (0, 0, i64::MAX);
            }
        }
        (longer_ones >= FEWEST).then(|| Slowdown { since: last.saturating_sub(span), every: shortest })
    }

    /// The present cadence.
    pub(crate) fn cadence(self) -> Cadence {
        Cadence::steady(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slowdown(distances: &[(i64, u64)]) -> Option<Slowdown> {
        Slowdown::of(distances.iter().copied(), UnixMillis(10_000), Cadence::steady(30))
    }

    #[test]
    fn three_longer_distances_at_the_end_are_the_present_interval() {
        assert_eq!(slowdown(&[(30, 100), (600, 3)]), Some(Slowdown { since: UnixMillis(8_200), every: 600 }));
        let with_one_lost = Some(Slowdown { since: UnixMillis(7_600), every: 590 });
        assert_eq!(slowdown(&[(30, 100), (600, 1), (1_210, 1), (590, 1)]), with_one_lost);
    }

    #[test]
    fn fewer_or_earlier_ones_are_lost_checks() {
        assert_eq!(slowdown(&[(30, 100), (600, 2)]), None);
        assert_eq!(slowdown(&[(30, 100), (600, 9), (30, 1)]), None);
        assert_eq!(slowdown(&[(30, 100), (40, 9)]), None, "the interval varies a little");
        assert_eq!(slowdown(&[]), None);
    }

    #[test]
    fn bursts_are_none() {
        let bursts = [(1, 4), (300, 1), (1, 4), (300, 1), (1, 4)];
        let usual = Cadence { every: 304, checks: 5 };
        assert_eq!(Slowdown::of(bursts.into_iter(), UnixMillis(10_000), usual), None);
    }
}
