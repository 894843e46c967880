//! Detects incidents: when they began and ended, and which outages they consist of.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{SafeText, UnixMillis, Verdict};
use crate::report::context::{ReportContext, SurfaceIncident};
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::incident::nested_outages::NestedOutages;
use crate::report::incident::surface_failures::SurfaceFailures;
use crate::report::incident::waves::{DetectedWave, WaveDivision, WaveMember};
use crate::report::incident::{cause, grouping, nested_outages, pooled_onset, waves};
use crate::report::series::outage::{Outage, Transition};
use crate::report::series::{judgement, recovery};
use crate::report::statistics::ratio;
use crate::report::time_span::TimeSpan;

/// The incidents of a report: joined, but not yet described.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetectedIncidents {
    /// In order of their starts.
    pub(crate) incidents: Vec<Vec<DetectedWave>>,
    /// The waves of each surface by itself, whatever incidents they belong to.
    pub(crate) of_surface: BTreeMap<SafeText, Vec<DetectedWave>>,
    nested: NestedOutages,
}

impl DetectedIncidents {
    /// The spans of each series in incidents that are over, to the last failure.
    pub(crate) fn over(&self) -> BTreeMap<usize, Vec<TimeSpan>> {
        let is_over = |incident: &&Vec<DetectedWave>| incident.last().is_some_and(|wave| wave.end.is_some());
        let mut over: BTreeMap<usize, Vec<TimeSpan>> = BTreeMap::new();
        for member in self.incidents.iter().filter(is_over).flatten().flat_map(|wave| &wave.members) {
            over.entry(member.series).or_default().push(TimeSpan::new(member.outage.start.by, member.last()));
        }
        over
    }

    /// The open wave that most series of a surface are in now; of equals the latest. Where nearly all of its probes fail,
    /// it is not one of those that went on before they did.
    pub(crate) fn open_wave(&self, context: &ReportContext<'_>, surface: &SafeText) -> Option<&DetectedWave> {
        let is_of_surface = |member: &&WaveMember| context.analyses[member.series].surface == *surface;
        let open = self.incidents.iter().filter(|incident| incident.last().is_some_and(|wave| wave.end.is_none()));
        let failing = |incident: &&Vec<DetectedWave>| {
            let members = incident.iter().flat_map(|wave| &wave.members).filter(is_of_surface);
            let series: BTreeSet<usize> =
                members.filter(|member| member.outage.end.is_none()).map(|member| member.series).collect();
            (series.len(), incident.last().map(|wave| wave.start.by))
        };
        let mut of_surface: Vec<_> = open
            .filter(|incident| incident.iter().flat_map(|wave| &wave.members).any(|member| is_of_surface(&member)))
            .collect();
        let all = context.surface(surface, false).map_or(0, |entry| entry.probes.len());
        let mut probes: BTreeSet<&SafeText> = BTreeSet::new();
        let breaks_it = |incident: &&Vec<DetectedWave>| {
            let members = incident.iter().flat_map(|wave| &wave.members).filter(is_of_surface);
            let open = members.filter(|member| member.outage.end.is_none());
            probes.extend(open.map(|member| &context.analyses[member.series].probe));
            judgement::is_nearly_all(probes.len(), all)
        };
        let before = of_surface.iter().position(breaks_it).unwrap_or_default();
        of_surface.drain(..before);
        of_surface.into_iter().max_by_key(failing)?.last()
    }

    /// When the open wave of an incident that some series are part of began for them, of the earliest; `None` if they are
    /// part of no open incident.
    pub(crate) fn open_since(&self, series: &[usize]) -> Option<Transition> {
        let since = |incident: &Vec<DetectedWave>| {
            let wave = incident.last().filter(|wave| wave.end.is_none())?;
            let members = incident.iter().flat_map(|wave| &wave.members);
            let starts = members.filter(|member| series.contains(&member.series)).map(|member| member.outage.start);
            let of_wave = |start: Transition| if start.by < wave.start.by { wave.start } else { start };
            starts.map(of_wave).min_by_key(|start| start.by)
        };
        self.incidents.iter().filter_map(since).min_by_key(|start| start.by)
    }

