//! A file in chunks of a mebibyte, so that threads can share it: a chunk holds the lines that
//! start in it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a chunk.
const CHUNK_BYTES: u64 = 1 << 20;

/// A file that is read. It is opened when its first chunk is, once for all of them: whatever is
/// renamed over it meanwhile, its chunks fit together.
pub(super) struct Source {
    pub(super) path: PathBuf,
    file: Mutex<Option<Arc<File>>>,
}

impl Source {
    pub(super) const fn new(path: PathBuf) -> Source {
        Source { path, file: Mutex::new(None) }
    }

    /// What the names of files of one place have in common: `DAY.PLACE.jsonl`, where each run or each
    /// vantage has its own.
    pub(super) fn place(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.split('.').nth(1).unwrap_or_default().to_owned()
    }

    pub(super) fn open(&self) -> io::Result<Arc<File>> {
        let mut opened = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match &*opened {
            Some(file) => Ok(Arc::clone(file)),
            None => Ok(Arc::clone(opened.insert(Arc::new(File::open(&self.path)?)))),
        }
    }
}

/// A part of a file.
pub(super) struct Chunk {
    pub(super) source: Arc<Source>,
    pub(super) part: ChunkSpan,
}

pub(super) enum ChunkSpan {
    /// The lines that start in these bytes. The last chunk of a file has no end: a file may have
    /// grown since it was measured, or another may have taken its place.
    Bytes { from: u64, to: Option<u64> },
    /// Everything, of what cannot be read at an offset.
    Stream,
}

/// Cuts a file of known length into chunks.
pub(super) fn cut(source: &Arc<Source>, length: Option<u64>, chunks: &mut Vec<Chunk>) {
    let Some(length) = length else {
        chunks.push(Chunk { source: Arc::clone(source), part: ChunkSpan::Stream });
        return;
    };
    let mut from = 0;
    loop {
        let to = Some(from + CHUNK_BYTES).filter(|to| *to < length);
        chunks.push(Chunk { source: Arc::clone(source), part: ChunkSpan::Bytes { from, to } });
        match to {
            Some(to) => from = to,
            None => return,
        }
    }
}
