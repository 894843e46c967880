//! From a finished fold to the answer: a list of named steps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::coverage::NoData;
use super::desk::Desk;
use super::evidence::name;
use super::figures::{coverage, figures, lag};
use super::fold::Fold;
use super::follow::{Followed, Frame, silences};
use super::found::Found;
use super::history::{HOUR_MS, Judged};
use super::incidents::instant;
use super::pass::Proof;
use super::row::{AddressRow, PlaceRow, ProbeRow, SurfaceRow, VantageRow};
use super::series::{Part, Point};
use super::slo::Slo;
use super::statistics::{number, ratio, rounded};
use super::verdict::Case;
use super::{
    Integrity, Report, SCHEMA, Span, State, Tool, Usual, compare, description, found, ladder, limits, parallel, series,
    slo, state,
};
use crate::model::{SafeText, ip_version};
use crate::window::{Histogram, Latency};

/// The most addresses of a report.
const ADDRESSES: usize = 100;

/// Makes the answer.
pub(super) fn answer(mut fold: Fold, now: Timestamp, integrity: Integrity) -> Report {
    parallel::map(fold.series.iter_mut().collect(), |series| {
        series.ticks.sort();
        series.lead.sort();
    });
    let rules = fold.question.rules;
    let frame = frame(&fold, now, &rules);
    let desk = Desk::new(&fold, frame);
    let found = found::find(&desk);
    let surfaces = surfaces(&desk, &found);
    let comparisons = compare::compare(&surfaces);
    let incidents = description::describe(&desk, &found, comparisons.iter().any(|one| one.significant));
    let vantages = vantages(&desk);
    let everything = desk.group(|one| !one.series.control);
    let coverage = coverage(&everything);
    let case =
        Case { desk: &desk, surfaces: &surfaces, vantages: &vantages, incidents: &incidents, found: &found, coverage };
    let verdict = case.answer();
    let points: Vec<Point> = desk.sheets().flat_map(|(sheet, cells)| series::points(sheet, cells)).collect();
    let whole = whole(&desk);
    let (curves, waterfalls) = shapes(&desk, &found, &whole);
    let judged = everything.iter().fold(Judged::default(), |sum, one| Judged {
        n: sum.n + one.series.counts.judged(),
        failed: sum.failed + one.series.counts.down,
    });
    Report {
        schema: SCHEMA,
        generated_at: now,
        tool: Tool { name: "uptick", version: env!("CARGO_PKG_VERSION") },
        window: Span {
            from: instant(frame.from),
            to: instant(frame.to),
            bucket_s: u64::try_from(frame.step / 1_000).unwrap_or_default(),
        },
        verdict,
        places: places(&desk),
        probes: probes(&desk),
        addresses: addresses(&desk),
        expectations: expectations(&desk, &points, &whole),
        series: points,
        band_edges_us: series::band_edges(),
        curves,
        waterfalls,
        no_data: no_data(&desk),
        lag_us: lag(&desk.group(|_| true)),
        coverage,
        maintenance: fold.maintenance,
        proof: Proof::new(judged.n, judged.failed),
        limits: limits::limits(&desk, &surfaces, &vantages, &coverage, &fold.maintenance),
        integrity: Integrity {
            windows: fold.windows,
            history_windows: fold.history_windows,
            failures: fold.failures,
            ..integrity
        },
        surfaces,
        vantages,
        incidents,
        comparisons,
    }
}

/// The window: as asked, or as far as the data reaches.
fn frame<'f>(fold: &'f Fold, now: Timestamp, rules: &'f crate::model::IncidentRules) -> Frame<'f> {
    let asked = &fold.question;
    let now = now.as_millisecond();
    let last = fold.series.iter().filter_map(|series| series.ticks.last_at()).max();
    let from = asked.from.map(jiff::Timestamp::as_millisecond);
    let from = from.or((fold.extent.from != i64::MAX).then_some(fold.extent.from)).unwrap_or(now);
    let to = match asked.to {
        Some(to) => to.as_millisecond(),
        // A window's span may reach past its last check, and past now.
        None => fold.extent.to.min(now).max(last.map_or(i64::MIN, |last| last + 1)),
    };
    Frame { rules, from, to: to.max(from), from_is_asked: asked.from.is_some(), step: fold.extent.step }
}

