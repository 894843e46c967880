//! An incident described: what is counted in its waves, and what its evidence reads as.

use crate::report::fold::evidence::FailureFact;
use crate::report::fold::extra_checks::ExtraChecks;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FailureClass, SafeText, timestamp};
use crate::report::context::ReportContext;
use crate::report::document::bracket::instant;
use crate::report::document::incident::{DurationRange, Incident, Peak, SurfaceImpact, SurfaceSpan, Wave};
use crate::report::fold::bucket;
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::incident::main_failure::main_failure;
use crate::report::incident::signature;
use crate::report::incident::signature::incident_facts::IncidentFacts;
use crate::report::incident::waves::{DetectedWave, WaveMember};
use crate::report::parallel;
use crate::report::series::analysis::{Cell, tally};
use crate::report::series::outage::Transition;
use crate::report::statistics::{SIGNIFICANT, fisher, number, ratio, rounded};
use crate::window::{RemoteCounts, Remotes};

/// Counts the incidents and reads their signatures.
pub(crate) fn describe(context: &ReportContext<'_>, found: &DetectedIncidents, worse_surface: bool) -> Vec<Incident> {
    let surfaces: Vec<BTreeSet<SafeText>> =
        found.incidents.iter().map(|incident| surfaces_of(context, incident)).collect();
    let cells = count(context, found, &surfaces);
    let numbered = found.incidents.iter().enumerate();
    numbered
        .map(|(at, incident)| {
            let others = found.others(at).into_iter().map(|series| &context.analyses[series]);
            let others = others.map(|one| (&one.vantage, &one.surface, &one.probe)).collect();
            Description { context, incident, surfaces: &surfaces[at], cells: &cells[at], others, worse_surface }.make()
        })
        .collect()
}

fn surfaces_of(context: &ReportContext<'_>, incident: &[DetectedWave]) -> BTreeSet<SafeText> {
    incident
        .iter()
        .flat_map(|wave| &wave.members)
        .map(|member| context.analyses[member.series].surface.clone())
        .collect()
}

/// An incident flaps when one in so many of its checks was made while its probe came and went.
const FLAPPING: u64 = 4;

/// For each incident and wave: its checks by series.
type Counted = Vec<Vec<BTreeMap<usize, Cell>>>;

/// Counts the checks in every wave of every incident: those of its surfaces' series, without the series
/// that fail at the same time for a reason of their own.
fn count(context: &ReportContext<'_>, found: &DetectedIncidents, surfaces: &[BTreeSet<SafeText>]) -> Counted {
    let mut counted: Counted = found.incidents.iter().map(|waves| vec![BTreeMap::new(); waves.len()]).collect();
    let others: Vec<BTreeSet<usize>> = (0..found.incidents.len()).map(|at| found.others(at)).collect();
    let of_surface = |at: usize| surfaces[at].iter().flat_map(|surface| context.series_of(surface)).copied();
    let wanted = (0..found.incidents.len()).flat_map(|at| {
        of_surface(at).filter(|series| !others[at].contains(series)).map(move |series| (at, series)).collect::<Vec<_>>()
    });
    let cells = parallel::map(wanted.collect(), |(at, series)| {
        let spans: Vec<(i64, i64)> =
            found.incidents[at].iter().map(|wave| (wave.start.by, wave.last().min(context.range.to))).collect();
        let one = &context.analyses[series];
        (at, series, tally(one.series, context.offline_of(&one.series.vantage), &spans))
    });
    for (at, series, cells) in cells {
        for (wave, cell) in cells.into_iter().enumerate() {
            counted[at][wave].insert(series, cell);
        }
    }
    counted
}

