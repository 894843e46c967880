//! What a decoder keeps from line to line: names that repeat, and what unfolds histograms.

use crate::window::HdrReader;

use super::names::Names;

#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) names: Names,
    hdr: Option<HdrReader>,
}

impl Scratch {
    /// The reader of histograms, made when the first one comes: most lines have none.
    pub(super) fn hdr(&mut self) -> &mut HdrReader {
        self.hdr.get_or_insert_default()
    }
}
