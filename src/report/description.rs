//! An incident described: what is counted in its waves, and what its evidence reads as.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::SIGNIFICANT;
use super::desk::Desk;
use super::figures::phase;
use super::follow::{Cell, tally};
use super::found::Found;
use super::incidents::{DurationRange, Incident, Peak, SurfaceImpact, Wave, bracket, instant};
use super::signature::scene::Scene;
use super::statistics::{fisher, number, ratio, rounded};
use super::stretch::Edge;
use super::verdict::Kind;
use super::waves::Joined;
use super::{ladder, parallel, signature};
use crate::model::{FailureClass, SafeText, timestamp};

/// Counts the incidents and reads their signatures.
pub(super) fn describe(desk: &Desk<'_>, found: &Found, worse_surface: bool) -> Vec<Incident> {
    let surfaces: Vec<BTreeSet<SafeText>> =
        found.incidents.iter().map(|incident| surfaces_of(desk, incident)).collect();
    let cells = count(desk, found, &surfaces);
    let numbered = found.incidents.iter().enumerate();
    numbered
        .map(|(at, incident)| {
            Description { desk, incident, surfaces: &surfaces[at], cells: &cells[at], worse_surface }.make()
        })
        .collect()
}

fn surfaces_of(desk: &Desk<'_>, incident: &[Joined]) -> BTreeSet<SafeText> {
    incident.iter().flat_map(|wave| &wave.members).map(|member| desk.followed[member.series].surface.clone()).collect()
}

/// An incident flaps when one in so many of its checks was made while its probe came and went.
const FLAPPING: u64 = 4;

/// For each incident and wave: its checks by series.
type Counted = Vec<Vec<BTreeMap<usize, Cell>>>;

/// Counts the checks in every wave of every incident, with one pass over each series.
fn count(desk: &Desk<'_>, found: &Found, surfaces: &[BTreeSet<SafeText>]) -> Counted {
    let mut counted: Counted = found.incidents.iter().map(|waves| vec![BTreeMap::new(); waves.len()]).collect();
    let series = desk.followed.iter().enumerate().filter(|(_, one)| !one.series.control).collect();
    let cells = parallel::map(series, |(series, one)| {
        let mine = (0..found.incidents.len()).filter(|at| surfaces[*at].contains(&one.surface));
        let places: Vec<(usize, usize)> =
            mine.flat_map(|at| (0..found.incidents[at].len()).map(move |wave| (at, wave))).collect();
        let spans: Vec<(i64, i64)> = places
            .iter()
            .map(|(at, wave)| &found.incidents[*at][*wave])
            .map(|wave| (wave.start.by, wave.last().min(desk.frame.to)))
            .collect();
        (series, places, tally(one.series, desk.offline_of(&one.series.vantage), &spans))
    });
    for (series, places, cells) in cells {
        for ((at, wave), cell) in places.into_iter().zip(cells) {
            counted[at][wave].insert(series, cell);
        }
    }
    counted
}

/// One incident and what is needed to describe it.
struct Description<'d, 'f> {
    desk: &'d Desk<'f>,
    incident: &'d [Joined],
    surfaces: &'d BTreeSet<SafeText>,
    cells: &'d [BTreeMap<usize, Cell>],
    worse_surface: bool,
}

impl Description<'_, '_> {
    fn make(&self) -> Incident {
        let members = || self.incident.iter().flat_map(|wave| &wave.members);
        let of = |what: for<'x> fn(&'x super::follow::Followed<'_>) -> &'x SafeText| -> BTreeSet<SafeText> {
            members().map(|member| what(&self.desk.followed[member.series]).clone()).collect()
        };
        let (vantages, probes) = (of(|one| &one.vantage), of(|one| &one.probe));
        let opened = members().min_by_key(|member| member.stretch.detected_at).map(|member| member.stretch);
        let all = self.all();
        let start = self.incident.first().map_or(Edge { after: None, by: self.desk.frame.from }, |wave| wave.start);
        let ends = self.incident.iter().map(|wave| wave.end);
        let end = ends.reduce(|one, other| if one?.by >= other?.by { one } else { other }).flatten();
        let flap_percent = members().map(|member| member.stretch.flap_percent).fold(0.0, f64::max);
        let flapped: u64 = members().map(|member| member.stretch.flapped).sum();
        let flapping = flapped > 0 && flapped * FLAPPING >= all.judged;
        let scene = self.scene(&all, vantages.len(), probes.len(), flapping);
        Incident {
            id: self.id(start),
            surfaces: self.surfaces.iter().cloned().collect(),
            vantages: vantages.into_iter().collect(),
            probes: probes.into_iter().collect(),
            start: bracket(start),
            end: end.map(bracket),
            detected_at: instant(opened.map_or(start.by, |stretch| stretch.detected_at)),
            rule: opened.map(|stretch| stretch.rule.words(self.desk.frame.rules)).unwrap_or_default(),
            duration_s: duration(start, end, self.desk.frame.to),
            waves: self.incident.iter().zip(self.cells).map(|(wave, cells)| self.wave(wave, cells)).collect(),
            impact_minutes: self.impact(),
            actual_failures: all.failed,
            judged: all.judged,
            expected_failures: self.expected(),
            kind: kind(&scene),
            flap_percent: (flap_percent * 10.0).round() / 10.0,
            flapping,
            attribution: "undetermined",
            signature: signature::read(&scene),
        }
    }

