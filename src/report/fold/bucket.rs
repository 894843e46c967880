//! Chooses the length of a bucket so that a range of any length makes a chart of readable width.
//! Each step divides the next, and buckets begin at multiples of it: coarsening only joins buckets.

/// The lengths a bucket can have, in milliseconds: 1, 5, 15 s, 1, 5, 15 min, 1, 6 h, 1 d.
const STEPS: [i64; 9] = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];

/// The most buckets in a chart.
const MOST: i64 = 192;

/// The fewest buckets to which long windows may coarsen a chart.
const FEWEST: i64 = 24;

/// The bucket length for an extent of time and its longest window, all in milliseconds: as fine as
/// [`MOST`] allows, and no finer than the windows as long as that leaves [`FEWEST`] buckets.
pub(crate) fn step(extent: i64, longest_window: i64) -> i64 {
    let least = (extent / MOST).max(longest_window.min(extent / FEWEST));
    let top = STEPS[STEPS.len() - 1];
    STEPS.into_iter().find(|step| *step >= least).unwrap_or_else(|| least.div_euclid(top) * top + top)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_chart_has_a_readable_width() {
        for (extent, longest, expected) in [
            (30_000, 1_000, 1_000),
            (HOUR, 60_000, 60_000),
            (9 * HOUR, 60_000, 300_000),
            (24 * HOUR, 60_000, 900_000),
            (7 * 24 * HOUR, 60_000, HOUR),
            (30 * 24 * HOUR, 60_000, 6 * HOUR),
            (30 * 24 * HOUR, 24 * HOUR, 24 * HOUR),
            (24 * HOUR, 24 * HOUR, HOUR),
        ] {
            assert_eq!(step(extent, longest), expected, "{extent} {longest}");
        }
    }

    proptest::proptest! {
        #[test]
        fn buckets_are_never_too_many_and_only_ever_join(extent in 0i64..100_000_000_000, longest in 0i64..100_000_000, more in 1i64..100_000_000_000) {
            let (fine, coarse) = (step(extent, longest), step(extent + more, longest));
            proptest::prop_assert!(extent / fine <= MOST);
            proptest::prop_assert!(fine <= coarse);
        }
    }

    #[test]
    fn each_step_divides_the_next() {
        for pair in STEPS.windows(2) {
            assert_eq!(pair[1] % pair[0], 0);
        }
    }
}
