//! The rows of the answer: the same figures per surface, vantage, place and probe.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{SafeText, Surface, UnixMillis, ip_version};
use crate::report::answer::figures::{figures, lag};
use crate::report::answer::objectives;
use crate::report::answer::recent::recent;
use crate::report::answer::slow_periods;
use crate::report::answer::span_counts::span_counts;
use crate::report::context::{ReportContext, SurfaceEntry, VantageEntry};
use crate::report::document::answer::State;
use crate::report::document::coverage::NoData;
use crate::report::document::rows::{AddressRow, ProbeRow, SurfaceRow, SurfaceVantageRow, VantageRow};
use crate::report::document::slo::Slo;
use crate::report::document::slow_period::SlowPeriod;
use crate::report::document::usual::Usual;
use crate::report::fold::evidence::name;
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::silence::silences;
use crate::report::series::state::StateThresholds;
use crate::report::series::{judgement, state};
use crate::report::statistics::{number, ratio, rounded};
use crate::window::{Histogram, Remotes};

/// The most addresses in a report.
const ADDRESSES: usize = 100;

/// One row per surface; control targets last.
pub(crate) fn surfaces(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    slow_periods: &[SlowPeriod],
) -> Vec<SurfaceRow> {
    let row = |control| move |(surface, entry)| surface_row(context, (detected, slow_periods), surface, entry, control);
    let mut rows: Vec<SurfaceRow> = context.surfaces().map(row(false)).collect();
    rows.extend(context.control_surfaces().map(row(true)));
    let failures: u64 = rows.iter().filter(|row| !row.control).map(|row| row.figures.down).sum();
    let ratios: f64 = rows.iter().filter(|row| !row.control).filter_map(|row| row.figures.failed_ratio).sum();
    for row in rows.iter_mut().filter(|row| !row.control) {
        row.share_of_failures = ratio(row.figures.down, failures).map(rounded);
        row.share_per_check = row.figures.failed_ratio.filter(|_| ratios > 0.0).map(|ratio| rounded(ratio / ratios));
    }
    rows
}

fn surface_row(
    context: &ReportContext<'_>,
    (detected, slow_periods): (&DetectedIncidents, &[SlowPeriod]),
    surface: &SafeText,
    entry: &SurfaceEntry,
    control: bool,
) -> SurfaceRow {
    let group = context.at(&entry.series);
    let wave = detected.open_wave(context, surface).map(|wave| wave.start.by);
    let asked = context.fold.question.surfaces.iter().find(|(of, _)| name(of) == *surface).map(|(_, asked)| asked);
    let figures = figures(&group, &context.fold.evidence);
    let time_up_ratio = time_up_ratio(context, detected, surface, figures.coverage.ratio);
    let state = if control { control_state(context, entry) } else { context.surface_state(surface) };
    let mut recent = recent(context, detected, &entry.series, state, wave.filter(|_| !control));
    if !control && state.is_failing() && wave.is_none() {
        recent.failing_since = slow_periods::slow_since(surface, slow_periods).or(recent.failing_since);
    }
    SurfaceRow {
        surface: surface.clone(),
        label: asked.and_then(|asked| asked.label.as_deref()).map(name),
        control,
        state,
        recent,
        probes: entry.probes.len() as u64,
        share_of_failures: None,
        share_per_check: None,
        time_up_ratio: time_up_ratio.filter(|_| !control && figures.checks > figures.missed),
        baseline: usual(context, entry),
        slo: asked.filter(|_| !control).and_then(|asked| slo(context, asked, surface, &group)),
        figures,
    }
}

fn control_state(context: &ReportContext<'_>, entry: &SurfaceEntry) -> State {
    let of_vantage =
        |series: &Vec<usize>| state::of_place(&context.at(series), &context.range, &StateThresholds::default());
    state::of_surface(&entry.places.values().map(of_vantage).collect::<Vec<_>>())
}