    /// When the latest incident that some series are part of began for them, whether it is over or not.
    pub(crate) fn latest_since(&self, series: &[usize]) -> Option<Transition> {
        let since = |incident: &Vec<DetectedWave>| {
            let begin = incident.first()?.start;
            let members = incident.iter().flat_map(|wave| &wave.members);
            let starts = members.filter(|member| series.contains(&member.series)).map(|member| member.outage.start);
            starts.map(|start| if start.by < begin.by { begin } else { start }).min_by_key(|start| start.by)
        };
        self.incidents.iter().rev().find_map(since)
    }

    /// The start of each incident of a surface, and its end; `None` while it continues.
    pub(crate) fn times_of(
        &self,
        context: &ReportContext<'_>,
        surface: &SafeText,
    ) -> Vec<(Transition, Option<Transition>)> {
        let is_of = |member: &WaveMember| context.analyses[member.series].surface == *surface;
        let of_surface =
            self.incidents.iter().filter(|incident| incident.iter().flat_map(|wave| &wave.members).any(is_of));
        let times = |incident: &Vec<DetectedWave>| {
            let end = incident.iter().map(|wave| wave.end).reduce(Transition::later_end).flatten();
            Some((incident.first()?.start, end))
        };
        of_surface.filter_map(times).collect()
    }

    /// By surface: whether an incident is open, and when the last incident ended.
    pub(crate) fn by_surface(&self, context: &ReportContext<'_>) -> BTreeMap<SafeText, SurfaceIncident> {
        let mut of_surface: BTreeMap<SafeText, SurfaceIncident> = BTreeMap::new();
        for incident in &self.incidents {
            let end = incident.last().and_then(|wave| wave.end).map(|end| end.by);
            for member in incident.iter().flat_map(|wave| &wave.members) {
                let known = of_surface.entry(context.analyses[member.series].surface.clone()).or_default();
                // A silent series that failed at its last check says nothing about now.
                known.is_open |= end.is_none() && !context.analyses[member.series].silent;
                known.ended_by = known.ended_by.max(end);
            }
        }
        of_surface
    }

    /// The series of overlapping incidents, whose checks an incident must not count as its own.
    pub(crate) fn others(&self, incident: usize) -> BTreeSet<usize> {
        let series = |at: usize| {
            self.incidents[at]
                .iter()
                .flat_map(|wave| &wave.members)
                .map(|member| member.series)
                .collect::<BTreeSet<_>>()
        };
        let mine = series(incident);
        let (from, to) = (self.incidents[incident].first().map(|wave| wave.start.by), self.last(incident));
        let overlaps = |other: &usize| {
            let from_other = self.incidents[*other].first().map(|wave| wave.start.by);
            *other != incident && from_other <= Some(to) && from <= Some(self.last(*other))
        };
        (0..self.incidents.len()).filter(overlaps).flat_map(series).filter(|one| !mine.contains(one)).collect()
    }

    /// The spans in which a series of an incident failed for the cause of another incident that
    /// began later.
    pub(crate) fn nested(&self, incident: usize, series: usize) -> Vec<TimeSpan> {
        self.nested.in_incident(incident, series)
    }

    fn last(&self, incident: usize) -> UnixMillis {
        self.incidents[incident].iter().map(DetectedWave::last).max().unwrap_or(UnixMillis::MAX)
    }
}