/// One incident and what is needed to describe it.
struct Description<'d, 'f> {
    context: &'d ReportContext<'f>,
    incident: &'d [DetectedWave],
    surfaces: &'d BTreeSet<SafeText>,
    cells: &'d [BTreeMap<usize, Cell>],
    /// Series of other incidents at the same time: vantage, surface and probe.
    others: BTreeSet<(&'d SafeText, &'d SafeText, &'d SafeText)>,
    worse_surface: bool,
}

impl Description<'_, '_> {
    fn make(&self) -> Incident {
        let members = || self.incident.iter().flat_map(|wave| &wave.members);
        let of = |what: for<'x> fn(&'x crate::report::series::analysis::SeriesAnalysis<'_>) -> &'x SafeText| -> BTreeSet<SafeText> {
            members().map(|member| what(&self.context.analyses[member.series]).clone()).collect()
        };
        let (vantages, probes) = (of(|one| &one.vantage), of(|one| &one.probe));
        let opened = members().min_by_key(|member| member.outage.detected_at).map(|member| member.outage);
        let all = self.all();
        let start =
            self.incident.first().map_or(Transition { after: None, by: self.context.range.from }, |wave| wave.start);
        let ends = self.incident.iter().map(|wave| wave.end);
        let end = ends.reduce(|one, other| if one?.by >= other?.by { one } else { other }).flatten();
        let last_seen = self.last_seen(end);
        let flap_percent = members().map(|member| member.outage.flap_percent).fold(0.0, f64::max);
        let flapped: u64 = members().map(|member| member.outage.flapped).sum();
        let flapping = flapped > 0 && flapped * FLAPPING >= all.judged;
        let facts = self.facts(&all, vantages.len(), probes.len(), flapping);
        Incident {
            id: self.id(start),
            surfaces: self.surfaces.iter().cloned().collect(),
            surface_spans: self.surfaces.iter().map(|surface| self.surface_span(surface, start, end)).collect(),
            vantages: vantages.into_iter().collect(),
            probes: probes.into_iter().collect(),
            start: start.bracket(),
            end: end.map(Transition::bracket),
            last_seen: last_seen.map(instant),
            detected_at: instant(opened.map_or(start.by, |outage| outage.detected_at)),
            rule: opened.map(|outage| outage.opened_by(self.context.range.rules)).unwrap_or_default(),
            duration_s: duration(start, end, last_seen.unwrap_or(self.context.range.to)),
            waves: self.incident.iter().zip(self.cells).map(|(wave, cells)| self.wave(wave, cells)).collect(),
            impact_minutes: self.impact(),
            actual_failures: all.failed,
            judged: all.judged,
            maintenance: self.maintenance(start, end),
            expected_failures: self.expected(),
            kind: main_failure(&all.classes, &all.codes, &facts.facts),
            flap_percent: (flap_percent * 10.0).round() / 10.0,
            flapping,
            attribution: "undetermined",
            signature: signature::read(&facts),
        }
    }

    /// When a surface failed. What has no end of its own ends with the incident.
    fn surface_span(&self, surface: &SafeText, start: Transition, end: Option<Transition>) -> SurfaceSpan {
        let members = self.incident.iter().flat_map(|wave| &wave.members);
        let outages: Vec<_> = members
            .filter(|member| self.context.analyses[member.series].surface == *surface)
            .map(|member| member.outage)
            .collect();
        let first = outages.iter().map(|outage| outage.start).min_by_key(|start| start.by);
        let ends = outages.iter().map(|outage| outage.end.or(end));
        let last = ends.reduce(|one, other| if one?.by >= other?.by { one } else { other }).flatten();
        SurfaceSpan {
            surface: surface.clone(),
            start: first.unwrap_or(start).bracket(),
            end: end.and(last).map(Transition::bracket),
        }
    }

    /// The last check of its series, where it has no end and all that still failed fell silent.
    fn last_seen(&self, end: Option<Transition>) -> Option<i64> {
        let members = self.incident.iter().flat_map(|wave| &wave.members);
        let open: Vec<_> = members.filter(|member| member.outage.end.is_none()).collect();
        let series = |member: &&WaveMember| &self.context.analyses[member.series];
        let is_silent = end.is_none() && !open.is_empty() && open.iter().all(|member| series(member).silent);
        open.iter().filter_map(|member| series(member).last).max().filter(|_| is_silent)
    }

