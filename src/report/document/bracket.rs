//! Conversion of instants for documents.

use jiff::Timestamp;

/// The timestamp of milliseconds since 1970; a value out of range becomes the nearest timestamp.
pub(crate) fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
