//! Checks of a strip at equal distances, and how they are kept in memory.

use std::cmp::Ordering;
use std::num::NonZero;

use jiff::Timestamp;

use super::check_result::CheckResult;
use crate::model::{FailureClass, Verdict};

/// Equally spaced checks with the same result: the nth of them, from 0, was due at
/// `from + (to - from) × n / (count - 1)`, rounded down to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// When the first of them was due, to the millisecond. In format version 1: when it began.
    pub from: Timestamp,
    /// When the last of them was due.
    pub to: Timestamp,
    /// What every one of them found.
    pub verdict: Verdict,
    /// The class of the failure, if there was one.
    pub class: Option<FailureClass>,
    /// The code that the failure came with.
    pub code: Option<NonZero<u16>>,
    /// The class that the check itself found, if `class` is `control_failed`.
    pub own_class: Option<FailureClass>,
    /// How many checks.
    pub count: u64,
}

/// A run in memory: there are millions of them. The order of the fields is the order of the strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) from_ms: i64,
    /// From the first check to the last: at most 49 days.
    pub(super) span_ms: u32,
    pub(super) result: CheckResult,
    pub(super) count: u32,
}

impl Entry {
    pub(super) const fn end_ms(&self) -> i64 {
        self.from_ms + self.span_ms as i64
    }

    pub(super) fn run(&self) -> Run {
        let CheckResult { verdict, class, code, own_class, .. } = self.result;
        let (from, to) = (instant(self.from_ms), instant(self.end_ms()));
        Run { from, to, verdict, class, code, own_class, count: u64::from(self.count) }
    }

    /// The distance between its checks in milliseconds; none if there is one check, or the distances differ by a
    /// millisecond.
    fn distance(&self) -> Option<u32> {
        let gaps = self.count - 1;
        (gaps > 0 && self.span_ms.is_multiple_of(gaps)).then(|| self.span_ms / gaps)
    }

    /// Joins this run and the next one, if all distances are equal.
    pub(super) fn joined(&self, next: &Entry) -> Option<Entry> {
        let between = u32::try_from(next.from_ms - self.end_ms()).ok()?;
        let even = |entry: &Entry| entry.count == 1 || entry.distance() == Some(between);
        if self.result != next.result || !even(self) || !even(next) {
            return None;
        }
        let span_ms = u32::try_from(next.end_ms() - self.from_ms).ok()?;
        Some(Entry { span_ms, count: self.count.checked_add(next.count)?, ..*self })
    }

    /// When the nth of its checks was due, from 0.
    pub(super) fn at(&self, n: u32) -> i64 {
        let into = u64::from(self.span_ms) * u64::from(n) / u64::from((self.count - 1).max(1));
        self.from_ms + into.cast_signed()
    }

    /// How many of its checks were due before an instant.
    pub(super) fn before(&self, at_ms: i64) -> u32 {
        let into = at_ms.saturating_sub(self.from_ms);
        match u32::try_from(into).map(|into| into.cmp(&self.span_ms)) {
            _ if into <= 0 => 0,
            Ok(Ordering::Less | Ordering::Equal) => {
                // The nth is due at span × n / gaps, rounded down: before `into` if span × n < into × gaps.
                let before = (into.unsigned_abs() * u64::from(self.count - 1)).div_ceil(u64::from(self.span_ms));
                u32::try_from(before).unwrap_or(self.count).min(self.count)
            }
            Ok(Ordering::Greater) | Err(_) => self.count,
        }
    }

    pub(super) fn cut(&self, from_ms: i64, to_ms: i64) -> Option<Entry> {
        let (first, end) = (self.before(from_ms), self.before(to_ms));
        if first >= end {
            return None;
        }
        let (from_ms, last_ms) = (self.at(first), self.at(end - 1));
        let span_ms = u32::try_from(last_ms - from_ms).ok()?;
        Some(Entry { from_ms, span_ms, count: end - first, ..*self })
    }
}

/// The instant of a millisecond; every value in a strip came from a valid instant.
pub(super) fn instant(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(if millisecond < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_24_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
    }
}