    /// Checks of its surfaces in maintenance while it lasted.
    fn maintenance(&self, start: Transition, end: Option<Transition>) -> u64 {
        let to = end.map_or(self.context.range.to, |end| end.by);
        let series = self.surfaces.iter().flat_map(|surface| self.context.series_of(surface));
        let of_series = |at: &usize| self.context.analyses[*at].series.maintenance.log.between(start.by, to).count();
        series.map(of_series).sum::<usize>() as u64
    }

    /// All checks in its waves.
    fn all(&self) -> Cell {
        let mut all = Cell::default();
        for cell in self.cells.iter().flat_map(BTreeMap::values) {
            all.merge(cell);
        }
        all
    }

    /// The same from open to close: when the outage began that was found first, and of which surface. Which surfaces
    /// it is of is not part of it, since an incident spreads; nor is when it began, which is known better later.
    fn id(&self, start: Transition) -> String {
        let fails_then = |member: &WaveMember| {
            let failed = self.context.analyses[member.series].failures.failed();
            !member.outage.is_pooled() || failed.binary_search(&member.outage.start.by).is_ok()
        };
        let key = |member: &&WaveMember| {
            (member.outage.detected_at, !fails_then(member), member.outage.start.by, member.series)
        };
        let first = self.incident.iter().flat_map(|wave| &wave.members).min_by_key(key);
        let surface = first.map(|member| self.context.analyses[member.series].surface.as_str()).unwrap_or_default();
        let start = first.map_or(start, |member| member.outage.start);
        let begin = timestamp::text(instant(start.by));
        let checksum = crc32fast::hash(format!("{begin} {surface}").as_bytes());
        format!("{}-{checksum:08x}", &begin.replace([':', '-', '.'], "")[..15])
    }

    fn wave(&self, wave: &DetectedWave, cells: &BTreeMap<usize, Cell>) -> Wave {
        let (judged, failed) = cells.values().fold((0, 0), |sum, cell| (sum.0 + cell.judged, sum.1 + cell.failed));
        Wave {
            start: wave.start.bracket(),
            end: wave.end.map(Transition::bracket),
            judged,
            failed,
            peak: self.peak(wave),
        }
    }

    /// The bucket with the highest failed ratio; of equals the first.
    fn peak(&self, wave: &DetectedWave) -> Option<Peak> {
        /// Fewer checks in a bucket make no peak.
        const CHECKS: u64 = 3;
        let step = self.context.range.step;
        let (from, to) = (bucket::floor(wave.start.by, step), wave.last().min(self.context.range.to));
        let mut buckets: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        let surfaces = self.surfaces.iter().filter_map(|surface| self.context.surface(surface, false));
        for (begin, cell) in surfaces.flat_map(|surface| surface.buckets.range(from..=to.max(from))) {
            let (judged, failed) = buckets.entry(*begin).or_default();
            *judged += cell.judged;
            *failed += cell.failed;
        }
        let peaks =
            buckets.into_iter().filter(|(_, (judged, _))| *judged >= CHECKS).map(|(begin, (judged, failed))| Peak {
                at: instant(begin),
                judged,
                failed,
                ratio: rounded(ratio(failed, judged).unwrap_or_default()),
            });
        peaks.rev().max_by(|one, other| one.ratio.total_cmp(&other.ratio))
    }

    fn impact(&self) -> Vec<SurfaceImpact> {
        let minutes = |surface: &SafeText| {
            let series = self.context.series_of(surface);
            let sum: f64 = series
                .iter()
                .map(|at| {
                    let failed: u64 = self.cells.iter().filter_map(|cells| cells.get(at)).map(|cell| cell.failed).sum();
                    self.context.analyses[*at].minutes(failed)
                })
                .sum();
            rounded(sum / number(series.len().max(1) as u64))
        };
        self.surfaces
            .iter()
            .map(|surface| SurfaceImpact { surface: surface.clone(), minutes: minutes(surface) })
            .collect()
    }

