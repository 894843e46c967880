//! `--single-instance`: one run at a time for one journal. The kernel releases the lock when the
//! process ends, however it ends, so there is nothing to clean up.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::commands::process::exit::CliError;
use crate::journal::held_lock::HeldLock;
use crate::journal::regular_file;

/// The file that is locked, in the journal's folder.
const FILE: &str = "instance.lock";

/// Holds the lock of the one run until it is dropped.
#[derive(Debug)]
pub(crate) struct InstanceLock(#[expect(dead_code, reason = "held until it is dropped")] HeldLock);

impl InstanceLock {
    /// Takes the lock, or fails if another run holds it.
    pub(crate) fn take(journal: &Path) -> Result<InstanceLock, CliError> {
        let path = journal.join(FILE);
        let failed = |error: std::io::Error| CliError::io(&path.display().to_string(), &error);
        DirBuilder::new().recursive(true).mode(0o700).create(journal).map_err(failed)?;
        let options = &mut File::options();
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let file = regular_file::open(&path, options).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(InstanceLock(HeldLock::of(file))),
            Err(TryLockError::WouldBlock) => {
                Err(CliError::Busy(format!("another run holds {}; nothing was probed", path.display())))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_taken_once_and_free_again_when_the_run_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = InstanceLock::take(folder.path()).unwrap();
        assert!(matches!(InstanceLock::take(folder.path()), Err(CliError::Busy(_))));
        drop(first);
        InstanceLock::take(folder.path()).unwrap();
    }
}
