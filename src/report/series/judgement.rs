//! Judges a state by comparing the latest checks with the allowed failed ratio.

use std::time::Duration;

use crate::model::{IncidentRules, UnixMillis, Verdict};
use crate::report::document::answer::State;
use crate::report::series::run_length;
use crate::report::statistics::wilson;
use crate::window::{Run, Strip};

/// The recent checks are those of this time,
const RECENT: Duration = Duration::from_mins(15);

/// or this many, if these are more.
const RECENT_CHECKS: usize = 20;

/// Fewer failures are a blip.
const FAILURES: u64 = 3;

/// The allowed failed ratio if neither the usual one nor an objective is known.
pub(crate) const ALLOWED: f64 = 0.01;

/// A judged check: up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JudgedCheck {
    /// When it was due. In journals of format version 1: when it began.
    pub at: UnixMillis,
    /// Whether the target was down.
    pub failed: bool,
}

/// The state of checks in order of time by their recent failed ratio alone, as for many series
/// together with rounds of `round` milliseconds: `degraded` or `up`, `unknown` if there is no check.
#[must_use]
pub(crate) fn judge_pool(checks: &[JudgedCheck], to: UnixMillis, round: i64, allowed: f64) -> State {
    let recent = recent(checks, to);
    if recent.is_empty() {
        State::Unknown
    } else if is_pool_excessive(recent, round, allowed) {
        State::Degraded
    } else {
        State::Up
    }
}

/// The state of a surface from those of its probes: `down` if nearly all are down, `degraded` if
/// any is failing, `unknown` if none could be judged.
#[must_use]
pub(crate) fn state_of_probes(probes: &[State]) -> State {
    let of = |wanted: State| probes.iter().filter(|state| **state == wanted).count();
    let judged = probes.len() - of(State::Unknown);
    if judged == 0 {
        State::Unknown
    } else if is_nearly_all(of(State::Down), judged) {
        State::Down
    } else if probes.iter().any(|state| state.is_failing()) {
        State::Degraded
    } else {
        State::Up
    }
}

/// The overall state: that of the worst surface. `unknown` outranks `up`, because a surface without
/// data is not up.
#[must_use]
pub fn worst(surfaces: impl Iterator<Item = State>) -> State {
    let severity = |state: &State| match state {
        State::Up => 0,
        State::Unknown => 1,
        State::Degraded => 2,
        State::Flapping => 3,
        State::Down => 4,
    };
    surfaces.max_by_key(severity).unwrap_or(State::Unknown)
}

/// The approximate probability that a check opens a false incident of one probe, if a share of
/// checks fails by chance and the rules apply as configured. Its inverse is the number of checks
/// between two false incidents.
#[must_use]
pub(crate) fn false_alarm(rules: &IncidentRules, share: f64) -> f64 {
    run_length::false_alarm(rules, share)
}

/// Whether this many probes are nearly all (at least nine tenths) of a surface: then the surface as
/// a whole is down; if one function still works, it is degraded.
#[must_use]
pub(crate) fn is_nearly_all(probes: usize, of: usize) -> bool {
    probes * 10 >= of * 9
}

/// The latest checks of a strip that are needed to judge a state, in order of time.
#[must_use]
pub fn latest(strip: &Strip, open_after: u32) -> Vec<JudgedCheck> {
    let span = i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX);
    let fewest = RECENT_CHECKS.max(usize::try_from(open_after).unwrap_or(usize::MAX));
    let is_judged = |run: &Run| matches!(run.verdict, Verdict::Up | Verdict::Down);
    let mut checks: Vec<JudgedCheck> = Vec::new();
    'runs: for run in strip.runs().rev().filter(is_judged) {
        let (from, to) = (UnixMillis::from(run.from), UnixMillis::from(run.to));
        for n in (0..run.count).rev() {
            let into = i128::from(to - from) * i128::from(n) / i128::from(run.count.saturating_sub(1).max(1));
            let at = from + i64::try_from(into).unwrap_or_default();
            if checks.len() >= fewest && checks.first().is_some_and(|last| last.at - at > span) {
                break 'runs;
            }
            checks.push(JudgedCheck { at, failed: run.verdict == Verdict::Down });
        }
    }
    checks.reverse();
    checks
}

