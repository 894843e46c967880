//! Reads chunks one after the other, and passes their lines on.

use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::journal::{Decoder, Integrity, JournalError, LINE_LIMIT, Line, LineError, Range};
use crate::window::LatencyDetail;

use super::chunks::{Chunk, ChunkSpan};
use super::sources::Spooled;

/// The size of the read buffer, in bytes.
const BUFFER: usize = 256 << 10;

/// Reads chunks on one thread.
pub(super) struct Worker {
    range: Range,
    spooled: Arc<Spooled>,
    decoder: Decoder,
    /// The counts of what was found so far.
    pub(super) integrity: Integrity,
}

impl Worker {
    pub(super) fn new(range: Range, detail: LatencyDetail, spooled: Arc<Spooled>) -> Worker {
        Worker { range, spooled, decoder: Decoder::new(detail), integrity: Integrity::default() }
    }

    /// Passes on the lines of a chunk that belong to the range, until the chunk ends or `each`
    /// breaks.
    pub(super) fn read(
        &mut self,
        chunk: &Chunk,
        each: impl FnMut(Line) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        self.read_chunk(chunk, each).map_err(JournalError::io("read", &chunk.source.path))
    }

    fn read_chunk(&mut self, chunk: &Chunk, each: impl FnMut(Line) -> ControlFlow<()>) -> io::Result<()> {
        let file = match chunk.source.open() {
            // The file was removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        match chunk.part {
            ChunkSpan::Stream => {
                self.integrity.files += 1;
                self.read_lines(BufReader::new(&*file), u64::MAX, each)
            }
            ChunkSpan::Bytes { from, to } => {
                self.integrity.files += u64::from(from == 0);
                let mut reader = BufReader::with_capacity(BUFFER, At { file: &file, at: from.saturating_sub(1) });
                // A line that contains the byte before this chunk belongs to the previous chunk.
                let skipped = if from > 0 { reader.skip_until(b'\n')? as u64 } else { 0 };
                let begin = (from + skipped).saturating_sub(u64::from(from > 0));
                self.read_lines(reader, to.map_or(u64::MAX, |to| to.saturating_sub(begin)), each)
            }
        }
    }

    /// Reads the lines that start in the next `left` bytes.
    fn read_lines(
        &mut self,
        mut reader: impl BufRead,
        mut left: u64,
        mut each: impl FnMut(Line) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut scratch = Vec::new();
        while left > 0 {
            let (length, line) = self.next(&mut reader, &mut scratch)?;
            if length == 0 || line.is_some_and(|line| each(line).is_break()) {
                break;
            }
            left = left.saturating_sub(length);
        }
        Ok(())
    }

    /// Reads one line. Returns how many bytes it took, 0 at the end of the file, and the line;
    /// `None` if it is skipped.
    fn next(&mut self, reader: &mut impl BufRead, scratch: &mut Vec<u8>) -> io::Result<(u64, Option<Line>)> {
        let buffer = reader.fill_buf()?;
        if let Some(length) = memchr::memchr(b'\n', buffer).filter(|length| *length <= LINE_LIMIT) {
            let line = self.line(&buffer[..length], true);
            reader.consume(length + 1);
            return Ok((length as u64 + 1, line));
        }
        // Its end is not in the buffer.
        scratch.clear();
        let mut length = reader.take(LINE_LIMIT as u64 + 1).read_until(b'\n', scratch)? as u64;
        let ended = scratch.pop_if(|byte| *byte == b'\n').is_some();
        if ended || scratch.len() <= LINE_LIMIT {
            return Ok((length, self.line(scratch, ended)));
        }
        self.integrity.lines += 1;
        self.integrity.corrupt_lines += 1;
        length += reader.skip_until(b'\n')? as u64;
        Ok((length, None))
    }

    /// Decodes one line. `None` if it is skipped. `ended`: whether a line feed follows it.
    fn line(&mut self, line: &[u8], ended: bool) -> Option<Line> {
        if line.is_empty() {
            return None;
        }
        self.integrity.lines += 1;
        if self.spooled.was_read(line) {
            self.integrity.duplicate_lines += 1;
            return None;
        }
        match self.decoder.decode(line) {
            Ok(line) => return Some(line).filter(|line| self.range.contains(line)),
            Err(LineError::Corrupt) if !ended => self.integrity.torn_tails += 1,
            Err(LineError::Corrupt) => self.integrity.corrupt_lines += 1,
            Err(LineError::Newer) => self.integrity.newer_lines += 1,
        }
        None
    }
}

/// A file, read from an offset on.
struct At<'f> {
    file: &'f File,
    at: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
