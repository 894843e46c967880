//! Describes an incident: counts the checks in its waves and matches its evidence with the
//! signature table.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::model::{SafeText, UnixMillis, timestamp};
use crate::report::context::ReportContext;
use crate::report::document::incident::{DurationRange, Incident, Peak, Recurring, SurfaceImpact, SurfaceSpan, Wave};
use crate::report::incident::fact_gathering::{FactGatherer, IncidentPart};
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::incident::main_failure::main_failure;
use crate::report::incident::signature;
use crate::report::incident::waves::{DetectedWave, WaveMember};
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::check_counts::{CheckCounts, tally};
use crate::report::series::judgement;
use crate::report::series::outage::Transition;
use crate::report::series::recurring_dip::Recurrence;
use crate::report::statistics::{number, ratio, rounded};
use crate::report::time_span::{self, TimeSpan};

/// Describes each incident.
pub(crate) fn describe(context: &ReportContext<'_>, found: &DetectedIncidents, worse_surface: bool) -> Vec<Incident> {
    let surfaces: Vec<BTreeSet<SafeText>> =
        found.incidents.iter().map(|incident| surfaces_of(context, incident)).collect();
    let counts = count(context, found, &surfaces);
    let numbered = found.incidents.iter().enumerate();
    numbered
        .map(|(at, incident)| {
            let others = found.others(at).into_iter().map(|series| &context.analyses[series]);
            let others = others.map(|one| (&one.vantage, &one.surface, &one.probe)).collect();
            let members = incident.iter().flat_map(|wave| &wave.members);
            let series: BTreeSet<usize> = members.map(|member| member.series).collect();
            let nested = series.into_iter().flat_map(|series| found.nested(at, series)).collect();
            let nested = time_span::union(nested);
            Description {
                context,
                incident,
                surfaces: &surfaces[at],
                counts: &counts[at],
                others,
                nested,
                worse_surface,
            }
            .make()
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

/// An incident flaps if at least one in this many of its checks was made while its probe was
/// flapping.
const FLAPPING: u64 = 4;

/// For each incident and wave: its checks by series.
type Counted = Vec<Vec<BTreeMap<usize, CheckCounts>>>;

/// Counts the checks in every wave of every incident: those of all series of its surfaces, except
/// series that fail at the same time for another reason, and except the time in which one of its
/// own series does.
fn count(context: &ReportContext<'_>, found: &DetectedIncidents, surfaces: &[BTreeSet<SafeText>]) -> Counted {
    let mut counted: Counted = found.incidents.iter().map(|waves| vec![BTreeMap::new(); waves.len()]).collect();
    let others: Vec<BTreeSet<usize>> = (0..found.incidents.len()).map(|at| found.others(at)).collect();
    let of_surface = |at: usize| surfaces[at].iter().flat_map(|surface| context.series_of(surface)).copied();
    let wanted = (0..found.incidents.len()).flat_map(|at| {
        of_surface(at).filter(|series| !others[at].contains(series)).map(move |series| (at, series)).collect::<Vec<_>>()
    });
    let counts = parallel::map(wanted.collect(), |(at, series)| {
        let nested = found.nested(at, series);
        let (mut spans, mut waves) = (Vec::new(), Vec::new());
        for (number, wave) in found.incidents[at].iter().enumerate() {
            let left = time_span::without(&[TimeSpan::new(wave.start.by, wave.last().min(context.range.to))], &nested);
            waves.extend(left.iter().map(|_| number));
            spans.extend(left);
        }
        let one = &context.analyses[series];
        let counts = tally(one.series, one.offline(), &spans);
        (at, series, waves.into_iter().zip(counts).collect::<Vec<_>>())
    });
    for (at, series, counts) in counts {
        counted[at].iter_mut().for_each(|wave| drop(wave.insert(series, CheckCounts::default())));
        for (wave, of_series) in counts {
            counted[at][wave].entry(series).or_default().merge(&of_series);
        }
    }
    counted
}

/// One incident and what is needed to describe it.
struct Description<'d, 'f> {
    context: &'d ReportContext<'f>,
    incident: &'d [DetectedWave],
    surfaces: &'d BTreeSet<SafeText>,
    counts: &'d [BTreeMap<usize, CheckCounts>],
    /// Series of other incidents at the same time: vantage, surface and probe.
    others: BTreeSet<(&'d SafeText, &'d SafeText, &'d SafeText)>,
    /// The spans in which its own series failed for the cause of another incident.
    nested: Vec<TimeSpan>,
    worse_surface: bool,
}

impl Description<'_, '_> {
    fn make(&self) -> Incident {
        let members = || self.incident.iter().flat_map(|wave| &wave.members);
        let of = |what: for<'x> fn(&'x SeriesAnalysis<'_>) -> &'x SafeText| -> BTreeSet<SafeText> {
            members().map(|member| what(&self.context.analyses[member.series]).clone()).collect()
        };
        let (vantages, probes) = (of(|one| &one.vantage), of(|one| &one.probe));
        let opened = members().min_by_key(|member| member.outage.detected_at).map(|member| member.outage);
        let all = self.all();
        let start =
            self.incident.first().map_or(Transition { after: None, by: self.context.range.from }, |wave| wave.start);
        let ends = self.incident.iter().map(|wave| wave.end);
        let end = ends.reduce(Transition::later_end).flatten();
        let last_seen = self.last_seen(end);
        let flap_percent = members().map(|member| member.outage.flap_percent).fold(0.0, f64::max);
        let flapped: u64 = members().map(|member| member.outage.flapped).sum();
        let flapping = flapped > 0 && flapped * FLAPPING >= all.judged;
        let detected_at = opened.map_or(start.by, |outage| outage.detected_at);
        let expected = self.expected();
        let gatherer = self.gatherer();
        let steady = gatherer.steady();
        let facts = gatherer.facts(&self.whole(flapping), &steady);
        let now = self.now(end, last_seen, flapping).map(|part| signature::read(&gatherer.facts(&part, &steady)));
        Incident {
            id: self.id(start),
            surfaces: self.surfaces.iter().cloned().collect(),
            surface_spans: self.surfaces.iter().map(|surface| self.surface_span(surface, start, end)).collect(),
            vantages: vantages.into_iter().collect(),
            probes: probes.into_iter().collect(),
            start: start.bracket(),
            end: end.map(Transition::bracket),
            last_seen: last_seen.map(UnixMillis::timestamp),
            detected_at: detected_at.timestamp(),
            rule: opened.map(|outage| outage.opened_by(self.context.range.rules)).unwrap_or_default(),
            duration_s: duration(start, end, last_seen.unwrap_or(self.context.range.to)),
            waves: self.incident.iter().zip(self.counts).map(|(wave, counts)| self.wave(wave, counts)).collect(),
            impact_minutes: self.impact(),
            actual_failures: all.failed,
            judged: all.judged,
            maintenance: self.maintenance(start, end),
            expected_failures: expected,
            recurring: self.recurring(expected, all.failed, start.by, detected_at),
            kind: main_failure(&all.classes, &all.codes, &facts.facts),
            flap_percent: (flap_percent * 10.0).round() / 10.0,
            flapping,
            attribution: "undetermined",
            signature: signature::read(&facts),
            signature_now: now,
        }
    }

    /// The number of earlier days on which each of its surfaces failed at this time of the day;
    /// `None` if more fails now than then, or if nothing recurs.
    fn recurring(
        &self,
        expected: Option<f64>,
        failed: u64,
        began: UnixMillis,
        detected_at: UnixMillis,
    ) -> Option<Recurring> {
        /// Failures up to this many times the expected number, plus this many standard deviations,
        /// are no more than usual.
        const TIMES: f64 = 1.5;
        const DEVIATIONS: f64 = 3.0;
        let expected = expected.filter(|n| number(failed) <= n * TIMES + n.sqrt() * DEVIATIONS)?;
        let of_surface = |surface: &SafeText| {
            let usual = self.context.usual_of(surface)?;
            usual.recurs_at(began).or_else(|| usual.recurs_at(detected_at))
        };
        let all: Option<Vec<Recurrence>> = self.surfaces.iter().map(of_surface).collect();
        let least = all?.into_iter().min_by_key(|one| one.days).filter(|_| expected > 0.0)?;
        let zone = self.context.fold.question.zone.clone().unwrap_or(TimeZone::UTC);
        let hour = zone.to_datetime(began.timestamp()).hour();
        Some(Recurring { days: least.days, of: least.of, at_night: !(6..22).contains(&hour) })
    }

    fn gatherer(&self) -> FactGatherer<'_, '_> {
        FactGatherer {
            context: self.context,
            incident: self.incident,
            surfaces: self.surfaces,
            others: &self.others,
            worse_surface: self.worse_surface,
        }
    }

    /// The whole incident.
    fn whole(&self, flapping: bool) -> IncidentPart {
        let mut counts: BTreeMap<usize, CheckCounts> = BTreeMap::new();
        for (series, of_series) in self.counts.iter().flatten() {
            counts.entry(*series).or_default().merge(of_series);
        }
        let failing = self.incident.iter().flat_map(|wave| &wave.members).map(|member| member.series).collect();
        IncidentPart { spans: self.spans(), counts, failing, flapping }
    }

    /// The spans of its waves in the range.
    fn spans(&self) -> Vec<TimeSpan> {
        let last = |wave: &DetectedWave| wave.last().min(self.context.range.to);
        let spans: Vec<TimeSpan> = self.incident.iter().map(|wave| TimeSpan::new(wave.start.by, last(wave))).collect();
        time_span::without(&spans, &self.nested)
    }

    /// The latest checks of an incident that continues and began before them: those in the buckets
    /// that started since. `None` if too few of them failed.
    fn now(&self, end: Option<Transition>, last_seen: Option<UnixMillis>, flapping: bool) -> Option<IncidentPart> {
        /// Fewer failures show little.
        const FEW: u64 = 5;
        let wave = self.incident.last().filter(|_| end.is_none() && last_seen.is_none())?;
        let counts = self.counts.last()?;
        let (range, step) = (&self.context.range, self.context.range.evidence_step);
        let interval = counts.keys().filter_map(|at| self.context.analyses[*at].interval()).min().unwrap_or_default();
        let since = range.to - judgement::recent_ms(interval);
        let begins = [(since + step - 1).floor(step), since.floor(step)];
        let parts = begins.into_iter().filter(|from| *from > wave.start.by).map(|from| {
            let spans = time_span::without(&[TimeSpan::new(from, range.to)], &self.nested);
            let counts = counts.keys().map(|at| (*at, self.context.count(*at, &spans))).collect();
            let members = self.incident.iter().flat_map(|wave| &wave.members);
            let open = members.filter(|member| member.outage.end.is_none());
            IncidentPart { spans, counts, failing: open.map(|member| member.series).collect(), flapping }
        });
        parts.into_iter().find(|part| part.counts.values().map(|of_series| of_series.failed).sum::<u64>() >= FEW)
    }

    /// When a surface failed. A surface without an end of its own ends with the incident, and so
    /// does the only surface of an incident: a partial failure continues after the outages that
    /// revealed it.
    fn surface_span(&self, surface: &SafeText, start: Transition, end: Option<Transition>) -> SurfaceSpan {
        if self.surfaces.len() == 1 {
            let (start, end) = (start.bracket(), end.map(Transition::bracket));
            return SurfaceSpan { surface: surface.clone(), start, end };
        }
        let members = self.incident.iter().flat_map(|wave| &wave.members);
        let outages: Vec<_> = members
            .filter(|member| self.context.analyses[member.series].surface == *surface)
            .map(|member| member.outage)
            .collect();
        let first = outages.iter().map(|outage| outage.start).min_by_key(|start| start.by);
        let ends = outages.iter().map(|outage| outage.end.or(end));
        let last = ends.reduce(Transition::later_end).flatten();
        // Single failures before it and after it can be part of an outage, but not of the incident.
        let begin = first.filter(|first| first.by > start.by).unwrap_or(start);
        let last = end.and_then(|end| last.filter(|last| last.by < end.by).or(Some(end)));
        SurfaceSpan { surface: surface.clone(), start: begin.bracket(), end: last.map(Transition::bracket) }
    }

    /// The last check of its failing series, if the incident has no end and all of them have gone
    /// silent. A partial failure can continue without an open outage: then all its series count.
    fn last_seen(&self, end: Option<Transition>) -> Option<UnixMillis> {
        let members: Vec<&WaveMember> = self.incident.iter().flat_map(|wave| &wave.members).collect();
        let has_open = members.iter().any(|member| member.outage.end.is_none());
        let failing = members.into_iter().filter(|member| !has_open || member.outage.end.is_none());
        let failing: Vec<_> = failing.map(|member| &self.context.analyses[member.series]).collect();
        let is_silent = end.is_none() && failing.iter().all(|one| one.silent);
        failing.iter().filter_map(|one| one.last).max().filter(|_| is_silent)
    }

    /// The number of checks of its surfaces that were due in maintenance during the incident.
    fn maintenance(&self, start: Transition, end: Option<Transition>) -> u64 {
        let to = end.map_or(self.context.range.to, |end| end.by);
        let series = self.surfaces.iter().flat_map(|surface| self.context.series_of(surface));
        let of_series = |at: &usize| {
            self.context.analyses[*at].series.maintenance.log.checks_in(TimeSpan::new(start.by, to)).count()
        };
        series.map(of_series).sum::<usize>() as u64
    }

    /// All checks in its waves.
    fn all(&self) -> CheckCounts {
        let mut all = CheckCounts::default();
        for of_series in self.counts.iter().flat_map(BTreeMap::values) {
            all.merge(of_series);
        }
        all
    }

    /// An id that stays the same from open to close: the start and the surface of the outage that
    /// was detected first. The set of surfaces is not part of it, since an incident spreads, and
    /// neither is the start of the incident, which later data can correct.
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
        let begin = timestamp::text(start.by.timestamp());
        let checksum = crc32fast::hash(format!("{begin} {surface}").as_bytes());
        format!("{}-{checksum:08x}", &begin.replace([':', '-', '.'], "")[..15])
    }

    fn wave(&self, wave: &DetectedWave, counts: &BTreeMap<usize, CheckCounts>) -> Wave {
        let (judged, failed) =
            counts.values().fold((0, 0), |sum, of_series| (sum.0 + of_series.judged, sum.1 + of_series.failed));
        Wave {
            start: wave.start.bracket(),
            end: wave.end.map(Transition::bracket),
            judged,
            failed,
            peak: self.peak(wave),
        }
    }

    /// The bucket with the highest failed ratio; on a tie, the first.
    fn peak(&self, wave: &DetectedWave) -> Option<Peak> {
        /// A bucket with fewer checks is no peak.
        const CHECKS: u64 = 3;
        let step = self.context.range.step;
        let (from, to) = (wave.start.by.floor(step), wave.last().min(self.context.range.to));
        let mut buckets: BTreeMap<UnixMillis, (u64, u64)> = BTreeMap::new();
        let surfaces = self.surfaces.iter().filter_map(|surface| self.context.surface(surface, false));
        let is_nested =
            |begin: &UnixMillis| self.nested.iter().any(|span| span.first < *begin + step && span.last >= *begin);
        let in_wave = surfaces.flat_map(|surface| surface.buckets.range(from..=to.max(from)));
        for (begin, bucket) in in_wave.filter(|(begin, _)| !is_nested(begin)) {
            let (judged, failed) = buckets.entry(*begin).or_default();
            *judged += bucket.judged;
            *failed += bucket.failed;
        }
        let peaks =
            buckets.into_iter().filter(|(_, (judged, _))| *judged >= CHECKS).map(|(begin, (judged, failed))| Peak {
                at: begin.timestamp(),
                judged,
                failed,
                ratio: rounded(ratio(failed, judged).unwrap_or_default()),
            });
        peaks.rev().max_by(|one, other| one.ratio.total_cmp(&other.ratio))
    }

    fn impact(&self) -> Vec<SurfaceImpact> {
        let spans = self.spans();
        let minutes = |surface: &SafeText| {
            let series = self.context.series_of(surface);
            let sum: f64 = series
                .iter()
                .map(|at| {
                    let failed: u64 =
                        self.counts.iter().filter_map(|counts| counts.get(at)).map(|of_series| of_series.failed).sum();
                    self.context.analyses[*at].failed_minutes(failed, &spans)
                })
                .sum();
            rounded(sum / number(series.len().max(1) as u64))
        };
        self.surfaces
            .iter()
            .map(|surface| SurfaceImpact { surface: surface.clone(), minutes: minutes(surface) })
            .collect()
    }

    /// The failures expected in its waves from the baseline; `None` without a baseline.
    fn expected(&self) -> Option<f64> {
        let mut expected = 0.0;
        for (wave, counts) in self.incident.iter().zip(self.counts) {
            let length = wave.last().min(self.context.range.to) - wave.start.by;
            for (series, of_series) in counts {
                let usual = self.context.usual_of(&self.context.analyses[*series].surface)?;
                expected += usual.at(wave.start.by, length.max(1))?.failed_ratio * number(of_series.judged);
            }
        }
        Some(rounded(expected))
    }
}

fn duration(start: Transition, end: Option<Transition>, to: UnixMillis) -> DurationRange {
    let seconds = |ms: i64| rounded(number(u64::try_from(ms).unwrap_or_default()) / 1000.0);
    let (least_end, most_end) = end.map_or((to, to), |end| (end.after.unwrap_or(end.by), end.by));
    DurationRange { min: seconds(least_end - start.by), max: start.after.map(|after| seconds(most_end - after)) }
}
