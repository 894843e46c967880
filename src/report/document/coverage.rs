//! How much of what was due was seen. What was not seen is no data: never up, never down.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{SafeText, timestamp};

/// How much of what was due was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Coverage {
    /// Checks that were due, by the cadence that the journal shows.
    pub expected: u64,
    /// Checks that were made: up, down and unknown.
    pub observed: u64,
    /// observed / expected; null where nothing was due.
    pub ratio: Option<f64>,
}

/// A stretch of time in which a vantage reported nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct NoData {
    /// The vantage.
    pub vantage: SafeText,
    /// The last check before it, or the start of the window.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first check after it, or the end of the window.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Whether the prober says itself that its machine slept or its clock was set.
    pub clock_jump: bool,
}
