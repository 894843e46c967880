//! Everything that a process, or several one after another, have recorded: one window per series, without its strip.
//! Counters and histograms that only grow are read from it.

use std::collections::BTreeMap;

use crate::metric;
use crate::metric::Identity;
use crate::model::UnixMillis;
use crate::window::{Strip, Window};

/// The sum of all windows, by the labels they are exported under.
#[derive(Clone, Debug, Default)]
pub struct Cumulative {
    totals: BTreeMap<Identity, Total>,
}

/// The sum of the windows of one series, and the time they cover.
#[derive(Clone, Debug)]
pub struct Total {
    /// The sum, without a strip.
    pub sum: Window,
    /// The stamp of the earliest window in it; see `stamp`.
    pub first: UnixMillis,
    /// The stamp of the latest.
    pub last: UnixMillis,
}

/// The timestamp of a window's samples, in milliseconds: when the last of its checks was due. It depends on the window
/// alone, so that any sender at any time sends the same sample.
#[must_use]
pub(crate) fn stamp(window: &Window) -> UnixMillis {
    UnixMillis::from(window.strip.runs().map(|run| run.to).max().unwrap_or(window.to))
}

/// A sum is of one prober, so its series need no shard.
fn identity_of(window: &Window) -> Identity {
    metric::identity_of(window, None)
}

impl Total {
    /// The sum of one window.
    #[must_use]
    pub fn of(window: &Window) -> Total {
        let stamp = stamp(window);
        Total { sum: Window { strip: Strip::default(), ..window.clone() }, first: stamp, last: stamp }
    }

    /// Adds the checks of a window.
    pub fn add(&mut self, window: &Window) {
        let stamp = stamp(window);
        self.first = self.first.min(stamp);
        self.last = self.last.max(stamp);
        self.sum.merge(window);
        self.sum.strip = Strip::default();
    }

    /// Adds the checks of another sum.
    pub fn merge(&mut self, other: &Total) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.sum.merge(&other.sum);
    }
}

impl Cumulative {
    /// Adds the checks of a window.
    pub fn add(&mut self, window: &Window) {
        let identity = identity_of(window);
        match self.totals.get_mut(&identity) {
            Some(total) => total.add(window),
            None => drop(self.totals.insert(identity, Total::of(window))),
        }
    }

    /// Adds the checks of another sum of the same labels.
    pub fn merge(&mut self, identity: &Identity, other: &Total) {
        match self.totals.get_mut(identity) {
            Some(total) => total.merge(other),
            None => drop(self.totals.insert(identity.clone(), other.clone())),
        }
    }

    /// The sums, in the order of their labels.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.totals.values().map(|total| &total.sum)
    }

    /// The sums with their labels and their time, in the order of their labels.
    pub fn totals(&self) -> impl Iterator<Item = (&Identity, &Total)> {
        self.totals.iter()
    }

    /// The sum under these labels.
    #[must_use]
    pub fn get(&self, identity: &Identity) -> Option<&Total> {
        self.totals.get(identity)
    }

    /// The sum that a window is part of.
    #[must_use]
    pub(crate) fn sum_of(&self, window: &Window) -> Option<&Window> {
        self.totals.get(&identity_of(window)).map(|total| &total.sum)
    }

    /// Whether nothing has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }
}
