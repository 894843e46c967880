//! What a decoder keeps from line to line: repeated names, and the buffers that decompress
//! histograms.

use crate::window::HdrReader;

use super::names::Names;

#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) names: Names,
    hdr: Option<HdrReader>,
}

impl Scratch {
    /// The decompressor of histograms, created when the first one is read: most lines have none.
    pub(super) fn hdr(&mut self) -> &mut HdrReader {
        self.hdr.get_or_insert_default()
    }
}
