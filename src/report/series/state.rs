//! The state at the end of the range: of a surface from one vantage, of a surface, of everything.
//!
//! - From one vantage, a surface is **down** if an incident is open on (nearly) all its probes and
//!   at least half of their checks since it began failed, or each of the last few; **flapping** if
//!   it comes and goes; **degraded** if an incident is open otherwise; **unknown** if the vantage
//!   was offline, could not judge, or has long been silent.
//! - A surface is down if it is down from at least half of the vantages, and from at least two if
//!   there are two.
//! - Without an open incident it is **degraded** if its recent checks fail more than is allowed.
//! - With fewer checks than any rule needs, a series counts as an open incident if all of them
//!   failed.

use crate::model::UnixMillis;
use crate::report::document::answer::State;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::judgement;
use crate::report::series::report_range::ReportRange;

/// The combined state of these series of one vantage.
pub(crate) fn of_place(series: &[&SeriesAnalysis<'_>], range: &ReportRange<'_>, standing: &StateThresholds) -> State {
    let live: Vec<_> = series.iter().copied().filter(|one| !one.is_unknown()).collect();
    if live.is_empty() {
        return State::Unknown;
    }
    let failing: Vec<_> = live.iter().filter(|one| one.detector.is_open() || one.detector.only_failures()).collect();
    if is_flapping(&live) {
        return State::Flapping;
    }
    if failing.is_empty() {
        return if exceeds(&live, range, standing) { State::Degraded } else { State::Up };
    }
    let (failed, judged) =
        failing.iter().map(|one| one.detector.failing()).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let half = failed * 2 >= judged;
    let in_a_row = failing.iter().all(|one| one.detector.failures_in_a_row() >= range.rules.open_after.get());
    let nearly_all = judgement::is_nearly_all(failing.len(), live.len());
    if nearly_all && (half || in_a_row) { State::Down } else { State::Degraded }
}

/// Whether at least half of the series that fail come and go, also of those that fail without an outage of their own:
/// of many that fail at random, a few look as if they came and went.
fn is_flapping(live: &[&SeriesAnalysis<'_>]) -> bool {
    let fails = |one: &&&SeriesAnalysis<'_>| {
        one.detector.is_open() || one.detector.only_failures() || judgement::is_no_blip(&one.recent)
    };
    let flapping = live.iter().filter(|one| one.detector.is_flapping()).count();
    flapping > 0 && flapping * 2 >= live.iter().filter(fails).count()
}

/// Whether the recent checks of these series together fail more than is allowed.
pub(crate) fn exceeds(live: &[&SeriesAnalysis<'_>], range: &ReportRange<'_>, standing: &StateThresholds) -> bool {
    let checks = live.iter().flat_map(|one| one.recent.iter().copied()).collect();
    let recent = judgement::pooled(checks, range.to, standing.recovered_by);
    let round = judgement::round(live.iter().filter_map(|one| one.interval())).unwrap_or_default();
    judgement::is_pool_excessive(&recent, round, standing.allowed)
}

/// What is known of a surface besides its checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateThresholds {
    /// The allowed failed ratio.
    pub(crate) allowed: f64,
    /// When its last incident was certainly over; `None` if it had none.
    pub(crate) recovered_by: Option<UnixMillis>,
}

impl Default for StateThresholds {
    fn default() -> Self {
        StateThresholds { allowed: judgement::ALLOWED, recovered_by: None }
    }
}

/// The state of a surface from its states at the vantages that are not set aside.
pub(crate) fn of_surface(places: &[State]) -> State {
    let judged: Vec<State> = places.iter().copied().filter(|state| *state != State::Unknown).collect();
    let count = |wanted: State| judged.iter().filter(|state| **state == wanted).count();
    let failing = judged.iter().filter(|state| state.is_failing()).count();
    if judged.is_empty() {
        State::Unknown
    } else if failing == 0 {
        State::Up
    } else if reaches_quorum(count(State::Down), judged.len()) {
        State::Down
    } else if count(State::Flapping) * 2 >= failing {
        State::Flapping
    } else {
        State::Degraded
    }
}

/// Whether `count` vantages are at least half of all, and at least two if there are two. Local
/// faults of vantages are independent: two of three rarely fail together by chance.
pub(crate) const fn reaches_quorum(count: usize, of: usize) -> bool {
    let least = if of < 2 { 1 } else { 2 };
    count * 2 >= of && count >= least
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Degraded, Down, Flapping, Unknown, Up};

    #[test]
    fn a_surface_is_down_when_half_of_the_vantages_and_two_say_so() {
        assert_eq!(of_surface(&[Down]), Down);
        assert_eq!(of_surface(&[Down, Up]), Degraded);
        assert_eq!(of_surface(&[Down, Down, Up]), Down);
        assert_eq!(of_surface(&[Down, Up, Up]), Degraded);
        assert_eq!(of_surface(&[Down, Degraded, Up]), Degraded);
        assert_eq!(of_surface(&[Flapping, Flapping, Degraded]), Flapping);
        assert_eq!(of_surface(&[Down, Unknown]), Down);
        assert_eq!(of_surface(&[Unknown, Unknown]), Unknown);
        assert_eq!(of_surface(&[Up, Unknown]), Up);
        assert_eq!(of_surface(&[]), Unknown);
    }
}
