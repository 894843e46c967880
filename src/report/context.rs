//! All series of a report, analyzed once and indexed by surface, vantage and probe, with what every
//! part of the answer needs: their checks over time, their baselines, and when vantages were
//! offline.

mod series_index;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::series_index::{SeriesIndex, merge_buckets};
pub(crate) use self::series_index::{SurfaceEntry, VantageEntry};
use crate::model::{SafeText, UnixMillis, Verdict};
use crate::report::document::answer::State;
use crate::report::fold::Fold;
use crate::report::fold::evidence::name;
use crate::report::fold::history::DAY_MS;
use crate::report::fold::latency_series::LatencySeries;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::fold::probe_series::Series;
use crate::report::parallel;
use crate::report::series::analysis::{SeriesAnalysis, analyze};
use crate::report::series::baseline::Baseline;
use crate::report::series::check_counts::{CheckCounts, tally};
use crate::report::series::offline::{ControlAnswers, Offline};
use crate::report::series::report_range::ReportRange;
use crate::report::series::slowness::SurfaceLatency;
use crate::report::series::state::StateThresholds;
use crate::report::series::{judgement, state};
use crate::report::time_span::TimeSpan;

/// The highest failed ratio that counts as usual; a higher one is a standing failure.
const USUAL_AT_MOST: f64 = 0.05;

/// A prober repeats its plan each day. If its last plan is older than this before the start of the
/// range, in milliseconds, the prober no longer exists.
pub(crate) const PLAN_EXPIRY_MS: i64 = 2 * DAY_MS;

/// All series of a report, analyzed and indexed.
#[derive(Debug)]
pub(crate) struct ReportContext<'f> {
    pub(crate) fold: &'f Fold,
    pub(crate) range: ReportRange<'f>,
    /// By surface, vantage and probe; control targets last.
    pub(crate) analyses: Vec<SeriesAnalysis<'f>>,
    index: SeriesIndex,
    control_ok: Option<bool>,
    /// Checks per bucket, by latency series.
    buckets: Vec<BTreeMap<UnixMillis, CheckCounts>>,
    offline: BTreeMap<Arc<str>, Arc<Offline>>,
}

