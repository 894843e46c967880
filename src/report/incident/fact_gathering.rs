//! Gathers the facts about a part of an incident: from its checks, their evidence, and what is
//! known of other series.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FailureClass, SafeText, UnixMillis};
use crate::report::context::ReportContext;
use crate::report::fold::evidence::{FailureFact, name};
use crate::report::fold::extra_checks::ExtraChecks;
use crate::report::fold::latency_series::LatencySeries;
use crate::report::incident::signature::incident_facts::{FamilySplit, IncidentFacts};
use crate::report::incident::waves::DetectedWave;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::check_counts::CheckCounts;
use crate::report::statistics::{SIGNIFICANT, fisher};
use crate::report::time_span::TimeSpan;
use crate::window::{RemoteCounts, Remotes};

/// A part of an incident, or all of it.
pub(super) struct IncidentPart {
    /// Its spans, in order.
    pub(super) spans: Vec<TimeSpan>,
    /// Its checks by series.
    pub(super) counts: BTreeMap<usize, CheckCounts>,
    /// The series that fail in it.
    pub(super) failing: BTreeSet<usize>,
    pub(super) flapping: bool,
}

impl IncidentPart {
    /// For each span the first bucket and the last instant, so that evidence counted by bucket is
    /// taken once.
    fn by_bucket(&self, step: i64) -> Vec<TimeSpan> {
        let mut free = UnixMillis::MIN;
        let spans = self.spans.iter().map(|span| {
            let first = span.first.floor(step).max(free);
            free = span.last.floor(step).saturating_add(step);
            TimeSpan { first, ..*span }
        });
        spans.filter(|span| !span.is_empty()).collect()
    }
}

/// Gathers the facts of one incident.
pub(super) struct FactGatherer<'g, 'f> {
    pub(super) context: &'g ReportContext<'f>,
    pub(super) incident: &'g [DetectedWave],
    pub(super) surfaces: &'g BTreeSet<SafeText>,
    /// Series of other incidents at the same time: vantage, surface and probe.
    pub(super) others: &'g BTreeSet<(&'g SafeText, &'g SafeText, &'g SafeText)>,
    pub(super) worse_surface: bool,
}

/// The facts that are the same for every part of an incident.
#[derive(Clone, Copy, Debug)]
pub(super) struct SteadyFacts {
    /// The number of probes of its surfaces.
    probes: usize,
    families_used: Option<bool>,
    control_on_cdn_fails: Option<bool>,
    slow_tail: Option<bool>,
    slow_before: Option<bool>,
}

impl FactGatherer<'_, '_> {
    /// The facts that are the same for every part of the incident.
    pub(super) fn steady(&self) -> SteadyFacts {
        let series = self.surfaces.iter().flat_map(|surface| self.context.series_of(surface));
        let probes: BTreeSet<&SafeText> = series.map(|at| &self.context.analyses[*at].probe).collect();
        SteadyFacts {
            probes: probes.len(),
            families_used: families_used(&self.remotes_of_range()),
            control_on_cdn_fails: self.control_on_cdn_fails(),
            slow_tail: self.slow_tail(),
            slow_before: self.slow_before(),
        }
    }

