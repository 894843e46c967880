//! Decides when a partial failure is over. Three good checks in a row do not end a failure of 30 %,
//! since chance makes three such pauses in each hour of it.

use crate::report::statistics::{number, ratio};

/// From this failed ratio on, a failure is total: a few good checks in a row end it.
const TOTAL: f64 = 0.9;

/// A pause that chance makes with a lower probability than this always ends a partial failure,
/// however many pauses there are.
pub(crate) const NEVER_BY_CHANCE: f64 = 1e-6;

/// A partial failure is assumed to last this long, in milliseconds. Chance may end it falsely
const LASTS_MS: f64 = 4.0 * 3_600_000.0;

/// once in this many failures.
const ONE_OF: f64 = 1_000.0;

/// The number of checks of a probe during a partial failure, with `interval` milliseconds between
/// two checks.
pub(crate) fn checks_of_probe(interval: i64) -> f64 {
    LASTS_MS / number(interval.max(1).unsigned_abs())
}

/// The evidence that ends a partial failure that is tested each round of `round` milliseconds, as
/// the logarithm of a likelihood ratio: each round is one more chance to end it falsely.
pub(crate) fn evidence(round: i64) -> f64 {
    -NEVER_BY_CHANCE.ln().max(-(checks_of_probe(round) * ONE_OF).ln())
}

/// Whether a failure is partial, given the failed and judged checks from its first failure to its
/// last.
pub(crate) fn is_partial(failed: u64, judged: u64) -> bool {
    ratio(failed, judged).is_some_and(|share| share < TOTAL)
}

/// Whether `run` good checks in a row end a partial failure in which `good` of `judged` checks were
/// good before. The good ratio is Laplace's estimate, since a failure without a good check may have
/// had one. `checks`: the checks made while a failure lasts; with fewer of them there are fewer
/// pauses, and fewer good checks are needed.
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
        // One probe every five minutes, 30 %: fifteen pauses in four hours.
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
