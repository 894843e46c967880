//! The answer over time, for charts: per surface, vantage and bucket.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Phase, SafeText, UnixMillis, micros};
use crate::report::context::{ReportContext, SurfaceEntry};
use crate::report::document::charts::{Curve, Expectation, Point, Population, Waterfall};
use crate::report::document::latency::LatencySummary;
use crate::report::fold::evidence::name;
use crate::report::fold::latency_series::LatencySeries;
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::series::check_counts::CheckCounts;
use crate::report::statistics::{number, poisson_high, rounded};
use crate::window::{Histogram, Latency};

/// The upper edges of the latency bands: five per decade, from 100 µs to 63 s.
const BAND_EDGES_US: [u64; 30] = [
    100, 160, 250, 400, 630, 1_000, 1_600, 2_500, 4_000, 6_300, 10_000, 16_000, 25_000, 40_000, 63_000, 100_000,
    160_000, 250_000, 400_000, 630_000, 1_000_000, 1_600_000, 2_500_000, 4_000_000, 6_300_000, 10_000_000, 16_000_000,
    25_000_000, 40_000_000, 63_000_000,
];

/// The percentiles of a curve.
const CURVE: [f64; 11] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999];

/// The upper edges of the latency bands.
pub(crate) fn band_edges() -> Vec<u64> {
    BAND_EDGES_US.to_vec()
}

/// One surface from one vantage over time.
pub(crate) fn points(latency_series: &LatencySeries, counted: &BTreeMap<UnixMillis, CheckCounts>) -> Vec<Point> {
    let nothing = CheckCounts::default();
    let empty_latency = Histogram::default();
    let buckets: BTreeSet<UnixMillis> = counted.keys().chain(latency_series.latency.keys()).copied().collect();
    let point = |begin: UnixMillis| {
        let counts = counted.get(&begin).unwrap_or(&nothing);
        let latency = latency_series.latency.get(&begin).map_or(&empty_latency, |latency| &latency.total);
        Some(Point {
            surface: name(&latency_series.surface),
            vantage: name(&latency_series.vantage),
            control: latency_series.control,
            t: Timestamp::from_millisecond(begin.0).ok()?,
            n: counts.judged,
            failed: counts.failed,
            unknown: counts.unknown,
            missed: counts.missed,
            classes: counts.classes.clone(),
            latency_us: LatencySummary::of(latency),
            bands: bands(latency),
        })
    };
    buckets.into_iter().filter_map(point).collect()
}

fn bands(latency: &Histogram) -> Vec<(u16, u64)> {
    let mut bands: BTreeMap<u16, u64> = BTreeMap::new();
    for (time, count) in latency.buckets() {
        let band = BAND_EDGES_US.partition_point(|edge| *edge < micros::of(time));
        *bands.entry(u16::try_from(band).unwrap_or(u16::MAX)).or_default() += count;
    }
    bands.into_iter().collect()
}

/// Each surface over time, all vantages together: actual and expected failures.
pub(crate) fn expectations(context: &ReportContext<'_>) -> Vec<Expectation> {
    context.surfaces().flat_map(|(surface, entry)| expectations_of(surface, entry, context.range.step)).collect()
}

fn expectations_of(surface: &SafeText, entry: &SurfaceEntry, step: i64) -> Vec<Expectation> {
    let empty_latency = Latency::default();
    let nothing = CheckCounts::default();
    let buckets: BTreeSet<UnixMillis> = entry.buckets.keys().chain(entry.latency.keys()).copied().collect();
    let expectation = |begin: UnixMillis| {
        let counts = entry.buckets.get(&begin).unwrap_or(&nothing);
        let usual = entry.usual.at(begin, step);
        let expected = usual.map(|usual| usual.failed_ratio * number(counts.judged));
        let latency = LatencySummary::of(&entry.latency.get(&begin).unwrap_or(&empty_latency).total);
        Some(Expectation {
            surface: surface.clone(),
            t: Timestamp::from_millisecond(begin.0).ok()?,
            n: counts.judged,
            actual: counts.failed,
            expected: expected.map(rounded),
            expected_high: expected.map(poisson_high),
            p50_us: latency.p50.map(micros::of),
            p95_us: latency.p95.map(micros::of),
            p99_us: latency.p99.map(micros::of),
            usual_p50_us: usual.and_then(|usual| usual.p50_us),
            usual_p95_us: usual.and_then(|usual| usual.p95_us),
        })
    };
    buckets.into_iter().filter_map(expectation).collect()
}

/// The curves and waterfalls of each surface: in its incidents, outside them, and before the range.
pub(crate) fn shapes(context: &ReportContext<'_>, detected: &DetectedIncidents) -> (Vec<Curve>, Vec<Waterfall>) {
    let mut shapes = Vec::new();
    for (surface, entry) in context.surfaces() {
        let waves = detected.of_surface.get(surface).map(Vec::as_slice).unwrap_or_default();
        let touched = |begin: UnixMillis| {
            waves.iter().any(|wave| wave.start.by < begin + context.range.step && wave.last() >= begin)
        };
        let (mut incident, mut calm) = (Latency::default(), Latency::default());
        for (begin, latency) in &entry.latency {
            if touched(*begin) { incident.merge(latency) } else { calm.merge(latency) }
        }
        let usual = context.fold.history.past(surface.as_str()).map(|past| past.latency.clone()).unwrap_or_default();
        let all = [(Population::Incident, incident), (Population::Calm, calm), (Population::Usual, usual)];
        shapes.extend(all.iter().filter_map(|(part, latency)| shape(surface, *part, latency)));
    }
    shapes.into_iter().unzip()
}

/// The curve and the waterfall of some of a surface's checks; `None` if there are none.
pub(crate) fn shape(surface: &SafeText, part: Population, latency: &Latency) -> Option<(Curve, Waterfall)> {
    if latency.total.is_empty() {
        return None;
    }
    let total = &latency.total;
    let at = |q: f64| Some((q, micros::of(total.percentile(q)?)));
    let phase = |phase: Phase| Some((phase, micros::of(latency.phase(phase).quantile(0.5)?)));
    let (surface, n) = (surface.clone(), total.count());
    let curve = Curve {
        surface: surface.clone(),
        part,
        n,
        points: CURVE.into_iter().filter_map(at).collect(),
        max_us: total.max().map(micros::of),
    };
    Some((curve, Waterfall { surface, part, n, phases_us: Phase::ALL.into_iter().filter_map(phase).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_band_whose_edge_it_does_not_exceed() {
        let mut latency = Histogram::default();
        for micros in [50, 100, 101, 1_000, 70_000_000] {
            latency.record_micros(micros);
        }
        assert_eq!(bands(&latency), [(0, 2), (1, 1), (5, 1), (30, 1)]);
    }

    #[test]
    fn a_curve_has_only_the_percentiles_that_its_samples_can_show() {
        let mut latency = Latency::default();
        (0..30).for_each(|n| latency.total.record_micros(1000 + n));
        let (curve, waterfall) = shape(&SafeText::message("app"), Population::Calm, &latency).expect("a shape");
        assert_eq!(curve.points.iter().map(|(q, _)| *q).collect::<Vec<_>>(), [0.1, 0.25, 0.5, 0.75, 0.9]);
        assert!(waterfall.phases_us.is_empty());
        assert!(shape(&SafeText::message("app"), Population::Usual, &Latency::default()).is_none());
    }
}
