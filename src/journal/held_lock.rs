//! A lock on a file that is released when it is dropped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::regular_file;

/// A locked file. Dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct HeldLock(File);

impl HeldLock {
    /// Wraps a file whose lock was taken.
    pub(crate) const fn of(locked: File) -> HeldLock {
        HeldLock(locked)
    }

    /// Takes the lock on a file, which is created with mode 0600 if it is missing. `None` if
    /// another process holds it.
    ///
    /// # Errors
    /// The file cannot be opened or locked, or is not a regular file.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<HeldLock>> {
        let options = &mut OpenOptions::new();
        let file = regular_file::open(path, options.create(true).truncate(false).write(true).mode(0o600))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(HeldLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// A duplicate of the file, as a child process that is being started inherits it.
    #[cfg(test)]
    pub(crate) fn inherited(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

impl Drop for HeldLock {
    /// Closing the file is not enough: until its `exec`, a child process that is being started
    /// holds a duplicate.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
