//! Which files a journal has, and the lines in its spool.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::journal::spool::Spool;
use crate::journal::{Decoder, Integrity, JournalError, Line, LineError, Range};

use super::chunks;
use super::chunks::{Chunk, Source};

/// The lines of the spools. The days' files may contain them too.
#[derive(Default)]
pub(super) struct Spooled {
    pub(super) lines: Vec<Line>,
    pub(super) integrity: Integrity,
    /// How many times each line is in a spool, by its checksum and length.
    copies: Mutex<HashMap<(u32, usize), u64>>,
    any: bool,
}

impl Spooled {
    /// Whether a line of a day's file was already read from the spool. Each line of the spool
    /// matches at most one.
    pub(super) fn was_read(&self, line: &[u8]) -> bool {
        if !self.any {
            return false;
        }
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        match copies.get_mut(&identity(line)).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                true
            }
            None => false,
        }
    }

    fn add(&mut self, line: &[u8], range: Range, decoder: &mut Decoder) {
        self.integrity.lines += 1;
        self.integrity.spooled_lines += 1;
        match decoder.decode(line) {
            Ok(meaning) => {
                self.any = true;
                let copies = self.copies.get_mut().unwrap_or_else(PoisonError::into_inner);
                *copies.entry(identity(line)).or_default() += 1;
                if range.contains(&meaning) {
                    self.lines.push(meaning);
                }
            }
            Err(LineError::Corrupt) => self.integrity.corrupt_lines += 1,
            Err(LineError::Newer) => self.integrity.newer_lines += 1,
        }
    }
}

fn identity(line: &[u8]) -> (u32, usize) {
    (crc32fast::hash(line), line.len())
}

/// Determines what to read: the files, cut into chunks, and the lines of spools.
pub(super) fn open(paths: &[PathBuf], range: Range) -> Result<(Vec<Chunk>, Spooled), JournalError> {
    let (mut chunks, mut spooled, mut visited) = (Vec::new(), Spooled::default(), VisitedFiles::default());
    for path in paths {
        add(path, range, &mut visited, &mut spooled, &mut chunks)?;
    }
    Ok((chunks, spooled))
}

/// Adds the files of a path. The spool is read before the days' files are listed. Lines move from
/// the spool to the days' files, so one that moves meanwhile may be seen twice, but is never
/// missed.
fn add(
    path: &Path,
    range: Range,
    visited: &mut VisitedFiles,
    spooled: &mut Spooled,
    chunks: &mut Vec<Chunk>,
) -> Result<(), JournalError> {
    let metadata = fs::metadata(path).map_err(JournalError::io("read", path))?;
    if !visited.is_new(&metadata) {
        return Ok(());
    }
    if !metadata.is_dir() {
        chunks::cut(&Arc::new(Source::new(path.to_owned())), metadata.is_file().then_some(metadata.len()), chunks);
        return Ok(());
    }
    let mut decoder = Decoder::default();
    for file in Spool::of(path).files()? {
        let is_new = fs::metadata(&file.path).is_ok_and(|metadata| visited.is_new(&metadata));
        if !is_new || !may_hold(file.day, range) {
            continue;
        }
        let Some(bytes) = file.read()? else { continue };
        spooled.integrity.files += 1;
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            spooled.add(line, range, &mut decoder);
        }
    }
    for file in day_files(path)? {
        if may_hold(file.day, range) && visited.is_new(&file.metadata) {
            chunks::cut(&Arc::new(Source::new(file.path)), Some(file.metadata.len()), chunks);
        }
    }
    Ok(())
}

/// A file of a journal that holds lines of one day.
pub(crate) struct DayFile {
    pub(crate) path: PathBuf,
    pub(crate) day: Date,
    pub(crate) metadata: Metadata,
}

/// The files and folders seen so far, by device and inode: each counts once, whatever names and
/// links lead to it.
#[derive(Default)]
struct VisitedFiles(HashSet<(u64, u64)>);

impl VisitedFiles {
    /// Whether it was not seen before. Anything but files and folders, such as a pipe, has no
    /// reliable identity and is always new.
    fn is_new(&mut self, metadata: &Metadata) -> bool {
        let is_known_by_number = metadata.is_file() || metadata.is_dir();
        !is_known_by_number || self.0.insert((metadata.dev(), metadata.ino()))
    }
}

/// The days' files of a journal's folder, in the order of their names: `2025-03-10.jsonl`, or
/// `2025-03-10.RUN.jsonl` if each run writes its own.
pub(crate) fn day_files(folder: &Path) -> Result<Vec<DayFile>, JournalError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(JournalError::io("list", folder))? {
        let entry = entry.map_err(JournalError::io("list", folder))?;
        let name = entry.file_name();
        let Some(day) = name.to_str().and_then(day_of) else { continue };
        // A file that was removed since the listing is skipped.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            files.push(DayFile { path: entry.path(), day, metadata });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn day_of(name: &str) -> Option<Date> {
    name.strip_suffix(".jsonl")?.split('.').next()?.parse().ok()
}

/// Whether a file of this day can hold lines of the range: a line starts on the file's day, and no
/// window is longer than a day.
pub(crate) fn may_hold(day: Date, range: Range) -> bool {
    let first = TimeZone::UTC.to_datetime(range.from).date();
    let last = TimeZone::UTC.to_datetime(range.to).date();
    day <= last && day.tomorrow().is_ok_and(|next| next >= first)
}
