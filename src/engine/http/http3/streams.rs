//! quinn's streams as h3 reads them, watched: h3 buffers a frame until it is complete, whatever length it
//! announces.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic;
use h3::quic::{ConnectionErrorIncoming, StreamErrorIncoming, StreamId, WriteBuf};

use super::frames::{FrameScanner, Refusal};

/// The most bytes that a server may send outside its answer: its settings, and what no client needs.
const CONTROL: u64 = 64 * 1024;

type Sending = h3_quinn::SendStream<Bytes>;

/// The most bytes handed to h3 at once. It asks for more with each frame, whether or not some are left: with tiny
/// frames a server could make it hold a full window for each.
const PIECE: usize = 16 * 1024;

/// What is known about the streams of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamWatch(Arc<Mutex<StreamState>>);

#[derive(Debug, Default)]
struct StreamState {
    /// The answer's frames.
    frames: FrameScanner,
    /// Whether the answer's stream has ended.
    has_ended: bool,
    /// How many bytes were received outside the answer.
    beside: u64,
    refusal: Option<Refusal>,
}

impl StreamWatch {
    fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the prober stopped reading.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal
    }

    /// Whether the stream ended without a byte of an answer.
    pub(crate) fn is_without_answer(&self) -> bool {
        let state = self.lock();
        state.has_ended && state.frames.is_empty()
    }

    /// Whether the stream has ended and all its data was among these `read` bytes.
    pub(crate) fn is_over(&self, read: u64) -> bool {
        let state = self.lock();
        state.has_ended && read >= state.frames.data()
    }

    /// Whether the stream ended within a frame.
    pub(crate) fn is_cut(&self) -> bool {
        let state = self.lock();
        state.has_ended && state.frames.is_in_a_frame()
    }

    fn note(&self, bytes: &[u8], is_answer: bool) -> Result<(), Refusal> {
        let mut state = self.lock();
        let noted = if is_answer {
            state.frames.scan(bytes)
        } else {
            state.beside += bytes.len() as u64;
            if state.beside > CONTROL { Err(Refusal::Control(CONTROL)) } else { Ok(()) }
        };
        state.refusal = state.refusal.or(noted.err());
        noted
    }
}

/// The connection that h3 runs over.
pub(crate) struct WatchedConnection {
    inner: h3_quinn::Connection,
    watch: StreamWatch,
}

impl WatchedConnection {
    pub(crate) fn new(connection: quinn::Connection, watch: StreamWatch) -> WatchedConnection {
        WatchedConnection { inner: h3_quinn::Connection::new(connection), watch }
    }
}

pub(crate) struct StreamOpener {
    inner: h3_quinn::OpenStreams,
    watch: StreamWatch,
}

/// A request and its answer.
pub(crate) struct WatchedExchange {
    send: Sending,
    receive: WatchedStream,
}

/// A stream whose bytes are watched.
pub(crate) struct WatchedStream {
    inner: h3_quinn::RecvStream,
    watch: StreamWatch,
    is_answer: bool,
    /// Bytes received but not yet handed to h3.
    rest: Bytes,
}

impl WatchedStream {
    fn new(inner: h3_quinn::RecvStream, watch: StreamWatch, is_answer: bool) -> WatchedStream {
        WatchedStream { inner, watch, is_answer, rest: Bytes::new() }
    }
}

impl WatchedExchange {
    fn new(stream: h3_quinn::BidiStream<Bytes>, watch: &StreamWatch) -> WatchedExchange {
        let (send, inner) = quic::BidiStream::split(stream);
        WatchedExchange { send, receive: WatchedStream::new(inner, watch.clone(), true) }
    }
}

impl quic::Connection<Bytes> for WatchedConnection {
    type RecvStream = WatchedStream;
    type OpenStreams = StreamOpener;

    fn poll_accept_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<WatchedStream, ConnectionErrorIncoming>> {
        let inner = ready!(quic::Connection::<Bytes>::poll_accept_recv(&mut self.inner, context))?;
        Poll::Ready(Ok(WatchedStream::new(inner, self.watch.clone(), false)))
    }

    fn poll_accept_bidi(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<WatchedExchange, ConnectionErrorIncoming>> {
        let stream = ready!(quic::Connection::<Bytes>::poll_accept_bidi(&mut self.inner, context))?;
        Poll::Ready(Ok(WatchedExchange::new(stream, &self.watch)))
    }

    fn opener(&self) -> StreamOpener {
        StreamOpener { inner: quic::Connection::<Bytes>::opener(&self.inner), watch: self.watch.clone() }
    }
}

/// Opens streams by the inner type, and watches them.
macro_rules! opens_streams {
    ($opener:ty) => {
        impl quic::OpenStreams<Bytes> for $opener {
            type BidiStream = WatchedExchange;
            type SendStream = Sending;

            fn poll_open_bidi(
                &mut self,
                context: &mut Context<'_>,
            ) -> Poll<Result<WatchedExchange, StreamErrorIncoming>> {
                let stream = ready!(quic::OpenStreams::<Bytes>::poll_open_bidi(&mut self.inner, context))?;
                Poll::Ready(Ok(WatchedExchange::new(stream, &self.watch)))
            }

            fn poll_open_send(&mut self, context: &mut Context<'_>) -> Poll<Result<Sending, StreamErrorIncoming>> {
                quic::OpenStreams::<Bytes>::poll_open_send(&mut self.inner, context)
            }

            fn close(&mut self, code: Code, reason: &[u8]) {
                quic::OpenStreams::<Bytes>::close(&mut self.inner, code, reason);
            }
        }
    };
}

opens_streams!(WatchedConnection);
opens_streams!(StreamOpener);

impl quic::RecvStream for WatchedStream {
    type Buf = Bytes;

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        if self.rest.is_empty() {
            let Some(bytes) = ready!(self.inner.poll_data(context))? else {
                if self.is_answer {
                    self.watch.lock().has_ended = true;
                }
                return Poll::Ready(Ok(None));
            };
            self.rest = bytes;
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        let noted = self.watch.note(&piece, self.is_answer);
        noted.map_err(|refusal| StreamErrorIncoming::Unknown(Box::new(refusal)))?;
        Poll::Ready(Ok(Some(piece)))
    }

    fn stop_sending(&mut self, code: u64) {
        self.inner.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.inner.recv_id()
    }
}

impl quic::RecvStream for WatchedExchange {
    type Buf = Bytes;

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.receive.poll_data(context)
    }

    fn stop_sending(&mut self, code: u64) {
        self.receive.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.receive.recv_id()
    }
}

impl quic::SendStream<Bytes> for WatchedExchange {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(context)
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(context)
    }

    fn reset(&mut self, code: u64) {
        self.send.reset(code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

impl quic::BidiStream<Bytes> for WatchedExchange {
    type SendStream = Sending;
    type RecvStream = WatchedStream;

    fn split(self) -> (Sending, WatchedStream) {
        (self.send, self.receive)
    }
}
