//! Names that many lines share.

use std::sync::Arc;

/// The names met last, so that lines share them: each name has one place, found by its checksum.
#[derive(Debug, Default)]
pub(super) struct Names {
    places: Vec<Option<Arc<str>>>,
}

impl Names {
    /// How many places there are. Two names of one place take turns, which costs a copy.
    const PLACES: usize = 4096;

    #[inline]
    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
        if self.places.is_empty() {
            self.places.resize(Self::PLACES, None);
        }
        let place = &mut self.places[crc32fast::hash(name.as_bytes()) as usize % Self::PLACES];
        match place {
            Some(kept) if **kept == *name => Arc::clone(kept),
            _ => Arc::clone(place.insert(name.into())),
        }
    }
}
