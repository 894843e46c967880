//! Slow periods, in which answers took far longer than usual, as documents have them.

use serde::Serialize;

use crate::model::{Bracket, SafeText};

/// A period in which a surface answered far slower than usual, in one or more waves. Its instants are known to the
/// buckets of the report's series.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SlowPeriod {
    /// A name that is the same whenever the same period is reported over a range of the same length.
    pub id: String,
    /// The surface.
    pub surface: SafeText,
    /// The vantages that saw it.
    pub vantages: Vec<SafeText>,
    /// It began in here.
    pub start: Bracket,
    /// It ended in here; null while it goes on.
    pub end: Option<Bracket>,
    /// Its waves, in order.
    pub waves: Vec<SlowWave>,
    /// The answers in its waves.
    pub answers: u64,
    /// Of these, those that took more than three times the usual 95th percentile.
    pub slow: u64,
    /// The 95th percentile of the answers in its waves, in microseconds.
    pub p95_us: u64,
    /// The usual one.
    pub usual_p95_us: u64,
}

/// One wave of a slow period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SlowWave {
    /// It began in here.
    pub start: Bracket,
    /// It ended in here; null while it goes on.
    pub end: Option<Bracket>,
}

impl SlowPeriod {
    /// Whether it goes on.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.end.is_none()
    }
}
