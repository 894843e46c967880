//! What was planned but never recorded. It is no data: neither up nor down.

use serde::Serialize;

use crate::model::SafeText;

/// Planned probes without any record, or a shard that never reported its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Unseen {
    /// The vantage at which they were planned.
    pub vantage: SafeText,
    /// The shard, as I/N; null if the vantage has none.
    pub shard: Option<String>,
    /// Whether the shard never started; otherwise it started, but these probes never ran.
    pub never_started: bool,
    /// The number of probes; 0 for a shard that never started.
    pub probes: u64,
    /// The names of the first of them; at most ten.
    pub names: Vec<SafeText>,
    /// Checks that were due.
    pub due: u64,
    /// How many shards of the vantage never started either and are not listed; 0 except in the last one of a hundred.
    pub more_shards: u64,
}
