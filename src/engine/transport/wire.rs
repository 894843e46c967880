//! The stream under HTTP: a peer that always has one more byte cannot occupy the thread.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::transport::stream::Stream;

/// How many bytes are read before other tasks run.
const IN_ONE_GO: usize = 256 * 1024;

/// How long to read before other tasks run: a frame of a few bytes may require an answer (PING, SETTINGS), and a flood
/// of them must not delay timers, or other checks would fail because the prober was too busy.
const TURN: Duration = Duration::from_millis(2);

/// A stream whose reads yield.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    /// How many bytes were read since a read last had to wait.
    in_one_go: usize,
    /// When the first of them was read.
    since: Instant,
    /// The total of all bytes read, shared with the caller.
    read: Option<Arc<AtomicU64>>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire { stream, in_one_go: 0, since: Instant::now(), read: None }
    }

    /// The same, counting all bytes read in `read`.
    pub(crate) fn counted(stream: Stream, read: Arc<AtomicU64>) -> Wire {
        Wire { read: Some(read), ..Wire::new(stream) }
    }

    pub(crate) fn into_stream(self) -> Stream {
        self.stream
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.in_one_go >= IN_ONE_GO || this.in_one_go > 0 && this.since.elapsed() >= TURN {
            this.in_one_go = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) else {
            this.in_one_go = 0;
            return Poll::Pending;
        };
        if this.in_one_go == 0 {
            this.since = Instant::now();
        }
        let count = buffer.filled().len() - before;
        this.in_one_go += count;
        if let Some(read) = &this.read {
            read.fetch_add(count as u64, Ordering::Relaxed);
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
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