/// Joins the outages of all series, except control targets, to incidents.
pub(crate) fn detect(context: &ReportContext<'_>) -> DetectedIncidents {
    let mut groups = grouping::groups(context, outages(context));
    // An end that other vantages provide may separate later outages from earlier ones.
    if groups.iter_mut().map(|members| end_silent(context, members)).fold(false, |any, ended| any | ended) {
        groups = grouping::groups(context, groups.concat());
    }
    let in_range = |wave: &DetectedWave| wave.end.is_none_or(|end| end.by > context.range.from);
    let mut by_surface: BTreeMap<SafeText, Vec<WaveMember>> = BTreeMap::new();
    for member in groups.iter().flatten() {
        by_surface.entry(context.analyses[member.series].surface.clone()).or_default().push(*member);
    }
    let of_surface = by_surface
        .into_iter()
        .map(|(surface, members)| {
            let slack = context.slack(&surface);
            let waves = waves::waves(members, slack, |_| Vec::new());
            let waves = waves.into_iter().flat_map(|wave| divided(context, wave, slack, |_| Vec::new()));
            (surface, waves.filter(in_range).collect())
        })
        .collect();
    let nested = NestedOutages::of(groups.iter().map(|members| members.iter()));
    let numbered = groups.into_iter().enumerate();
    let incidents = numbered.map(|(number, members)| incident(context, members, number, &nested));
    let mut incidents: Vec<Vec<DetectedWave>> = incidents.filter(|waves| waves.last().is_some_and(in_range)).collect();
    incidents.sort_by_key(|waves| waves.first().map(|wave| wave.start.by));
    let nested = NestedOutages::of(incidents.iter().map(|waves| waves.iter().flat_map(|wave| &wave.members)));
    DetectedIncidents { incidents, of_surface, nested }
}

/// The outages of all series, except control targets: those of each probe, by cause, and those of
/// pools.
fn outages(context: &ReportContext<'_>) -> Vec<WaveMember> {
    let mut members = Vec::new();
    let mut failures = SurfaceFailures::new(context);
    for (series, one) in context.analyses.iter().enumerate().filter(|(_, one)| !one.series.control) {
        let outages =
            one.detector.outages().flat_map(|outage| cause::split_by_cause(context, &mut failures, series, outage));
        members.extend(
            outages.map(|outage| nested_outages::member(context, series, end_if_removed(outage, context, series))),
        );
    }
    members.extend(
        pooled_onset::outages(context)
            .into_iter()
            .map(|(series, outage)| nested_outages::member(context, series, end_if_removed(outage, context, series))),
    );
    members
}

/// Ends the outages of silent vantages: if the other vantages that failed with them, for at least
/// as long, have seen the surface recover, that is the end. Returns whether it ended any.
fn end_silent(context: &ReportContext<'_>, members: &mut [WaveMember]) -> bool {
    let is_unheard = |member: &WaveMember| {
        let one = &context.analyses[member.series];
        one.silent && !context.has_recent_data(&one.vantage)
    };
    let surface_of = |member: &WaveMember| &context.analyses[member.series].surface;
    let mut ends: BTreeMap<&SafeText, Option<Transition>> = BTreeMap::new();
    for member in members.iter().filter(|member| !is_unheard(member)) {
        let end = member.outage.end;
        let known = ends.entry(surface_of(member)).or_insert(end);
        *known = Transition::later_end(*known, end);
    }
    let mut is_any = false;
    for member in members.iter_mut().filter(|member| member.outage.end.is_none() && is_unheard(member)) {
        let end = ends.get(surface_of(member)).copied().flatten();
        if let Some(end) = end.filter(|end| end.by > member.outage.last_failed) {
            let ended = member.outage.ending(Transition { after: Some(member.outage.last_failed), by: end.by });
            *member = nested_outages::member(context, member.series, ended);
            is_any = true;
        }
    }
    is_any
}

