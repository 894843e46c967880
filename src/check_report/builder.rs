//! Builds a [`CheckReport`] during a run, from outcomes and their windows as they arrive: the same
//! windows that the journal keeps, added up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::check_report::condition::{Condition, Violation};
use crate::check_report::document::{CheckReport, ProbeSummary, SCHEMA, SurfaceSummary};
use crate::check_report::judging;
use crate::check_report::judging::JudgingRules;
use crate::check_report::regression;
use crate::check_report::regression::Regression;
use crate::check_report::retained::Retained;
use crate::check_report::summaries;
use crate::model::{Counts, IncidentRules, Mismatch, Outcome, Probe, SafeText, Shard, Surfaces, Verdict};
use crate::report::document::sample_bound::SampleBound;
use crate::report::{State, judgement};
use crate::window::Window;

/// A strip with more runs than this is thinned: a summary needs the changes, not every instant.
const STRIP_LIMIT: usize = 4_096;

/// The most unmet warnings that are kept per probe, each of a different rule.
const WARNINGS: usize = 20;

/// The verdicts on a run, and the figures behind them.
struct Judgement {
    verdict: Verdict,
    state: State,
    counts: Counts,
    controls: Counts,
    surfaces: Vec<SurfaceSummary>,
    /// In the order of the probes.
    probes: Vec<(Verdict, State)>,
}

/// A [`CheckReport`] under construction.
#[derive(Debug)]
pub struct CheckReportBuilder {
    vantage: Arc<str>,
    shard: Option<Shard>,
    started_at: Timestamp,
    probes: Vec<(Arc<Probe>, Window)>,
    /// The index of each probe in `probes`.
    places: BTreeMap<String, usize>,
    retained: Retained,
    /// The checks of targets that were due in maintenance.
    maintenance: Counts,
    /// Windows without the checks in maintenance, by index, for the probes that had such checks.
    /// Conditions and comparisons use these.
    without_maintenance: BTreeMap<usize, Window>,
    /// By probe: the expectations of `warn` that were not met.
    unmet_warnings: BTreeMap<String, Vec<Mismatch>>,
    conditions: Option<Vec<Condition>>,
    judging: JudgingRules,
    /// The recorded checks of each probe, to compare with; `None` without `--baseline`.
    recorded: Option<BTreeMap<Arc<str>, Window>>,
}

impl CheckReportBuilder {
    /// A report on these probes, from an instant on. A probe without any outcome is in the report
    /// too.
    #[must_use]
    pub fn new(vantage: &str, probes: &[Arc<Probe>], started_at: Timestamp) -> CheckReportBuilder {
        let mut fold = CheckReportBuilder {
            started_at,
            places: BTreeMap::new(),
            probes: Vec::new(),
            retained: Retained::default(),
            maintenance: Counts::default(),
            without_maintenance: BTreeMap::new(),
            unmet_warnings: BTreeMap::new(),
            conditions: None,
            judging: JudgingRules::default(),
            recorded: None,
            vantage: vantage.into(),
            shard: None,
        };
        fold.set_probes(probes);
        fold
    }

    /// Drops good outcomes once the run is long, for runs without an end.
    #[must_use]
    pub(crate) fn of_watch(self) -> CheckReportBuilder {
        CheckReportBuilder { retained: Retained::forgetting_good(), ..self }
    }

    /// Sets which shard of the vantage's probes is checked.
    #[must_use]
    pub(crate) const fn of_shard(mut self, shard: Option<Shard>) -> CheckReportBuilder {
        self.shard = shard;
        self
    }

    /// Judges the run by these conditions, if there are any.
    #[must_use]
    pub(crate) fn judged_by(mut self, conditions: Vec<Condition>) -> CheckReportBuilder {
        self.conditions = (!conditions.is_empty()).then_some(conditions);
        self
    }