impl<'f> ReportContext<'f> {
    /// Analyzes every series of the range.
    pub(crate) fn new(fold: &'f Fold, range: ReportRange<'f>) -> ReportContext<'f> {
        let series = series_in_order(fold);
        let mut offline = offline(&series);
        // Control targets of one shard show nothing about another: each prober has judged for
        // itself.
        offline.retain(|vantage, _| !fold.plans.is_sharded(vantage));
        let planned = fold.plans.planned(range.from - PLAN_EXPIRY_MS, range.from);
        let analyzed = parallel::map(series, |series| {
            let offline = if series.control { None } else { offline.get(&series.vantage) };
            analyze(series, &range, offline, planned.get(&(&*series.vantage, &*series.probe)))
        });
        let mut buckets = vec![BTreeMap::new(); fold.latency_series.len()];
        let mut analyses = Vec::with_capacity(analyzed.len());
        for (analysis, counted) in analyzed {
            merge_buckets(&mut buckets[analysis.series.latency_place], &counted);
            analyses.push(analysis);
        }
        let index = SeriesIndex::of(fold, &analyses, &buckets, range.from);
        let mut context = ReportContext { fold, range, analyses, index, control_ok: None, buckets, offline };
        context.judge_vantages();
        context.control_ok = context.judge_controls();
        context
    }

    /// The surfaces that users see, in order of their names.
    pub(crate) fn surfaces(&self) -> impl ExactSizeIterator<Item = (&SafeText, &SurfaceEntry)> {
        self.index.surfaces.iter()
    }

    /// The surfaces that consist of control targets.
    pub(crate) fn control_surfaces(&self) -> impl ExactSizeIterator<Item = (&SafeText, &SurfaceEntry)> {
        self.index.control_surfaces.iter()
    }

    /// A surface, of control targets or of others; `None` if there is none of that name.
    pub(crate) fn surface(&self, surface: &SafeText, control: bool) -> Option<&SurfaceEntry> {
        if control { &self.index.control_surfaces } else { &self.index.surfaces }.get(surface)
    }

    /// The vantages with data in the range.
    pub(crate) fn vantages(&self) -> impl ExactSizeIterator<Item = (&SafeText, &VantageEntry)> {
        self.index.vantages.iter()
    }

    /// The analyses at these indexes.
    pub(crate) fn at(&self, series: &[usize]) -> Vec<&SeriesAnalysis<'f>> {
        series.iter().map(|at| &self.analyses[*at]).collect()
    }

    /// All analyses except those of control targets.
    pub(crate) fn of_targets(&self) -> impl Iterator<Item = &SeriesAnalysis<'f>> {
        self.analyses.iter().filter(|one| !one.series.control)
    }

    /// The indexes of a surface's series, without control targets.
    pub(crate) fn series_of(&self, surface: &SafeText) -> &[usize] {
        self.index.surfaces.get(surface).map_or(&[], |entry| &entry.series)
    }

    /// Whether a probe of a surface is a control target.
    pub(crate) fn is_control(&self, surface: &SafeText, probe: &SafeText) -> bool {
        self.index.control_surfaces.get(surface).is_some_and(|entry| entry.probes.contains_key(probe))
    }

    /// The latency series with their checks per bucket, by surface and vantage; control targets
    /// last.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (&'f LatencySeries, &BTreeMap<UnixMillis, CheckCounts>)> {
        let mut all: Vec<_> =
            self.fold.latency_series.iter().zip(&self.buckets).filter(|(_, buckets)| !buckets.is_empty()).collect();
        all.sort_by_key(|(series, _)| (series.control, &series.surface, &series.vantage));
        all.into_iter()
    }

    /// The address family of a series, 4 or 6, if it is probed over that one alone.
    pub(crate) fn family_of(&self, series: usize) -> Option<u8> {
        let probe: &str = &self.analyses[series].series.probe;
        self.fold.question.families.get(probe).copied()
    }

    /// Whether a series is probed over HTTP/3; `None` if its host is not probed over both HTTP/3
    /// and TCP.
    pub(crate) fn is_http3(&self, series: usize) -> Option<bool> {
        let probe: &str = &self.analyses[series].series.probe;
        self.fold.question.http3.get(probe).copied()
    }

    /// The up and down checks of a series in a span, in order, rejudged with what is known of its
    /// vantage.
    pub(crate) fn judged(&self, series: usize, span: TimeSpan) -> impl Iterator<Item = LoggedCheck> {
        let one = &self.analyses[series];
        let checks = one.series.checks_in(span).map(move |check| Offline::judged(one.offline(), check));
        checks.filter(|check| matches!(check.verdict, Verdict::Up | Verdict::Down))
    }

    /// Counts the checks of a series in some spans together. The spans are in order and disjoint.
    pub(crate) fn count(&self, series: usize, spans: &[TimeSpan]) -> CheckCounts {
        let one = &self.analyses[series];
        let mut all = CheckCounts::default();
        tally(one.series, one.offline(), spans).iter().for_each(|counts| all.merge(counts));
        all
    }

    /// Counts the checks of several series in some spans together.
    pub(crate) fn count_all<'s>(&self, series: impl IntoIterator<Item = &'s usize>, spans: &[TimeSpan]) -> CheckCounts {
        let mut all = CheckCounts::default();
        series.into_iter().for_each(|at| all.merge(&self.count(*at, spans)));
        all
    }

    /// The baseline of a surface that does not consist of control targets.
    pub(crate) fn usual_of(&self, surface: &SafeText) -> Option<&Baseline> {
        self.index.surfaces.get(surface).map(|entry| &entry.usual)
    }

    /// The latency of a surface, now and before; `None` if there is no such surface.
    pub(crate) fn latency_of<'c>(&'c self, surface: &SafeText) -> Option<SurfaceLatency<'c>> {
        let entry = self.index.surfaces.get(surface)?;
        let past = self.fold.history.past(surface.as_str());
        Some(SurfaceLatency { latency: &entry.latency, usual: &entry.usual, past, step: self.range.step })
    }

    /// The same from one vantage.
    pub(crate) fn place_latency<'c>(&'c self, surface: &SafeText, vantage: &SafeText) -> Option<SurfaceLatency<'c>> {
        let at = *self.index.surfaces.get(surface)?.latency_places.get(vantage)?;
        let latency = &self.fold.latency_series.get(at)?.latency;
        Some(SurfaceLatency { latency, ..self.latency_of(surface)? })
    }

    /// The longest distance between two outages of a surface in one wave, in milliseconds:
    /// `close_after` intervals.
    pub(crate) fn slack(&self, surface: &SafeText) -> i64 {
        let intervals = self.series_of(surface).iter().filter_map(|at| self.analyses[*at].interval());
        intervals.min().unwrap_or_default().saturating_mul(i64::from(self.range.rules.close_after.get()))
    }

    /// Whether a vantage is set aside: at the end of the range it was offline by its control
    /// targets, or none of its latest checks could be judged.
    pub(crate) fn is_set_aside(&self, vantage: &SafeText) -> bool {
        self.index.vantages.get(vantage).is_some_and(|entry| entry.is_set_aside)
    }

    /// Whether a vantage reported anything at the end of the range.
    pub(crate) fn has_recent_data(&self, vantage: &SafeText) -> bool {
        self.index.vantages.get(vantage).is_some_and(|entry| entry.has_recent_data)
    }

    /// The number of vantages that are not set aside and that reported at the end of the range.
    pub(crate) fn vantages_judged(&self) -> usize {
        self.index.vantages.values().filter(|entry| !entry.is_set_aside && entry.has_recent_data).count()
    }

    /// Whether the control targets answer from every vantage that is not set aside. `None` if none
    /// of them has a known state, since an old answer proves nothing about now, or if one does not
    /// answer at a vantage from which most other targets are up. If all vantages are set aside,
    /// this is false if control targets of one do not answer.
    pub(crate) const fn control_ok(&self) -> Option<bool> {
        self.control_ok
    }

    fn judge_controls(&self) -> Option<bool> {
        let is_any_counted = self.index.vantages.values().any(|entry| !entry.is_set_aside);
        let asked = self.index.vantages.values().filter(|entry| !is_any_counted || !entry.is_set_aside);
        let known: Vec<_> = asked.filter(|entry| entry.control.is_some_and(|state| state != State::Unknown)).collect();
        let down: Vec<_> = known.iter().filter(|entry| entry.control == Some(State::Down)).collect();
        let is_unclear = known.is_empty() || is_any_counted && down.iter().any(|entry| self.most_targets_up(entry));
        (!is_unclear).then_some(down.is_empty())
    }

    /// Whether a vantage is certainly online although one of its control targets does not answer:
    /// another one does, or most targets are up from there.
    pub(crate) fn is_certainly_online(&self, vantage: &SafeText) -> bool {
        let is_online = |entry: &VantageEntry| entry.control != Some(State::Down) || self.most_targets_up(entry);
        self.index.vantages.get(vantage).is_some_and(is_online)
    }

    /// Whether most targets were up from a vantage while its control targets failed.
    fn most_targets_up(&self, entry: &VantageEntry) -> bool {
        let begin = |at: &usize| self.analyses[*at].latest(self.streak()).first().map(|check| check.at);
        let Some(failing_since) = entry.control_series.iter().filter_map(begin).min() else { return false };
        let is_good =
            |one: &&&SeriesAnalysis<'_>| one.recent.iter().any(|check| !check.failed && check.at >= failing_since);
        // A probe that no longer runs shows nothing.
        let heard: Vec<_> = entry.series.iter().map(|at| &self.analyses[*at]).filter(|one| !one.silent).collect();
        heard.iter().filter(is_good).count() * 2 > heard.len()
    }

    /// The number of failures in a row that open an outage.
    const fn streak(&self) -> usize {
        self.range.rules.open_after.get() as usize
    }

    /// The state of a surface from a vantage.
    pub(crate) fn place_state(&self, surface: &SafeText, vantage: &SafeText) -> State {
        let state = self.index.surfaces.get(surface).and_then(|entry| entry.place_states.get(vantage));
        state.copied().unwrap_or_default()
    }

    /// The state of a surface: that of its places; if none is failing, degraded if an incident is
    /// open, if recent checks fail more than is allowed, or if answers take far longer than usual.
    pub(crate) fn surface_state(&self, surface: &SafeText) -> State {
        self.index.surfaces.get(surface).map_or(State::Unknown, |entry| entry.state)
    }

    /// The allowed failed ratio: the usual one or what the objective leaves, whichever is higher.
    fn allowed(&self, surface: &SafeText, entry: &SurfaceEntry) -> f64 {
        let usual = entry.usual.at(self.range.to, 1).map(|usual| usual.failed_ratio.min(USUAL_AT_MOST));
        let surfaces = self.fold.question.surfaces.iter();
        let objective = surfaces.filter(|(of, _)| name(of) == *surface).find_map(|(_, asked)| asked.objective.as_ref());
        let left = objective.map(|objective| 1.0 - objective.ratio);
        match (usual, left) {
            (Some(usual), Some(left)) => usual.max(left),
            (Some(share), None) | (None, Some(share)) => share,
            (None, None) => judgement::ALLOWED,
        }
    }

    /// Whether the recent checks of a surface fail more than is allowed, over all vantages that are
    /// not set aside.
    fn exceeds(&self, entry: &SurfaceEntry, standing: &StateThresholds) -> bool {
        let is_live = |one: &&SeriesAnalysis<'f>| !one.silent && !one.cannot_judge && !self.is_set_aside(&one.vantage);
        let live: Vec<_> = entry.series.iter().map(|at| &self.analyses[*at]).filter(is_live).collect();
        state::exceeds(&live, &self.range, standing)
    }

    fn judge_vantages(&mut self) {
        let offline: Vec<SafeText> =
            self.offline.iter().filter(|(_, offline)| offline.is_open()).map(|(vantage, _)| name(vantage)).collect();
        let streak = self.streak();
        let is_answered = |one: &&SeriesAnalysis<'_>| ControlAnswers::of(one.series, one.latest(streak)).answered > 0;
        let mut gone = Vec::new();
        for (vantage, entry) in &mut self.index.vantages {
            let is_offline = offline.contains(vantage);
            let heard: Vec<_> = entry.series.iter().map(|at| &self.analyses[*at]).filter(|one| !one.silent).collect();
            let controls: Vec<_> = entry.control_series.iter().map(|at| &self.analyses[*at]).collect();
            entry.has_recent_data = !heard.is_empty();
            if entry.has_recent_data {
                gone.extend(entry.series.iter().copied().filter(|at| self.analyses[*at].silent));
            }
            entry.is_set_aside = is_offline || (!heard.is_empty() && heard.iter().all(|one| one.cannot_judge));
            entry.control = match state::of_place(&controls, &self.range, &StateThresholds::default()) {
                _ if controls.is_empty() => None,
                _ if is_offline => Some(State::Down),
                // One failing target of several does not show that the vantage is offline, and any
                // answer proves that it is online.
                State::Down if controls.iter().any(is_answered) => Some(State::Degraded),
                state => Some(state),
            };
        }
        // A probe that was removed or renamed is no longer due.
        for at in gone {
            let one = &mut self.analyses[at];
            one.coverage = one.coverage_while_seen;
        }
    }

    /// Judges the surfaces, given their incidents.
    pub(crate) fn judge_surfaces(&mut self, incidents: &BTreeMap<SafeText, SurfaceIncident>) {
        let judged: Vec<(SafeText, BTreeMap<SafeText, State>, State, StateThresholds)> = self
            .index
            .surfaces
            .iter()
            .map(|(surface, entry)| {
                let incident = incidents.get(surface).copied().unwrap_or_default();
                let allowed = self.allowed(surface, entry);
                let standing = StateThresholds { allowed, recovered_by: incident.ended_by };
                let places: BTreeMap<SafeText, State> = entry
                    .places
                    .iter()
                    .map(|(vantage, series)| {
                        let is_judged = !self.is_set_aside(vantage);
                        let state = if is_judged {
                            state::of_place(&self.at(series), &self.range, &standing)
                        } else {
                            State::Unknown
                        };
                        (vantage.clone(), state)
                    })
                    .collect();
                let states: Vec<State> = places.values().copied().collect();
                let is_slow = || self.latency_of(surface)?.slow(self.range.to);
                let state = match state::of_surface(&states) {
                    State::Up if incident.is_open || self.exceeds(entry, &standing) => State::Degraded,
                    State::Up if is_slow().is_some_and(|slow| slow.certain) => State::Degraded,
                    state => state,
                };
                (surface.clone(), places, state, standing)
            })
            .collect();
        for (surface, places, state, standing) in judged {
            if let Some(entry) = self.index.surfaces.get_mut(&surface) {
                (entry.place_states, entry.state, entry.standing) = (places, state, standing);
            }
        }
    }
}

