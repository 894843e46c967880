//! Instants as documents have them.

use jiff::Timestamp;

/// An instant of a journal in milliseconds since 1970; every one was an instant once.
pub(crate) fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
