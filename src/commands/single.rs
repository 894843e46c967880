//! `--single-instance`: one run at a time for one journal. The kernel lets go of the lock when the
//! process ends, however it ends, so nothing is left over to clean up.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::exit::Stop;

/// The file that is locked, in the journal's folder.
const FILE: &str = "instance.lock";

/// Holds the place of the one run until it is dropped.
#[derive(Debug)]
pub(super) struct SingleInstance(#[expect(dead_code, reason = "held for its lock")] File);

impl SingleInstance {
    /// Takes the place, or says that another run has it.
    pub(super) fn take(journal: &Path) -> Result<SingleInstance, Stop> {
        let path = journal.join(FILE);
        let failed = |error: std::io::Error| Stop::io(&path.display().to_string(), &error);
        DirBuilder::new().recursive(true).mode(0o700).create(journal).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(SingleInstance(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Stop::Busy(format!("another run holds {}; nothing was probed", path.display())))
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
        let first = SingleInstance::take(folder.path()).unwrap();
        assert!(matches!(SingleInstance::take(folder.path()), Err(Stop::Busy(_))));
        drop(first);
        SingleInstance::take(folder.path()).unwrap();
    }
}
