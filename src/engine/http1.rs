//! HTTP/1 over one connection: a request goes out, a response head and the chunks of its body come
//! in. The connection is driven by whoever waits for them, in the same task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::head::{self, Refused};
use super::message::{OutgoingRequest, ResponseHead};
use super::stream::Stream;
use super::wire::{Refusal, Tap, Wire};

/// The most response headers accepted: real sites send more than hyper's 100.
const HEADERS: usize = 256;

/// Why there is no response head.
#[derive(Debug)]
pub(super) enum HeadError {
    /// We ended it ourselves.
    Ended(Refusal),
    /// hyper would pass over a line that is wrong.
    Invalid(Refused),
    /// What hyper says.
    Failed {
        /// Its error.
        error: hyper::Error,
        /// The line that was refused, where one was.
        refused: Option<Refused>,
        /// Whether not one byte of an answer came.
        silent: bool,
    },
}

/// Why a body is not complete.
#[derive(Debug)]
pub(super) enum BodyError {
    /// We ended it ourselves.
    Ended(Refusal),
    /// What hyper says.
    Failed(hyper::Error),
}

/// A connection that speaks HTTP/1.
pub(super) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    tap: Tap,
    /// The body that is being read.
    body: Option<Incoming>,
}

/// What carries the bytes of one connection, as a future.
type Http1Connection = Pin<Box<Connection<TokioIo<Wire>, Full<Bytes>>>>;

/// The connection as a future, until it has ended.
struct Driver {
    connection: Option<Http1Connection>,
    /// The connection once HTTP has ended on it in order: it may speak another protocol from then on.
    ended: Option<Http1Connection>,
    /// What it ended with, where nobody else was told.
    error: Option<hyper::Error>,
}

impl Driver {
    /// Waits for a future that the connection feeds.
    async fn beside<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Some(connection) = &mut self.connection
                && let Poll::Ready(ended) = connection.as_mut().poll(context)
            {
                let connection = self.connection.take();
                self.ended = connection.filter(|_| ended.is_ok());
                self.error = ended.err();
            }
            future.as_mut().poll(context)
        })
        .await
    }
}

impl Http1 {
    /// Speaks HTTP/1 over a stream.
    ///
    /// # Errors
    /// What hyper says; it sends nothing yet.
    pub(super) async fn open(stream: Stream) -> Result<Http1, HeadError> {
        let tap = Tap::default();
        let io = TokioIo::new(Wire::new(stream, tap.clone()));
        let mut builder = Builder::new();
        builder.max_headers(HEADERS).allow_obsolete_multiline_headers_in_responses(true).title_case_headers(true);
        // Browsers pass over a header whose name no name may be. What is wrong in earnest is told by line.
        builder.ignore_invalid_headers_in_responses(true);
        let opened = builder.handshake(io).await;
        let (sender, connection) = opened.map_err(|error| HeadError::Failed { error, refused: None, silent: true })?;
        let driver = Driver { connection: Some(Box::pin(connection)), ended: None, error: None };
        Ok(Http1 { sender, driver, tap, body: None })
    }

    /// Sends a request and waits for the head of its answer. An answer that comes while the request
    /// is still being sent is taken.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn send(&mut self, outgoing: &OutgoingRequest) -> Result<ResponseHead, HeadError> {
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = outgoing.target.clone();
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().clone_from(&outgoing.headers);
        request.headers_mut().insert(header::HOST, outgoing.authority.clone());
        self.tap.expect_head();
        let tap = self.tap.clone();
        hyper::ext::on_informational(&mut request, move |_| tap.count_interim());
        let sending = self.sender.send_request(request);
        let sent = self.driver.beside(sending).await;
        match (sent, self.tap.refusal()) {
            (_, Some(refusal @ Refusal::Interim)) => Err(HeadError::Ended(refusal)),
            (Ok(response), _) => {
                if let Some(refused) = self.tap.take_head().and_then(|head| head::refused_line(&head, false)) {
                    return Err(HeadError::Invalid(refused));
                }
                let (parts, body) = response.into_parts();
                self.body = Some(body);
                Ok(ResponseHead { status: parts.status, version: parts.version, headers: parts.headers })
            }
            (Err(error), _) => {
                let refused = head::refused_line(&self.tap.head(), error.is_parse());
                // Where the connection ended before it took the request, it knows why.
                let error = if error.is_canceled() { self.driver.error.take().unwrap_or(error) } else { error };
                Err(HeadError::Failed { error, refused, silent: self.tap.is_empty() })
            }
        }
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// Why it is not complete.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(body) = &mut self.body else { return Ok(None) };
        loop {
            let frame = self.driver.beside(body.frame()).await;
            if let Some(refusal) = self.tap.refusal() {
                return Err(BodyError::Ended(refusal));
            }
            match frame {
                None => {
                    self.body = None;
                    return Ok(None);
                }
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) => return Err(BodyError::Failed(error)),
            }
        }
    }

    /// The connection that has switched to another protocol, and what was read behind the answer.
    pub(super) fn into_upgraded(self) -> Option<(Stream, Bytes)> {
        let connection = self.driver.ended.or(self.driver.connection)?;
        let parts = Pin::into_inner(connection).into_parts();
        Some((parts.io.into_inner().into_stream(), parts.read_buf))
    }

    /// Whether another request can be sent: the body was read to its end, and the server has
    /// neither closed the connection nor sent anything since.
    pub(super) fn is_idle(&mut self) -> bool {
        let Some(connection) = &mut self.driver.connection else { return false };
        let mut context = Context::from_waker(Waker::noop());
        self.body.is_none() && connection.as_mut().poll(&mut context).is_pending() && self.sender.is_ready()
    }

    /// Ends it in order, without waiting.
    pub(super) fn close(self) {
        let Some(connection) = self.driver.connection else { return };
        Pin::into_inner(connection).into_parts().io.into_inner().into_stream().close();
    }
}
