//! Latencies of many checks, summarized.

use std::time::Duration;

use serde::Serialize;

use crate::model::micros;
use crate::window::Histogram;

/// A duration measured in many checks, in microseconds. A percentile is null if there are too few
/// samples to bound it: p50 needs 5, p90 29, p95 59, p99 299.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LatencySummary {
    /// The number of samples.
    pub count: u64,
    /// The shortest; null without a sample.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub min: Option<Duration>,
    /// The median.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub p50: Option<Duration>,
    /// The 90th percentile.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub p90: Option<Duration>,
    /// The 95th percentile.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub p95: Option<Duration>,
    /// The 99th percentile.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub p99: Option<Duration>,
    /// The longest; null without a sample.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub max: Option<Duration>,
    /// Their sum.
    #[serde(with = "micros")]
    #[schemars(with = "u64")]
    pub sum: Duration,
}

impl LatencySummary {
    /// The summary of a histogram.
    #[must_use]
    pub fn of(histogram: &Histogram) -> LatencySummary {
        LatencySummary {
            count: histogram.count(),
            min: histogram.min(),
            p50: histogram.percentile(0.5),
            p90: histogram.percentile(0.9),
            p95: histogram.percentile(0.95),
            p99: histogram.percentile(0.99),
            max: histogram.max(),
            sum: histogram.sum(),
        }
    }
}
