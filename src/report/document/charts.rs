//! The answer over time, for charts: per surface, vantage and bucket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{FailureClass, Phase, SafeText, timestamp};
use crate::report::document::latency::LatencySummary;

/// A surface from a vantage in one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Point {
    /// The surface.
    pub surface: SafeText,
    /// The vantage.
    pub vantage: SafeText,
    /// Whether its checks are those of control targets.
    pub control: bool,
    /// The start of the bucket.
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
    /// The total time of up checks, in microseconds.
    pub latency_us: LatencySummary,
    /// Up checks by latency band: index into `band_edges_us` of the report, and count; bands
    /// without a check are omitted.
    pub bands: Vec<(u16, u64)>,
}

/// A surface in one bucket, all vantages together: actual and expected failures.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Expectation {
    /// The surface.
    pub surface: SafeText,
    /// The start of the bucket.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub t: Timestamp,
    /// Checks judged.
    pub n: u64,
    /// Of these, failed.
    pub actual: u64,
    /// Failures to expect at this hour; null without a baseline.
    pub expected: Option<f64>,
    /// The most failures that are still usual: the least count that is exceeded with a probability
    /// below 0.1 % (Poisson); null without a baseline.
    pub expected_high: Option<u64>,
    /// The median latency, in microseconds; null if there are too few samples.
    pub p50_us: Option<u64>,
    /// The 95th percentile, in microseconds; null if there are too few samples.
    pub p95_us: Option<u64>,
    /// The 99th percentile, in microseconds; null if there are too few samples.
    pub p99_us: Option<u64>,
    /// The usual median at this hour, in microseconds; null without a baseline.
    pub usual_p50_us: Option<u64>,
    /// The usual 95th percentile at this hour, in microseconds; null without a baseline.
    pub usual_p95_us: Option<u64>,
}

/// The checks that a curve or a waterfall describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Those in buckets that overlap an incident of the surface.
    Incident,
    /// Those in the range outside incidents.
    Calm,
    /// Those of the 28 days before the range.
    Usual,
}

/// The latency of a surface's up checks, by percentile.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Curve {
    /// The surface.
    pub surface: SafeText,
    /// Which checks.
    pub part: Population,
    /// The number of checks.
    pub n: u64,
    /// Percentile (0 to 1, rising) and latency in microseconds; percentiles with too few samples
    /// are omitted.
    pub points: Vec<(f64, u64)>,
    /// The longest latency, in microseconds.
    pub max_us: Option<u64>,
}

/// The median time of each phase of a surface's up checks.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Waterfall {
    /// The surface.
    pub surface: SafeText,
    /// Which checks.
    pub part: Population,
    /// The number of checks.
    pub n: u64,
    /// The median of each phase that occurred, in microseconds, in order.
    pub phases_us: BTreeMap<Phase, u64>,
}
