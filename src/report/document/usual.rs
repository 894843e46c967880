//! What is usual for a surface, as documents have it.

use serde::Serialize;

/// What is usual for a surface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Usual {
    /// How it was computed; null while there is no baseline yet.
    pub method: Option<&'static str>,
    /// Earlier days that have data for these hours.
    pub days: u64,
    /// Days that are needed.
    pub days_needed: u64,
    /// The usual failed ratio.
    pub failed_ratio: Option<f64>,
    /// Failures to expect in the window from it.
    pub expected_failures: Option<f64>,
    /// The usual median latency.
    pub p50_us: Option<u64>,
    /// The usual 95th percentile.
    pub p95_us: Option<u64>,
}
