//! How far the windows reach.

use std::time::Duration;

use jiff::Timestamp;

use crate::report::fold::bucket;
use crate::report::fold::question::Question;

/// How far the windows reach, in milliseconds since 1970, and the step of the buckets that follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataExtent {
    pub(crate) from: i64,
    pub(crate) to: i64,
    longest: i64,
    pub(crate) step: i64,
}

impl DataExtent {
    /// What is asked for, before there is a window.
    pub(crate) fn asked(question: &Question) -> DataExtent {
        let ms = |instant: Option<Timestamp>| instant.map(Timestamp::as_millisecond);
        let (from, to) = (ms(question.from).unwrap_or(i64::MAX), ms(question.to).unwrap_or(i64::MIN));
        DataExtent { from, to, longest: 0, step: bucket::step(0, 0) }
    }

    /// Takes in a window.
    pub(crate) fn add(&mut self, from: i64, to: i64, bucket: Option<Duration>) {
        self.widen(from, to, to - from, bucket);
    }

    /// Takes in the windows of another fold. The step is no shorter than either was.
    pub(crate) fn merge(&mut self, other: &DataExtent, bucket: Option<Duration>) {
        self.widen(other.from, other.to, other.longest, bucket);
    }

    fn widen(&mut self, from: i64, to: i64, longest: i64, bucket: Option<Duration>) {
        self.from = self.from.min(from);
        self.to = self.to.max(to);
        self.longest = self.longest.max(longest);
        self.step = match bucket {
            Some(bucket) => i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(1_000),
            None => bucket::step(self.to.saturating_sub(self.from), self.longest),
        };
    }
}
