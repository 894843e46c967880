//! Chooses how many failures open an outage if some failures are usual, by the run length: the mean
//! number of checks between two false alarms.
//!
//! Three failures in a row happen by chance once in 1 / ratio³ checks: at 0.5 % once in eight
//! million, at 2 % once in 125,000, which 20 probes from 3 places every 30 seconds make in 17
//! hours. So the number of failures is raised until false alarms, in all series that are judged
//! together, are no more frequent than in one series at 0.5 %.

use crate::model::IncidentRules;
use crate::report::series::outage::Count;
use crate::report::statistics::{number, ratio, wilson};

/// For one series, the rules apply as configured up to this usual failed ratio.
const SHARE: f64 = 0.005;

/// A higher failed ratio is not usual but a standing failure.
const USUAL_AT_MOST: f64 = 0.05;

/// Fewer failures do not show a usual ratio.
const FAILURES: u64 = 10;

/// The number of failures that opens an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailuresNeeded {
    /// This many in a row,
    pub(crate) in_a_row: u32,
    /// or this many among the last checks.
    pub(crate) among: u32,
}

impl FailuresNeeded {
    /// The numbers that the rules configure.
    pub(crate) const fn of(rules: &IncidentRules) -> FailuresNeeded {
        FailuresNeeded { in_a_row: rules.open_after.get(), among: rules.open_failures.get() }
    }
}

/// The failures needed in one of `series` series, given the checks outside outages. The usual
/// failed ratio is the upper end of its 95 % interval.
pub(crate) fn failures_needed(rules: &IncidentRules, usual: Count, series: usize) -> FailuresNeeded {
    let share = ratio(usual.failed, usual.judged).unwrap_or_default();
    if usual.failed < FAILURES || share > USUAL_AT_MOST {
        return FailuresNeeded::of(rules);
    }
    let share = wilson(usual.failed, usual.judged).map_or(share, |[_, high]| high).min(USUAL_AT_MOST);
    at_share(rules, share, series)
}

/// The failures needed at a usual failed ratio: `ceil((open-after × ln 0.005 − ln series) / ln
/// ratio)` in a row; among the last checks, the fewest that chance produces in all series together
/// no more often than in one at 0.5 %.
fn at_share(rules: &IncidentRules, share: f64, series: usize) -> FailuresNeeded {
    /// Rounding alone must not add a check.
    const ROUNDING: f64 = 1e-9;
    let written = FailuresNeeded::of(rules);
    let series = number(series.max(1) as u64);
    let length = (f64::from(written.in_a_row) * SHARE.ln() - series.ln()) / share.ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few times a number of checks")]
    let in_a_row = (length - ROUNDING).ceil() as u32;
    let limit = chance_among(rules.open_of.get(), written.among, SHARE) / series * (1.0 + ROUNDING);
    let is_rare = |among: &u32| chance_among(rules.open_of.get(), *among, share) <= limit;
    let among = (written.among..=rules.open_of.get()).find(is_rare).unwrap_or(rules.open_of.get());
    FailuresNeeded { in_a_row: in_a_row.max(written.in_a_row), among }
}

/// The approximate probability that a check opens a false incident of one probe, if a share of
/// checks fails by chance.
pub(crate) fn false_alarm(rules: &IncidentRules, share: f64) -> f64 {
    let in_a_row = share.powf(f64::from(rules.open_after.get()));
    let among = chance_among(rules.open_of.get(), rules.open_failures.get(), share);
    // A run of failures opens one incident, not one per check.
    ((in_a_row + among) * (1.0 - share)).min(1.0)
}

/// The approximate probability that a check is the last of `failures` failures among `of` checks.
fn chance_among(of: u32, failures: u32, share: f64) -> f64 {
    let before = failures.saturating_sub(1);
    let choices: f64 = (0..before).map(|n| f64::from(of.saturating_sub(1 + n)) / f64::from(n + 1)).product();
    choices * share.powf(f64::from(failures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_failures_are_needed_the_more_are_usual_and_the_more_series_there_are() {
        let rules = IncidentRules::default();
        for (share, series, in_a_row, among) in [
            (0.0001, 1, 3, 4),
            (0.005, 1, 3, 4),
            (0.0055, 1, 4, 5),
            (0.01, 1, 4, 5),
            (0.02, 1, 5, 6),
            (0.05, 1, 6, 8),
            (0.0005, 60, 3, 4),
            (0.005, 60, 4, 5),
            (0.02, 60, 6, 7),
            (0.05, 60, 7, 9),
        ] {
            let needed = FailuresNeeded { in_a_row, among };
            assert_eq!(at_share(&rules, share, series), needed, "{share} of {series}");
        }
    }

    #[test]
    fn three_in_a_row_of_two_percent_are_a_false_alarm_in_125_000_checks() {
        let rules = IncidentRules { open_failures: 10.try_into().expect("not zero"), ..IncidentRules::default() };
        let often = false_alarm(&rules, 0.02);
        assert!((often * 125_000.0 - 0.98).abs() < 0.001, "{often}");
        assert!(false_alarm(&IncidentRules::default(), 0.02) > often, "four of ten happen as well");
    }

    #[test]
    fn too_little_and_too_much_show_nothing_usual() {
        let rules = IncidentRules::default();
        for (failed, judged) in [(0, 1_000), (9, 300), (300, 1_000)] {
            assert_eq!(failures_needed(&rules, Count { judged, failed }, 1), FailuresNeeded::of(&rules), "{failed}");
        }
        assert!(failures_needed(&rules, Count { judged: 5_000, failed: 100 }, 1).in_a_row >= 5);
    }
}
