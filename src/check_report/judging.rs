//! The verdicts of a run. One pass is strict: a check that was down is down. Several passes are
//! judged as in a report: states "down" and "degraded" are down, and an isolated failure is up.

use std::collections::BTreeMap;

use crate::model::{Counts, IncidentRules, Surfaces, Verdict};
use crate::report::State;
use crate::report::judgement;
use crate::report::judgement::JudgedCheck;
use crate::report::single_series;
use crate::window::Window;

/// The rules for judging a run: when an incident opens, and by surface, the share of failures that
/// its objective allows.
#[derive(Clone, Debug, Default)]
pub(super) struct JudgingRules {
    rules: IncidentRules,
    allowed: BTreeMap<String, f64>,
}

/// The states of the probes of a run, in the order of their windows, and of their surfaces.
#[derive(Clone, Debug)]
pub(super) struct RunStates {
    pub(super) probes: Vec<State>,
    pub(super) surfaces: BTreeMap<(bool, String), State>,
}

/// The latest checks of a surface's probes together, and the interval of each probe in milliseconds.
#[derive(Default)]
struct Pool {
    checks: Vec<JudgedCheck>,
    intervals: Vec<i64>,
}

impl Pool {
    /// Adds the checks of one probe, in order of time.
    fn add(&mut self, checks: &[JudgedCheck]) {
        self.intervals.extend(judgement::mean_interval(checks));
        self.checks.extend(checks);
    }

    fn state(mut self, allowed: f64) -> State {
        self.checks.sort_unstable();
        let to = self.checks.last().map(|check| check.at).unwrap_or_default();
        let round = judgement::round(self.intervals.into_iter()).unwrap_or_default();
        judgement::judge_pool(&self.checks, to, round, allowed)
    }
}

impl JudgingRules {
    pub(super) fn new(rules: IncidentRules, surfaces: &Surfaces) -> JudgingRules {
        let left = |objective: &crate::model::Objective| 1.0 - objective.ratio;
        let allowed =
            surfaces.iter().filter_map(|(name, surface)| Some((name.clone(), left(surface.objective.as_ref()?))));
        JudgingRules { rules, allowed: allowed.collect() }
    }

    fn allowed(&self, surface: &str) -> f64 {
        self.allowed.get(surface).copied().unwrap_or(judgement::ALLOWED)
    }

    /// The states of the probes of these windows, one per window, and of their surfaces.
    pub(super) fn states(&self, windows: &[&Window]) -> RunStates {
        let open_after = self.rules.open_after.get();
        let is_one_pass = windows.iter().all(|window| window.counts.judged() <= 1);
        let mut probes = Vec::new();
        let mut pools: BTreeMap<(bool, String), Pool> = BTreeMap::new();
        for window in windows {
            let checks = judgement::latest(&window.strip, open_after);
            probes.push(single_series::judge(&checks, &self.rules, self.allowed(&window.surface)));
            let pool = pools.entry((window.control, window.surface.to_string())).or_default();
            pool.add(&checks);
        }
        let mut surfaces = BTreeMap::new();
        for (key, pool) in pools {
            let is_of = |window: &Window| window.control == key.0 && *window.surface == *key.1;
            let of_pool = pool.state(self.allowed(&key.1));
            let is_failing = windows.iter().zip(&probes).any(|(window, state)| is_of(window) && state.is_failing());
            if of_pool == State::Degraded && !is_failing {
                // No probe is degraded by itself, so every probe with a failure shares the state.
                let failed =
                    |window: &Window| judgement::latest(&window.strip, open_after).iter().any(|one| one.failed);
                let of_surface = windows.iter().zip(&mut probes).filter(|(window, _)| is_of(window) && failed(window));
                of_surface.for_each(|(_, state)| *state = State::Degraded);
            }
            let states: Vec<State> =
                windows.iter().zip(&probes).filter(|(window, _)| is_of(window)).map(|(_, state)| *state).collect();
            // One pass is strict: a failing state counts as down.
            let state = judgement::state_of_probes(&states);
            surfaces.insert(key, if is_one_pass && state.is_failing() { State::Down } else { state });
        }
        RunStates { probes, surfaces }
    }
}

/// The verdict on checks whose state is known: isolated failures count as up, and checks that could
/// not be judged as unknown.
pub(super) fn verdict(counts: &Counts, state: State) -> Verdict {
    if state.is_failing() { Verdict::Down } else { Counts { down: 0, ..*counts }.verdict() }
}
