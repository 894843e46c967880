//! One writer at a time: `flock` on a file of its own that is never removed. The kernel frees it
//! when its holder dies, however it dies.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::disk::Disk;

/// The first wait for a lock that another holds.
const FIRST_WAIT: Duration = Duration::from_millis(2);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum NoLock {
    /// Others held it all the time.
    Held,
    /// The file system does not lock.
    Unsupported,
    /// The lock file cannot be opened or locked.
    Failed(io::Error),
}

/// Takes the lock, waiting for others at most `timeout`. It never blocks in the kernel, where a
/// dead file server could hold it for ever.
pub(super) fn acquire(disk: &Disk, path: &Path, timeout: Duration) -> Result<Lock, NoLock> {
    let (file, _) = disk.open(path).map_err(NoLock::Failed)?;
    let begin = Instant::now();
    let mut wait = FIRST_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) if is_unsupported(&error) => return Err(NoLock::Unsupported),
            Err(TryLockError::Error(error)) => return Err(NoLock::Failed(error)),
        }
        let left = timeout.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(NoLock::Held);
        }
        thread::sleep(jittered(wait).min(left));
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Half to one and a half times as long, so that writers that wait do not wake together. The
/// standard library's hash keys are the one source of chance it offers.
fn jittered(wait: Duration) -> Duration {
    let chance = u32::try_from(RandomState::new().hash_one(wait) % 1000).unwrap_or_default();
    wait / 2 + wait * chance / 1000
}
