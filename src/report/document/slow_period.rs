//! Slow periods, in which answers took far longer than usual, as documents contain them.

use serde::Serialize;

use crate::model::{Bracket, SafeText};

/// A period in which a surface answered far slower than usual, in one or more waves. Its instants
/// are accurate to one bucket of the report's series.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SlowPeriod {
    /// An id that is the same in every report over a range of the same length.
    pub id: String,
    /// The surface.
    pub surface: SafeText,
    /// The vantages whose own answers were slow.
    pub vantages: Vec<SafeText>,
    /// When it began.
    pub start: Bracket,
    /// When it ended; null while it continues.
    pub end: Option<Bracket>,
    /// Its waves, in order.
    pub waves: Vec<SlowWave>,
    /// The number of answers in its waves.
    pub answers: u64,
    /// Of these, the answers that took more than three times the usual 95th percentile.
    pub slow: u64,
    /// The 95th percentile of the answers in its waves, in microseconds.
    pub p95_us: u64,
    /// The usual 95th percentile, in microseconds.
    pub usual_p95_us: u64,
}

/// One wave of a slow period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SlowWave {
    /// When it began.
    pub start: Bracket,
    /// When it ended; null while it continues.
    pub end: Option<Bracket>,
}

impl SlowPeriod {
    /// Whether it continues.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.end.is_none()
    }
}
