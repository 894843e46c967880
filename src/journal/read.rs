//! Reads the lines of any number of journals, folders and files. Several threads parse them.
//! [`read`] delivers the lines in the order of the files, with threads at most a few chunks of a
//! mebibyte ahead; [`fold()`] adds them up where they are parsed. Reading takes no lock, and works
//! while others write or compact.

mod chunks;
mod fold;
mod sources;
mod worker;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SendError, SyncSender};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::window::LatencyDetail;

use super::{Integrity, JournalError, Line, Range};

use chunks::Chunk;
use sources::Spooled;
use worker::Worker;

pub use fold::fold;
pub(super) use sources::day_files;
#[cfg(feature = "object-store")]
pub(super) use sources::may_hold;

/// How many batches of lines a thread may be ahead of the reader.
const AHEAD: usize = 2;

/// The most lines per batch.
const BATCH: usize = 1024;

/// Opens journals to read the lines that belong to a range. A path is a journal's folder or a file
/// of lines.
///
/// # Errors
/// [`JournalError`] if a path cannot be read at all.
pub fn read(paths: &[PathBuf], range: Range) -> Result<Reader, JournalError> {
    let (chunks, mut spooled) = sources::open(paths, range)?;
    let integrity = spooled.integrity;
    let lines = std::mem::take(&mut spooled.lines);
    let threads = start(chunks, range, spooled);
    Ok(Reader { turn: 0, threads, integrity, lines: lines.into_iter() })
}

/// A message of a thread. For each chunk it sends any number of batches of lines, perhaps an error,
/// then its counts.
enum Message {
    Lines(Vec<Line>),
    Failed(JournalError),
    End(Integrity),
}

/// The lines of journals. [`Reader::integrity`] is complete after the last one.
pub struct Reader {
    /// One channel per thread; the chunks are assigned to the threads in turn.
    threads: Vec<Receiver<Message>>,
    turn: usize,
    lines: std::vec::IntoIter<Line>,
    integrity: Integrity,
}

impl Reader {
    /// The counts of what was found so far.
    #[must_use]
    pub const fn integrity(&self) -> &Integrity {
        &self.integrity
    }
}

impl Iterator for Reader {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(Ok(line));
            }
            if self.threads.is_empty() {
                return None;
            }
            match self.threads[self.turn].recv() {
                Ok(Message::Lines(lines)) => self.lines = lines.into_iter(),
                Ok(Message::Failed(error)) => return Some(Err(error)),
                Ok(Message::End(integrity)) => {
                    self.integrity.merge(&integrity);
                    self.turn = (self.turn + 1) % self.threads.len();
                }
                // The thread whose turn it is has no chunk left, so no other thread has one.
                Err(mpsc::RecvError) => self.threads.clear(),
            }
        }
    }
}

/// Starts the threads and assigns the chunks to them in turn. A thread ends after its chunks, or
/// when the receiver is gone.
fn start(chunks: Vec<Chunk>, range: Range, spooled: Spooled) -> Vec<Receiver<Message>> {
    let spooled = Arc::new(spooled);
    let count = thread::available_parallelism().map_or(1, usize::from).min(chunks.len());
    let mut workers: Vec<Vec<Chunk>> = (0..count).map(|_| Vec::new()).collect();
    for (at, chunk) in chunks.into_iter().enumerate() {
        workers[at % count].push(chunk);
    }
    workers
        .into_iter()
        .map(|dealt| {
            let (sender, receiver) = mpsc::sync_channel(AHEAD);
            let mut worker = Worker::new(range, LatencyDetail::Phases, Arc::clone(&spooled));
            let failed = sender.clone();
            let work = move || drop(dealt.into_iter().try_for_each(|chunk| deliver(&chunk, &mut worker, &sender)));
            if let Err(source) = thread::Builder::new().spawn(work) {
                // This never blocks: the channel has room for one message.
                let (action, path) = ("start a thread to read", PathBuf::from("the journal"));
                let _ = failed.send(Message::Failed(JournalError::Io { action, path, source }));
            }
            receiver
        })
        .collect()
}

/// Sends the lines of a chunk.
///
/// # Errors
/// The receiver is gone.
fn deliver(chunk: &Chunk, worker: &mut Worker, sender: &SyncSender<Message>) -> Result<(), SendError<Message>> {
    let mut lines = Vec::new();
    let result = worker.read(chunk, |line| {
        lines.push(line);
        if lines.len() >= BATCH && sender.send(Message::Lines(std::mem::take(&mut lines))).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    if !lines.is_empty() {
        sender.send(Message::Lines(lines))?;
    }
    if let Err(error) = result {
        sender.send(Message::Failed(error))?;
    }
    sender.send(Message::End(std::mem::take(&mut worker.integrity)))
}
