//! What a decoder keeps from line to line: repeated names, and the buffers that decompress
//! histograms.

use crate::window::{HdrReader, LatencyDetail};

use super::names::Names;

#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) names: Names,
    pub(super) detail: LatencyDetail,
    hdr: Option<HdrReader>,
}

impl Scratch {
    pub(super) fn new(detail: LatencyDetail) -> Scratch {
        Scratch { detail, ..Scratch::default() }
    }

    /// The decompressor of histograms, created when the first one is read: most lines have none.
    pub(super) fn hdr(&mut self) -> &mut HdrReader {
        self.hdr.get_or_insert_default()
    }
}
