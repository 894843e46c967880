//! An instant that is known only to lie between two checks.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::timestamp;

/// A change of state happened after one instant and by another: between two checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct Bracket {
    /// The last check in the old state; null if none was seen.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub after: Option<Timestamp>,
    /// The first check of the state after.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub by: Timestamp,
}

impl Bracket {
    /// Time between the two checks; absent if there was none before.
    #[must_use]
    pub fn width(&self) -> Option<Duration> {
        self.after.map(|after| Duration::try_from(self.by.duration_since(after)).unwrap_or_default())
    }
}

/// Serialises an absent instant as null.
pub(crate) mod optional {
    use jiff::Timestamp;
    use serde::Serializer;

    #[expect(clippy::ref_option, reason = "the shape serde's `with` asks for")]
    pub(crate) fn serialize<S: Serializer>(instant: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => super::super::timestamp::serialize(instant, serializer),
            None => serializer.serialize_none(),
        }
    }
}