    /// The facts of a part of the incident.
    pub(super) fn facts(&self, part: &IncidentPart, steady: &SteadyFacts) -> IncidentFacts {
        let context = self.context;
        let mut all = CheckCounts::default();
        part.counts.values().for_each(|of_series| all.merge(of_series));
        let failing = |what: for<'x> fn(&'x SeriesAnalysis<'_>) -> &'x SafeText| -> BTreeSet<&SafeText> {
            part.failing.iter().map(|series| what(&context.analyses[*series])).collect()
        };
        let (vantages_failing, probes_failing) = (failing(|one| &one.vantage).len(), failing(|one| &one.probe).len());
        let remotes = self.remotes(part);
        let surfaces: Vec<SafeText> = self.surfaces.iter().cloned().collect();
        let mut facts: BTreeMap<FailureFact, u64> = BTreeMap::new();
        let mut extra = ExtraChecks::default();
        for span in part.by_bucket(context.range.evidence_step) {
            for (fact, n) in context.fold.evidence.facts(span) {
                if self.is_mine(fact) && !fact.class.is_ours() {
                    *facts.entry(fact.clone()).or_default() += n;
                }
            }
            extra.merge(&context.fold.evidence.extra(span, &surfaces));
        }
        let ours = |(class, n): (&FailureClass, &u64)| (!class.is_ours()).then_some((*class, *n));
        IncidentFacts {
            codes: all.codes.clone(),
            classes: all.classes.iter().filter_map(ours).collect(),
            facts,
            judged: all.judged,
            vantages_failing,
            vantages_judged: context.vantages_judged().max(vantages_failing),
            probes_failing,
            probes: steady.probes,
            surfaces_failing: self.surfaces.len(),
            surfaces: context.surfaces().len(),
            waves: self.incident.len(),
            flapping: part.flapping,
            control_ok: context.control_ok(),
            control_on_cdn_fails: steady.control_on_cdn_fails,
            worse_surface: Some(self.worse_surface && self.surfaces.len() < context.surfaces().len().max(2)),
            slow_tail: steady.slow_tail,
            family_split: self.family_split(part, &remotes, steady.families_used == Some(true)),
            http3_split: self.http3_split(part),
            address_split: address_split(&remotes),
            families_used: steady.families_used,
            slow_before: steady.slow_before,
            extra,
        }
    }

    /// Whether a failure belongs to this incident: it is of one of its surfaces, and not of a
    /// series of another incident.
    fn is_mine(&self, fact: &FailureFact) -> bool {
        self.surfaces.contains(&fact.surface) && !self.others.contains(&(&fact.vantage, &fact.surface, &fact.probe))
    }

    /// Whether a control target behind the CDN of this incident fails at the same time; `None` if
    /// no control target is known to be behind it.
    fn control_on_cdn_fails(&self) -> Option<bool> {
        let context = self.context;
        let first = self.incident.first().map(|wave| wave.start.by.floor(context.range.evidence_step))?;
        let last = self.incident.last().map(|wave| wave.last().min(context.range.to))?;
        let span = TimeSpan { first, last };
        let mine: BTreeSet<_> = context
            .fold
            .evidence
            .facts(span)
            .filter(|(fact, _)| self.is_mine(fact))
            .filter_map(|(fact, _)| fact.cdn)
            .collect();
        if mine.is_empty() {
            return None;
        }
        // Only failures show their CDN: a control target that never failed may be behind any.
        let signed = |(fact, _): &(&FailureFact, u64)| {
            context.is_control(&fact.surface, &fact.probe) && fact.cdn.is_some_and(|edge| mine.contains(&edge))
        };
        let fails = context.fold.evidence.facts(span).any(|fact| signed(&fact));
        let is_known = fails || context.fold.evidence.facts(TimeSpan::ALWAYS).any(|fact| signed(&fact));
        is_known.then_some(fails)
    }

    /// Whether, at the end of the incident, the slowest answers are slower than usual while the
    /// median is not; `None` without a baseline.
    fn slow_tail(&self) -> Option<bool> {
        let to = self.incident.last()?.last().min(self.context.range.to);
        let tails = self.surfaces.iter().filter_map(|surface| self.context.latency_of(surface)?.has_slow_tail(to));
        tails.reduce(|one, other| one || other)
    }

    /// Whether checks over one address family fail and those over the other do not: compares probes
    /// that use one family alone, or else the addresses that were reached. `None` if there are no
    /// checks over both.
    fn family_split(&self, part: &IncidentPart, remotes: &Remotes, both_used: bool) -> Option<FamilySplit> {
        let of = |family: u8| {
            let counts = part.counts.iter().filter(|(series, _)| self.context.family_of(**series) == Some(family));
            counts.fold((0, 0), |sum, (_, of_series)| (sum.0 + of_series.failed, sum.1 + of_series.judged))
        };
        let (four, six) = (of(4), of(6));
        let fails = |four: bool, six: bool| match (four, six) {
            (true, _) => FamilySplit::OneFails(4),
            (_, true) => FamilySplit::OneFails(6),
            _ => FamilySplit::Alike,
        };
        if four.1 > 0 && six.1 > 0 {
            return Some(fails(is_split(four, six), is_split(six, four)));
        }
        let [v4, v6] = [remotes.of_family(false), remotes.of_family(true)];
        let (down, judged) = (v4.down + v6.down, v4.judged() + v6.judged());
        // A family that never answered was no different before.
        (both_used && v4.judged() > 0 && v6.judged() > 0)
            .then(|| fails(stands_out(v4, down, judged), stands_out(v6, down, judged)))
    }

