//! Places in a text: ranges of its bytes that are put together where they overlap.

use std::ops::Range;

/// Places that were found in a text. They are put together now and then, so that they never take more
/// memory than a small multiple of the text.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: Vec<Range<usize>>,
    /// How many there were when they were last put together.
    apart: usize,
}

impl Places {
    pub(super) fn add(&mut self, place: Range<usize>) {
        self.found.push(place);
        if self.found.len() >= 1024 + 2 * self.apart {
            self.put_together();
        }
    }

    fn put_together(&mut self) {
        self.found.sort_unstable_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in self.found.drain(..) {
            match apart.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        self.apart = apart.len();
        self.found = apart;
    }

    pub(super) fn apart(mut self) -> Vec<Range<usize>> {
        self.put_together();
        self.found
    }
}