/// Whether more checks failed than in a blip.
pub(crate) fn is_no_blip(checks: &[JudgedCheck]) -> bool {
    counted(checks).0 >= FAILURES
}

/// Whether the failures certainly exceed the allowed ratio: at least three, and the 95 % interval
/// (Wilson) lies above it.
#[must_use]
pub(crate) fn is_excessive(failed: u64, judged: u64, allowed: f64) -> bool {
    failed >= FAILURES && wilson(failed, judged).is_some_and(|[low, _]| low > allowed)
}

/// Whether the checks of several series, in order of time, certainly fail more than is allowed. The
/// round with most failures counts as one failed check, unless it is the only one: a hiccup of a
/// network fails half of all checks at once and is over by the next round.
#[must_use]
pub(crate) fn is_pool_excessive(checks: &[JudgedCheck], round: i64, allowed: f64) -> bool {
    // Passes that a timer starts are due a little earlier or later: two passes are no round.
    let span = round / 10 * 9;
    let [first, .., last] = checks else { return false };
    let (failed, judged) = counted(checks);
    let (worst_failed, worst_judged) = counted(worst_within(checks, span));
    if worst_failed == 0 || last.at - first.at <= span {
        return is_excessive(failed, judged, allowed);
    }
    is_excessive(failed - worst_failed + 1, judged - worst_judged + 1, allowed)
}

/// The checks of the span of so many milliseconds that has most failures, up to the last of these.
fn worst_within(checks: &[JudgedCheck], span: i64) -> &[JudgedCheck] {
    let (mut from, mut failed) = (0, 0);
    let (mut worst, mut most) = (&checks[..0], 0);
    for (at, check) in checks.iter().enumerate() {
        failed += u64::from(check.failed);
        while check.at - checks[from].at > span {
            failed -= u64::from(checks[from].failed);
            from += 1;
        }
        if failed > most {
            (worst, most) = (&checks[from..=at], failed);
        }
    }
    worst
}

/// Failed and judged checks.
#[must_use]
pub(crate) fn counted(checks: &[JudgedCheck]) -> (u64, u64) {
    (checks.iter().filter(|check| check.failed).count() as u64, checks.len() as u64)
}

/// The length of a round of several series in milliseconds: the median of their intervals; `None` if none is known.
pub(crate) fn round(intervals: impl Iterator<Item = i64>) -> Option<i64> {
    let mut intervals: Vec<i64> = intervals.collect();
    intervals.sort_unstable();
    intervals.get(intervals.len() / 2).copied()
}

/// The checks of the last 15 minutes, or the last twenty if these are more.
pub(crate) fn recent(checks: &[JudgedCheck], to: UnixMillis) -> &[JudgedCheck] {
    let since = to.saturating_sub(i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX));
    let in_time = checks.partition_point(|check| check.at < since);
    &checks[in_time.min(checks.len().saturating_sub(RECENT_CHECKS))..]
}

/// How far back recent checks reach, in milliseconds, if they are `interval` milliseconds apart.
pub(crate) fn recent_ms(interval: i64) -> i64 {
    let checks = i64::try_from(RECENT_CHECKS).unwrap_or(i64::MAX);
    i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX).max(interval.saturating_mul(checks))
}

/// The recent checks of many series together, without those before a certain recovery.
pub(crate) fn pooled(
    mut checks: Vec<JudgedCheck>,
    to: UnixMillis,
    recovered_by: Option<UnixMillis>,
) -> Vec<JudgedCheck> {
    checks.sort_unstable();
    let recent = recent(&checks, to);
    let since = recovered_by.map_or(0, |by| recent.partition_point(|check| check.at < by));
    recent[since..].to_vec()
}

