//! A period in which nothing was monitored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::timestamp;

/// The wall clock and the monotonic clock parted: the machine slept, or its clock was set.
/// Nothing was due in it, and nothing of it is counted as up or down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Gap {
    /// The vantage that recorded nothing.
    pub vantage: String,
    /// The last instant on the wall clock before it.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first instant after it; before `from` if the clock was set back.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Why.
    pub reason: GapReason,
}

/// Why there is a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The machine slept, or its clock was set forward: from inside these look alike.
    Suspended,
    /// The clock was set back.
    ClockStep,
}

impl Gap {
    /// The gap between two instants of the wall clock.
    #[must_use]
    pub fn between(vantage: &str, from: Timestamp, to: Timestamp) -> Gap {
        let reason = if to < from { GapReason::ClockStep } else { GapReason::Suspended };
        Gap { vantage: vantage.to_owned(), from, to, reason }
    }
}
