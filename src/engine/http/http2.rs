//! HTTP/2 over one connection, one request at a time, by the crate that hyper's own HTTP/2 is made
//! of: its errors say who ended what and why, and it can be driven by whoever waits, in the same
//! task, where hyper's needs tasks of its own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Version};

use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::limits::{CONNECTION_WINDOW, HEADER_LIST, INTERIM, STREAM_WINDOW};
use crate::engine::transport::beside::beside;
use crate::engine::transport::stream::Stream;
use crate::engine::transport::wire::Wire;

/// Why there is no response head.
#[derive(Debug)]
pub(crate) enum HeadError {
    /// What h2 says.
    Failed(h2::Error),
    /// More interim answers than any server has reason for.
    Interim,
    /// The request cannot be sent over HTTP/2.
    Unsendable(String),
}

impl From<h2::Error> for HeadError {
    fn from(error: h2::Error) -> HeadError {
        HeadError::Failed(error)
    }
}

/// A connection that speaks HTTP/2.
pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
    driver: Driver,
    /// The body that is being read.
    body: Option<RecvStream>,
    /// The body that was read to its end, before its trailers.
    ended: Option<RecvStream>,
    secure: bool,
}

/// The connection as a future, until it has ended.
struct Driver {
    connection: Option<Pin<Box<Connection<Wire, Bytes>>>>,
    /// What it ended with.
    error: Option<h2::Error>,
}

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = connection.as_mut().poll(context)
        {
            self.connection = None;
            self.error = ended.err();
        }
    }

    /// Waits for a future that the connection feeds.
    async fn beside<F: Future>(&mut self, future: F) -> F::Output {
        beside(future, |context| self.poll(context)).await
    }
}

impl Http2 {
    /// Speaks HTTP/2 over a stream.
    ///
    /// # Errors
    /// What h2 says.
    pub(crate) async fn open(stream: Stream) -> Result<Http2, HeadError> {
        let secure = matches!(stream, Stream::Tls(_));
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST)
            .enable_push(false);
        let (sender, connection) = builder.handshake(Wire::new(stream)).await?;
        let driver = Driver { connection: Some(Box::pin(connection)), error: None };
        Ok(Http2 { sender, driver, body: None, ended: None, secure })
    }

    /// Sends a request and waits for the head of its answer. An answer that comes while the request
    /// is still being sent is taken.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&mut self, outgoing: &OutgoingRequest) -> Result<ResponseHead, HeadError> {
        let scheme = if self.secure { "https" } else { "http" };
        let request = outgoing.multiplexed(scheme, Version::HTTP_2).map_err(HeadError::Unsendable)?;
        let sender = self.sender.clone();
        let mut sender = match self.driver.beside(sender.ready()).await {
            Ok(sender) => sender,
            Err(error) => return Err(self.head_error(error)),
        };
        let is_empty = outgoing.body.is_empty();
        let (mut response, mut upload) = match sender.send_request(request, is_empty) {
            Ok(sent) => sent,
            Err(error) => return Err(self.head_error(error)),
        };
        let body = outgoing.body.clone();
        let answer = self.driver.beside(async {
            let sending = async {
                if !is_empty {
                    upload_all(&mut upload, body).await;
                }
                std::future::pending().await
            };
            tokio::select! {
                biased;
                answer = answer(&mut response) => answer,
                never = sending => never,
            }
        });
        match answer.await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                self.body = Some(body);
                Ok(ResponseHead { status: parts.status, version: Version::HTTP_2, headers: parts.headers })
            }
            Err(HeadError::Failed(error)) => Err(self.head_error(error)),
            Err(other) => Err(other),
        }
    }

    /// The error of a request; the connection's own where that says more.
    fn head_error(&mut self, error: h2::Error) -> HeadError {
        match self.driver.error.take() {
            Some(of_connection) if error.is_io() || error.reason().is_none() => HeadError::Failed(of_connection),
            _ => HeadError::Failed(error),
        }
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// What h2 says.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, h2::Error> {
        let Some(body) = &mut self.body else { return Ok(None) };
        match self.driver.beside(body.data()).await {
            Some(Ok(bytes)) => {
                // What was read may come again. A stream that has ended needs no more.
                let _ = body.flow_control().release_capacity(bytes.len());
                Ok(Some(bytes))
            }
            None => {
                self.ended = self.body.take();
                Ok(None)
            }
            Some(Err(error)) => Err(self.driver.error.take().filter(|_| error.is_io()).unwrap_or(error)),
        }
    }

    /// The trailers behind a body that was read to its end, where there are any.
    ///
    /// # Errors
    /// What h2 says.
    pub(crate) async fn trailers(&mut self) -> Result<Option<HeaderMap>, h2::Error> {
        let Some(mut body) = self.ended.take() else { return Ok(None) };
        self.driver.beside(poll_fn(|context| body.poll_trailers(context))).await
    }

    /// Whether another request can be sent.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.driver.poll(&mut Context::from_waker(Waker::noop()));
        self.driver.connection.is_some() && self.body.is_none()
    }

    /// Says farewell (GOAWAY, and that of TLS), without waiting.
    pub(crate) fn close(self) {
        let Http2 { sender, mut driver, .. } = self;
        drop(sender);
        driver.poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// Sends a body as fast as the peer takes it. A peer that wants no more of it says so, or answers.
async fn upload_all(stream: &mut SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(Ok(capacity)) = poll_fn(|context| stream.poll_capacity(context)).await else { return };
        let part = body.split_to(capacity.min(body.len()));
        if stream.send_data(part, body.is_empty()).is_err() {
            return;
        }
    }
}

/// The answer to a request; interim answers before it are counted.
async fn answer(response: &mut ResponseFuture) -> Result<http::Response<RecvStream>, HeadError> {
    let mut interim = 0;
    poll_fn(|context| {
        while let Poll::Ready(Some(informational)) = response.poll_informational(context) {
            informational?;
            interim += 1;
            if interim > INTERIM {
                return Poll::Ready(Err(HeadError::Interim));
            }
        }
        Poll::Ready(Ok(ready!(Pin::new(&mut *response).poll(context))?))
    })
    .await
}

/// Whether h2 found the header list larger than it will take. It gives that and too many
/// CONTINUATION frames the same reason and tells them apart only by the debug data of the GOAWAY it
/// is about to send. The data compared here is h2's own constant, never the peer's.
pub(crate) fn is_header_list(error: &h2::Error) -> bool {
    error.is_library() && error.is_go_away() && format!("{error:?}").contains("header_list_way_too_large")
}

/// Whether a fresh connection is worth one more try: the server was closing down this one and said
/// that it had not begun with the request (RFC 9113 sections 6.8 and 8.7).
pub(crate) fn asks_to_retry(error: &h2::Error) -> bool {
    error.is_remote() && matches!(error.reason(), Some(Reason::NO_ERROR | Reason::REFUSED_STREAM))
}

/// Whether the server wants the request over HTTP/1.1.
pub(crate) fn asks_for_http1(error: &h2::Error) -> bool {
    error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED)
}