/// (covered time - incident time) / covered time; `None` if nothing was covered.
fn time_up_ratio(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    surface: &SafeText,
    coverage: Option<f64>,
) -> Option<f64> {
    let length = number(u64::try_from(context.range.to - context.range.from).ok()?);
    let covered = length * coverage?;
    if covered <= 0.0 {
        return None;
    }
    let waves = detected.of_surface.get(surface).map(Vec::as_slice).unwrap_or_default();
    let down: i64 = waves
        .iter()
        .map(|wave| {
            let end = wave.end.map_or(context.range.to, |end| end.by).min(context.range.to);
            (end - wave.start.by.max(context.range.from)).max(0)
        })
        .sum();
    Some(rounded((1.0 - number(u64::try_from(down).unwrap_or_default()) / covered).clamp(0.0, 1.0)))
}

fn usual(context: &ReportContext<'_>, entry: &SurfaceEntry) -> Usual {
    let judged = entry.buckets.iter().map(|(begin, counts)| (*begin, counts.judged));
    entry.usual.over(judged, context.range.step)
}

fn slo(context: &ReportContext<'_>, asked: &Surface, surface: &SafeText, group: &[&SeriesAnalysis<'_>]) -> Option<Slo> {
    let mut latency = Histogram::default();
    for one in group {
        latency.merge(&one.series.latency);
    }
    objectives::judge(asked, &|seconds| span_counts(context, surface, group, seconds), &latency)
}

/// One row per vantage.
pub(crate) fn vantages(context: &ReportContext<'_>, detected: &DetectedIncidents) -> Vec<VantageRow> {
    context.vantages().map(|(vantage, entry)| vantage_row(context, detected, vantage, entry)).collect()
}

fn vantage_row(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    vantage: &SafeText,
    entry: &VantageEntry,
) -> VantageRow {
    let mine = context.at(&entry.series);
    let mut all = mine.clone();
    all.extend(context.at(&entry.control_series));
    let places = context.surfaces().filter(|(_, surface)| surface.places.contains_key(vantage));
    let state = judgement::worst(places.map(|(surface, _)| context.place_state(surface, vantage)));
    VantageRow {
        vantage: vantage.clone(),
        set_aside: entry.is_set_aside,
        cannot_judge: {
            let mut heard = mine.iter().filter(|one| !one.silent).peekable();
            let rounds = context.range.rules.open_after.get();
            heard.peek().is_some() && heard.all(|one| one.unjudged_in_a_row >= rounds)
        },
        control: entry.control,
        state,
        last_seen: all.iter().filter_map(|one| one.last).max().unwrap_or(context.range.from).timestamp(),
        lag_us: lag(&all),
        recent: recent(context, detected, &entry.series, state, None),
        figures: figures(&mine, &context.fold.evidence),
    }
}

/// One row per surface and vantage.
pub(crate) fn places(context: &ReportContext<'_>, detected: &DetectedIncidents) -> Vec<SurfaceVantageRow> {
    let mut rows = Vec::new();
    for (surface, entry) in context.surfaces() {
        let wave = detected.open_wave(context, surface).map(|wave| wave.start.by);
        rows.extend(entry.places.iter().map(|(vantage, series)| {
            place_row(context, detected, (surface, vantage), series, context.place_state(surface, vantage), wave)
        }));
    }
    for (surface, entry) in context.control_surfaces() {
        rows.extend(entry.places.iter().map(|(vantage, series)| {
            let state = state::of_place(&context.at(series), &context.range, &StateThresholds::default());
            SurfaceVantageRow { control: true, ..place_row(context, detected, (surface, vantage), series, state, None) }
        }));
    }
    rows
}

fn place_row(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    (surface, vantage): (&SafeText, &SafeText),
    series: &[usize],
    state: State,
    wave: Option<UnixMillis>,
) -> SurfaceVantageRow {
    let mine = context.at(series);
    let figures = figures(&mine, &context.fold.evidence);
    let recent = recent(context, detected, series, state, wave);
    SurfaceVantageRow { surface: surface.clone(), vantage: vantage.clone(), control: false, state, recent, figures }
}

