//! A file in pieces of a mebibyte, so that threads can share it: a piece holds the lines that
//! begin in it.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::SyncSender;

use crate::journal::Decoder;
use crate::journal::Integrity;
use crate::journal::JournalError;
use crate::journal::LINE_LIMIT;
use crate::journal::Line;
use crate::journal::LineError;
use crate::journal::Range;

use super::Message;
use super::sources::Spooled;

/// The bytes of a piece.
const PIECE: u64 = 1 << 20;
/// How much of it is read at once.
const BUFFER: usize = 256 << 10;
/// How many lines travel together at most.
const BATCH: usize = 1024;

/// A file that is read. It is opened when its first piece is, once for all of them: whatever is
/// renamed over it meanwhile, its pieces fit together.
pub(super) struct Source {
    path: PathBuf,
    file: Mutex<Option<Arc<File>>>,
}

impl Source {
    pub(super) const fn new(path: PathBuf) -> Source {
        Source { path, file: Mutex::new(None) }
    }

    fn open(&self) -> io::Result<Arc<File>> {
        let mut opened = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match &*opened {
            Some(file) => Ok(Arc::clone(file)),
            None => Ok(Arc::clone(opened.insert(Arc::new(File::open(&self.path)?)))),
        }
    }
}

/// A part of a file.
pub(super) struct Piece {
    source: Arc<Source>,
    part: Part,
}

enum Part {
    /// The lines that begin in these bytes. The last piece of a file has no end: a file may have
    /// grown since it was measured, or another may have taken its place.
    Bytes { from: u64, to: Option<u64> },
    /// Everything, of what cannot be read at an offset.
    Stream,
}

/// Cuts a file of known length into pieces.
pub(super) fn cut(source: &Arc<Source>, length: Option<u64>, pieces: &mut Vec<Piece>) {
    let Some(length) = length else {
        pieces.push(Piece { source: Arc::clone(source), part: Part::Stream });
        return;
    };
    let mut from = 0;
    loop {
        let to = Some(from + PIECE).filter(|to| *to < length);
        pieces.push(Piece { source: Arc::clone(source), part: Part::Bytes { from, to } });
        match to {
            Some(to) => from = to,
            None => return,
        }
    }
}

/// Reads pieces on a thread of its own.
pub(super) struct Worker {
    range: Range,
    spooled: Arc<Spooled>,
    sender: SyncSender<Message>,
    decoder: Decoder,
    lines: Vec<Line>,
    integrity: Integrity,
}

/// Nobody listens any more.
struct Deaf;

impl Worker {
    pub(super) fn new(range: Range, spooled: Arc<Spooled>, sender: SyncSender<Message>) -> Worker {
        let (decoder, lines, integrity) = (Decoder::default(), Vec::new(), Integrity::default());
        Worker { range, spooled, sender, decoder, lines, integrity }
    }

    pub(super) fn run(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            let result = self.read(&piece);
            let heard = self.flush().and_then(|()| match result {
                Ok(heard) => heard,
                Err(error) => self.send(Message::Failed(JournalError::io("read", &piece.source.path)(error))),
            });
            let integrity = std::mem::take(&mut self.integrity);
            if heard.and_then(|()| self.send(Message::End(integrity))).is_err() {
                return;
            }
        }
    }

    fn read(&mut self, piece: &Piece) -> io::Result<Result<(), Deaf>> {
        let file = match piece.source.open() {
            // Removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(())),
            file => file?,
        };
        match piece.part {
            Part::Stream => {
                self.integrity.files += 1;
                self.read_lines(BufReader::new(&*file), u64::MAX)
            }
            Part::Bytes { from, to } => {
                self.integrity.files += u64::from(from == 0);
                let mut reader = BufReader::with_capacity(BUFFER, At { file: &file, at: from.saturating_sub(1) });
                // The line that the byte before belongs to begins in the piece before.
                let skipped = if from > 0 { reader.skip_until(b'\n')? as u64 } else { 0 };
                let begin = (from + skipped).saturating_sub(u64::from(from > 0));
                self.read_lines(reader, to.map_or(u64::MAX, |to| to.saturating_sub(begin)))
            }
        }
    }

    /// Reads the lines that begin in the next `left` bytes.
    fn read_lines(&mut self, mut reader: impl BufRead, mut left: u64) -> io::Result<Result<(), Deaf>> {
        let mut line = Vec::new();
        while left > 0 {
            line.clear();
            if (&mut reader).take(LINE_LIMIT as u64 + 1).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let mut length = line.len() as u64;
            let ended = line.pop_if(|byte| *byte == b'\n').is_some();
            if ended || line.len() <= LINE_LIMIT {
                self.take(&line, ended);
            } else {
                self.integrity.lines += 1;
                self.integrity.corrupt_lines += 1;
                length += reader.skip_until(b'\n')? as u64;
            }
            left = left.saturating_sub(length);
            if self.lines.len() >= BATCH
                && let Err(deaf) = self.flush()
            {
                return Ok(Err(deaf));
            }
        }
        Ok(Ok(()))
    }

    /// Judges one line; `ended` says whether a line feed follows it.
    fn take(&mut self, line: &[u8], ended: bool) {
        if line.is_empty() {
            return;
        }
        self.integrity.lines += 1;
        if self.spooled.was_read(line) {
            self.integrity.duplicate_lines += 1;
            return;
        }
        match self.decoder.decode(line) {
            Ok(line) => {
                if self.range.contains(&line) {
                    self.lines.push(line);
                }
            }
            Err(LineError::Corrupt) if !ended => self.integrity.torn_tails += 1,
            Err(LineError::Corrupt) => self.integrity.corrupt_lines += 1,
            Err(LineError::Newer) => self.integrity.newer_lines += 1,
        }
    }

    fn flush(&mut self) -> Result<(), Deaf> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        self.send(Message::Lines(lines))
    }

    fn send(&self, message: Message) -> Result<(), Deaf> {
        self.sender.send(message).map_err(|_| Deaf)
    }
}

/// A file from an offset on.
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
