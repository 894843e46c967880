//! Finds the series of a window: by its names, or faster if the names are the same allocations as
//! those of an earlier window, as they are within one reader.

use std::collections::HashMap;
use std::sync::Arc;

use crate::window::Window;

use super::probe_series::{Series, SeriesKey};

/// The number of slots for finding series by the addresses of their names.
const RECENT: usize = 1 << 12;

/// The indexes of series in the list of all series.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeriesIndexCache {
    by_names: HashMap<SeriesKey, usize>,
    /// Indexes by a hash of the names' addresses; each is a guess that must be confirmed.
    recent: Vec<usize>,
}

impl SeriesIndexCache {
    /// The index of a window's series; `None` if it is new.
    pub(crate) fn of_window(&mut self, window: &Window, all: &[Series]) -> Option<usize> {
        if self.recent.is_empty() {
            self.recent = vec![usize::MAX; RECENT];
        }
        let slot = slot(window);
        let has_these_names = |series: &Series| {
            Arc::ptr_eq(&series.probe, &window.probe)
                && Arc::ptr_eq(&series.vantage, &window.vantage)
                && Arc::ptr_eq(&series.surface, &window.surface)
                && series.control == window.control
        };
        let guess = self.recent[slot];
        if all.get(guess).is_some_and(has_these_names) {
            return Some(guess);
        }
        let place = self.get(&SeriesKey::of(window))?;
        self.recent[slot] = place;
        Some(place)
    }

    /// The index of a series by its names; `None` if it is new.
    pub(crate) fn get(&self, key: &SeriesKey) -> Option<usize> {
        self.by_names.get(key).copied()
    }

    /// Stores the index of a series.
    pub(crate) fn insert(&mut self, key: SeriesKey, place: usize) {
        self.by_names.insert(key, place);
    }
}

/// A slot below [`RECENT`], from the addresses of a window's names.
fn slot(window: &Window) -> usize {
    let address = |name: &Arc<str>| Arc::as_ptr(name).cast::<u8>().addr() >> 4;
    (address(&window.probe) ^ address(&window.vantage).rotate_left(5)) % RECENT
}