/// The mean interval between checks in order of time, in milliseconds; `None` if there are fewer than two.
pub(crate) fn mean_interval(checks: &[JudgedCheck]) -> Option<i64> {
    let [first, .., last] = checks else { return None };
    Some((last.at - first.at) / i64::try_from(checks.len() - 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of rounds ten seconds long with a check of each of ten probes per second: the number that fail.
    fn state_of_rounds(failing: &[i64]) -> State {
        let checks: Vec<JudgedCheck> = (0..)
            .zip(failing)
            .flat_map(|(round, failing)| {
                (0..10).map(move |n| JudgedCheck { at: UnixMillis((round * 10 + n) * 1_000), failed: n < *failing })
            })
            .collect();
        judge_pool(&checks, checks.last().map(|check| check.at).unwrap_or_default(), 10_000, ALLOWED)
    }

    #[test]
    fn the_failures_of_one_round_are_one_blip() {
        let with = |first: &[i64]| [first, &[0; 28]].concat();
        for (rounds, expected) in [
            (with(&[10]), State::Up),
            (with(&[5, 1]), State::Up),
            (with(&[0, 10, 10]), State::Degraded),
            (with(&[3, 3, 3]), State::Degraded),
            (vec![10], State::Degraded),
            (vec![6], State::Degraded),
            (vec![0, 10], State::Up),
        ] {
            assert_eq!(state_of_rounds(&rounds), expected, "{rounds:?}");
        }
    }

    #[test]
    fn the_latest_checks_of_a_strip_are_those_of_a_quarter_of_an_hour_and_twenty_at_least() {
        use jiff::Timestamp;

        use crate::window::CheckResult;

        let at = |second: i64| Timestamp::from_second(second).expect("an instant");
        let mut strip = Strip::default();
        for n in 0..100 {
            let verdict = [Verdict::Up, Verdict::Down, Verdict::Unknown][usize::try_from(n % 3).expect("small")];
            strip.push(at(n * 30), CheckResult::new(verdict, None));
        }
        let checks = latest(&strip, 3);
        assert_eq!(checks.len(), 21, "two of three of a quarter of an hour are judged");
        assert!(
            checks.is_sorted() && checks.last().is_some_and(|last| last.at == UnixMillis(99 * 30_000) && !last.failed)
        );
        let mut rare = Strip::default();
        (0..100).for_each(|n| rare.push(at(n * 3_600), CheckResult::new(Verdict::Up, None)));
        rare.join_even();
        assert_eq!((latest(&rare, 3).len(), latest(&rare, 30).len()), (20, 30));
    }

    #[test]
    fn a_surface_is_down_where_nearly_all_probes_are() {
        use State::{Degraded, Down, Unknown, Up};
        for (probes, expected) in [
            (vec![Down], Down),
            (vec![Down, Unknown], Down),
            (vec![Down, Up], Degraded),
            (vec![Degraded, Up], Degraded),
            (vec![Degraded, Degraded], Degraded),
            (vec![Up, Unknown], Up),
            (vec![Unknown], Unknown),
            (vec![], Unknown),
        ] {
            assert_eq!(state_of_probes(&probes), expected, "{probes:?}");
        }
    }

    #[test]
    fn what_nobody_saw_is_not_up() {
        use State::{Degraded, Unknown, Up};
        assert_eq!(worst([Up, Unknown].into_iter()), Unknown);
        assert_eq!(worst([Unknown, Degraded].into_iter()), Degraded);
        assert_eq!(worst([Up, Up].into_iter()), Up);
        assert_eq!(worst(std::iter::empty()), Unknown);
    }

    #[test]
    fn what_was_before_a_certain_recovery_is_not_recent() {
        let checks: Vec<_> = (0..40).map(|at| JudgedCheck { at: UnixMillis(at), failed: at < 10 }).collect();
        assert_eq!(pooled(checks.clone(), UnixMillis(40), Some(UnixMillis(10))).len(), 30);
        assert_eq!(pooled(checks, UnixMillis(40), None).len(), 40);
    }
}
