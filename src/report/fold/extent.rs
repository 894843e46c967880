//! The time that the windows cover.

use std::time::Duration;

use crate::model::UnixMillis;
use crate::report::fold::bucket;
use crate::report::fold::question::Question;
use crate::window::Window;

const MINUTE_MS: i64 = 60_000;

/// The time that the windows cover, and the bucket length that follows from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataExtent {
    pub(crate) from: UnixMillis,
    pub(crate) to: UnixMillis,
    longest: i64,
    pub(crate) step: i64,
    /// The bucket length of what is counted per check. It ignores the length of windows, so that
    /// compaction into coarser windows does not change what a report says of a failure.
    pub(crate) evidence_step: i64,
}

impl DataExtent {
    /// The extent before any window is read. It starts with the first data, so that one minute of
    /// data in a day fills the chart.
    pub(crate) fn asked(question: &Question) -> DataExtent {
        let to = question.to.map_or(UnixMillis::MIN, UnixMillis::from);
        DataExtent {
            from: UnixMillis::MAX,
            to,
            longest: 0,
            step: bucket::step(0, 0),
            evidence_step: bucket::step(0, 0),
        }
    }

    /// Extends over the checks of a window, whose histograms cover `longest` milliseconds. The
    /// checks alone determine what is covered, to the minute, so that it does not change when
    /// windows become coarser.
    pub(crate) fn add(&mut self, window: &Window, longest: i64, bucket: Option<Duration>) {
        let (from, to) = (UnixMillis::from(window.from), UnixMillis::from(window.to));
        if self.from <= from && to <= self.to && longest <= self.longest {
            // Its checks cannot widen the extent.
            return;
        }
        let first = window.strip.runs().next().map_or(from, |run| UnixMillis::from(run.from));
        let last = window.strip.runs().map(|run| UnixMillis::from(run.to)).max().unwrap_or(to);
        // In version 1, a check that began late lies past the end of its window.
        let (first, last) = (first.clamp(from, to), last.clamp(from, to.max(from + 1) - 1));
        let covered = (first.floor(MINUTE_MS).max(from), (last.floor(MINUTE_MS) + MINUTE_MS).min(to));
        self.widen(covered.0, covered.1, longest, bucket);
    }

    /// Extends over the windows of another fold. The resulting step is no shorter than either.
    pub(crate) fn merge(&mut self, other: &DataExtent, bucket: Option<Duration>) {
        self.widen(other.from, other.to, other.longest, bucket);
    }

    fn widen(&mut self, from: UnixMillis, to: UnixMillis, longest: i64, bucket: Option<Duration>) {
        self.from = self.from.min(from);
        self.to = self.to.max(to);
        self.longest = self.longest.max(longest);
        let extent = self.to.saturating_since(self.from);
        self.step = match bucket {
            Some(bucket) => i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(1_000),
            None => bucket::step(extent, self.longest),
        };
        self.evidence_step = bucket::step(extent, 0);
    }
}
