//! The lock on a file, free again when it is dropped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::regular_file;

/// A file that is locked, until it is dropped.
#[derive(Debug)]
pub(crate) struct HeldLock(File);

impl HeldLock {
    /// That of a file whose lock was taken.
    pub(crate) const fn of(locked: File) -> HeldLock {
        HeldLock(locked)
    }

    /// Takes the lock on a file, which is created for its owner alone if it is missing; none while another process
    /// holds it.
    ///
    /// # Errors
    /// The file cannot be opened or locked, or is not a regular one.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<HeldLock>> {
        let options = &mut OpenOptions::new();
        let file = regular_file::open(path, options.create(true).truncate(false).write(true).mode(0o600))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(HeldLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The file as a program has it that is being started beside this one.
    #[cfg(test)]
    pub(crate) fn inherited(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

impl Drop for HeldLock {
    /// To close the file is not enough: a program that is being started beside this one still has it, until it runs.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
