//! The outbox: a local journal whose files are shipped to object storage. Lines are first recorded
//! on this disk, then sealed into files that never change again, then shipped. While the store is
//! unreachable, nothing is lost.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::disk::Disk;
use super::lock::NoLock;
use super::read::day_files;
use super::spool::Spool;
use super::store::{LOCK_FILE, has_reliable_locks};
use super::{JournalError, lock};

/// The folder of sealed files, in the outbox's folder.
const FOLDER: &str = "sealed";
/// The longest wait for the writers' lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A sealed file: it never changes again.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) path: PathBuf,
    /// The UTC day of its lines: `2025-03-10`.
    pub(super) day: String,
    /// The vantage and a random number: `local-0a1b2c3d.0123456789abcdef.jsonl`.
    pub(super) name: String,
}

impl Sealed {
    /// The file in parts of at most `limit` bytes, each with its name. They end with whole lines,
    /// and are the same each time, so that each attempt to ship them creates the same objects.
    pub(super) fn parts(&self, limit: u64) -> Result<Parts<'_>, JournalError> {
        let file = File::open(&self.path).map_err(JournalError::io("open", &self.path))?;
        Ok(Parts { sealed: self, file, limit, rest: Vec::new(), number: 0 })
    }
}

/// The parts of a sealed file, read one after the other.
#[derive(Debug)]
pub(super) struct Parts<'s> {
    sealed: &'s Sealed,
    file: File,
    limit: u64,
    /// What was read and belongs to the next part.
    rest: Vec<u8>,
    number: u32,
}

impl Iterator for Parts<'_> {
    type Item = Result<(String, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = std::mem::take(&mut self.rest);
        let room = self.limit.saturating_sub(bytes.len() as u64);
        if let Err(error) = (&mut self.file).take(room).read_to_end(&mut bytes) {
            return Some(Err(JournalError::io("read", &self.sealed.path)(error)));
        }
        if bytes.is_empty() {
            return None;
        }
        if bytes.len() as u64 >= self.limit
            && let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            self.rest = bytes.split_off(last + 1);
        }
        let name = match (self.number, self.sealed.name.strip_suffix(".jsonl")) {
            (1.., Some(name)) => format!("{name}-{}.jsonl", self.number),
            _ => self.sealed.name.clone(),
        };
        self.number += 1;
        Some(Ok((name, bytes)))
    }
}

/// Seals what has been recorded so far. It holds the lock, so that no writer has the file open; the
/// next append creates a new one.
pub(super) fn seal(disk: &Disk, outbox: &Path, vantage: &str) -> Result<(), JournalError> {
    if !has_reliable_locks(outbox) {
        return Err(JournalError::NoLocks(outbox.to_owned()));
    }
    let path = outbox.join(LOCK_FILE);
    let _lock = lock::acquire(disk, &path, LOCK_TIMEOUT).map_err(|error| match error {
        NoLock::Held => JournalError::Locked(path.clone()),
        NoLock::Unsupported => JournalError::NoLocks(outbox.to_owned()),
        NoLock::Failed(error) => JournalError::io("lock", &path)(error),
    })?;
    let spool = Spool::of(outbox);
    for file in spool.files()? {
        spool.merge(disk, outbox, &file)?;
    }
    let days = day_files(outbox)?;
    if days.is_empty() {
        return Ok(());
    }
    let folder = outbox.join(FOLDER);
    disk.create_folder(&folder).map_err(JournalError::io("create", &folder))?;
    for file in days {
        // The name is chosen before shipping, so that each attempt to ship the file creates the
        // same object.
        let id = RandomState::new().hash_one(&file.path);
        let target = folder.join(format!("{}.{}.{id:016x}.jsonl", file.day, label(vantage)));
        disk.rename(&file.path, &target).map_err(JournalError::io("rename", &file.path))?;
    }
    disk.sync_folder(&folder).map_err(JournalError::io("sync", &folder))?;
    disk.sync_folder(outbox).map_err(JournalError::io("sync", outbox))
}

/// The sealed files that are not shipped yet, oldest day first.
pub(super) fn sealed(outbox: &Path) -> Result<Vec<Sealed>, JournalError> {
    let folder = outbox.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(JournalError::io("list", &folder))?,
    };
    let mut sealed: Vec<Sealed> = entries.filter_map(Result::ok).filter_map(|entry| parse(entry.path())).collect();
    sealed.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sealed)
}

pub(super) fn parse(path: PathBuf) -> Option<Sealed> {
    let (day, name) = path.file_name()?.to_str()?.split_once('.')?;
    let (day, name) = (day.to_owned(), name.to_owned());
    name.strip_suffix(".jsonl")?;
    Some(Sealed { path, day, name })
}

/// A vantage as part of a key: characters that every store accepts, and a checksum that makes it
/// unique. The lines themselves have the vantage in full.
fn label(vantage: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let short: String = vantage.chars().take(64).map(plain).collect();
    format!("{short}-{:08x}", crc32fast::hash(vantage.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_safe_and_two_vantages_have_two() {
        assert_eq!(label("us-east"), "us-east-814c8d1e");
        assert!(label("../../é x").starts_with("________x-"));
        assert_ne!(label("a b"), label("a_b"));
    }
}
