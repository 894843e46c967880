//! When a partial failure is over: three good checks in a row are no end of a failure of 30 %, since it makes three
//! such pauses in each hour.

use crate::report::statistics::ratio;

/// From this share on everything fails, and a few good checks in a row are the end.
const TOTAL: f64 = 0.9;

/// A pause of a partial failure that chance makes less often than this is its end: there are thousands of pauses
/// in the hours that one lasts, and none of them may end it.
pub(crate) const NEVER_BY_CHANCE: f64 = 1e-6;

/// Whether so many failures of so many judged checks, from the first failure to the last, are a partial failure.
pub(crate) fn is_partial(failed: u64, judged: u64) -> bool {
    ratio(failed, judged).is_some_and(|share| share < TOTAL)
}

/// Whether so many good checks in a row are the end of a failure in which before them so many of so many judged
/// checks were good. Laplace's estimate: a failure without a good check may have had one.
pub(crate) fn is_over(good: u32, judged: u32, run: u32) -> bool {
    let share = f64::from(good.saturating_add(1)) / f64::from(judged.saturating_add(2));
    share.powi(i32::try_from(run).unwrap_or(i32::MAX)) < NEVER_BY_CHANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_fails_the_longer_a_pause_must_be() {
        for (good, judged, run) in [(80, 100, 62), (50, 100, 20), (0, 10, 6)] {
            assert!(is_over(good, judged, run), "{good} of {judged}");
            assert!(!is_over(good, judged, run / 2), "{good} of {judged}");
        }
        assert!(is_partial(80, 100) && !is_partial(9, 10) && !is_partial(0, 0));
    }
}
