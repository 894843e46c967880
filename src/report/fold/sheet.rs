//! The latency of one surface from one vantage over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::ladder;
use crate::window::Latency;

/// The latency of one surface from one vantage over time.
#[derive(Clone, Debug)]
pub(in crate::report) struct Sheet {
    pub(in crate::report) surface: Arc<str>,
    pub(in crate::report) vantage: Arc<str>,
    pub(in crate::report) control: bool,
    /// By the begin of the bucket, in milliseconds since 1970.
    pub(in crate::report) latency: BTreeMap<i64, Latency>,
}

impl Sheet {
    /// Joins the buckets into longer ones.
    pub(super) fn coarsen(&mut self, step: i64) {
        let fine = std::mem::take(&mut self.latency);
        self.join(fine, step);
    }

    /// Adds the same sheet of another fold, whose buckets are no longer than ours.
    pub(super) fn merge(&mut self, other: Sheet, step: i64) {
        self.join(other.latency, step);
    }

    fn join(&mut self, buckets: BTreeMap<i64, Latency>, step: i64) {
        for (begin, theirs) in buckets {
            let bucket = self.latency.entry(ladder::floor(begin, step));
            bucket.and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
    }
}
