//! Instants on the wire: RFC 3339, UTC, milliseconds.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// `2025-03-10T09:31:00.250Z`
#[must_use]
pub fn text(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

pub(crate) fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{instant:.3}"))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_always_written() {
        let instant: jiff::Timestamp = "2025-03-10T09:31:00Z".parse().expect("an instant");
        assert_eq!(super::text(instant), "2025-03-10T09:31:00.000Z");
    }
}