fn surfaces(desk: &Desk<'_>, found: &Found) -> Vec<SurfaceRow> {
    let mut rows: Vec<SurfaceRow> =
        desk.surfaces().into_iter().map(|surface| surface_row(desk, found, surface, false)).collect();
    rows.extend(desk.control_surfaces().into_iter().map(|surface| surface_row(desk, found, surface, true)));
    let failures: u64 = rows.iter().filter(|row| !row.control).map(|row| row.figures.down).sum();
    let ratios: f64 = rows.iter().filter(|row| !row.control).filter_map(|row| row.figures.failed_ratio).sum();
    for row in rows.iter_mut().filter(|row| !row.control) {
        row.share_of_failures = ratio(row.figures.down, failures).map(rounded);
        row.share_per_check = row.figures.failed_ratio.filter(|_| ratios > 0.0).map(|ratio| rounded(ratio / ratios));
    }
    rows
}

fn surface_row(desk: &Desk<'_>, found: &Found, surface: &SafeText, control: bool) -> SurfaceRow {
    let group = desk.group(|one| one.surface == *surface && one.series.control == control);
    let asked = desk.fold.question.surfaces.iter().find(|(of, _)| name(of) == *surface).map(|(_, asked)| asked);
    let figures = figures(&group, &desk.fold.evidence);
    let time_up_ratio = time_up_ratio(desk, found, surface, figures.coverage.ratio);
    SurfaceRow {
        surface: surface.clone(),
        label: asked.and_then(|asked| asked.label.as_deref()).map(name),
        control,
        state: if control { control_state(desk, surface) } else { desk.surface_state(surface) },
        probes: group.iter().map(|one| &one.probe).collect::<BTreeSet<_>>().len() as u64,
        share_of_failures: None,
        share_per_check: None,
        time_up_ratio: time_up_ratio.filter(|_| !control && figures.checks > figures.missed),
        baseline: usual(desk, surface, control),
        slo: asked.filter(|_| !control).and_then(|asked| slo(desk, asked, surface, &group)),
        figures,
    }
}

fn control_state(desk: &Desk<'_>, surface: &SafeText) -> State {
    let vantages: BTreeSet<&SafeText> =
        desk.group(|one| one.series.control && one.surface == *surface).into_iter().map(|one| &one.vantage).collect();
    let of_vantage = |vantage: &SafeText| {
        let mine = desk.group(|one| one.series.control && one.surface == *surface && one.vantage == *vantage);
        state::of_place(&mine, desk.frame.rules)
    };
    state::of_surface(&vantages.into_iter().map(of_vantage).collect::<Vec<_>>())
}

/// (covered time - incident time) / covered time.
fn time_up_ratio(desk: &Desk<'_>, found: &Found, surface: &SafeText, coverage: Option<f64>) -> Option<f64> {
    let length = number(u64::try_from(desk.frame.to - desk.frame.from).ok()?);
    let covered = length * coverage?;
    if covered <= 0.0 {
        return None;
    }
    let waves = found.of_surface.get(surface).map(Vec::as_slice).unwrap_or_default();
    let down: i64 = waves
        .iter()
        .map(|wave| {
            let end = wave.end.map_or(desk.frame.to, |end| end.by).min(desk.frame.to);
            (end - wave.start.by.max(desk.frame.from)).max(0)
        })
        .sum();
    Some(rounded((1.0 - number(u64::try_from(down).unwrap_or_default()) / covered).clamp(0.0, 1.0)))
}

fn usual(desk: &Desk<'_>, surface: &SafeText, control: bool) -> Usual {
    let mut judged: BTreeMap<i64, u64> = BTreeMap::new();
    for (sheet, cells) in desk.sheets() {
        if sheet.control == control && name(&sheet.surface) == *surface {
            for (begin, cell) in cells {
                *judged.entry(*begin).or_default() += cell.judged;
            }
        }
    }
    desk.usual_of(surface).map(|usual| usual.over(judged.into_iter(), desk.frame.step)).unwrap_or_default()
}

