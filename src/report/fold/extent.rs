//! How far the windows reach.

use std::time::Duration;

use jiff::Timestamp;

use crate::report::fold::bucket;
use crate::report::fold::question::Question;
use crate::window::Window;

const MINUTE_MS: i64 = 60_000;

/// How far the windows reach, in milliseconds since 1970, and the step of the buckets that follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataExtent {
    pub(crate) from: i64,
    pub(crate) to: i64,
    longest: i64,
    pub(crate) step: i64,
    /// The step of what is counted check by check: that of windows of no length, so that a report says the same of a
    /// failure when windows become coarser.
    pub(crate) evidence_step: i64,
}

impl DataExtent {
    /// What is asked for, before there is a window. It begins where data does, so that a minute of a day is drawn as a
    /// minute.
    pub(crate) fn asked(question: &Question) -> DataExtent {
        let to = question.to.map_or(i64::MIN, Timestamp::as_millisecond);
        DataExtent { from: i64::MAX, to, longest: 0, step: bucket::step(0, 0), evidence_step: bucket::step(0, 0) }
    }

    /// Takes in the checks of a window, whose histograms are of a span of `longest`. What is covered is told by
    /// the checks alone, to the minute, so that it stays what it was when windows become coarser.
    pub(crate) fn add(&mut self, window: &Window, longest: i64, bucket: Option<Duration>) {
        let (from, to) = (window.from.as_millisecond(), window.to.as_millisecond());
        if self.from <= from && to <= self.to && longest <= self.longest {
            // Within what is known already, whatever its checks cover.
            return;
        }
        let first = window.strip.runs().next().map_or(from, |run| run.from.as_millisecond());
        let last = window.strip.runs().map(|run| run.to.as_millisecond()).max().unwrap_or(to);
        // Of version 1, a check that began late stands past the end of its window.
        let (first, last) = (first.clamp(from, to), last.clamp(from, to.max(from + 1) - 1));
        let covered = (bucket::floor(first, MINUTE_MS).max(from), (bucket::floor(last, MINUTE_MS) + MINUTE_MS).min(to));
        self.widen(covered.0, covered.1, longest, bucket);
    }

    /// Takes in the windows of another fold. The step is no shorter than either was.
    pub(crate) fn merge(&mut self, other: &DataExtent, bucket: Option<Duration>) {
        self.widen(other.from, other.to, other.longest, bucket);
    }

    fn widen(&mut self, from: i64, to: i64, longest: i64, bucket: Option<Duration>) {
        self.from = self.from.min(from);
        self.to = self.to.max(to);
        self.longest = self.longest.max(longest);
        let extent = self.to.saturating_sub(self.from);
        self.step = match bucket {
            Some(bucket) => i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(1_000),
            None => bucket::step(extent, self.longest),
        };
        self.evidence_step = bucket::step(extent, 0);
    }
}
