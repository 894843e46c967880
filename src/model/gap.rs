//! A stretch of time in which nothing was watched.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use super::timestamp;

/// The wall clock and the monotonic clock parted: the machine slept, or its clock was set.
/// Nothing was due in it, and nothing of it is counted as up or down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Gap {
    /// The last instant on the wall clock before it.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first instant after it; before `from` where the clock was set back.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
}
