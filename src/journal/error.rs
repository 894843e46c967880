//! Errors of the journal. Each names the path and the system's error.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{SafeText, io_reason};
use crate::object_storage::StorageError;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A call to the system failed.
    #[error("journal: cannot {action} {}: {}", path.display(), io_reason(source))]
    Io {
        /// What was attempted: `write to`, `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The path exists but is neither a folder nor a readable file.
    #[error("journal: {} is neither a folder nor a file", .0.display())]
    NotAJournal(PathBuf),
    /// A line is longer than readers accept.
    #[error("journal: a line has {bytes} bytes, more than the 1 MiB that readers accept")]
    LineTooLong {
        /// The length of the line.
        bytes: usize,
    },
    /// Object storage could not be used.
    #[error("journal: {0}")]
    Storage(#[from] StorageError),
    /// A compacted line does not read back as the window that it was written from.
    #[error("journal: a compacted line does not read back; the day is left as it was")]
    Unreadable,
    /// A day cannot be compacted.
    #[error("journal: {} is left as it was: {why}", path.display())]
    Uncompacted {
        /// The day's file.
        path: PathBuf,
        /// The line that cannot be written, and why.
        why: SafeText,
    },
    /// Another process held the lock until the timeout.
    #[error("journal: {} is locked by another process; try again when it has ended", .0.display())]
    Locked(PathBuf),
    /// The folder is on a file system without reliable locks.
    #[error("journal: {} is on a file system without reliable locks; compact a copy on a local disk", .0.display())]
    NoLocks(PathBuf),
}

impl JournalError {
    /// Turns the error of a call into one that names the action and the path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Io { action, path, source }
    }
}
