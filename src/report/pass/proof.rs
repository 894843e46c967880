//! What a sample of a certain size can prove about availability, and what it cannot.

use serde::Serialize;

/// The confidence of every statement here.
const CONFIDENCE: f64 = 0.95;

/// Objectives that people promise, with the checks without a failure that show each.
const PROMISES: [f64; 4] = [0.99, 0.995, 0.999, 0.9999];

/// What a sample can prove. Checks are taken as independent, which real failures are not: read
/// it as the best case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Proof {
    /// The checks that were judged: up and down.
    pub checks: u64,
    /// Of these, down.
    pub down: u64,
    /// The availability that is shown: with 95 % confidence it is at least this, for the moments
    /// asked about. The exact one-sided bound without a failure, Wilson's with one. Null without a check.
    pub at_least: Option<f64>,
    /// The next usual objective that this sample cannot show.
    pub not_shown: Option<f64>,
    /// The checks, all of them up, that would show it.
    pub not_shown_needs: Option<u64>,
}

impl Proof {
    /// The proof of `down` failures among `checks`.
    #[must_use]
    pub fn new(checks: u64, down: u64) -> Proof {
        let at_least = at_least(checks, down);
        let not_shown = PROMISES.into_iter().find(|promise| at_least.is_none_or(|shown| shown < *promise));
        Proof { checks, down, at_least, not_shown, not_shown_needs: not_shown.map(checks_to_show) }
    }
}

/// The least number of checks without a failure that shows an availability: ln 0.05 / ln A.
fn checks_to_show(availability: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive whole number")]
    let checks = ((1.0 - CONFIDENCE).ln() / availability.ln()).ceil() as u64;
    checks
}

/// The lower end of a one-sided 95 % interval of the availability.
#[expect(clippy::cast_precision_loss, reason = "counts of checks stay far below 2^52")]
fn at_least(checks: u64, down: u64) -> Option<f64> {
    if checks == 0 {
        return None;
    }
    let n = checks as f64;
    if down == 0 {
        return Some((1.0 - CONFIDENCE).powf(1.0 / n));
    }
    // Wilson's score interval, one-sided: z of 0.95.
    let z = 1.644_853_626_951_472_7_f64;
    let up = 1.0 - down as f64 / n;
    let centre = up + z * z / (2.0 * n);
    let spread = z * (up * (1.0 - up) / n + z * z / (4.0 * n * n)).sqrt();
    Some(((centre - spread) / (1.0 + z * z / n)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_good_checks_show_eighty_six_percent_and_no_more() {
        let proof = Proof::new(20, 0);
        assert!((proof.at_least.expect("a bound") - 0.8609).abs() < 1e-4);
        assert_eq!(proof.not_shown, Some(0.99));
        assert_eq!(proof.not_shown_needs, Some(299));
    }

    #[test]
    fn three_nines_need_2995_checks() {
        assert_eq!(checks_to_show(0.999), 2995);
        assert_eq!(checks_to_show(0.995), 598);
        assert_eq!(checks_to_show(0.9999), 29_956);
        assert!(at_least(2995, 0).is_some_and(|shown| shown >= 0.999));
        assert!(at_least(2994, 0).is_some_and(|shown| shown < 0.999));
    }

    #[test]
    fn nothing_proves_nothing_and_all_down_proves_no_availability() {
        assert_eq!(Proof::new(0, 0).at_least, None);
        assert!(Proof::new(5, 5).at_least.is_some_and(|shown| shown.abs() < 1e-9));
    }

    proptest::proptest! {
        #[test]
        fn a_failure_more_never_proves_more(checks in 1u64..5000, down in 0u64..5000) {
            let down = down.min(checks - 1);
            let less = at_least(checks, down + 1).expect("a bound");
            let more = at_least(checks, down).expect("a bound");
            proptest::prop_assert!(less <= more + 1e-12);
            proptest::prop_assert!((0.0..=1.0).contains(&less));
        }
    }
}
