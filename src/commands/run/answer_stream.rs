//! Output during a run: each outcome of `--format ndjson`, or a line per pass. A dedicated thread
//! writes it, so that a reader that pauses delays no check. Unread output is kept up to a limit;
//! beyond it, output is dropped and counted.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::events::{Consumer, RunEvent};
use crate::format;
use crate::model::{Outcome, Verdict, io_reason};
use crate::render;
use crate::render::TerminalStyle;

/// The most bytes that are kept for the reader.
const UNREAD_LIMIT: usize = 4 << 20;

/// After the run: if the reader takes nothing for this long, a note says that uptick waits for it.
/// If output was dropped by then, uptick stops waiting.
const STALL: Duration = Duration::from_secs(5);
/// After the run: the longest a reader may take nothing. It may be a person with a pager, but a run
/// that never ends holds its lock.
const STALL_LIMIT: Duration = Duration::from_mins(1);

/// After a signal: how long the reader is waited for.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(500);

/// Hands lines to the thread that writes them.
pub(crate) struct AnswerStream {
    content: StreamContent,
    shared: Arc<Shared>,
    ended: oneshot::Receiver<()>,
}

/// What is written.
pub(crate) enum StreamContent {
    /// Each outcome, as JSON.
    Outcomes,
    /// Each outcome that is not up, as JSON.
    Problems,
    /// A line for each pass.
    Passes(PassLines),
}

/// The pass that is under way.
pub(crate) struct PassLines {
    style: TerminalStyle,
    /// The number of checks in a pass.
    checks: usize,
    outcomes: Vec<Arc<Outcome>>,
    /// Checks that were due but not run; `missed_controls` counts those of control targets among
    /// them.
    missed: usize,
    missed_controls: usize,
}

impl PassLines {
    /// Lines in this style, for passes of this many checks.
    pub(crate) fn new(style: TerminalStyle, checks: usize) -> PassLines {
        PassLines { style, checks, outcomes: Vec::new(), missed: 0, missed_controls: 0 }
    }

    /// The line of a pass, if the event is its last check. The event [`RunEvent::PassEnded`] would
    /// be too late: the runner emits it when the next pass starts.
    fn line(&mut self, event: &RunEvent<'_>) -> Option<String> {
        match event {
            RunEvent::Outcome(outcome) => self.outcomes.push(Arc::clone(outcome)),
            RunEvent::Missed { probe, .. } => {
                self.missed += 1;
                self.missed_controls += usize::from(probe.control);
            }
            _ => return None,
        }
        if self.outcomes.len() + self.missed < self.checks {
            return None;
        }
        let ended = std::mem::replace(self, PassLines::new(self.style, self.checks));
        let missed = (ended.missed - ended.missed_controls) as u64;
        Some(render::pass_line(Timestamp::now(), &ended.outcomes, missed, ended.style))
    }
}

#[derive(Default)]
struct Shared {
    unread: Mutex<Unread>,
    changed: Condvar,
}

/// Lines that the reader has not taken.
#[derive(Default)]
struct Unread {
    lines: VecDeque<Vec<u8>>,
    /// Bytes of `lines` and of the line that is being written.
    bytes: usize,
    is_writing: bool,
    written: u64,
    dropped: u64,
    is_closed: bool,
    /// Whether the reader has closed the pipe: that is no error, and further lines are discarded.
    is_gone: bool,
    /// Why nothing more can be written, such as a full disk; further lines are dropped and counted.
    error: Option<io::Error>,
}

/// Lines that did not reach standard output.
pub(crate) struct Unwritten {
    lines: u64,
    /// The error that kept them; `None` if the reader did.
    error: Option<io::Error>,
}

impl Unwritten {
    /// The sentence about them; `None` if everything was written.
    pub(crate) fn message(&self) -> Option<String> {
        let lines = format::counted(self.lines, "line");
        match &self.error {
            Some(error) => Some(format!("standard output: {}; not written: {lines}", io_reason(error))),
            None if self.lines > 0 => {
                Some(format!("not written: {lines}, because the reader of standard output stopped reading"))
            }
            None => None,
        }
    }
}

impl AnswerStream {
    /// Starts a thread that writes to `out`.
    ///
    /// # Errors
    /// If the system provides no thread.
    pub(crate) fn start(content: StreamContent, out: impl Write + Send + 'static) -> io::Result<AnswerStream> {
        let shared = Arc::new(Shared::default());
        let (sender, ended) = oneshot::channel();
        let writer = Arc::clone(&shared);
        let write = move || {
            writer.write_all(out);
            let _ = sender.send(());
        };
        thread::Builder::new().name("answer".to_owned()).spawn(write)?;
        Ok(AnswerStream { content, shared, ended })
    }

    /// Whether something is printed after this stream, which then has to be finished first.
    pub(crate) const fn is_before_answer(&self) -> bool {
        matches!(self.content, StreamContent::Passes(_))
    }