    /// Failures to expect in its waves from what is usual; absent without a baseline.
    fn expected(&self) -> Option<f64> {
        let mut expected = 0.0;
        for (wave, cells) in self.incident.iter().zip(self.cells) {
            let length = wave.last().min(self.context.range.to) - wave.start.by;
            for (series, cell) in cells {
                let usual = self.context.usual_of(&self.context.analyses[*series].surface)?;
                expected += usual.at(wave.start.by, length.max(1))?.failed_ratio * number(cell.judged);
            }
        }
        Some(rounded(expected))
    }

    fn facts(&self, all: &Cell, vantages_failing: usize, probes_failing: usize, flapping: bool) -> IncidentFacts {
        let context = self.context;
        let surfaces: Vec<SafeText> = self.surfaces.iter().cloned().collect();
        let mut facts: BTreeMap<FailureFact, u64> = BTreeMap::new();
        let mut extra = ExtraChecks::default();
        for wave in self.incident {
            let (from, to) = (bucket::floor(wave.start.by, context.range.step), wave.last().min(context.range.to));
            for (fact, n) in context.fold.evidence.facts(from, to) {
                if self.is_mine(fact) && !fact.class.is_ours() {
                    *facts.entry(fact.clone()).or_default() += n;
                }
            }
            extra.merge(&context.fold.evidence.extra(from, to, &surfaces));
        }
        let ours = |(class, n): (&FailureClass, &u64)| (!class.is_ours()).then_some((*class, *n));
        let probes: BTreeSet<&SafeText> = surfaces
            .iter()
            .flat_map(|surface| context.series_of(surface))
            .map(|at| &context.analyses[*at].probe)
            .collect();
        IncidentFacts {
            codes: all.codes.clone(),
            classes: all.classes.iter().filter_map(ours).collect(),
            facts,
            judged: all.judged,
            vantages_failing,
            vantages_judged: context.vantages_judged().max(vantages_failing),
            probes_failing,
            probes: probes.len(),
            surfaces_failing: self.surfaces.len(),
            surfaces: context.surfaces().len(),
            waves: self.incident.len(),
            flapping,
            control_ok: context.control_ok(),
            control_on_edge_fails: self.control_on_edge_fails(),
            worse_surface: Some(self.worse_surface && self.surfaces.len() < context.surfaces().len().max(2)),
            slow_tail: self.slow_tail(),
            family_split: self.family_split(),
            address_split: self.address_split(),
            families_used: self.families_used(),
            slow_before: self.slow_before(),
            extra,
        }
    }

    /// Whether a failure is of this incident: of its surfaces, and not of a series that fails on its own.
    fn is_mine(&self, fact: &FailureFact) -> bool {
        self.surfaces.contains(&fact.surface) && !self.others.contains(&(&fact.vantage, &fact.surface, &fact.probe))
    }

    /// Whether a control target behind the content network that answers fails in the same time; absent
    /// where none is known to stand there.
    fn control_on_edge_fails(&self) -> Option<bool> {
        let context = self.context;
        let from = self.incident.first().map(|wave| bucket::floor(wave.start.by, context.range.step))?;
        let to = self.incident.last().map(|wave| wave.last().min(context.range.to))?;
        let mine: BTreeSet<_> = context
            .fold
            .evidence
            .facts(from, to)
            .filter(|(fact, _)| self.is_mine(fact))
            .filter_map(|(fact, _)| fact.edge)
            .collect();
        // Only failures are signed: a control target that never failed may stand behind any network.
        let signed = |(fact, _): &(&FailureFact, u64)| {
            context.is_control(&fact.surface, &fact.probe) && fact.edge.is_some_and(|edge| mine.contains(&edge))
        };
        let fails = context.fold.evidence.facts(from, to).any(|fact| signed(&fact));
        let is_known = fails || context.fold.evidence.facts(i64::MIN, i64::MAX).any(|fact| signed(&fact));
        is_known.then_some(fails)
    }

