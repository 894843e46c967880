//! How many failures open an outage where some failures are usual, chosen by the run length: the mean number of
//! checks between two false alarms.
//!
//! Three failures in a row happen by chance once in 1 / share³ checks: at 0.5 % once in eight million, at 2 % once in
//! 125,000, which 20 probes from 3 places each 30 seconds make in 17 hours. So above 0.5 % as many are needed as make
//! a false alarm no more frequent than it is at 0.5 %.

use crate::model::IncidentRules;
use crate::report::series::outage::Count;
use crate::report::statistics::{ratio, wilson};

/// The rules hold as they are written where no larger share of failures is usual.
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

/// The failures needed where so many checks failed of so many, outages left out. The upper end of the 95 % interval
/// of their share counts.
pub(crate) fn failures_needed(rules: &IncidentRules, usual: Count) -> FailuresNeeded {
    let share = ratio(usual.failed, usual.judged).unwrap_or_default();
    if usual.failed < FAILURES || share > USUAL_AT_MOST {
        return FailuresNeeded::of(rules);
    }
    let share = wilson(usual.failed, usual.judged).map_or(share, |[_, high]| high).min(USUAL_AT_MOST);
    at_share(rules, share)
}

/// The failures needed at a usual share: `ceil(open-after × ln 0.005 / ln share)` in a row, and among the last
/// checks the fewest that chance makes no more often than at 0.5 %.
fn at_share(rules: &IncidentRules, share: f64) -> FailuresNeeded {
    let written = FailuresNeeded::of(rules);
    if share <= SHARE {
        return written;
    }
    let length = f64::from(written.in_a_row) * SHARE.ln() / share.ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most twice a number of checks")]
    let in_a_row = length.ceil() as u32;
    let limit = chance_among(rules.open_of.get(), written.among, SHARE);
    let is_rare = |among: &u32| chance_among(rules.open_of.get(), *among, share) <= limit;
    let among = (written.among..=rules.open_of.get()).find(is_rare).unwrap_or(rules.open_of.get());
    FailuresNeeded { in_a_row: in_a_row.max(written.in_a_row), among }
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
    fn more_failures_are_needed_the_more_are_usual() {
        let rules = IncidentRules::default();
        for (share, in_a_row, among) in
            [(0.0, 3, 4), (0.005, 3, 4), (0.0055, 4, 5), (0.01, 4, 5), (0.02, 5, 6), (0.05, 6, 8)]
        {
            assert_eq!(at_share(&rules, share), FailuresNeeded { in_a_row, among }, "{share}");
        }
    }

    #[test]
    fn too_little_and_too_much_show_nothing_usual() {
        let rules = IncidentRules::default();
        for (failed, judged) in [(0, 1_000), (9, 300), (300, 1_000)] {
            assert_eq!(failures_needed(&rules, Count { judged, failed }), FailuresNeeded::of(&rules), "{failed}");
        }
        assert!(failures_needed(&rules, Count { judged: 5_000, failed: 100 }).in_a_row >= 5);
    }
}
