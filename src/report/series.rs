//! The answer over time, for charts: per surface, vantage and bucket.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::baseline::UsualHours;
use super::evidence::name;
use super::fold::Sheet;
use super::follow::Cell;
use super::pass::LatencySummary;
use super::statistics::{number, poisson_high, rounded};
use crate::model::{FailureClass, Phase, SafeText, micros, timestamp};
use crate::window::{Histogram, Latency};

/// A surface from a vantage in one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Point {
    /// The surface.
    pub surface: SafeText,
    /// The vantage.
    pub vantage: SafeText,
    /// The begin of the bucket.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub t: Timestamp,
    /// Checks judged: up and down.
    pub n: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Checks that could not be judged.
    pub unknown: u64,
    /// Checks that were due and not run.
    pub missed: u64,
    /// The failures by class.
    pub classes: BTreeMap<FailureClass, u64>,
    /// The total time of up checks.
    pub latency_us: LatencySummary,
    /// Up checks by latency band: index into [`super::Report::band_edges_us`] and count; bands without a check are absent.
    pub bands: Vec<(u16, u64)>,
}

/// A surface in one bucket, all vantages together: actual against expected.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Expectation {
    /// The surface.
    pub surface: SafeText,
    /// The begin of the bucket.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub t: Timestamp,
    /// Checks judged.
    pub n: u64,
    /// Of these, failed.
    pub actual: u64,
    /// Failures to expect at this hour; null without a baseline.
    pub expected: Option<f64>,
    /// More failures than this are unusual: the least count whose tail probability is below 0.1 %, less one.
    pub expected_high: Option<u64>,
    /// The median latency.
    pub p50_us: Option<u64>,
    /// The 95th percentile.
    pub p95_us: Option<u64>,
    /// The 99th percentile.
    pub p99_us: Option<u64>,
    /// The usual median at this hour.
    pub usual_p50_us: Option<u64>,
    /// The usual 95th percentile at this hour.
    pub usual_p95_us: Option<u64>,
}

/// Which checks a curve or a waterfall is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Those in buckets that an incident of the surface touches.
    Incident,
    /// Those in the window outside incidents.
    Calm,
    /// Those of the same hours on earlier days.
    Usual,
}

/// The latency of a surface's up checks, by percentile.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Curve {
    /// The surface.
    pub surface: SafeText,
    /// Which checks.
    pub part: Part,
    /// How many.
    pub n: u64,
    /// Percentile (0 to 1, rising) and latency in microseconds; those that the samples are too few for are left out.
    pub points: Vec<(f64, u64)>,
    /// The longest.
    pub max_us: Option<u64>,
}

/// The median time of each phase of a surface's up checks.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Waterfall {
    /// The surface.
    pub surface: SafeText,
    /// Which checks.
    pub part: Part,
    /// How many.
    pub n: u64,
    /// Microseconds of each phase that happened, in order.
    pub phases_us: BTreeMap<Phase, u64>,
}

/// Upper edges of the latency bands: five a decade from 100 µs to 63 s.
const BAND_EDGES_US: [u64; 30] = [
    100, 160, 250, 400, 630, 1_000, 1_600, 2_500, 4_000, 6_300, 10_000, 16_000, 25_000, 40_000, 63_000, 100_000,
    160_000, 250_000, 400_000, 630_000, 1_000_000, 1_600_000, 2_500_000, 4_000_000, 6_300_000, 10_000_000, 16_000_000,
    25_000_000, 40_000_000, 63_000_000,
];

/// The percentiles of a curve.
const CURVE: [f64; 11] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999];

/// The upper edges of the latency bands.
pub(super) fn band_edges() -> Vec<u64> {
    BAND_EDGES_US.to_vec()
}

/// A surface from a vantage over time.
pub(super) fn points(sheet: &Sheet, cells: &BTreeMap<i64, Cell>) -> Vec<Point> {
    let empty_cell = Cell::default();
    let empty_latency = Histogram::default();
    let buckets: BTreeSet<i64> = cells.keys().chain(sheet.latency.keys()).copied().collect();
    let point = |begin: i64| {
        let cell = cells.get(&begin).unwrap_or(&empty_cell);
        let latency = sheet.latency.get(&begin).map_or(&empty_latency, |latency| &latency.total);
        Some(Point {
            surface: name(&sheet.surface),
            vantage: name(&sheet.vantage),
            t: Timestamp::from_millisecond(begin).ok()?,
            n: cell.judged,
            failed: cell.failed,
            unknown: cell.unknown,
            missed: cell.missed,
            classes: cell.classes.clone(),
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

/// A surface over time against what is usual, all vantages together.
pub(super) fn expectations(
    points: &[Point],
    surface: &SafeText,
    whole: &BTreeMap<i64, Latency>,
    usual: &UsualHours,
    step: i64,
) -> Vec<Expectation> {
    let mut counts: BTreeMap<Timestamp, (u64, u64)> = BTreeMap::new();
    for point in points.iter().filter(|point| point.surface == *surface) {
        let (n, failed) = counts.entry(point.t).or_default();
        *n += point.n;
        *failed += point.failed;
    }
    let expectation = |(t, (n, actual)): (Timestamp, (u64, u64))| {
        let begin = t.as_millisecond();
        let usual = usual.at(begin, step);
        let expected = usual.map(|usual| usual.failed_ratio * number(n));
        let latency = whole.get(&begin).map(|latency| LatencySummary::of(&latency.total)).unwrap_or_default();
        Expectation {
            surface: surface.clone(),
            t,
            n,
            actual,
            expected: expected.map(rounded),
            expected_high: expected.map(poisson_high),
            p50_us: latency.p50.map(micros::of),
            p95_us: latency.p95.map(micros::of),
            p99_us: latency.p99.map(micros::of),
            usual_p50_us: usual.and_then(|usual| usual.p50_us),
            usual_p95_us: usual.and_then(|usual| usual.p95_us),
        }
    };
    counts.into_iter().map(expectation).collect()
}

/// The curve and the waterfall of a part of a surface's checks; none where there were none.
pub(super) fn shape(surface: &SafeText, part: Part, latency: &Latency) -> Option<(Curve, Waterfall)> {
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
        let (curve, waterfall) = shape(&SafeText::message("app"), Part::Calm, &latency).expect("a shape");
        assert_eq!(curve.points.iter().map(|(q, _)| *q).collect::<Vec<_>>(), [0.1, 0.25, 0.5, 0.75, 0.9]);
        assert!(waterfall.phases_us.is_empty());
        assert!(shape(&SafeText::message("app"), Part::Usual, &Latency::default()).is_none());
    }
}
