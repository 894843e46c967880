//! How many failures open an outage where some failures are usual, chosen by the run length: the mean number of
//! checks between two false alarms.
//!
//! Three failures in a row happen by chance once in 1 / share³ checks: at 0.5 % once in eight million, at 2 % once in
//! 125,000, which 20 probes from 3 places each 30 seconds make in 17 hours. So as many are needed as make a false alarm
//! in any of the series that are judged together no more frequent than it is in one series at 0.5 %.

use crate::model::IncidentRules;
use crate::report::series::outage::Count;
use crate::report::statistics::{number, ratio, wilson};

/// For one series the rules hold as they are written where no larger share of failures is usual.
const SHARE: f64 = 0.005;

/// What fails more often than this is not usual: it is a standing failure.
const USUAL_AT_MOST: f64 = 0.05;

/// Fewer failures do not show what is usual.
const FAILURES: u64 = 10;

/// The failures that open an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailuresNeeded {
    /// So many in a row,
    pub(crate) in_a_row: u32,
    /// or so many among the last checks.
    pub(crate) among: u32,
}

impl FailuresNeeded {
    /// Those of the rules.
    pub(crate) const fn of(rules: &IncidentRules) -> FailuresNeeded {
        FailuresNeeded { in_a_row: rules.open_after.get(), among: rules.open_failures.get() }
    }
}

/// The failures needed in one of so many series where so many checks failed of so many, outages left out. The upper
/// end of the 95 % interval of their share counts.
pub(crate) fn failures_needed(rules: &IncidentRules, usual: Count, series: usize) -> FailuresNeeded {
    let share = ratio(usual.failed, usual.judged).unwrap_or_default();
    if usual.failed < FAILURES || share > USUAL_AT_MOST {
        return FailuresNeeded::of(rules);
    }
    let share = wilson(usual.failed, usual.judged).map_or(share, |[_, high]| high).min(USUAL_AT_MOST);
    at_share(rules, share, series)
}

/// The failures needed at a usual share: `ceil((open-after × ln 0.005 − ln series) / ln share)` in a row, and among
/// the last checks the fewest that chance makes in all series together no more often than in one at 0.5 %.
fn at_share(rules: &IncidentRules, share: f64, series: usize) -> FailuresNeeded {
    /// Rounding alone adds no check.
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

/// About how often a check opens a false incident of one probe where this share of checks fails by chance.
pub(crate) fn false_alarm(rules: &IncidentRules, share: f64) -> f64 {
    let in_a_row = share.powf(f64::from(rules.open_after.get()));
    let among = chance_among(rules.open_of.get(), rules.open_failures.get(), share);
    // It opens once in a run, and not with each check of it.
    ((in_a_row + among) * (1.0 - share)).min(1.0)
}

/// About how often a check is the last of so many failures among so many checks.
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
