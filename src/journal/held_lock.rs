//! The lock on a file, free again when it is dropped.

use std::fs::File;

/// A file that is locked, until it is dropped.
#[derive(Debug)]
pub(crate) struct HeldLock(File);

impl HeldLock {
    /// That of a file whose lock was taken.
    pub(crate) const fn of(locked: File) -> HeldLock {
        HeldLock(locked)
    }

    /// The file as a program has it that is being started beside this one.
    #[cfg(test)]
    pub(crate) fn inherited(&self) -> std::io::Result<File> {
        self.0.try_clone()
    }
}

impl Drop for HeldLock {
    /// To close the file is not enough: a program that is being started beside this one still has it, until it runs.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