    /// Judges several passes by these incident rules, and by the failures that the objectives of
    /// these surfaces allow.
    #[must_use]
    pub(crate) fn judged_with(mut self, rules: IncidentRules, surfaces: &Surfaces) -> CheckReportBuilder {
        self.judging = JudgingRules::new(rules, surfaces);
        self
    }

    /// Compares the run with these windows of earlier runs.
    #[must_use]
    pub(crate) fn compared_with(mut self, windows: impl IntoIterator<Item = Window>) -> CheckReportBuilder {
        let recorded = self.recorded.get_or_insert_default();
        for window in windows.into_iter().filter(|window| !window.maintenance) {
            match recorded.get_mut(&window.probe) {
                Some(sum) => sum.merge(&window),
                None => drop(recorded.insert(Arc::clone(&window.probe), window)),
            }
        }
        self
    }

    /// Adds probes; those of earlier calls stay in the report.
    pub fn set_probes(&mut self, probes: &[Arc<Probe>]) {
        let new = probes.iter().filter(|probe| !self.places.contains_key(&probe.name)).count();
        self.probes.reserve_exact(new);
        for probe in probes {
            if let Some(known) = self.places.get(&probe.name) {
                self.probes[*known].0 = Arc::clone(probe);
                continue;
            }
            let (name, surface) = (probe.name.as_str().into(), probe.surface.as_str().into());
            let window = Window::empty(&self.vantage, &name, &surface, probe.control);
            self.places.insert(probe.name.clone(), self.probes.len());
            self.probes.push((Arc::clone(probe), window));
        }
    }

    /// Adds an outcome. Its window is added separately.
    pub fn outcome(&mut self, outcome: Arc<Outcome>) {
        if outcome.maintenance && !outcome.control {
            self.maintenance.add(outcome.verdict, 1);
        }
        if !outcome.warnings.is_empty() && outcome.verdict == Verdict::Up {
            let unmet = self.unmet_warnings.entry(outcome.probe.clone()).or_default();
            for warning in &outcome.warnings {
                let known = unmet.iter().position(|known| known.is_of_same_rule(warning));
                match known {
                    Some(known) => unmet[known].clone_from(warning),
                    None if unmet.len() < WARNINGS => unmet.push(warning.clone()),
                    None => {}
                }
            }
        }
        self.retained.add(outcome);
    }

    /// Adds a window to those of its probe. A window of an unknown probe is ignored.
    pub fn window(&mut self, window: &Window) {
        if let Some(place) = self.places.get(&*window.probe) {
            let sum = &mut self.probes[*place].1;
            if window.maintenance {
                self.without_maintenance.entry(*place).or_insert_with(|| sum.clone());
            } else if let Some(judged) = self.without_maintenance.get_mut(place) {
                add(judged, window);
            }
            add(sum, window);
        }
    }

    /// Whether there are any probes except control targets.
    #[must_use]
    pub(crate) fn has_targets(&self) -> bool {
        self.probes.iter().any(|(probe, _)| !probe.control)
    }

