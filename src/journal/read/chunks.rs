//! Cuts a file into chunks of a mebibyte, so that threads can share it. A chunk consists of the
//! lines that start in it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a chunk.
const CHUNK_BYTES: u64 = 1 << 20;

/// A file to read. It is opened with its first chunk, once for all of them, so that its chunks fit
/// together even if another file replaces it meanwhile.
pub(super) struct Source {
    pub(super) path: PathBuf,
    file: Mutex<Option<Arc<File>>>,
}

impl Source {
    pub(super) const fn new(path: PathBuf) -> Source {
        Source { path, file: Mutex::new(None) }
    }

    /// The part of a file name that is the same for each run or vantage that has its own files:
    /// `PLACE` of `DAY.PLACE.jsonl`.
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
    /// The lines that start in this range of bytes. The last chunk of a file has no end, because
    /// the file may have grown since it was measured, or may have been replaced.
    Bytes { from: u64, to: Option<u64> },
    /// The whole content of something that cannot be read at an offset, such as a pipe.
    Stream,
}

/// Cuts a file into chunks. `None` as length means that it can only be read as a stream.
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