    /// Whether HTTP/3 fails while the same hosts answer over TCP; `None` if they are not probed
    /// over both.
    fn http3_split(&self, part: &IncidentPart) -> Option<bool> {
        let of = |http3: bool| {
            let counts = part.counts.iter().filter(|(series, _)| self.context.is_http3(**series) == Some(http3));
            counts.fold((0, 0), |sum, (_, of_series)| (sum.0 + of_series.failed, sum.1 + of_series.judged))
        };
        let (quic, tcp) = (of(true), of(false));
        (quic.1 > 0 && tcp.1 > 0).then(|| is_split(quic, tcp))
    }

    /// Checks by remote address, of the incident's surfaces in this part. If other series of the
    /// surfaces fail for another reason, or if windows are longer than the part: those of the
    /// incident's own series in the whole range.
    fn remotes(&self, part: &IncidentPart) -> Remotes {
        let mut remotes = Remotes::default();
        let is_mine = |one: &&LatencySeries| !one.control && self.surfaces.contains(&name(&one.surface));
        if self.others.is_empty() {
            let spans = part.by_bucket(self.context.range.step);
            for series in self.context.fold.latency_series.iter().filter(is_mine) {
                for span in &spans {
                    series.remotes.range(span.first..=span.last).for_each(|(_, found)| remotes.merge(found));
                }
            }
        }
        if remotes.is_empty() {
            part.counts.keys().for_each(|at| remotes.merge(&self.context.analyses[*at].series.remotes));
        }
        remotes
    }

    /// Checks by remote address, of the incident's surfaces in the whole range.
    fn remotes_of_range(&self) -> Remotes {
        let mut remotes = Remotes::default();
        let series = self.surfaces.iter().flat_map(|surface| self.context.series_of(surface));
        series.for_each(|at| remotes.merge(&self.context.analyses[*at].series.remotes));
        remotes
    }

    /// Whether the latest answers before the incident were far slower than usual; `None` without a
    /// baseline or enough answers.
    fn slow_before(&self) -> Option<bool> {
        let start = self.incident.first()?.start;
        let before = start.after.unwrap_or(start.by);
        let slow: Vec<bool> = self
            .surfaces
            .iter()
            .filter_map(|surface| self.context.latency_of(surface)?.slow(before))
            .map(|slow| slow.certain)
            .collect();
        (!slow.is_empty()).then(|| slow.contains(&true))
    }
}

/// Whether nearly all failures are at one of several addresses, and more than chance explains;
/// `None` if there are no counts for several addresses.
fn address_split(remotes: &Remotes) -> Option<bool> {
    let apart: Vec<RemoteCounts> = remotes.apart().map(|(_, counts)| counts).collect();
    let worst = apart.iter().max_by_key(|counts| counts.down)?;
    let (down, judged) = apart.iter().fold((0, 0), |sum, one| (sum.0 + one.down, sum.1 + one.judged()));
    (apart.len() > 1).then(|| stands_out(*worst, down, judged))
}

/// Whether addresses of both families answered; `None` if checks are not counted by address.
fn families_used(remotes: &Remotes) -> Option<bool> {
    (!remotes.is_empty()).then(|| remotes.of_family(false).up > 0 && remotes.of_family(true).up > 0)
}

/// Whether at least half of the first checks and at most a tenth of the others fail, which chance
/// does not explain. Each pair is failed and judged checks.
fn is_split((failed, judged): (u64, u64), (others, of): (u64, u64)) -> bool {
    failed * 2 >= judged && others * 10 <= of && fisher(failed, judged, others, of) <= SIGNIFICANT
}

/// Whether at least nine tenths of all failures are in this part of the checks, and more than
/// chance explains.
fn stands_out(part: RemoteCounts, down: u64, judged: u64) -> bool {
    let (others_down, others) = (down.saturating_sub(part.down), judged.saturating_sub(part.judged()));
    let is_most = part.down * 10 >= down * 9 && part.down > 0 && others > 0;
    is_most && fisher(part.down, part.judged(), others_down, others) <= SIGNIFICANT
}
