//! The state now beside the share in the range: the latest checks, where they are going, and what changed.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Bracket, SafeText, optional_timestamp as optional};

/// The latest checks of a row: those of the last 15 minutes, or the last twenty, whichever is more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Recent {
    /// Of these, judged.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// failed / judged; null where none was judged.
    pub failed_ratio: Option<f64>,
    /// Where the share of failures is going.
    pub trend: Trend,
    /// The last failed check among them.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last_failure: Option<Timestamp>,
    /// The start of the outage that is open; null where none is.
    pub failing_since: Option<Bracket>,
}

/// Where a share of failures is going: the later half of the latest checks against the earlier half, where the
/// difference is more than chance gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// None of the latest checks failed.
    #[default]
    None,
    /// No difference that chance does not give.
    Steady,
    /// The later checks fail more.
    Worsening,
    /// The later checks fail less.
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

/// An outage of a probe from a vantage that began or ended in the last 15 minutes.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Change {
    /// Whether it began or ended.
    pub change: ChangeKind,
    /// In here.
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
