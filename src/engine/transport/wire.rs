//! The stream under HTTP: a peer that always has one more byte cannot occupy the thread.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::transport::stream::Stream;

/// How many bytes are read before other tasks run.
const IN_ONE_GO: usize = 256 * 1024;

/// How long to read before other tasks run: a frame of a few bytes may require an answer (PING, SETTINGS), and a flood
/// of them must not delay timers, or other checks would fail because the prober was too busy.
const TURN: Duration = Duration::from_millis(2);

/// The place of the fourth byte.
const FOURTH: u64 = 3;

/// What was received on a connection.
#[derive(Debug, Default)]
pub(crate) struct Received {
    bytes: AtomicU64,
    fourth: AtomicU8,
}

impl Received {
    /// The total of all bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The fourth byte of all, where a frame of HTTP/2 has its type.
    pub(crate) fn fourth_byte(&self) -> Option<u8> {
        (self.bytes() > FOURTH).then(|| self.fourth.load(Ordering::Relaxed))
    }

    fn add(&self, bytes: &[u8]) {
        let before = self.bytes();
        if let Some(place) = FOURTH.checked_sub(before).and_then(|place| usize::try_from(place).ok())
            && let Some(fourth) = bytes.get(place)
        {
            self.fourth.store(*fourth, Ordering::Relaxed);
        }
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

/// A stream whose reads yield.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    /// How many bytes were read since a read last had to wait.
    in_one_go: usize,
    /// When the first of them was read.
    since: Instant,
    /// What was read, shared with the caller.
    received: Option<Arc<Received>>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire { stream, in_one_go: 0, since: Instant::now(), received: None }
    }

    /// The same, which notes in `received` what is read.
    pub(crate) fn noted(stream: Stream, received: Arc<Received>) -> Wire {
        Wire { received: Some(received), ..Wire::new(stream) }
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
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        this.in_one_go += bytes.len();
        if let Some(received) = &this.received {
            received.add(bytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_byte_is_found_however_bytes_come() {
        for pieces in [&[&b"abcdef"[..]][..], &[b"abc", b"def"], &[b"a", b"b", b"c", b"d"], &[b"", b"abcd"]] {
            let received = Received::default();
            pieces.iter().for_each(|piece| received.add(piece));
            assert_eq!(received.fourth_byte(), Some(b'd'), "{pieces:?}");
        }
        let received = Received::default();
        received.add(b"abc");
        assert_eq!((received.fourth_byte(), received.bytes()), (None, 3));
    }
}
