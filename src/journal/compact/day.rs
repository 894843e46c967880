//! Rewrites one day's file with coarser windows, as a new file beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::journal::disk::Disk;
use crate::journal::{Decoder, JournalError, LINE_LIMIT, Line, LineError, Writer};
use crate::model::{FailureClass, Outcome, SafeText};
use crate::window::{CHECKS_LIMIT, Window};

/// The most bytes per pass. A larger file is read several times, each time for a part of the
/// probes.
const PASS: u64 = 128 << 20;
/// The most runs in the strip of a merged window; beyond this a second window begins. No line may
/// grow without bounds.
const RUNS_LIMIT: usize = 20_000;
/// The most kinds of failures in a merged window: the higher the number of a kind, the more letters
/// it has in the strip.
const KINDS_LIMIT: usize = 100;
/// How many first failures of one class keep their evidence in each coarse window; the last one
/// keeps its evidence too.
const FIRST_FAILURES: usize = 3;

/// The result of compacting a day's file.
pub(crate) enum Folded {
    /// The new file is complete. It is synced if it has fewer windows than the old one.
    Whole { windows_before: u64, windows_after: u64, bytes: u64 },
    /// The old file has lines of a newer version, so it must not be changed.
    Newer,
}

/// The key of a coarse window: its start, vantage, probe, surface, and whether it is of a control
/// target and of a maintenance.
type Key = (Timestamp, Arc<str>, Arc<str>, Arc<str>, bool, bool);
/// The key of the failures whose evidence is kept together: start of the coarse window, vantage,
/// probe and class.
type FailureKey = (Timestamp, String, String, Option<FailureClass>);

/// Reads a day's file of `length` bytes, and writes it with windows of `span` to `target`.
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
        let uncompacted = |why| JournalError::Uncompacted { path: source.to_owned(), why };
        let (text, windows) = day.write().map_err(uncompacted)?;
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

/// The content of a day's file, for one part of the probes.
#[derive(Default)]
struct Day {
    span: SignedDuration,
    /// Which part of the probes this is (from 0), and how many parts there are.
    part: (u32, u32),
    windows_read: u64,
    windows: BTreeMap<Key, Vec<Window>>,
    failures: BTreeMap<FailureKey, Vec<Outcome>>,
    /// Lines that are kept as they are: gaps, plans and damaged lines. They are evidence, and
    /// small.
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
                // The line is too long, so it is damaged; its rest is skipped, even if that looks
                // like another line. Its first mebibyte is kept, which is as damaged as the whole.
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
        let fits = |last: &Window| fit_in_one(last, &window);
        if let Some(last) = merged.last_mut().filter(|last| !fits(last)) {
            last.strip.join_even();
        }
        match merged.last_mut().filter(|last| fits(last)) {
            Some(last) => last.merge(&window),
            None => merged.push(window),
        }
    }

    fn add_failure(&mut self, outcome: Outcome) {
        // An outcome without a class was up, with warnings that are recorded nowhere else.
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

    /// The new lines, each read back for verification, and the number of windows among them. An
    /// error says which line is wrong.
    fn write(self) -> Result<(Vec<u8>, u64), SafeText> {
        let mut text = self.kept;
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        let mut lines = 0;
        let (mut writer, mut decoder) = (Writer::default(), Decoder::default());
        for mut window in self.windows.into_values().flatten() {
            window.strip.join_even();
            let probe = Arc::clone(&window.probe);
            put(&Line::from(window), &probe, &mut writer, &mut decoder, &mut text)?;
            lines += 1;
        }
        for outcome in self.failures.into_values().flatten() {
            let probe = outcome.probe.clone();
            put(&Line::from(outcome), &probe, &mut writer, &mut decoder, &mut text)?;
        }
        Ok((text, lines))
    }
}

/// Whether readers accept the line of two windows that are merged.
fn fit_in_one(one: &Window, other: &Window) -> bool {
    let sum = |of: fn(&Window) -> usize| of(one) + of(other);
    one.counts.scheduled() + other.counts.scheduled() <= CHECKS_LIMIT
        && sum(|window| window.strip.runs().len()) <= RUNS_LIMIT
        && (sum(|window| window.codes.len() + window.set_aside.len()) <= KINDS_LIMIT || has_kinds_of(one, other))
}

/// Whether a window has every kind of failure that another has.
fn has_kinds_of(one: &Window, other: &Window) -> bool {
    let has_codes = other.codes.keys().all(|code| one.codes.contains_key(code));
    has_codes && other.set_aside.keys().all(|kind| one.set_aside.contains_key(kind))
}

/// Appends a line of a probe to `text`.
fn put(
    line: &Line,
    probe: &str,
    writer: &mut Writer,
    decoder: &mut Decoder,
    text: &mut Vec<u8>,
) -> Result<(), SafeText> {
    let start = text.len();
    if let Err(JournalError::LineTooLong { bytes }) = writer.write(line, text) {
        let why =
            format!("a line of probe \"{probe}\" would have {bytes} bytes, more than the 1 MiB that readers accept");
        return Err(SafeText::message(&why));
    }
    // The new file replaces the old one, so each line must read back exactly as intended.
    if decoder.decode(text[start..].strip_suffix(b"\n").unwrap_or_default()).as_ref() == Ok(line) {
        Ok(())
    } else {
        Err(SafeText::message(&format!("a line of probe \"{probe}\" would not read back")))
    }
}

/// The start of the coarse span that contains an instant.
fn slot(at: Timestamp, span: SignedDuration) -> Timestamp {
    let into = at.as_millisecond().rem_euclid(i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1));
    Timestamp::from_millisecond(at.as_millisecond() - into).unwrap_or(at)
}
