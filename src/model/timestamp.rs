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
    read(&text).map_err(serde::de::Error::custom)
}

/// Reads any RFC 3339 instant, to the millisecond: what others wrote with more digits is then what is
/// written again.
pub(crate) fn read(text: &str) -> Result<Timestamp, jiff::Error> {
    let instant: Timestamp = text.parse()?;
    let millisecond = instant.as_nanosecond().div_euclid(1_000_000);
    Timestamp::from_millisecond(i64::try_from(millisecond).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_always_written() {
        let instant: jiff::Timestamp = "2025-03-10T09:31:00Z".parse().expect("an instant");
        assert_eq!(super::text(instant), "2025-03-10T09:31:00.000Z");
    }

    #[test]
    fn more_digits_than_milliseconds_have_are_cut_as_they_are_written() {
        for text in ["2025-03-10T09:31:00.2509Z", "1012-03-10T09:30:00.0001Z", "1969-12-31T23:59:59.999999Z"] {
            let exact: jiff::Timestamp = text.parse().expect("an instant");
            let read = super::read(text).expect("an instant");
            assert_eq!(super::text(read), super::text(exact));
            assert_eq!(super::read(&super::text(read)).expect("an instant"), read, "{text}");
        }
    }
}
