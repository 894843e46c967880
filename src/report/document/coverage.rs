//! Coverage: which share of the due checks was made. A missing check is no data: neither up nor
//! down.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{SafeText, timestamp};

/// Which share of the due checks was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Coverage {
    /// Checks that were due, by the plan or by the cadence that the journal shows.
    pub expected: u64,
    /// Checks that were made: up, down and unknown.
    pub observed: u64,
    /// observed / expected; null if nothing was due.
    pub ratio: Option<f64>,
}

/// A span in which a vantage reported nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct NoData {
    /// The vantage.
    pub vantage: SafeText,
    /// The last check before it, or the start of the range.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first check after it, or the end of the range.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Whether the prober itself reports that its machine slept or that its clock was set.
    pub clock_jump: bool,
}
