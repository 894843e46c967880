//! One day's file, with coarser windows, as a new file beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::journal::disk::Disk;
use crate::journal::{Decoder, JournalError, LINE_LIMIT, Line, LineError, Writer};
use crate::model::{FailureClass, Outcome};
use crate::window::Window;

/// A file larger than this is read several times, for a part of the probes each.
const PASS: u64 = 128 << 20;
/// A strip with more runs than this stays in two windows: no line may grow without bounds.
const RUNS_LIMIT: usize = 20_000;
/// How many failures of one class keep their evidence in each coarse window: the first ones, and
/// the last beside them.
const FIRST_FAILURES: usize = 3;

/// The result of compacting a day's file.
pub(crate) enum Folded {
    /// The new file is complete and, if it has fewer windows, on the disk.
    Whole { windows_before: u64, windows_after: u64, bytes: u64 },
    /// It has lines of a newer version, which this version leaves alone.
    Newer,
}

/// The key of a window, and the start of its coarse span.
type Key = (Timestamp, Arc<str>, Arc<str>, Arc<str>, bool, bool);
/// What a failure's evidence is kept for.
type FailureKey = (Timestamp, String, String, Option<FailureClass>);

/// Reads a day's file and writes it with coarser windows to `target`.
pub(crate) fn fold(
    disk: &Disk,
    source: &Path,
    target: &Path,
    span: SignedDuration,
    length: u64,
) -> Result<Folded, JournalError> {
    let passes = u32::try_from(length / PASS).unwrap_or(u32::MAX).saturating_add(1);
    let file = disk.create_new(target).map_err(JournalError::io("create", target))?;
    let (mut windows_before, mut windows_after, mut bytes) = (0, 0, 0);
    for pass in 0..passes {
        let mut day = Day { span, part: (pass, passes), ..Day::default() };
        if day.read(source)? == Newer::Yes {
            return Ok(Folded::Newer);
        }
        windows_before += day.windows_read;
        let (text, windows) = day.write()?;
        windows_after += windows;
        bytes += text.len() as u64;
        disk.write(&file, &text).map_err(JournalError::io("write to", target))?;
    }
    if windows_after < windows_before {
        disk.sync_data(&file).map_err(JournalError::io("sync", target))?;
    }
    Ok(Folded::Whole { windows_before, windows_after, bytes })
}

/// Whether there was a line of a newer version.
#[derive(PartialEq, Eq)]
enum Newer {
    Yes,
    No,
}

/// The content of a day's file.
#[derive(Default)]
struct Day {
    span: SignedDuration,
    /// Which part of the probes this is about, and of how many.
    part: (u32, u32),
    windows_read: u64,
    windows: BTreeMap<Key, Vec<Window>>,
    failures: BTreeMap<FailureKey, Vec<Outcome>>,
    /// Gaps, plans and damaged lines: evidence, and small.
    kept: Vec<u8>,
}

impl Day {
    fn read(&mut self, path: &Path) -> Result<Newer, JournalError> {
        let file = File::open(path).map_err(JournalError::io("open", path))?;
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let mut decoder = Decoder::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = LINE_LIMIT as u64 + 1;
            let read =
                (&mut reader).take(limit).read_until(b'\n', &mut line).map_err(JournalError::io("read", path))?;
            if read == 0 {
                return Ok(Newer::No);
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if text.len() > LINE_LIMIT {
                // Too long, so damaged wherever it ends: the rest of it is not a line, whatever it looks like. Its
                // first mebibyte is kept, and is as damaged as the whole.
                reader.skip_until(b'\n').map_err(JournalError::io("read", path))?;
                if self.part.0 == 0 {
                    self.kept.extend_from_slice(text);
                    self.kept.push(b'\n');
                }
                continue;
            }
            match decoder.decode(text) {
                Err(LineError::Newer) => return Ok(Newer::Yes),
                Ok(Line::Window(window)) if self.is_mine(&window.probe) => self.add_window(*window),
                Ok(Line::Failure(outcome)) if self.is_mine(&outcome.probe) => self.add_failure(*outcome),
                Ok(Line::Gap(_) | Line::Plan(_)) | Err(LineError::Corrupt) if self.part.0 == 0 => {
                    self.kept.extend_from_slice(&line);
                }
                Ok(_) | Err(LineError::Corrupt) => {}
            }
        }
    }

    fn is_mine(&self, probe: &str) -> bool {
        crc32fast::hash(probe.as_bytes()) % self.part.1 == self.part.0
    }

    fn add_window(&mut self, window: Window) {
        self.windows_read += 1;
        let name = |name: &Arc<str>| Arc::clone(name);
        let slot = slot(window.from, self.span);
        let (vantage, probe, surface) = (name(&window.vantage), name(&window.probe), name(&window.surface));
        let key = (slot, vantage, probe, surface, window.control, window.maintenance);
        let merged = self.windows.entry(key).or_default();
        let fits = |last: &Window| last.strip.runs().len() + window.strip.runs().len() <= RUNS_LIMIT;
        if let Some(last) = merged.last_mut().filter(|last| !fits(last)) {
            last.strip.join_even();
        }
        match merged.last_mut().filter(|last| fits(last)) {
            Some(last) => last.merge(&window),
            None => merged.push(window),
        }
    }

    fn add_failure(&mut self, outcome: Outcome) {
        // One without a class was up with warnings: what these were has no other place.
        let class = outcome.class();
        if class.is_none() && outcome.warnings.is_empty() {
            return;
        }
        let slot = slot(outcome.scheduled_at, self.span);
        let kept = self.failures.entry((slot, outcome.vantage.clone(), outcome.probe.clone(), class)).or_default();
        if kept.len() > FIRST_FAILURES {
            kept.pop();
        }
        kept.push(outcome);
    }

    /// The new lines, each read back to verify it, and how many are windows.
    fn write(self) -> Result<(Vec<u8>, u64), JournalError> {
        let mut text = self.kept;
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        let mut lines = 0;
        let (mut writer, mut decoder) = (Writer::default(), Decoder::default());
        for mut window in self.windows.into_values().flatten() {
            window.strip.join_even();
            put(&Line::from(window), &mut writer, &mut decoder, &mut text)?;
            lines += 1;
        }
        for outcome in self.failures.into_values().flatten() {
            put(&Line::from(outcome), &mut writer, &mut decoder, &mut text)?;
        }
        Ok((text, lines))
    }
}

fn put(line: &Line, writer: &mut Writer, decoder: &mut Decoder, text: &mut Vec<u8>) -> Result<(), JournalError> {
    let start = text.len();
    writer.write(line, text)?;
    // The old file is removed once the new one is there, so the new one must say what was meant.
    if decoder.decode(&text[start..text.len() - 1]).as_ref() == Ok(line) {
        Ok(())
    } else {
        Err(JournalError::Unreadable)
    }
}

/// The start of the coarse span that an instant lies in.
fn slot(at: Timestamp, span: SignedDuration) -> Timestamp {
    let into = at.as_millisecond().rem_euclid(i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1));
    Timestamp::from_millisecond(at.as_millisecond() - into).unwrap_or(at)
}
