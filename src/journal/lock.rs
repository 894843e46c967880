//! One writer at a time: `flock` on a dedicated file that is never removed. The kernel releases the
//! lock when its holder exits, even if it was killed.

use std::fs::TryLockError;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::disk::Disk;
use super::held_lock::HeldLock;

/// How long a writer pauses between two attempts, as pairs of (waited for at most, pause). A free
/// lock goes to the next process that tries, so a writer that has waited longer tries more often:
/// with growing pauses, a writer that was unlucky twice would be overtaken by all later ones. A
/// lock that is held for seconds is held for a long operation; then order does not matter.
const PAUSES: [(Duration, Duration); 3] = [
    (Duration::from_millis(40), Duration::from_millis(8)),
    (Duration::from_secs(2), Duration::from_millis(2)),
    (Duration::from_secs(5), Duration::from_millis(20)),
];
/// The pause of a writer that has waited longer than all of [`PAUSES`].
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Why the lock was not taken.
#[derive(Debug)]
pub(super) enum NoLock {
    /// Other processes held it until the timeout.
    Held,
    /// The file system does not support locks.
    Unsupported,
    /// The lock file cannot be opened or locked.
    Failed(io::Error),
}

/// Takes the lock, waiting for others at most `timeout`. It never blocks in the kernel, where an
/// unreachable file server could hold it forever.
pub(super) fn acquire(disk: &Disk, path: &Path, timeout: Duration) -> Result<HeldLock, NoLock> {
    let (file, _) = disk.open(path).map_err(NoLock::Failed)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(HeldLock::of(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) if is_unsupported(&error) => return Err(NoLock::Unsupported),
            Err(TryLockError::Error(error)) => return Err(NoLock::Failed(error)),
        }
        let waited = begin.elapsed();
        let left = timeout.saturating_sub(waited);
        if left.is_zero() {
            return Err(NoLock::Held);
        }
        thread::sleep(jittered(pause_after(waited)).min(left));
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn pause_after(waited: Duration) -> Duration {
    PAUSES.iter().find(|(until, _)| waited < *until).map_or(LAST_PAUSE, |(_, pause)| *pause)
}

/// The wait, multiplied by a random factor between 0.5 and 1.5, so that waiting writers do not wake
/// up together. The keys of a `RandomState` are the only randomness in the standard library.
fn jittered(wait: Duration) -> Duration {
    let chance = u32::try_from(RandomState::new().hash_one(wait) % 1000).unwrap_or_default();
    wait / 2 + wait * chance / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_again_though_a_program_being_started_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let taken = || acquire(&Disk::default(), &path, Duration::ZERO);
        let held = taken().unwrap();
        assert!(matches!(taken(), Err(NoLock::Held)));
        let _inherited = held.inherited().unwrap();
        drop(held);
        taken().unwrap();
    }

    #[test]
    fn who_has_waited_longer_asks_more_often_until_the_lock_is_held_for_something_long() {
        let [new, old, long, endless] =
            [1, 100, 3_000, 60_000].map(|waited| pause_after(Duration::from_millis(waited)));
        assert!(old < new && new < long && long < endless, "{old:?} {new:?} {long:?} {endless:?}");
    }
}