    /// Whether at its end the slowest answers are slower than usual while the median is not.
    fn slow_tail(&self) -> Option<bool> {
        let to = self.incident.last()?.last().min(self.context.range.to);
        let tails = self.surfaces.iter().filter_map(|surface| self.context.latency_of(surface)?.has_slow_tail(to));
        tails.reduce(|one, other| one || other)
    }

    /// Whether the probes that are asked over one address family alone fail over the one and not over
    /// the other; absent where there are not some of each.
    fn family_split(&self) -> Option<bool> {
        let of = |family: u8| {
            let cells =
                self.cells.iter().flatten().filter(|(series, _)| self.context.family_of(**series) == Some(family));
            cells.fold((0, 0), |sum, (_, cell)| (sum.0 + cell.failed, sum.1 + cell.judged))
        };
        let ((failed4, judged4), (failed6, judged6)) = (of(4), of(6));
        let is_split = |(failed, judged): (u64, u64), (others, of): (u64, u64)| {
            failed * 2 >= judged && others * 10 <= of && fisher(failed, judged, others, of) <= SIGNIFICANT
        };
        let (four, six) = ((failed4, judged4), (failed6, judged6));
        if judged4 > 0 && judged6 > 0 {
            return Some(is_split(four, six) || is_split(six, four));
        }
        let remotes = self.remotes();
        let [v4, v6] = [remotes.of_family(false), remotes.of_family(true)];
        let (down, judged) = (v4.down + v6.down, v4.judged() + v6.judged());
        (v4.up > 0 && v6.up > 0).then(|| stands_out(v4, down, judged) || stands_out(v6, down, judged))
    }

    /// Checks by remote address, of the series that it is of.
    fn remotes(&self) -> Remotes {
        let mut remotes = Remotes::default();
        let series: BTreeSet<usize> = self.cells.iter().flat_map(BTreeMap::keys).copied().collect();
        for at in series {
            remotes.merge(&self.context.analyses[at].series.remotes);
        }
        remotes
    }

    /// Whether nearly all failures are at one of several addresses, and more than chance puts there; absent where
    /// checks are not counted by address.
    fn address_split(&self) -> Option<bool> {
        let remotes = self.remotes();
        let apart: Vec<RemoteCounts> = remotes.apart().map(|(_, counts)| counts).collect();
        let worst = apart.iter().max_by_key(|counts| counts.down)?;
        let (down, judged) = apart.iter().fold((0, 0), |sum, one| (sum.0 + one.down, sum.1 + one.judged()));
        (apart.len() > 1).then(|| stands_out(*worst, down, judged))
    }

    /// Whether checks reached addresses of both families; absent where they are not counted by address.
    fn families_used(&self) -> Option<bool> {
        let remotes = self.remotes();
        (!remotes.is_empty()).then(|| remotes.of_family(false).up > 0 && remotes.of_family(true).up > 0)
    }

    /// Whether the latest answers before it were far slower than usual.
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

/// Whether at least nine of ten failures are in this part of the checks, more than chance would put there.
fn stands_out(part: RemoteCounts, down: u64, judged: u64) -> bool {
    let (others_down, others) = (down.saturating_sub(part.down), judged.saturating_sub(part.judged()));
    let is_most = part.down * 10 >= down * 9 && part.down > 0 && others > 0;
    is_most && fisher(part.down, part.judged(), others_down, others) <= SIGNIFICANT
}

fn duration(start: Transition, end: Option<Transition>, to: i64) -> DurationRange {
    let seconds = |ms: i64| rounded(number(u64::try_from(ms).unwrap_or_default()) / 1000.0);
    let (least_end, most_end) = end.map_or((to, to), |end| (end.after.unwrap_or(end.by), end.by));
    DurationRange { min: seconds(least_end - start.by), max: start.after.map(|after| seconds(most_end - after)) }
}
