//! Byte ranges in a text, merged where they overlap.

use std::ops::Range;

/// Byte ranges found in a text. They are merged now and then, so that they never take more memory than a small multiple
/// of the text.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: Vec<Range<usize>>,
    /// How many there were after the last merge.
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