fn slo(desk: &Desk<'_>, asked: &crate::model::Surface, surface: &SafeText, group: &[&Followed<'_>]) -> Option<Slo> {
    let mut latency = Histogram::default();
    for one in group {
        latency.merge(&one.series.latency);
    }
    slo::judge(asked, &|seconds| lately(desk, surface, group, seconds), &latency)
}

/// The judged checks of a surface in the last so many seconds before the end of the window, and the
/// share of that time for which there is data. A day and less is counted by the check, more by the hour.
fn lately(desk: &Desk<'_>, surface: &SafeText, group: &[&Followed<'_>], seconds: u64) -> (Judged, f64) {
    let length = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let from = desk.frame.to.saturating_sub(length);
    let in_days = length > super::history::DAY_MS;
    let mut judged = Judged::default();
    let past = desk.fold.history.past(surface.as_str());
    let first = if in_days {
        let hours = past.map(|past| past.hours.range(ladder::floor(from, HOUR_MS)..desk.frame.to));
        for (_, hour) in hours.into_iter().flatten() {
            judged.add(*hour);
        }
        past.and_then(|past| past.hours.keys().next().copied())
    } else {
        for one in group {
            let offline = desk.offline_of(&one.series.vantage);
            let cells = super::follow::tally(one.series, offline, &[(from, desk.frame.to)]);
            for cell in &cells {
                judged.add(Judged { n: cell.judged, failed: cell.failed });
            }
        }
        past.and_then(|past| past.hours.keys().next().copied())
    };
    let seen = first.map_or(0, |first| (desk.frame.to - first.max(from)).clamp(0, length));
    let share = number(u64::try_from(seen).unwrap_or_default()) / number(u64::try_from(length.max(1)).unwrap_or(1));
    (judged, share)
}

fn vantages(desk: &Desk<'_>) -> Vec<VantageRow> {
    desk.vantages().into_iter().map(|vantage| vantage_row(desk, vantage)).collect()
}

fn vantage_row(desk: &Desk<'_>, vantage: &SafeText) -> VantageRow {
    let mine = desk.group(|one| one.vantage == *vantage && !one.series.control);
    let all = desk.group(|one| one.vantage == *vantage);
    let surfaces: BTreeSet<&SafeText> = mine.iter().map(|one| &one.surface).collect();
    VantageRow {
        vantage: vantage.clone(),
        set_aside: desk.is_set_aside(vantage),
        control: desk.control_of(vantage),
        state: state::of_all(surfaces.into_iter().map(|surface| desk.place_state(surface, vantage))),
        last_seen: instant(all.iter().filter_map(|one| one.last).max().unwrap_or(desk.frame.from)),
        lag_us: lag(&all),
        figures: figures(&mine, &desk.fold.evidence),
    }
}

fn places(desk: &Desk<'_>) -> Vec<PlaceRow> {
    let keys: BTreeSet<(bool, &SafeText, &SafeText)> =
        desk.followed.iter().map(|one| (one.series.control, &one.surface, &one.vantage)).collect();
    let row = |(control, surface, vantage): (bool, &SafeText, &SafeText)| {
        let mine =
            desk.group(|one| one.series.control == control && one.surface == *surface && one.vantage == *vantage);
        let state = if control { state::of_place(&mine, desk.frame.rules) } else { desk.place_state(surface, vantage) };
        PlaceRow {
            surface: surface.clone(),
            vantage: vantage.clone(),
            control,
            state,
            figures: figures(&mine, &desk.fold.evidence),
        }
    };
    keys.into_iter().map(row).collect()
}

