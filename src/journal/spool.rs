//! The spool: files of lines that could not be written to the day's file. A later append moves them
//! there, each line once.
//!
//! A spool file is `spool/DAY.TRIED.ID.jsonl`. TRIED is the offset at which an attempt to write the
//! lines to the day's file started, or `new` if there was none. Before the first attempt the spool
//! file is renamed to include the offset, and the rename is made durable. So if the lines of a
//! spool file may already be in the day's file, its name always has the offset from which to search
//! for them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use jiff::civil::Date;

use super::JournalError;
use super::batch::Batch;
use super::disk::Disk;

/// The name of the spool in the journal's folder.
const FOLDER: &str = "spool";
/// The suffix of a file until it is complete.
const UNFINISHED: &str = ".unfinished";
/// The age at which an unfinished file is abandoned: its writer is gone.
const ABANDONED: Duration = Duration::from_hours(1);
/// The most bytes of a spool file: it holds one batch.
const FILE_LIMIT: u64 = 256 << 20;

/// The spool of a journal.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

/// A batch in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpoolFile {
    pub(super) path: PathBuf,
    pub(super) day: Date,
    tried_at: Option<u64>,
    id: String,
}

impl Spool {
    pub(super) fn of(journal: &Path) -> Spool {
        Spool { folder: journal.join(FOLDER) }
    }

    /// Writes a batch to its own file and waits until it is on the disk. On an error,
    /// `batch.spooled_as` is set if the file is written but its name may not be on the disk; then
    /// call [`Spool::confirm`] later.
    pub(super) fn put(&self, disk: &Disk, batch: &mut Batch, id: &str) -> Result<(), JournalError> {
        disk.create_folder(&self.folder).map_err(JournalError::io("create", &self.folder))?;
        let path = self.folder.join(file_name(batch.day, batch.tried_at, id));
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let file = disk.create_new(&unfinished).map_err(JournalError::io("create", &unfinished))?;
        let written = disk.write(&file, &batch.bytes).and_then(|()| disk.sync_data(&file));
        if let Err(error) = written {
            let _ = disk.remove(&unfinished);
            return Err(JournalError::io("write to", &unfinished)(error));
        }
        if let Err(error) = disk.rename(&unfinished, &path) {
            let _ = disk.remove(&unfinished);
            return Err(JournalError::io("rename", &unfinished)(error));
        }
        batch.spooled_as = Some(id.to_owned());
        disk.sync_folder(&self.folder).map_err(JournalError::io("sync", &self.folder))
    }

    /// Makes the name of a batch's file durable. The file gets a new name, since after a failed
    /// sync the kernel considers the old one written. Returns how many lines are still in the
    /// spool: 0 if they were moved to the day's file in the meantime.
    pub(super) fn confirm(&self, disk: &Disk, batch: &mut Batch, new_id: &str) -> Result<u64, JournalError> {
        let is_ours = |file: &SpoolFile| batch.spooled_as.as_deref() == Some(&file.id);
        let Some(file) = self.files()?.into_iter().find(is_ours) else { return Ok(0) };
        let path = self.folder.join(file_name(file.day, file.tried_at, new_id));
        disk.rename(&file.path, &path).map_err(JournalError::io("rename", &file.path))?;
        batch.spooled_as = Some(new_id.to_owned());
        disk.sync_folder(&self.folder).map_err(JournalError::io("sync", &self.folder))?;
        Ok(batch.lines)
    }

    /// The files in the spool, in the order of their names.
    pub(super) fn files(&self) -> Result<Vec<SpoolFile>, JournalError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(JournalError::io("list", &self.folder))?,
        };
        let mut files: Vec<SpoolFile> =
            entries.filter_map(Result::ok).filter_map(|entry| parse(entry.path())).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Moves a file's lines to the day's file. Returns their number. The caller holds the lock.
    pub(super) fn merge(&self, disk: &Disk, journal: &Path, file: &SpoolFile) -> Result<u64, JournalError> {
        let target = journal.join(day_file(file.day));
        let mut file = file.clone();
        if file.tried_at.is_none() {
            file = self.mark_tried(disk, file, &target)?;
        }
        let Some(bytes) = file.read()? else { return Ok(0) };
        let lines = bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum();
        let mut batch = Batch { day: file.day, bytes, lines, tried_at: file.tried_at, spooled_as: None };
        batch.place(disk, &target, true)?;
        disk.remove(&file.path).map_err(JournalError::io("remove", &file.path))?;
        Ok(lines)
    }

    /// Renames a file to record that its lines are about to be written to the day's file.
    fn mark_tried(&self, disk: &Disk, file: SpoolFile, target: &Path) -> Result<SpoolFile, JournalError> {
        let length = match fs::metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            metadata => metadata.map_err(JournalError::io("read", target))?.len(),
        };
        let path = self.folder.join(file_name(file.day, Some(length), &file.id));
        disk.rename(&file.path, &path).map_err(JournalError::io("rename", &file.path))?;
        disk.sync_folder(&self.folder).map_err(JournalError::io("sync", &self.folder))?;
        Ok(SpoolFile { path, tried_at: Some(length), ..file })
    }

    /// Removes the unfinished files of writers that died. Their lines were never reported as
    /// recorded.
    pub(super) fn sweep(&self, disk: &Disk) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.filter_map(Result::ok) {
            let unfinished = entry.file_name().to_string_lossy().ends_with(UNFINISHED);
            let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            let age = age.and_then(|modified| SystemTime::now().duration_since(modified).ok());
            if unfinished && age.is_some_and(|age| age > ABANDONED) {
                let _ = disk.remove(&entry.path());
            }
        }
    }
}

impl SpoolFile {
    /// The complete lines in the file; `None` if another process has moved the file in the
    /// meantime.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, JournalError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(JournalError::io("read", &self.path))?,
        };
        if !metadata.is_file() || metadata.len() > FILE_LIMIT {
            return Err(JournalError::NotAJournal(self.path.clone()));
        }
        let mut bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(JournalError::io("read", &self.path))?,
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(whole);
        Ok(Some(bytes))
    }
}

/// The file name of a day: `2025-03-10.jsonl`.
pub(super) fn day_file(day: Date) -> String {
    format!("{day}.jsonl")
}

fn file_name(day: Date, tried_at: Option<u64>, id: &str) -> String {
    match tried_at {
        Some(at) => format!("{day}.{at}.{id}.jsonl"),
        None => format!("{day}.new.{id}.jsonl"),
    }
}

fn parse(path: PathBuf) -> Option<SpoolFile> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    let mut parts = name.splitn(3, '.');
    let day: Date = parts.next()?.parse().ok()?;
    let tried_at = match parts.next()? {
        "new" => None,
        at => Some(at.parse().ok()?),
    };
    let id = parts.next()?.to_owned();
    Some(SpoolFile { path, day, tried_at, id })
}