    /// The verdict on the run so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.judge().verdict
    }

    /// The windows of each probe without the checks in maintenance.
    fn judged(&self) -> Vec<&Window> {
        self.probes
            .iter()
            .enumerate()
            .map(|(place, (_, all))| self.without_maintenance.get(&place).unwrap_or(all))
            .collect()
    }

    fn judge(&self) -> Judgement {
        let judged = self.judged();
        let states = self.judging.states(&judged);
        let summaries = self.probes.iter().zip(&judged).zip(&states.probes);
        let verdicts: Vec<Verdict> =
            summaries.map(|(((_, window), judged), state)| verdict_of(&window.counts, judged, *state)).collect();
        let surfaces = summaries::surfaces(&self.probes, &verdicts, &states);
        let (counts, controls) = (summaries::counted(&surfaces, false), summaries::counted(&surfaces, true));
        let only_controls = counts.scheduled() == 0;
        let asked = surfaces.iter().filter(|surface| only_controls || !surface.control);
        let state = judgement::worst(asked.map(|surface| surface.state));
        let judged = if only_controls { controls } else { counts };
        let verdict = if self.maintenance == Counts::default() {
            judging::verdict(&judged, state)
        } else {
            verdict_beside(&judged, &self.maintenance, state)
        };
        Judgement {
            verdict,
            state,
            counts,
            controls,
            surfaces,
            probes: verdicts.into_iter().zip(states.probes).collect(),
        }
    }

    /// The document, `elapsed` after the start. Call it after all windows were added.
    #[must_use]
    pub fn finish(self, elapsed: Duration, warnings: &[String]) -> CheckReport {
        let Judgement { verdict, state, counts, controls, surfaces, probes: of_probes } = self.judge();
        let judged = self.judged();
        let violations = self.conditions.as_ref().map(|conditions| violations(conditions, &judged));
        let regressions = self.recorded.as_ref().map(|recorded| regressions(recorded, &judged));
        let is_of_availability = |conditions: &Vec<Condition>| conditions.iter().any(Condition::is_of_availability);
        let availability_judged = !self.conditions.as_ref().is_some_and(is_of_availability);
        let mut unmet_warnings = self.unmet_warnings;
        let probes: Vec<ProbeSummary> = self
            .probes
            .into_iter()
            .zip(of_probes)
            .map(|((probe, window), (verdict, state))| {
                let unmet_warnings = unmet_warnings.remove(&probe.name).unwrap_or_default();
                ProbeSummary { verdict, state, ..summaries::probe_of(&probe, window, unmet_warnings) }
            })
            .collect();
        let (outcomes, outcomes_left_out) = self.retained.finish();
        CheckReport {
            schema: SCHEMA,
            verdict,
            state,
            maintenance: self.maintenance,
            counts,
            controls,
            vantage: self.vantage.to_string(),
            shard: self.shard,
            started_at: self.started_at,
            elapsed,
            surfaces,
            probes,
            proof: SampleBound::new(counts.judged(), counts.down),
            outcomes,
            outcomes_left_out,
            availability_judged,
            violations,
            regressions,
            warnings: warnings.iter().map(|warning| SafeText::message(warning)).collect(),
        }
    }
}

/// Adds a window to a sum, and keeps the sum's strip short.
fn add(sum: &mut Window, window: &Window) {
    sum.merge(window);
    if sum.strip.runs().len() > STRIP_LIMIT {
        sum.strip.thin();
    }
}

/// The verdict without the checks that were due in maintenance: a target that is down then is down
/// as announced.
fn verdict_beside(all: &Counts, maintenance: &Counts, state: State) -> Verdict {
    let rest = Counts {
        up: all.up - maintenance.up.min(all.up),
        down: all.down - maintenance.down.min(all.down),
        unknown: all.unknown - maintenance.unknown.min(all.unknown),
        missed: all.missed - maintenance.missed.min(all.missed),
    };
    if rest.scheduled() == 0 { Verdict::Up } else { judging::verdict(&rest, state) }
}

/// The verdict on a probe. If all its checks were due in maintenance, they are judged by their
/// counts.
fn verdict_of(counts: &Counts, judged: &Window, state: State) -> Verdict {
    if judged.counts.scheduled() == 0 { counts.verdict() } else { judging::verdict(counts, state) }
}

/// The conditions that probes meet, in the order of the probes. Control targets are ignored.
fn violations(conditions: &[Condition], probes: &[&Window]) -> Vec<Violation> {
    let windows = probes.iter().filter(|window| !window.control);
    windows.flat_map(|window| conditions.iter().filter_map(|condition| condition.judge(window))).collect()
}

/// How each probe compares with its recorded checks.
fn regressions(recorded: &BTreeMap<Arc<str>, Window>, probes: &[&Window]) -> Vec<Regression> {
    let windows = probes.iter().filter(|window| !window.control);
    windows.map(|window| regression::compare(window, recorded.get(&window.probe))).collect()
}
