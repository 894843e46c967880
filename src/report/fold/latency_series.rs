//! The latency of one surface from one vantage over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::report::fold::bucket;
use crate::window::Latency;

/// The latency of one surface from one vantage over time.
#[derive(Clone, Debug)]
pub(crate) struct LatencySeries {
    pub(crate) surface: Arc<str>,
    pub(crate) vantage: Arc<str>,
    pub(crate) control: bool,
    /// By the start of the bucket, in milliseconds since 1970.
    pub(crate) latency: BTreeMap<i64, Latency>,
}

impl LatencySeries {
    /// Joins the buckets into longer ones.
    pub(crate) fn coarsen(&mut self, step: i64) {
        let fine = std::mem::take(&mut self.latency);
        self.join(fine, step);
    }

    /// Adds the same sheet of another fold, whose buckets are no longer than ours.
    pub(crate) fn merge(&mut self, other: LatencySeries, step: i64) {
        self.join(other.latency, step);
    }

    fn join(&mut self, buckets: BTreeMap<i64, Latency>, step: i64) {
        for (begin, theirs) in buckets {
            let bucket = self.latency.entry(bucket::floor(begin, step));
            bucket.and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
    }
}
