//! An HTTP/2 connection as a future, driven by the task that waits for one of its streams, and sending over such a
//! stream.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::Connection;
use h2::{PingPong, Reason, RecvStream, SendStream};

use crate::engine::limits::{BESIDE_BODY, BESIDE_HEAD};
use crate::engine::transport::beside::beside;
use crate::engine::transport::wire::{Received, Wire};

/// The bytes of a frame before its payload (RFC 9113 section 4.1).
const FRAME_HEAD: u64 = 9;

/// The connection as a future, until it has ended.
pub(crate) struct Driver {
    connection: Option<Pin<Box<Connection<Wire, Bytes>>>>,
    /// The error it ended with.
    error: Option<h2::Error>,
    /// What was received on the connection.
    received: Arc<Received>,
    /// How many of them belong to answers.
    used: u64,
    /// How many others are allowed.
    allowed: u64,
}

impl Driver {
    /// Drives a connection; `received` is what its wire notes.
    pub(crate) fn new(connection: Connection<Wire, Bytes>, received: Arc<Received>) -> Driver {
        Driver { connection: Some(Box::pin(connection)), error: None, received, used: 0, allowed: BESIDE_HEAD }
    }

    /// Polls the connection once.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = connection.as_mut().poll(context)
        {
            self.connection = None;
            self.error = ended.err();
        }
        // A flood of PING, SETTINGS or WINDOW_UPDATE: h2 handles such frames without a limit.
        if self.received.bytes().saturating_sub(self.used) > self.allowed && self.connection.take().is_some() {
            self.error = Some(Reason::ENHANCE_YOUR_CALM.into());
        }
    }

    /// Marks the start of a request: what was read so far belongs to earlier ones.
    pub(crate) fn asked(&mut self) {
        (self.used, self.allowed) = (self.received.bytes(), BESIDE_HEAD);
    }

    /// Marks the head of an answer: all that was read so far belongs to answers.
    pub(crate) fn answered(&mut self) {
        (self.used, self.allowed) = (self.received.bytes(), BESIDE_BODY);
    }

    /// Polls the connection once when no task waits for it.
    pub(crate) fn poll_once(&mut self) {
        self.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Waits for a future while driving the connection.
    pub(crate) async fn beside<F: Future>(&mut self, future: F) -> F::Output {
        beside(future, |context| self.poll(context)).await
    }

    /// Whether the connection is open, as far as is known.
    pub(crate) const fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Takes the error that the connection ended with.
    pub(crate) const fn take_error(&mut self) -> Option<h2::Error> {
        self.error.take()
    }

    /// Takes the handle for pings, which can be taken once.
    pub(crate) fn pings(&mut self) -> Option<PingPong> {
        self.connection.as_mut()?.ping_pong()
    }

    /// The next bytes of a stream; none at its end.
    ///
    /// # Errors
    /// h2's error.
    pub(crate) async fn read(&mut self, stream: &mut RecvStream) -> Result<Option<Bytes>, h2::Error> {
        match self.beside(stream.data()).await {
            Some(Ok(bytes)) => {
                self.used += FRAME_HEAD + bytes.len() as u64;
                // Gives the peer its window back. The call fails only on a stream that has ended, which needs none.
                let _ = stream.flow_control().release_capacity(bytes.len());
                Ok(Some(bytes))
            }
            None => Ok(None),
            Some(Err(error)) => Err(self.take_error().filter(|_| error.is_io()).unwrap_or(error)),
        }
    }
}

/// Sends bytes as fast as the peer accepts them, and then ends the stream if they are the last. A peer that wants no
/// more of them resets the stream, or answers.
pub(crate) async fn send_all(stream: &mut SendStream<Bytes>, mut bytes: Bytes, are_last: bool) {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let Some(Ok(capacity)) = poll_fn(|context| stream.poll_capacity(context)).await else { return };
        let part = bytes.split_to(capacity.min(bytes.len()));
        if stream.send_data(part, are_last && bytes.is_empty()).is_err() {
            return;
        }
    }
}