    /// Waits until the reader has everything, and returns what it did not get.
    ///
    /// A slow reader is waited for. The wait ends if the reader takes nothing for a while, and soon
    /// after a signal.
    pub(crate) async fn finish(self, signals: &Signals, terminal: &Terminal) -> Unwritten {
        if self.is_before_answer() {
            self.shared.push(b"\n".to_vec());
        }
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
        let patient = async {
            let mut ended = self.ended;
            let (mut written, mut stalled) = (self.shared.lock().written, Duration::ZERO);
            while tokio::time::timeout(STALL, &mut ended).await.is_err() {
                let (now, dropped) = {
                    let unread = self.shared.lock();
                    (unread.written, unread.dropped)
                };
                stalled = if now == written { stalled + STALL } else { Duration::ZERO };
                written = now;
                if stalled >= STALL_LIMIT || dropped > 0 && stalled >= STALL {
                    break;
                }
                if stalled == STALL {
                    let note = "waiting for the reader of standard output; Ctrl-C ends without it";
                    terminal.say(MessageLevel::Note, note);
                }
            }
        };
        signals.bounded(patient, SIGNAL_PATIENCE).await;
        let mut unread = self.shared.lock();
        let left = unread.dropped + unread.lines.len() as u64 + u64::from(unread.is_writing);
        Unwritten { lines: if unread.is_gone { 0 } else { left }, error: unread.error.take() }
    }
}

impl Consumer for AnswerStream {
    fn consume(&mut self, event: &RunEvent<'_>) {
        match (&mut self.content, event) {
            (StreamContent::Problems, RunEvent::Outcome(outcome)) if outcome.verdict == Verdict::Up => {}
            (StreamContent::Outcomes | StreamContent::Problems, RunEvent::Outcome(outcome)) => {
                let mut line = Vec::new();
                // Writing to memory does not fail.
                let _ = render::outcome_line(outcome, &mut line);
                self.shared.push(line);
            }
            (StreamContent::Outcomes | StreamContent::Problems, _) => {}
            (StreamContent::Passes(pass), event) => {
                if let Some(line) = pass.line(event) {
                    self.shared.push(line.into_bytes());
                }
            }
        }
    }
}

impl Shared {
    fn push(&self, line: Vec<u8>) {
        let mut unread = self.lock();
        if unread.is_gone {
            return;
        }
        if unread.error.is_some() || unread.bytes + line.len() > UNREAD_LIMIT {
            unread.dropped += 1;
            return;
        }
        unread.bytes += line.len();
        unread.lines.push_back(line);
        drop(unread);
        self.changed.notify_one();
    }

    fn write_all(&self, mut out: impl Write) {
        while let Some(line) = self.next() {
            let done = out.write_all(&line).and_then(|()| out.flush());
            let mut unread = self.lock();
            unread.bytes -= line.len();
            unread.written += 1;
            unread.is_writing = false;
            if let Err(error) = done {
                if error.kind() == io::ErrorKind::BrokenPipe {
                    unread.is_gone = true;
                } else {
                    unread.dropped += 1 + unread.lines.len() as u64;
                    unread.error = Some(error);
                }
                unread.lines.clear();
                return;
            }
        }
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut unread = self.lock();
        while unread.lines.is_empty() && !unread.is_closed {
            unread = self.changed.wait(unread).unwrap_or_else(PoisonError::into_inner);
        }
        let line = unread.lines.pop_front();
        unread.is_writing = line.is_some();
        line
    }

    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_does_not_take_is_bounded_and_counted() {
        let shared = Shared::default();
        for _ in 0..10_000 {
            shared.push(vec![b'x'; 1_000]);
        }
        let unread = shared.lock();
        assert!(unread.bytes <= UNREAD_LIMIT && unread.bytes > UNREAD_LIMIT - 1_000);
        assert_eq!(unread.lines.len() as u64 + unread.dropped, 10_000);
    }

    #[test]
    fn what_a_full_disk_did_not_take_is_counted_with_why() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from_raw_os_error(28))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = Shared::default();
        shared.push(b"a".to_vec());
        shared.push(b"b".to_vec());
        shared.write_all(Full);
        shared.push(b"c".to_vec());
        let mut unread = shared.lock();
        let unwritten = Unwritten { lines: unread.dropped, error: unread.error.take() };
        let message = unwritten.message().expect("lines are missing");
        assert_eq!(message, "standard output: the disk is full; not written: 3 lines");
    }

    #[test]
    fn a_reader_that_has_gone_costs_nothing_and_is_no_trouble() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = Shared::default();
        shared.push(b"a".to_vec());
        shared.push(b"b".to_vec());
        shared.write_all(Gone);
        shared.push(b"c".to_vec());
        let unread = shared.lock();
        assert!(unread.is_gone && unread.lines.is_empty() && unread.dropped == 0);
    }
}
