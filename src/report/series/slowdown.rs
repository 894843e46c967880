//! Checks that have become rarer than they were for most of the range, as after a change of the interval. What was usual
//! no longer says what is due: without a plan the latest checks do.

use crate::model::UnixMillis;
use crate::report::series::cadence::Cadence;

/// The end of a series, where all checks are further apart than is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slowdown {
    /// The check after which they are.
    pub(crate) since: UnixMillis,
    /// How they are made since then.
    pub(crate) cadence: Cadence,
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
        let mut last_ones: Vec<(i64, u64)> = Vec::new();
        for (distance, times) in distances.filter(|(_, times)| *times > 0) {
            if distance > longer {
                last_ones.push((distance, times));
            } else {
                last_ones.clear();
            }
        }
        let span: i64 = last_ones.iter().map(|(distance, times)| distance.saturating_mul(times.cast_signed())).sum();
        // Those that come as they like were lost on the way, or are passes by hand.
        let cadence = Cadence::of(|| last_ones.iter().copied(), 0)?;
        let is_kept = cadence.is_kept(last_ones.iter().copied());
        is_kept.then(|| Slowdown { since: last.saturating_sub(span), cadence })
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
        assert_eq!(
            slowdown(&[(30, 100), (600, 3)]),
            Some(Slowdown { since: UnixMillis(8_200), cadence: Cadence::steady(600) })
        );
        let with_one_lost = Some(Slowdown { since: UnixMillis(6_340), cadence: Cadence::steady(600) });
        assert_eq!(slowdown(&[(30, 100), (60, 1), (600, 3), (1_210, 1), (590, 1)]), with_one_lost);
    }

    #[test]
    fn fewer_or_earlier_ones_are_lost_checks() {
        assert_eq!(slowdown(&[(30, 100), (600, 2)]), None);
        assert_eq!(slowdown(&[(30, 100), (600, 9), (30, 1)]), None);
        assert_eq!(slowdown(&[(30, 100), (1_200, 1), (1_500, 1), (2_700, 1), (5_000, 1)]), None, "passes by hand");
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
