//! The latest checks of a row, their trend, and what changed: the state now, beside the figures of
//! the whole range.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Bracket, SafeText, optional_timestamp as optional};

/// The latest judged checks of a row: those of the last 15 minutes, or the last twenty if these are
/// more. If a wave of the surface is open, only those since it began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Recent {
    /// The number of these checks.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// failed / judged; null if none was judged.
    pub failed_ratio: Option<f64>,
    /// The trend of the failed ratio.
    pub trend: Trend,
    /// The last failed check among them; null if none failed.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last_failure: Option<Timestamp>,
    /// Since when it fails: the start of the open outage of its own or of the incident that it is part of, of the earliest
    /// if several are open; of the slow answers, if only these are not as usual. Without an incident, its first failure
    /// among these checks, and `after` is null. What is flapping does so since its incident began. Null if it is not failing.
    pub failing_since: Option<Bracket>,
    /// Since when it cannot be judged, if its state is unknown: after the last check that showed something, and no later
    /// than the first that did not or that is missing. Null otherwise, and if there is no check.
    pub unknown_since: Option<Bracket>,
}

/// The trend of a failed ratio: the later half of the latest checks compared with the earlier half,
/// by Fisher's exact test (p ≤ 0.05).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// None of the latest checks failed.
    #[default]
    None,
    /// No significant difference.
    Steady,
    /// Significantly more of the later checks fail.
    Worsening,
    /// Significantly fewer of the later checks fail.
    Recovering,
}

impl Trend {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Trend::None => "none",
            Trend::Steady => "steady",
            Trend::Worsening => "worsening",
            Trend::Recovering => "recovering",
        }
    }
}

/// An outage of a probe from a vantage that began or ended in the last 15 minutes of the range.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Change {
    /// Whether it began or ended.
    pub change: ChangeKind,
    /// When.
    pub at: Bracket,
    /// The surface.
    pub surface: SafeText,
    /// The probe.
    pub probe: SafeText,
    /// The vantage.
    pub vantage: SafeText,
}

/// Whether an outage began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It began.
    Began,
    /// It ended.
    Ended,
}
