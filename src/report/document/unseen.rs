//! What was planned and not seen at all. It is no data: never up, never down.

use serde::Serialize;

use crate::model::SafeText;

/// Probes that were to run and of which nothing was recorded, or a shard that never said what it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Unseen {
    /// Where they were to run.
    pub vantage: SafeText,
    /// The shard, as I/N; null where the vantage has none.
    pub shard: Option<String>,
    /// Whether the shard never started; else it did, and the probes never ran.
    pub never_started: bool,
    /// How many probes; 0 of a shard that never said.
    pub probes: u64,
    /// The first of them by name.
    pub names: Vec<SafeText>,
    /// Checks that were due.
    pub due: u64,
}