    /// All checks in its waves.
    fn all(&self) -> Cell {
        let mut all = Cell::default();
        for cell in self.cells.iter().flat_map(BTreeMap::values) {
            all.merge(cell);
        }
        all
    }

    /// The same whenever the same incident is reported: when it began, and of what.
    fn id(&self, start: Edge) -> String {
        let names: Vec<&str> = self.surfaces.iter().map(SafeText::as_str).collect();
        let begin = timestamp::text(instant(start.by));
        let checksum = crc32fast::hash(format!("{begin} {}", names.join(" ")).as_bytes());
        format!("{}-{checksum:08x}", &begin.replace([':', '-', '.'], "")[..15])
    }

    fn wave(&self, wave: &Joined, cells: &BTreeMap<usize, Cell>) -> Wave {
        let (judged, failed) = cells.values().fold((0, 0), |sum, cell| (sum.0 + cell.judged, sum.1 + cell.failed));
        Wave { start: bracket(wave.start), end: wave.end.map(bracket), judged, failed, peak: self.peak(wave) }
    }

    /// The bucket with the highest failed ratio; of equals the first.
    fn peak(&self, wave: &Joined) -> Option<Peak> {
        /// Fewer checks in a bucket make no peak.
        const CHECKS: u64 = 3;
        let step = self.desk.frame.step;
        let (from, to) = (ladder::floor(wave.start.by, step), wave.last().min(self.desk.frame.to));
        let mut buckets: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for (sheet, cells) in self.desk.sheets().filter(|(sheet, _)| !sheet.control) {
            if self.surfaces.contains(&super::evidence::name(&sheet.surface)) {
                for (begin, cell) in cells.range(from..=to.max(from)) {
                    let (judged, failed) = buckets.entry(*begin).or_default();
                    *judged += cell.judged;
                    *failed += cell.failed;
                }
            }
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
            let series: Vec<usize> = self.desk.series_of(surface);
            let sum: f64 = series
                .iter()
                .map(|at| {
                    let failed: u64 = self.cells.iter().filter_map(|cells| cells.get(at)).map(|cell| cell.failed).sum();
                    self.desk.followed[*at].minutes(failed)
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
            let length = wave.last().min(self.desk.frame.to) - wave.start.by;
            for (series, cell) in cells {
                let usual = self.desk.usual_of(&self.desk.followed[*series].surface)?;
                expected += usual.at(wave.start.by, length.max(1))?.failed_ratio * number(cell.judged);
            }
        }
        Some(rounded(expected))
    }

    fn scene(&self, all: &Cell, vantages_failing: usize, probes_failing: usize, flapping: bool) -> Scene {
        let desk = self.desk;
        let surfaces: Vec<SafeText> = self.surfaces.iter().cloned().collect();
        let mut facts: BTreeMap<super::evidence::Fact, u64> = BTreeMap::new();
        let mut extra = super::signature::scene::Extra::default();
        for wave in self.incident {
            let (from, to) = (ladder::floor(wave.start.by, desk.frame.step), wave.last().min(desk.frame.to));
            for (fact, n) in desk.fold.evidence.facts(from, to) {
                if surfaces.contains(&fact.surface) && !fact.class.is_ours() {
                    *facts.entry(fact.clone()).or_default() += n;
                }
            }
            extra.merge(&desk.fold.evidence.extra(from, to, &surfaces));
        }
        let ours = |(class, n): (&FailureClass, &u64)| (!class.is_ours()).then_some((*class, *n));
        let probes: BTreeSet<&SafeText> =
            surfaces.iter().flat_map(|surface| desk.series_of(surface)).map(|at| &desk.followed[at].probe).collect();
        Scene {
            classes: all.classes.iter().filter_map(ours).collect(),
            facts,
            judged: all.judged,
            vantages_failing,
            vantages_judged: desk.vantages_judged().max(vantages_failing),
            probes_failing,
            probes: probes.len(),
            surfaces_failing: self.surfaces.len(),
            surfaces: desk.surfaces().len(),
            waves: self.incident.len(),
            flapping,
            control_ok: desk.control_ok(),
            control_on_edge_fails: self.control_on_edge_fails(),
            worse_surface: Some(self.worse_surface && self.surfaces.len() < desk.surfaces().len().max(2)),
            slow_tail: self.slow_tail(),
            family_split: self.family_split(),
            slow_before: self.slow_before(),
            extra,
        }
    }

    /// Whether a control target behind the content network that answers fails in the same time; absent
    /// where none is known to stand there.
    fn control_on_edge_fails(&self) -> Option<bool> {
        let desk = self.desk;
        let from = self.incident.first().map(|wave| ladder::floor(wave.start.by, desk.frame.step))?;
        let to = self.incident.last().map(|wave| wave.last().min(desk.frame.to))?;
        let mine: BTreeSet<_> = desk
            .fold
            .evidence
            .facts(from, to)
            .filter(|(fact, _)| self.surfaces.contains(&fact.surface))
            .filter_map(|(fact, _)| fact.edge)
            .collect();
        // Only failures are signed: a control target that never failed may stand behind any network.
        let signed = |(fact, _): &(&super::evidence::Fact, u64)| {
            desk.is_control(&fact.surface, &fact.probe) && fact.edge.is_some_and(|edge| mine.contains(&edge))
        };
        let fails = desk.fold.evidence.facts(from, to).any(|fact| signed(&fact));
        let is_known = fails || desk.fold.evidence.facts(i64::MIN, i64::MAX).any(|fact| signed(&fact));
        is_known.then_some(fails)
    }

    /// Whether at its end the slowest answers are slower than usual while the median is not.
    fn slow_tail(&self) -> Option<bool> {
        let to = self.incident.last()?.last().min(self.desk.frame.to);
        let tails = self.surfaces.iter().filter_map(|surface| self.desk.has_slow_tail(surface, to));
        tails.reduce(|one, other| one || other)
    }

    /// Whether the probes that are asked over one address family alone fail over the one and not over
    /// the other; absent where there are not some of each.
    fn family_split(&self) -> Option<bool> {
        let of = |family: u8| {
            let cells = self.cells.iter().flatten().filter(|(series, _)| self.desk.family_of(**series) == Some(family));
            cells.fold((0, 0), |sum, (_, cell)| (sum.0 + cell.failed, sum.1 + cell.judged))
        };
        let ((failed4, judged4), (failed6, judged6)) = (of(4), of(6));
        let is_split = |(failed, judged): (u64, u64), (others, of): (u64, u64)| {
            failed * 2 >= judged && others * 10 <= of && fisher(failed, judged, others, of) <= SIGNIFICANT
        };
        let (four, six) = ((failed4, judged4), (failed6, judged6));
        (judged4 > 0 && judged6 > 0).then(|| is_split(four, six) || is_split(six, four))
    }

    /// Whether the latest answers before it were far slower than usual.
    fn slow_before(&self) -> Option<bool> {
        let start = self.incident.first()?.start;
        let before = start.after.unwrap_or(start.by);
        let slow: Vec<bool> = self
            .surfaces
            .iter()
            .filter_map(|surface| self.desk.slow(surface, before))
            .map(|slow| slow.certain)
            .collect();
        (!slow.is_empty()).then(|| slow.contains(&true))
    }
}

/// The dominant failure of what was seen.
pub(super) fn kind(scene: &Scene) -> Option<Kind> {
    let of: u64 = scene.classes.values().sum();
    // Of equally many the earlier phase.
    let (class, n) = scene.classes.iter().rev().max_by_key(|(_, n)| **n).map(|(class, n)| (*class, *n))?;
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for (fact, n) in scene.facts.iter().filter(|(fact, _)| fact.class == class) {
        if let Some(status) = fact.status {
            *statuses.entry(status).or_default() += n;
        }
    }
    let status = statuses.into_iter().rev().max_by_key(|(_, n)| *n).map(|(status, _)| status);
    Some(Kind {
        class,
        phase: phase(class, None),
        share: rounded(ratio(n, of).unwrap_or_default()),
        n,
        of,
        status: status.filter(|_| class == FailureClass::Status),
    })
}

fn duration(start: Edge, end: Option<Edge>, to: i64) -> DurationRange {
    let seconds = |ms: i64| rounded(number(u64::try_from(ms).unwrap_or_default()) / 1000.0);
    let (least_end, most_end) = end.map_or((to, to), |end| (end.after.unwrap_or(end.by), end.by));
    DurationRange { min: seconds(least_end - start.by), max: start.after.map(|after| seconds(most_end - after)) }
}
