//! What HTTP reads, watched: the bytes of a response head (to name the line that is refused), the
//! digits of chunk sizes and the number of interim answers (which no parser bounds), and how much is
//! read in one go (so that a peer with always one more byte does not hold the thread).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::chunks::{ChunkScanner, SizeTooLong};
use super::head::{is_chunked, split_head};
use super::stream::Stream;

/// How many bytes are read before other tasks get their turn.
const IN_ONE_GO: usize = 256 * 1024;

/// How many bytes of a response head are kept: more than any head that is accepted by rights needs.
const HEAD: usize = 64 * 1024;

/// The most interim answers (1xx) before the answer.
const INTERIM: usize = 50;

/// Why reading was ended on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// More than 50 interim answers came before the answer.
    #[error("more than {INTERIM} interim answers (1xx) came before the answer")]
    Interim,
    /// The size of a chunk has too many digits.
    #[error("{0}")]
    ChunkSize(SizeTooLong),
}

/// What is known of the bytes read, shared with whoever sends the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Tap(Arc<Mutex<Tapped>>);

#[derive(Debug, Default)]
struct Tapped {
    /// How many bytes were read.
    read: u64,
    /// The first bytes read since [`Tap::expect_head`].
    head: Option<Vec<u8>>,
    interim: usize,
    /// Whether the head is complete.
    in_body: bool,
    chunks: Option<ChunkScanner>,
    refusal: Option<Refusal>,
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, Tapped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A response head comes next: its bytes are kept until it is complete.
    pub(super) fn expect_head(&self) {
        *self.lock() = Tapped { head: Some(Vec::new()), ..Tapped::default() };
    }

    /// Counts an interim answer.
    pub(super) fn count_interim(&self) {
        let mut tapped = self.lock();
        tapped.interim += 1;
        if tapped.interim > INTERIM {
            tapped.refusal = Some(Refusal::Interim);
        }
    }

    /// Why reading was ended on our side.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal
    }

    /// The bytes of a head that did not become complete, as many as are kept.
    pub(super) fn head(&self) -> Vec<u8> {
        self.lock().head.clone().unwrap_or_default()
    }

    /// Takes the bytes of the head out: they are no longer needed here.
    pub(super) fn take_head(&self) -> Option<Vec<u8>> {
        self.lock().head.take()
    }

    /// Whether any byte of an answer came.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().read == 0
    }

    /// Watches what was read. The parser goes on to the body before anyone hears of the head: where
    /// a head ends is found here.
    fn note(&self, bytes: &[u8]) {
        let mut tapped = self.lock();
        let tapped = &mut *tapped;
        tapped.read += bytes.len() as u64;
        let scanned = match (&mut tapped.chunks, &mut tapped.head) {
            (Some(chunks), _) => chunks.scan(bytes),
            (None, Some(head)) if !tapped.in_body => {
                let room = HEAD - head.len().min(HEAD);
                head.extend_from_slice(&bytes[..bytes.len().min(room)]);
                let Some((of_answer, begun)) = split_head(head) else { return };
                tapped.in_body = true;
                if !is_chunked(of_answer) {
                    return;
                }
                tapped.chunks.insert(ChunkScanner::default()).scan(begun)
            }
            _ => return,
        };
        if let Err(too_long) = scanned {
            tapped.refusal = Some(Refusal::ChunkSize(too_long));
        }
    }
}

/// A stream whose reads are watched.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    tap: Tap,
    /// How many bytes were read since a read last had to wait.
    in_one_go: usize,
    /// Whether anything was written.
    wrote: bool,
}

impl Wire {
    pub(super) fn new(stream: Stream, tap: Tap) -> Wire {
        Wire { stream, tap, in_one_go: 0, wrote: false }
    }

    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }
}

impl Wire {
    /// Has the reader look again after the first bytes are out.
    fn note_written(&mut self, context: &Context<'_>, written: &Poll<io::Result<usize>>) {
        if !self.wrote && written.is_ready() {
            self.wrote = true;
            context.waker().wake_by_ref();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(refusal) = this.tap.refusal() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)));
        }
        // A server may answer before it is asked (503 at once, a greeting): that is read once the
        // request is out, for a parser takes it for nonsense before.
        if !this.wrote {
            return Poll::Pending;
        }
        if this.in_one_go >= IN_ONE_GO {
            this.in_one_go = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) else {
            this.in_one_go = 0;
            return Poll::Pending;
        };
        read?;
        let bytes = &buffer.filled()[before..];
        this.in_one_go += bytes.len();
        this.tap.note(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note_written(context, &written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.note_written(context, &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
