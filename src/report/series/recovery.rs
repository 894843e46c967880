//! When a partial failure is over: three good checks in a row are no end of a failure of 30 %, since it makes three
//! such pauses in each hour.

use crate::report::statistics::{number, ratio};

/// From this share on everything fails, and a few good checks in a row are the end.
const TOTAL: f64 = 0.9;

/// A pause of a partial failure that chance makes less often than this is its end, however many pauses there are: there
/// are thousands of them in the hours that one lasts, and none of them may end it.
pub(crate) const NEVER_BY_CHANCE: f64 = 1e-6;

/// A partial failure goes on for so long, in milliseconds, and chance ends it falsely
const LASTS_MS: f64 = 4.0 * 3_600_000.0;

/// in one of so many.
const ONE_OF: f64 = 1_000.0;

/// How often a probe is checked while a partial failure lasts, with so many milliseconds between two checks.
pub(crate) fn checks_of_probe(interval: i64) -> f64 {
    LASTS_MS / number(interval.max(1).unsigned_abs())
}

/// The evidence that ends a partial failure where it is looked at in rounds of so many milliseconds, as a logarithm of
/// odds: each round is a chance to end it falsely.
pub(crate) fn evidence(round: i64) -> f64 {
    -NEVER_BY_CHANCE.ln().max(-(checks_of_probe(round) * ONE_OF).ln())
}

/// Whether so many failures of so many judged checks, from the first failure to the last, are a partial failure.
pub(crate) fn is_partial(failed: u64, judged: u64) -> bool {
    ratio(failed, judged).is_some_and(|share| share < TOTAL)
}

/// Whether so many good checks in a row are the end of a failure in which before them so many of so many judged
/// checks were good. Laplace's estimate: a failure without a good check may have had one. The fewer of its checks are
/// made in the time that a failure lasts, the fewer pauses it has, and the fewer good checks end it.
pub(crate) fn is_over(good: u32, judged: u32, run: u32, checks: f64) -> bool {
    let share = f64::from(good.saturating_add(1)) / f64::from(judged.saturating_add(2));
    let pauses = (checks * (1.0 - share)).max(1.0);
    share.powi(i32::try_from(run).unwrap_or(i32::MAX)) < (1.0 / (ONE_OF * pauses)).max(NEVER_BY_CHANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_fails_the_longer_a_pause_must_be() {
        for (good, judged, run) in [(80, 100, 62), (50, 100, 20), (0, 10, 6)] {
            assert!(is_over(good, judged, run, 1e6), "{good} of {judged}");
            assert!(!is_over(good, judged, run / 2, 1e6), "{good} of {judged}");
        }
        // One probe each five minutes, 30 %: fifteen pauses in four hours.
        assert!(is_over(70, 100, 28, checks_of_probe(300_000)) && !is_over(70, 100, 24, checks_of_probe(300_000)));
        assert!(is_partial(80, 100) && !is_partial(9, 10) && !is_partial(0, 0));
    }

    #[test]
    fn the_fewer_rounds_there_are_the_less_evidence_ends_a_failure() {
        for (round, logarithm) in [(10_000, 13.8), (30_000, 13.1), (60_000, 12.4), (300_000, 10.8)] {
            assert!((evidence(round) - logarithm).abs() < 0.05, "{round}: {}", evidence(round));
        }
    }
}
