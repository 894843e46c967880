//! `--single-instance`: one run at a time for one journal. The kernel releases the lock when the
//! process ends, however it ends, so there is nothing to clean up.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::commands::process::exit::CliError;
use crate::journal::held_lock::HeldLock;

/// The lock file in the journal's folder.
const FILE: &str = "instance.lock";

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct InstanceLock(#[expect(dead_code, reason = "held until it is dropped")] HeldLock);

impl InstanceLock {
    /// Takes the lock. [`CliError::Busy`] if another run holds it.
    pub(crate) fn take(journal: &Path) -> Result<InstanceLock, CliError> {
        let path = journal.join(FILE);
        let failed = |error: std::io::Error| CliError::io(&path.display().to_string(), &error);
        DirBuilder::new().recursive(true).mode(0o700).create(journal).map_err(failed)?;
        let busy = || CliError::Busy(format!("another run holds {}; nothing was probed", path.display()));
        HeldLock::try_take(&path).map_err(failed)?.map(InstanceLock).ok_or_else(busy)
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
