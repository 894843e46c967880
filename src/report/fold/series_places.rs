//! Which series a window is of: by its names; and sooner where these are the very copies that an earlier window had, as
//! those of one reader are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::window::Window;

use super::probe_series::{Series, SeriesKey};

/// So many series are found by the copies of their names.
const RECENT: usize = 1 << 12;

/// The places of series in their list.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeriesPlaces {
    by_names: HashMap<SeriesKey, usize>,
    /// By a hash of where the names lie; a guess, to be confirmed.
    recent: Vec<usize>,
}

impl SeriesPlaces {
    /// The place of a window's series.
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

    /// The place of a series by its names.
    pub(crate) fn get(&self, key: &SeriesKey) -> Option<usize> {
        self.by_names.get(key).copied()
    }

    /// Notes the place of a series.
    pub(crate) fn insert(&mut self, key: SeriesKey, place: usize) {
        self.by_names.insert(key, place);
    }
}

/// A number below [`RECENT`] of where a window's names lie.
fn slot(window: &Window) -> usize {
    let address = |name: &Arc<str>| Arc::as_ptr(name).cast::<u8>().addr() >> 4;
    (address(&window.probe) ^ address(&window.vantage).rotate_left(5)) % RECENT
}
