//! What a sample of a certain size can and cannot prove about availability.

use serde::Serialize;

use crate::report::statistics::{availability_shown, checks_to_show};

/// Common availability objectives.
const PROMISES: [f64; 4] = [0.99, 0.995, 0.999, 0.9999];

/// What a sample can prove. This takes checks as independent, which real failures are not: read it
/// as the best case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SampleBound {
    /// The judged checks: up and down.
    pub checks: u64,
    /// Of these, down.
    pub down: u64,
    /// The lower 95 % confidence bound on availability in this time: exact if no check failed,
    /// otherwise Wilson's one-sided bound. Null without a check.
    pub at_least: Option<f64>,
    /// The lowest common objective (99, 99.5, 99.9 or 99.99 %) that this sample cannot show; null
    /// if it shows all.
    pub not_shown: Option<f64>,
    /// The number of checks, all of them up, that would show it.
    pub not_shown_needs: Option<u64>,
}

impl SampleBound {
    /// The bound for `down` failures among `checks`.
    #[must_use]
    pub fn new(checks: u64, down: u64) -> SampleBound {
        // Rounded down to six decimals: further digits would mean nothing and differ between
        // machines.
        let at_least = availability_shown(checks, down).map(|bound| (bound * 1e6).floor() / 1e6);
        let not_shown = PROMISES.into_iter().find(|promise| at_least.is_none_or(|shown| shown < *promise));
        SampleBound { checks, down, at_least, not_shown, not_shown_needs: not_shown.map(checks_to_show) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_good_checks_show_eighty_six_percent_and_no_more() {
        let sample_bound = SampleBound::new(20, 0);
        assert!((sample_bound.at_least.expect("a bound") - 0.8609).abs() < 1e-4);
        assert_eq!(sample_bound.not_shown, Some(0.99));
        assert_eq!(sample_bound.not_shown_needs, Some(299));
    }

    #[test]
    fn three_nines_need_2995_checks() {
        assert_eq!(checks_to_show(0.999), 2995);
        assert_eq!(checks_to_show(0.995), 598);
        assert_eq!(checks_to_show(0.9999), 29_956);
        assert!(availability_shown(2995, 0).is_some_and(|shown| shown >= 0.999));
        assert!(availability_shown(2994, 0).is_some_and(|shown| shown < 0.999));
    }

    #[test]
    fn nothing_proves_nothing_and_all_down_proves_no_availability() {
        assert_eq!(SampleBound::new(0, 0).at_least, None);
        assert!(SampleBound::new(5, 5).at_least.is_some_and(|shown| shown.abs() < 1e-9));
    }

    proptest::proptest! {
        #[test]
        fn a_failure_more_never_proves_more(checks in 1u64..5000, down in 0u64..5000) {
            let down = down.min(checks - 1);
            let less = availability_shown(checks, down + 1).expect("a bound");
            let more = availability_shown(checks, down).expect("a bound");
            proptest::prop_assert!(less <= more + 1e-12);
            proptest::prop_assert!((0.0..=1.0).contains(&less));
        }
    }
}
