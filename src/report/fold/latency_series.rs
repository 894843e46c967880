//! The latency and the remote addresses of one surface from one vantage over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::UnixMillis;
use crate::window::{Latency, Remotes};

/// The latency and the remote addresses of one surface from one vantage over time.
#[derive(Clone, Debug)]
pub(crate) struct LatencySeries {
    pub(crate) surface: Arc<str>,
    pub(crate) vantage: Arc<str>,
    pub(crate) control: bool,
    /// By the start of the bucket.
    pub(crate) latency: BTreeMap<UnixMillis, Latency>,
    /// Checks by remote address, per bucket; empty if the journal does not count them.
    pub(crate) remotes: BTreeMap<UnixMillis, Remotes>,
}

impl LatencySeries {
    pub(crate) fn new(surface: Arc<str>, vantage: Arc<str>, control: bool) -> LatencySeries {
        LatencySeries { surface, vantage, control, latency: BTreeMap::new(), remotes: BTreeMap::new() }
    }

    /// Adds the latency and the addresses of a window to a bucket.
    pub(crate) fn add(&mut self, bucket: UnixMillis, latency: &Latency, remotes: &Remotes) {
        self.latency.entry(bucket).or_default().merge(latency);
        if !remotes.is_empty() {
            self.remotes.entry(bucket).or_default().merge(remotes);
        }
    }

    /// Joins the buckets into longer ones.
    pub(crate) fn coarsen(&mut self, step: i64) {
        let (latency, remotes) = (std::mem::take(&mut self.latency), std::mem::take(&mut self.remotes));
        self.join(latency, remotes, step);
    }

    /// Adds the same series of another fold, whose buckets are no longer than `step`.
    pub(crate) fn merge(&mut self, other: LatencySeries, step: i64) {
        self.join(other.latency, other.remotes, step);
    }

    fn join(&mut self, latency: BTreeMap<UnixMillis, Latency>, remotes: BTreeMap<UnixMillis, Remotes>, step: i64) {
        for (begin, theirs) in latency {
            let bucket = self.latency.entry(begin.floor(step));
            bucket.and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
        for (begin, theirs) in remotes {
            let bucket = self.remotes.entry(begin.floor(step));
            bucket.and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
    }
}
