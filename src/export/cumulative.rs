//! What a process, or several one after another, have seen in all: one window per series of
//! windows, without its strip. Counters and histograms that only grow are read from it.

use std::collections::BTreeMap;

use crate::metric;
use crate::metric::Identity;
use crate::window::{Strip, Window};

/// The sum of all windows, by the labels they are exported under.
#[derive(Clone, Debug, Default)]
pub struct Cumulative {
    windows: BTreeMap<Identity, Window>,
}

impl Cumulative {
    /// Adds the checks of a window.
    pub fn add(&mut self, window: &Window) {
        let identity = metric::identity_of(window);
        if let Some(sum) = self.windows.get_mut(&identity) {
            sum.merge(window);
            sum.strip = Strip::default();
        } else {
            let sum = Window { strip: Strip::default(), ..window.clone() };
            self.windows.insert(identity, sum);
        }
    }

    /// The sums, in the order of their labels.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.values()
    }

    /// The sum under these labels.
    #[must_use]
    pub fn get(&self, identity: &Identity) -> Option<&Window> {
        self.windows.get(identity)
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }
}
