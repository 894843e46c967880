//! What a check found: up, down, or unknown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict on one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The target answered as expected.
    Up,
    /// The target did not answer as expected.
    Down,
    /// The prober or its own network is at fault, or the check was interrupted.
    Unknown,
    /// The check was due and was not run.
    Missed,
}

impl Verdict {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Up => "up",
            Verdict::Down => "down",
            Verdict::Unknown => "unknown",
            Verdict::Missed => "missed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many checks ended how. The identity `scheduled = up + down + unknown + missed` holds
/// by construction: `scheduled` is computed, not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Checks that found the target up.
    pub up: u64,
    /// Checks that found the target down.
    pub down: u64,
    /// Checks that could not be judged.
    pub unknown: u64,
    /// Checks that were due and not run.
    pub missed: u64,
}

impl Counts {
    /// All checks that were due.
    #[must_use]
    pub const fn scheduled(&self) -> u64 {
        self.up + self.down + self.unknown + self.missed
    }

    /// The checks that say something about the target: up and down.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.up + self.down
    }

    /// Counts `n` more checks of one verdict.
    pub const fn add(&mut self, verdict: Verdict, n: u64) {
        match verdict {
            Verdict::Up => self.up += n,
            Verdict::Down => self.down += n,
            Verdict::Unknown => self.unknown += n,
            Verdict::Missed => self.missed += n,
        }
    }

    /// Adds the counts of other checks.
    pub const fn merge(&mut self, other: &Counts) {
        self.up += other.up;
        self.down += other.down;
        self.unknown += other.unknown;
        self.missed += other.missed;
    }

    /// The verdict on all of them: down wins over unknown, unknown over up; nothing judged is unknown.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        if self.down > 0 {
            Verdict::Down
        } else if self.unknown > 0 || self.up == 0 {
            Verdict::Unknown
        } else {
            Verdict::Up
        }
    }
}

/// The shape of [`Counts`] in every document: `scheduled` is written out.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Counts")]
struct WireCounts {
    /// up + down + unknown + missed
    scheduled: u64,
    up: u64,
    down: u64,
    unknown: u64,
    missed: u64,
}

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Counts { up, down, unknown, missed } = *self;
        WireCounts { scheduled: self.scheduled(), up, down, unknown, missed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireCounts { scheduled, up, down, unknown, missed } = WireCounts::deserialize(deserializer)?;
        let sum = up.checked_add(down).and_then(|n| n.checked_add(unknown)).and_then(|n| n.checked_add(missed));
        if sum == Some(scheduled) {
            Ok(Counts { up, down, unknown, missed })
        } else {
            Err(serde::de::Error::custom("scheduled is not up + down + unknown + missed"))
        }
    }
}

impl schemars::JsonSchema for Counts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        WireCounts::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        WireCounts::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_wins_over_unknown_and_nothing_is_not_up() {
        assert_eq!(Counts::default().verdict(), Verdict::Unknown);
        assert_eq!(Counts { missed: 3, ..Counts::default() }.verdict(), Verdict::Unknown);
        assert_eq!(Counts { up: 3, ..Counts::default() }.verdict(), Verdict::Up);
        assert_eq!(Counts { up: 3, unknown: 1, ..Counts::default() }.verdict(), Verdict::Unknown);
        assert_eq!(Counts { up: 3, unknown: 1, down: 1, ..Counts::default() }.verdict(), Verdict::Down);
    }

    #[test]
    fn counts_that_do_not_add_up_are_refused() {
        let json = r#"{"scheduled":3,"up":1,"down":1,"unknown":0,"missed":0}"#;
        assert!(serde_json::from_str::<Counts>(json).is_err());
    }
}