/// The waves of outages that belong together: divided where all their series paused, and prolonged
/// where the good checks after the last failure may be chance.
fn incident(
    context: &ReportContext<'_>,
    members: Vec<WaveMember>,
    number: usize,
    nested: &NestedOutages,
) -> Vec<DetectedWave> {
    let surfaces: BTreeSet<&SafeText> = members.iter().map(|member| &context.analyses[member.series].surface).collect();
    let slack = surfaces.iter().map(|surface| context.slack(surface)).max().unwrap_or_default();
    let series: BTreeSet<usize> = members.iter().map(|member| member.series).collect();
    let Some(start) = members.iter().map(|member| member.outage.start.by).min() else { return Vec::new() };
    let others = |at: usize| nested.in_incident(number, at);
    let mut waves: Vec<DetectedWave> = waves::waves(members, slack, others)
        .into_iter()
        .flat_map(|wave| divided(context, wave, slack, others))
        .collect();
    let last = waves.iter().map(DetectedWave::last).max().unwrap_or(UnixMillis::MAX);
    let is_partial = is_partial(context, &series, &waves, others);
    if let Some(first) = waves.first_mut().filter(|_| is_partial)
        && !is_onset_seen(context, &series, first)
    {
        first.start.after = None;
    }
    // A pool detects its own end, and no good check will come of probes that were removed.
    let is_pooled = waves.iter().any(DetectedWave::is_pooled);
    if is_pooled || !is_partial || series.iter().all(|at| is_removed(context, *at)) {
        return waves;
    }
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    // A series that has failed since before is part of another incident and must not keep this one
    // open.
    let fails_already = |at: &usize| {
        let goes_on = |outage: Outage| outage.start.by < start && outage.end.is_none_or(|end| end.by > start);
        !series.contains(at) && context.analyses[*at].detector.outages().any(goes_on)
    };
    let of_surfaces = surfaces.iter().flat_map(|surface| context.series_of(surface)).copied();
    let pool: BTreeSet<usize> = of_surfaces.filter(|at| !fails_already(at)).collect();
    let interval = pool.iter().filter_map(|at| context.analyses[*at].interval()).min().unwrap_or(1);
    let mut ahead = within.max(1);
    loop {
        let to = context.range.to.min(last.saturating_add(ahead));
        let checks = checks_without(context, &pool, TimeSpan::new(start, to), others);
        let checks_of_probe = recovery::checks_of_probe(interval);
        let bridged = waves::bridge(waves.clone(), &checks, slack, checks_of_probe, |check| good_after(context, check));
        // With fewer checks it takes longer until enough of them are good.
        if to >= context.range.to || bridged.last().is_none_or(|wave| wave.end.is_some()) {
            return bridged;
        }
        ahead = ahead.saturating_mul(2);
    }
}

/// Whether enough good checks precede a partial failure that chance would not have made them during
/// it. Otherwise it may have begun before the first record.
fn is_onset_seen(context: &ReportContext<'_>, series: &BTreeSet<usize>, wave: &DetectedWave) -> bool {
    /// Chance makes this many good checks in a row with a lower probability than this.
    const CHANCE: f64 = 0.01;
    /// The failed ratio is computed over this many intervals from the start.
    const FIRST: i64 = 200;
    let interval = series.iter().filter_map(|at| context.analyses[*at].interval()).max().unwrap_or_default();
    let begin = wave.start.by;
    let last = wave.last().min(begin.saturating_add(interval.saturating_mul(FIRST)));
    let first = checks_of(context, series, TimeSpan::new(begin, last));
    let failed = first.iter().filter(|check| check.failed).count() as u64;
    let good_share = 1.0 - ratio(failed, first.len() as u64).unwrap_or(1.0);
    let mut back = interval.saturating_mul(2).max(1);
    loop {
        let before = checks_of(context, series, TimeSpan::new(begin.saturating_sub(back), begin - 1));
        let good = before.iter().filter(|check| !check.failed).count();
        let is_enough = good_share.powi(i32::try_from(good).unwrap_or(i32::MAX)) < CHANCE;
        if is_enough || back >= interval.saturating_mul(FIRST * 4) {
            return is_enough;
        }
        back = back.saturating_mul(4);
    }
}

/// Whether some checks of an incident's own series were good between their failures: then it is a
/// partial failure, which a few good checks in a row do not end. Checks of a series before its
/// first failure in a wave and after its last do not count: an outage that spreads from one series
/// to the next is still total.
fn is_partial(
    context: &ReportContext<'_>,
    series: &BTreeSet<usize>,
    waves: &[DetectedWave],
    others: impl Fn(usize) -> Vec<TimeSpan> + Copy,
) -> bool {
    let (mut failed, mut judged) = (0, 0);
    for wave in waves {
        let checks = checks_without(context, series, TimeSpan::new(wave.start.by, wave.last()), others);
        let mut failing: BTreeMap<usize, TimeSpan> = BTreeMap::new();
        for check in checks.iter().filter(|check| check.failed) {
            failing.entry(check.series).or_insert(TimeSpan::new(check.at, check.at)).last = check.at;
        }
        let counts =
            |check: &&waves::PooledCheck| failing.get(&check.series).is_some_and(|failing| failing.contains(check.at));
        judged += checks.iter().filter(counts).count() as u64;
        failed += checks.iter().filter(|check| check.failed).count() as u64;
    }
    recovery::is_partial(failed, judged)
}

