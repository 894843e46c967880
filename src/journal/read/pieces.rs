//! A file in pieces of a mebibyte, so that threads can share it: a piece holds the lines that
//! begin in it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a piece.
const PIECE: u64 = 1 << 20;

/// A file that is read. It is opened when its first piece is, once for all of them: whatever is
/// renamed over it meanwhile, its pieces fit together.
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
pub(super) struct Piece {
    pub(super) source: Arc<Source>,
    pub(super) part: Part,
}

pub(super) enum Part {
    /// The lines that begin in these bytes. The last piece of a file has no end: a file may have
    /// grown since it was measured, or another may have taken its place.
    Bytes { from: u64, to: Option<u64> },
    /// Everything, of what cannot be read at an offset.
    Stream,
}

/// Cuts a file of known length into pieces.
pub(super) fn cut(source: &Arc<Source>, length: Option<u64>, pieces: &mut Vec<Piece>) {
    let Some(length) = length else {
        pieces.push(Piece { source: Arc::clone(source), part: Part::Stream });
        return;
    };
    let mut from = 0;
    loop {
        let to = Some(from + PIECE).filter(|to| *to < length);
        pieces.push(Piece { source: Arc::clone(source), part: Part::Bytes { from, to } });
        match to {
            Some(to) => from = to,
            None => return,
        }
    }
}
