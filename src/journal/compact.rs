//! Compaction: merges old windows into hourly and daily ones. Their counts stay the same, because
//! windows add up, and a strip keeps the checks around every change of state. Compaction works
//! beside running writers and readers. A crash at any point leaves a day's file either unchanged or
//! completely compacted.

mod day;

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::disk::Disk;
use super::held_lock::HeldLock;
use super::lock::NoLock;
use super::read::day_files;
use super::spool::Spool;
use super::store::{LOCK_FILE, has_reliable_locks};
use super::{JournalError, lock};

pub(super) use day::{Folded, fold};

/// The extension of the new file until it replaces the old one.
const UNFINISHED: &str = "compacting";

/// When windows become coarser.
#[derive(Clone, Copy, Debug)]
pub struct CompactRules {
    /// Days that ended at least this long ago get hourly windows.
    pub hourly_after: Duration,
    /// Days that ended at least this long ago get daily windows.
    pub daily_after: Duration,
    /// The longest wait for the lock, for each day.
    pub lock_timeout: Duration,
}

impl Default for CompactRules {
    fn default() -> Self {
        CompactRules {
            hourly_after: Duration::from_hours(7 * 24),
            daily_after: Duration::from_hours(60 * 24),
            lock_timeout: Duration::from_secs(30),
        }
    }
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that became smaller.
    pub files: u64,
    /// Files that were skipped because they hold lines of a newer version, because lines of their
    /// day are still in the spool and cannot be moved, or because one object of them would be too
    /// large.
    pub skipped: u64,
    /// Windows in the files that became smaller, before compaction.
    pub windows_before: u64,
    /// Windows in the same files after it.
    pub windows_after: u64,
    /// Bytes of the files that became smaller, before compaction.
    pub bytes_before: u64,
    /// Bytes of the same files after it.
    pub bytes_after: u64,
}

/// Compacts those days of a journal that are old enough at `now`.
///
/// # Errors
/// [`JournalError`] if a file cannot be read or written, in which case the other days are compacted
/// all the same; if another process holds the lock until the timeout, or if the file system has no
/// reliable locks. Days that are compacted by then stay compacted.
pub fn compact(folder: &Path, now: Timestamp, rules: &CompactRules) -> Result<Compacted, JournalError> {
    if !has_reliable_locks(folder) {
        return Err(JournalError::NoLocks(folder.to_owned()));
    }
    compact_on(&Disk::default(), folder, now, rules)
}

pub(super) fn compact_on(
    disk: &Disk,
    folder: &Path,
    now: Timestamp,
    rules: &CompactRules,
) -> Result<Compacted, JournalError> {
    let (mut compacted, mut failed) = (Compacted::default(), None);
    for file in day_files(folder)? {
        let Some(span) = span_for(file.day, now, rules) else { continue };
        // Take the lock for each day: writers must not wait while a whole year is compacted.
        let _lock = take_lock(disk, folder, rules)?;
        if !empty_spool(disk, folder, file.day)? {
            compacted.skipped += 1;
            continue;
        }
        // One day that cannot be compacted stops no other.
        if let Err(error) = compact_file(disk, &file.path, span, &mut compacted) {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(compacted), Err)
}

/// The span of the windows of a day after compaction; `None` if the day is too young.
pub(super) fn span_for(day: Date, now: Timestamp, rules: &CompactRules) -> Option<SignedDuration> {
    let end = TimeZone::UTC.to_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).ok()?;
    let age = Duration::try_from(now.duration_since(end)).ok()?;
    if age >= rules.daily_after {
        Some(SignedDuration::from_hours(24))
    } else if age >= rules.hourly_after {
        Some(SignedDuration::from_hours(1))
    } else {
        None
    }
}

fn take_lock(disk: &Disk, folder: &Path, rules: &CompactRules) -> Result<HeldLock, JournalError> {
    let path = folder.join(LOCK_FILE);
    lock::acquire(disk, &path, rules.lock_timeout).map_err(|error| match error {
        NoLock::Held => JournalError::Locked(path),
        NoLock::Unsupported => JournalError::NoLocks(folder.to_owned()),
        NoLock::Failed(error) => JournalError::io("lock", &path)(error),
    })
}

/// Moves the spooled lines of a day to the day's file. Returns `false` if that fails. Compaction
/// needs this: lines that are in both places are recognized by their text, which compaction
/// changes.
fn empty_spool(disk: &Disk, folder: &Path, day: Date) -> Result<bool, JournalError> {
    let spool = Spool::of(folder);
    for file in spool.files()?.iter().filter(|file| file.day == day) {
        if spool.merge(disk, folder, file).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compact_file(disk: &Disk, path: &Path, span: SignedDuration, compacted: &mut Compacted) -> Result<(), JournalError> {
    let before = fs::metadata(path).map_err(JournalError::io("read", path))?.len();
    let unfinished = path.with_extension(UNFINISHED);
    // A compaction that died may have left it. This process holds the lock, so nobody else writes
    // to it.
    remove_if_there(disk, &unfinished).map_err(JournalError::io("remove", &unfinished))?;
    let folded = match fold(disk, path, &unfinished, span, before) {
        // There is nothing to merge.
        Ok(Folded::Whole { windows_before, windows_after, .. }) if windows_after >= windows_before => Ok(()),
        Ok(Folded::Whole { windows_before, windows_after, bytes }) => {
            compacted.windows_before += windows_before;
            compacted.windows_after += windows_after;
            compacted.bytes_before += before;
            compacted.bytes_after += bytes;
            compacted.files += 1;
            replace(disk, &unfinished, path)
        }
        Ok(Folded::Newer) => {
            compacted.skipped += 1;
            Ok(())
        }
        Err(error) => Err(error),
    };
    // There is nothing to remove if the new file has replaced the old one.
    let _ = remove_if_there(disk, &unfinished);
    folded
}

fn replace(disk: &Disk, unfinished: &Path, path: &Path) -> Result<(), JournalError> {
    disk.rename(unfinished, path).map_err(JournalError::io("rename", unfinished))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    disk.sync_folder(folder).map_err(JournalError::io("sync", folder))
}

fn remove_if_there(disk: &Disk, path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() { disk.remove(path) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