fn probes(desk: &Desk<'_>) -> Vec<ProbeRow> {
    let keys: BTreeSet<(bool, &SafeText, &SafeText)> =
        desk.followed.iter().map(|one| (one.series.control, &one.surface, &one.probe)).collect();
    let row = |(control, surface, probe): (bool, &SafeText, &SafeText)| {
        let mine = desk.group(|one| one.series.control == control && one.surface == *surface && one.probe == *probe);
        let states: Vec<State> = mine
            .iter()
            .map(|one| {
                if !control && desk.is_set_aside(&one.vantage) {
                    State::Unknown
                } else {
                    state::of_place(&[one], desk.frame.rules)
                }
            })
            .collect();
        ProbeRow {
            probe: probe.clone(),
            surface: surface.clone(),
            control,
            insecure: mine.iter().any(|one| one.series.insecure),
            state: state::of_surface(&states),
            cadence_ms: mine
                .iter()
                .filter_map(|one| one.cadence())
                .min()
                .and_then(|cadence| u64::try_from(cadence).ok()),
            lag_us: lag(&mine),
            figures: figures(&mine, &desk.fold.evidence),
        }
    };
    keys.into_iter().map(row).collect()
}

fn addresses(desk: &Desk<'_>) -> Vec<AddressRow> {
    let row = |(surface, ip, failed): (&SafeText, std::net::IpAddr, u64)| AddressRow {
        address: name(&ip.to_string()),
        family: ip_version(ip),
        surface: surface.clone(),
        failed,
    };
    let mut rows: Vec<AddressRow> = desk.fold.evidence.addresses().map(row).collect();
    rows.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| (&a.surface, &a.address).cmp(&(&b.surface, &b.address))));
    rows.truncate(ADDRESSES);
    rows
}

/// The latency of each surface over time, all vantages together.
fn whole(desk: &Desk<'_>) -> BTreeMap<SafeText, BTreeMap<i64, Latency>> {
    let mut whole: BTreeMap<SafeText, BTreeMap<i64, Latency>> = BTreeMap::new();
    for (sheet, _) in desk.sheets().filter(|(sheet, _)| !sheet.control) {
        let surface = whole.entry(name(&sheet.surface)).or_default();
        for (begin, latency) in &sheet.latency {
            surface.entry(*begin).or_default().merge(latency);
        }
    }
    whole
}

fn expectations(
    desk: &Desk<'_>,
    points: &[Point],
    whole: &BTreeMap<SafeText, BTreeMap<i64, Latency>>,
) -> Vec<series::Expectation> {
    let of = |(surface, latency): (&SafeText, &BTreeMap<i64, Latency>)| {
        let usual = desk.usual_of(surface);
        usual.map(|usual| series::expectations(points, surface, latency, usual, desk.frame.step)).unwrap_or_default()
    };
    whole.iter().flat_map(of).collect()
}

/// Curves and waterfalls of each surface: in its incidents, outside them, and on earlier days.
fn shapes(
    desk: &Desk<'_>,
    found: &Found,
    whole: &BTreeMap<SafeText, BTreeMap<i64, Latency>>,
) -> (Vec<series::Curve>, Vec<series::Waterfall>) {
    let mut shapes = Vec::new();
    for (surface, buckets) in whole {
        let waves = found.of_surface.get(surface).map(Vec::as_slice).unwrap_or_default();
        let touched =
            |begin: i64| waves.iter().any(|wave| wave.start.by < begin + desk.frame.step && wave.last() >= begin);
        let (mut incident, mut calm) = (Latency::default(), Latency::default());
        for (begin, latency) in buckets {
            if touched(*begin) { incident.merge(latency) } else { calm.merge(latency) }
        }
        let usual = desk.fold.history.past(surface.as_str()).map(|past| past.latency.clone()).unwrap_or_default();
        let parts = [(Part::Incident, incident), (Part::Calm, calm), (Part::Usual, usual)];
        shapes.extend(parts.iter().filter_map(|(part, latency)| series::shape(surface, *part, latency)));
    }
    shapes.into_iter().unzip()
}

fn no_data(desk: &Desk<'_>) -> Vec<NoData> {
    let mut all = Vec::new();
    for vantage in desk.vantages() {
        let silent = silences(&desk.group(|one| one.vantage == *vantage), &desk.frame);
        all.extend(silent.into_iter().map(|(from, to)| NoData {
            vantage: vantage.clone(),
            from: instant(from),
            to: instant(to),
            clock_jump: desk.fold.gaps.iter().any(|(of, gap_from, gap_to)| {
                name(of) == *vantage && *gap_from.min(gap_to) < to && from < *gap_to.max(gap_from)
            }),
        }));
    }
    all
}
