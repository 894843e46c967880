//! The baseline of a surface, as documents contain it.

use serde::Serialize;

/// The baseline of a surface: what is usual for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Usual {
    /// How it was computed; null while there is no baseline yet.
    pub method: Option<&'static str>,
    /// Earlier days with data for these hours.
    pub days: u64,
    /// Days that a baseline needs.
    pub days_needed: u64,
    /// The usual failed ratio; null without a baseline.
    pub failed_ratio: Option<f64>,
    /// Failures to expect in the range; null without a baseline.
    pub expected_failures: Option<f64>,
    /// The usual median latency, in microseconds; null if it is not known.
    pub p50_us: Option<u64>,
    /// The usual 95th percentile, in microseconds; null if it is not known.
    pub p95_us: Option<u64>,
}
