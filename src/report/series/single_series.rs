//! Judges one series by its checks alone: an outage that goes on decides, and otherwise the share of its recent checks.
//! Unlike a report, which tells of an outage that is over beside the state, this counts it.

use crate::model::IncidentRules;
use crate::report::document::answer::State;
use crate::report::series::detector::OutageDetector;
use crate::report::series::judgement::{self, JudgedCheck};

/// The state of checks in order of time:
///
/// - `unknown` if there is no check;
/// - `down` if the last `open-after` checks failed, or all of fewer, or if an outage is open in which half of the
///   checks failed;
/// - `degraded` if an outage is open otherwise, or if at least three of the recent checks failed and the 95 % interval of
///   their failed ratio (Wilson) lies above `allowed`;
/// - `up` otherwise.
#[must_use]
pub fn judge(checks: &[JudgedCheck], rules: &IncidentRules, allowed: f64) -> State {
    let Some(last) = checks.last() else { return State::Unknown };
    let mut detector = OutageDetector::new(rules, judgement::mean_interval(checks), 1);
    checks.iter().for_each(|check| detector.push(check.at, check.failed));
    let latest = usize::try_from(rules.open_after.get()).unwrap_or(usize::MAX).min(checks.len());
    let (failed, judged) = detector.failing();
    if checks[checks.len() - latest..].iter().all(|check| check.failed) {
        State::Down
    } else if detector.is_open() {
        if failed * 2 >= judged { State::Down } else { State::Degraded }
    } else {
        // A round of one series is one check.
        judgement::judge_pool(checks, last.at, 0, allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMillis;

    /// The state of verdicts `every_s` seconds apart: `.` good, `x` failed.
    fn state(verdicts: &str, every_s: i64) -> State {
        let checks: Vec<JudgedCheck> = (0..)
            .zip(verdicts.chars())
            .map(|(n, verdict)| JudgedCheck { at: UnixMillis(n * every_s * 1_000), failed: verdict == 'x' })
            .collect();
        judge(&checks, &IncidentRules::default(), judgement::ALLOWED)
    }

    #[test]
    fn a_series_is_judged_by_its_end_and_by_its_recent_share() {
        let good = ".".repeat(99);
        for (verdicts, expected) in [
            (String::new(), State::Unknown),
            (".".to_owned(), State::Up),
            ("x".to_owned(), State::Down),
            ("xx".to_owned(), State::Down),
            (".x".to_owned(), State::Up),
            ("xxx".to_owned(), State::Down),
            (format!("x{good}"), State::Up),
            (format!("{good}xxx"), State::Down),
            (format!("{good}xx"), State::Up),
            ("x..x...x..x..x....x..x.".to_owned(), State::Degraded),
            ("x.x.................".to_owned(), State::Up),
            ("x...x...x...........".to_owned(), State::Degraded),
        ] {
            assert_eq!(state(&verdicts, 30), expected, "{verdicts}");
        }
    }

    #[test]
    fn an_outage_that_goes_on_decides_and_one_that_is_over_counts() {
        assert_eq!(state("xxx..", 30), State::Down, "two good checks are no end");
        assert_eq!(state("x..xx..x.......x.", 30), State::Degraded, "less than half since it began");
        assert_eq!(state("xxx.................", 30), State::Degraded);
        assert_eq!(state("xx.x.xx.x...", 30), State::Degraded);
    }

    #[test]
    fn recent_is_a_quarter_of_an_hour_or_twenty_checks_whichever_is_more() {
        // Failures an hour ago: not recent with a check each minute, recent with one every five
        // minutes.
        let verdicts = format!("x..x..x{}", ".".repeat(13));
        assert_eq!(state(&format!("{verdicts}{}", ".".repeat(40)), 60), State::Up);
        assert_eq!(state(&verdicts, 300), State::Degraded);
    }
}