/// One row per probe; control targets last.
pub(crate) fn probes(context: &ReportContext<'_>, detected: &DetectedIncidents) -> Vec<ProbeRow> {
    let mut rows = Vec::new();
    for (surface, entry) in context.surfaces() {
        let wave = detected.open_wave(context, surface).map(|wave| wave.start.by);
        rows.extend(entry.probes.iter().map(|(probe, series)| {
            probe_row(context, detected, (surface, &entry.standing), (probe, series), (wave, false))
        }));
    }
    for (surface, entry) in context.control_surfaces() {
        rows.extend(entry.probes.iter().map(|(probe, series)| {
            probe_row(context, detected, (surface, &entry.standing), (probe, series), (None, true))
        }));
    }
    rows
}

fn probe_row(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    (surface, standing): (&SafeText, &StateThresholds),
    (probe, series): (&SafeText, &[usize]),
    (wave, control): (Option<UnixMillis>, bool),
) -> ProbeRow {
    let mine = context.at(series);
    let state_of = |one: &&SeriesAnalysis<'_>| {
        let is_judged = control || !context.is_set_aside(&one.vantage);
        if is_judged { state::of_place(&[one], &context.range, standing) } else { State::Unknown }
    };
    let interval = mine.iter().filter_map(|one| one.interval()).min();
    let state = state::of_surface(&mine.iter().map(state_of).collect::<Vec<_>>());
    let mut latency = Histogram::default();
    mine.iter().for_each(|one| latency.merge(&one.series.latency));
    ProbeRow {
        latency,
        probe: probe.clone(),
        surface: surface.clone(),
        control,
        insecure: mine.iter().any(|one| one.series.insecure),
        state,
        recent: recent(context, detected, series, state, wave),
        cadence_ms: interval.and_then(|interval| u64::try_from(interval).ok()),
        lag_us: lag(&mine),
        unmet_warnings: context.fold.warnings.of(surface, probe).cloned().collect(),
        figures: figures(&mine, &context.fold.evidence),
    }
}

/// The addresses that checks connected to, the most failures first. Those without a failure are
/// left out if they are the only one of their surface.
pub(crate) fn addresses(context: &ReportContext<'_>) -> Vec<AddressRow> {
    let row = |surface: &SafeText, ip: IpAddr, failed: u64, checks: Option<u64>| AddressRow {
        address: name(&ip.to_string()),
        family: ip_version(ip),
        surface: surface.clone(),
        failed,
        checks,
    };
    let mut rows: Vec<AddressRow> = Vec::new();
    let mut counted: BTreeMap<&SafeText, Remotes> = BTreeMap::new();
    for one in context.analyses.iter().filter(|one| !one.series.remotes.is_empty()) {
        counted.entry(&one.surface).or_default().merge(&one.series.remotes);
    }
    for (surface, remotes) in &counted {
        let of_surface = remotes.apart().filter(|(_, counts)| remotes.apart().count() > 1 || counts.down > 0);
        rows.extend(of_surface.map(|(ip, counts)| row(surface, ip, counts.down, Some(counts.judged()))));
    }
    let sampled = context.fold.evidence.addresses().filter(|(surface, ..)| !counted.contains_key(surface));
    rows.extend(sampled.map(|(surface, ip, failed)| row(surface, ip, failed, None)));
    rows.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| (&a.surface, &a.address).cmp(&(&b.surface, &b.address))));
    rows.truncate(ADDRESSES);
    rows
}

/// The spans of the range without data, by vantage.
pub(crate) fn no_data(context: &ReportContext<'_>) -> Vec<NoData> {
    let mut all = Vec::new();
    for (vantage, entry) in context.vantages() {
        let mut mine = context.at(&entry.series);
        mine.extend(context.at(&entry.control_series));
        let silent = silences(&mine, &context.range);
        all.extend(silent.into_iter().map(|silence| NoData {
            vantage: vantage.clone(),
            from: silence.first.timestamp(),
            to: silence.last.timestamp(),
            clock_jump: context.fold.gaps.iter().any(|(of, gap_from, gap_to)| {
                name(of) == *vantage && *gap_from.min(gap_to) < silence.last && silence.first < *gap_to.max(gap_from)
            }),
        }));
    }
    all
}