/// The incidents of a surface.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SurfaceIncident {
    pub(crate) is_open: bool,
    /// When the last incident that is over ended; `None` if none is over.
    pub(crate) ended_by: Option<UnixMillis>,
}

/// The series with data in the range, by surface, vantage and probe; control targets last.
fn series_in_order(fold: &Fold) -> Vec<&Series> {
    let mut series: Vec<_> = fold.series.iter().filter(|series| series.is_in_range()).collect();
    series.sort_by(|a, b| {
        let key = |series: &Series| (series.control, Arc::clone(&series.surface), Arc::clone(&series.vantage));
        key(a).cmp(&key(b)).then_with(|| a.probe.cmp(&b.probe))
    });
    series
}

/// When each vantage with control targets was offline.
fn offline(series: &[&Series]) -> BTreeMap<Arc<str>, Arc<Offline>> {
    let mut of_vantage: BTreeMap<Arc<str>, (Vec<&Series>, Vec<&Series>)> = BTreeMap::new();
    for one in series {
        let (controls, targets) = of_vantage.entry(Arc::clone(&one.vantage)).or_default();
        if one.control { controls } else { targets }.push(one);
    }
    of_vantage.retain(|_, (controls, _)| !controls.is_empty());
    let of_each = of_vantage.into_iter();
    of_each.map(|(vantage, (controls, targets))| (vantage, Arc::new(Offline::of(&controls, &targets)))).collect()
}
