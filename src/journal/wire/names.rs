//! Names that many lines share.

use std::sync::Arc;

/// The most recent names, so that lines share them. Each name has one slot, chosen by its checksum.
#[derive(Debug, Default)]
pub(super) struct Names {
    slots: Vec<Option<Arc<str>>>,
}

impl Names {
    /// The number of slots. Two names with the same slot replace each other, which costs a copy
    /// each time.
    const PLACES: usize = 4096;

    #[inline]
    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
        if self.slots.is_empty() {
            self.slots.resize(Self::PLACES, None);
        }
        let slot = &mut self.slots[crc32fast::hash(name.as_bytes()) as usize % Self::PLACES];
        match slot {
            Some(kept) if **kept == *name => Arc::clone(kept),
            _ => Arc::clone(slot.insert(name.into())),
        }
    }
}
