//! Batches: the lines of one day that are written together. Appending a batch to a file writes each
//! line exactly once, even after attempts that failed.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::disk::Disk;
use super::{JournalError, LINE_LIMIT, Line, Writer};

/// The lines of one UTC day, each ending in a line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The UTC day of the lines.
    pub(super) day: Date,
    /// The lines.
    pub(super) bytes: Vec<u8>,
    /// The number of lines.
    pub(super) lines: u64,
    /// The offset in the day's file at which an earlier attempt to write the lines started: some of
    /// them may already be there. `None` if there was no attempt.
    pub(super) tried_at: Option<u64>,
    /// The id of the spool file that holds the lines, if that file may not be durable yet. The
    /// lines must not be written elsewhere. `None` if they are not in the spool.
    pub(super) spooled_as: Option<String>,
}

/// How a batch was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Whether the file ended in the middle of a line, so that a line feed was written first.
    pub(super) healed: bool,
}

impl Batch {
    /// Groups lines into one batch per day, ordered by day. Lines that are too long for readers are
    /// left out; the second value is then the error.
    pub(super) fn by_day(lines: &[Line], writer: &mut Writer) -> (Vec<Batch>, Result<(), JournalError>) {
        let mut batches: Vec<Batch> = Vec::new();
        let mut problem = Ok(());
        for line in lines {
            let day = TimeZone::UTC.to_datetime(line.at()).date();
            let at = match batches.binary_search_by_key(&day, |batch| batch.day) {
                Ok(at) => at,
                Err(at) => {
                    batches.insert(at, Batch { day, bytes: Vec::new(), lines: 0, tried_at: None, spooled_as: None });
                    at
                }
            };
            let batch = &mut batches[at];
            match writer.write(line, &mut batch.bytes) {
                Ok(()) => batch.lines += 1,
                Err(error) => problem = Err(error),
            }
        }
        (batches, problem)
    }

    /// Appends the lines to the day's file in one write and waits until they are on the disk;
    /// `sync_name` does the same for the file's name. Lines that an earlier attempt left there are
    /// not written again. The caller holds the lock, or is the only writer.
    ///
    /// On an error the file is truncated to its former length, and `tried_at` is the offset at
    /// which the attempt started: after a failed sync it is unknown what is on the disk.
    pub(super) fn place(&mut self, disk: &Disk, path: &Path, sync_name: bool) -> Result<Placed, JournalError> {
        let (file, created) = disk.open(path).map_err(JournalError::io("open", path))?;
        let length = checked_length(&file).map_err(JournalError::io("append to", path))?;
        let placed = self.place_at(disk, path, &file, length).and_then(|placed| {
            let folder = path.parent().unwrap_or(Path::new("."));
            if created || sync_name {
                disk.sync_folder(folder).map_err(JournalError::io("sync", folder))?;
            }
            Ok(placed)
        });
        if placed.is_err() {
            self.tried_at = Some(self.tried_at.unwrap_or(length).min(length));
            // If truncating fails too, the next attempt finds the written lines after `tried_at`.
            let _ = disk.set_length(&file, length);
        }
        placed
    }

    fn place_at(&self, disk: &Disk, path: &Path, file: &File, length: u64) -> Result<Placed, JournalError> {
        let healed = length > 0 && last_byte(file, length).map_err(JournalError::io("read", path))? != b'\n';
        let missing = match self.tried_at.filter(|at| *at < length) {
            Some(at) => self.rewrite(file, path, at).map_err(JournalError::io("write to", path))?,
            None => self.bytes.clone(),
        };
        // The file may contain one of these lines without its line feed.
        if healed || !missing.is_empty() {
            let heal: &[u8] = if healed { b"\n" } else { b"" };
            disk.write(file, &[heal, &missing].concat()).map_err(JournalError::io("write to", path))?;
        }
        disk.sync_data(file).map_err(JournalError::io("sync", path))?;
        Ok(Placed { healed })
    }

    /// Returns the lines that are not in the file from `at` on. The bytes there are overwritten
    /// with themselves: after a failed sync the kernel marks its pages clean, and a second sync
    /// alone would succeed without writing them.
    fn rewrite(&self, file: &File, path: &Path, at: u64) -> io::Result<Vec<u8>> {
        let lines = || self.bytes.split_inclusive(|byte| *byte == b'\n');
        let mut wanted: HashMap<&[u8], u64> = HashMap::new();
        lines().for_each(|line| *wanted.entry(line_text(line)).or_default() += 1);
        let over = OpenOptions::new().write(true).open(path)?;
        let mut reader = BufReader::new(file);
        let mut at = reader.seek(SeekFrom::Start(at))?;
        let mut line = Vec::new();
        while (&mut reader).take(LONGEST_READ).read_until(b'\n', &mut line)? > 0 {
            over.write_all_at(&line, at)?;
            at += line.len() as u64;
            if let Some(count) = wanted.get_mut(line_text(&line)) {
                *count = count.saturating_sub(1);
            }
            line.clear();
        }
        let mut missing = Vec::new();
        for line in lines() {
            if let Some(count) = wanted.get_mut(line_text(line)).filter(|count| **count > 0) {
                *count -= 1;
                missing.extend_from_slice(line);
            }
        }
        Ok(missing)
    }
}

/// A line without its line feed, which an interrupted write may not have reached.
fn line_text(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// A little more than the longest valid line; a longer one is read in chunks of this many bytes.
const LONGEST_READ: u64 = LINE_LIMIT as u64 + 1;

/// The length of a file; an error if it is not a regular file.
fn checked_length(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

fn last_byte(file: &File, length: u64) -> io::Result<u8> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, length - 1)?;
    Ok(byte[0])
}