/// A pause is not chance if its probability is below this.
const CHANCE: f64 = 0.001;

/// Divides a wave where it paused. The wave of a pool is a partial failure that lasts for hours, so
/// only a pause that chance never makes divides it.
fn divided(
    context: &ReportContext<'_>,
    wave: DetectedWave,
    pause: i64,
    others: impl Fn(usize) -> Vec<TimeSpan>,
) -> Vec<DetectedWave> {
    let series: BTreeSet<usize> = wave.members.iter().map(|member| member.series).collect();
    let span = TimeSpan::new(wave.start.after.unwrap_or(wave.start.by), wave.last().min(context.range.to));
    let checks = checks_without(context, &series, span, others);
    let failures = u64::from(context.range.rules.open_after.get());
    let chance = if wave.is_pooled() { recovery::NEVER_BY_CHANCE } else { CHANCE };
    waves::divide(wave, &checks, WaveDivision { pause, failures, chance }, |check| good_after(context, check))
}

/// The first good check of the same series after a check.
fn good_after(context: &ReportContext<'_>, check: waves::PooledCheck) -> Option<UnixMillis> {
    let later = TimeSpan::new(check.at.saturating_add(1), context.range.to);
    context.judged(check.series, later).find(|later| later.verdict == Verdict::Up).map(|later| later.at)
}

/// The judged checks of some series in a span, in order of time.
fn checks_of(context: &ReportContext<'_>, series: &BTreeSet<usize>, span: TimeSpan) -> Vec<waves::PooledCheck> {
    checks_without(context, series, span, |_| Vec::new())
}

/// The same, without the checks of each series in the spans that `left_out` returns for it.
fn checks_without(
    context: &ReportContext<'_>,
    series: &BTreeSet<usize>,
    span: TimeSpan,
    left_out: impl Fn(usize) -> Vec<TimeSpan>,
) -> Vec<waves::PooledCheck> {
    let mut checks = Vec::new();
    for at in series.iter().copied() {
        let left_out = left_out(at);
        let is_in = |check: &LoggedCheck| !left_out.iter().any(|span| span.contains(check.at));
        let judged = context.judged(at, span).filter(is_in);
        checks.extend(judged.map(|check| {
            let failed = check.verdict == Verdict::Down;
            waves::PooledCheck { at: check.at, series: at, failed }
        }));
    }
    checks.sort_unstable();
    checks
}

/// Ends the outage of a probe that was removed or renamed. Otherwise it stays open, because nobody knows.
fn end_if_removed(outage: Outage, context: &ReportContext<'_>, series: usize) -> Outage {
    if outage.end.is_some() || !is_removed(context, series) {
        return outage;
    }
    let last = context.analyses[series].last.unwrap_or(outage.last_failed);
    outage.ending(Transition { after: Some(outage.last_failed), by: last.max(outage.last_failed) })
}

/// Whether a probe was removed or renamed: it has gone silent while its vantage still reports, for longer than its
/// recent checks reach, or, if a plan still lists the probe, for longer than `join_within`.
fn is_removed(context: &ReportContext<'_>, series: usize) -> bool {
    let one = &context.analyses[series];
    let within = match context.fold.plans.lists(&one.series.vantage, &one.series.probe) {
        Some(true) => i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX),
        _ => judgement::recent_ms(one.interval().unwrap_or_default()),
    };
    let is_over = |last: UnixMillis| context.range.to - last > within;
    one.silent && one.last.is_none_or(is_over) && context.has_recent_data(&one.vantage)
}
