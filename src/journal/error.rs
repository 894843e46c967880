//! Why the journal could not do its work. Each names the path and what the system said.

use std::io;
use std::path::{Path, PathBuf};

use crate::object_storage::StorageError;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A call to the system failed.
    #[error("journal: cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `write to`, `open`.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is there and is neither a folder nor a file that can be read.
    #[error("journal: {} is neither a folder nor a file", .0.display())]
    NotAJournal(PathBuf),
    /// A line does not fit the longest that readers accept.
    #[error("journal: a line has {bytes} bytes, more than the 1 MiB that readers accept")]
    LineTooLong {
        /// How long the line is.
        bytes: usize,
    },
    /// Object storage could not be used.
    #[error("journal: {0}")]
    Storage(#[from] StorageError),
    /// A line that was about to replace others does not read back as what it was written from.
    #[error("journal: a compacted line does not read back; the day is left as it was")]
    Unreadable,
    /// The lock did not come in time, and the work cannot be done without it.
    #[error("journal: {} is locked by another process; try again when it has ended", .0.display())]
    Locked(PathBuf),
    /// The folder is on a file system where locks cannot be trusted.
    #[error("journal: {} is on a file system without reliable locks; compact a copy on a local disk", .0.display())]
    NoLocks(PathBuf),
}

impl JournalError {
    /// An error of a call, with what it was for.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Io { action, path, source }
    }
}
