//! HTTP/3 over one QUIC connection, one request at a time, driven by the task that waits.

mod frames;
mod streams;

use std::future::Future;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use h3::client::{RequestStream, SendRequest};
use h3::error::{Code, ConnectionError, LocalError, StreamError};
use http::{StatusCode, Version};

use crate::engine::connect::quic::QuicConnection;
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::limits::{HEADER_LIST, INTERIM};
use crate::engine::transport::beside::beside;
use streams::{StreamOpener, StreamWatch, WatchedConnection, WatchedStream};

pub(crate) use frames::Refusal;

/// Why there is no answer, or no complete one.
#[derive(Debug)]
pub(crate) enum Http3Error {
    /// The prober refused to read more.
    Refused(Refusal),
    /// The header list is larger than accepted.
    HeadersTooLarge,
    /// The QUIC connection ended.
    Connection(quinn::ConnectionError),
    /// The peer ended the stream.
    Reset(Code),
    /// The peer accepts no more requests on this connection.
    GoingAway,
    /// What the peer sends is not HTTP/3.
    Invalid { code: Code, reason: String },
    /// The header fields of the answer are not a valid response head.
    Malformed,
    /// The stream ended without an answer.
    NoAnswer,
    /// The body ended before it was complete.
    Cut,
    /// The body is longer than the `content-length`.
    TooLong,
    /// More interim responses than any server has reason to send.
    Interim,
    /// The request cannot be sent over HTTP/3.
    Unsendable(String),
}

pub(crate) struct Http3 {
    requests: SendRequest<StreamOpener, Bytes>,
    /// The body that is being read.
    body: Option<RequestStream<WatchedStream, Bytes>>,
    /// The announced length of the body, and how many bytes of it were read.
    expected: Option<u64>,
    read: u64,
    watch: StreamWatch,
    driver: Driver,
}

/// Drives HTTP/3's own streams and the QUIC connection below them.
struct Driver {
    h3: h3::client::Connection<WatchedConnection, Bytes>,
    /// The error that HTTP/3 ended with.
    ended: Option<ConnectionError>,
    quic: QuicConnection,
}

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) {
        self.quic.tasks.poll(context);
        if self.ended.is_none()
            && let Poll::Ready(ended) = self.h3.poll_close(context)
        {
            self.ended = Some(ended);
            // Sends the close that was just queued.
            self.quic.tasks.poll(context);
        }
    }

    /// Waits for a future while driving the connection.
    async fn beside<F: Future>(&mut self, future: F) -> F::Output {
        beside(future, |context| self.poll(context)).await
    }
}

impl Http3 {
    /// Starts HTTP/3 over a QUIC connection.
    ///
    /// # Errors
    /// HTTP/3 cannot be started.
    pub(crate) async fn open(mut quic: QuicConnection) -> Result<Http3, Http3Error> {
        let watch = StreamWatch::default();
        let connection = WatchedConnection::new(quic.connection.clone(), watch.clone());
        let mut builder = h3::client::builder();
        builder.max_field_section_size(HEADER_LIST.into()).send_grease(false);
        let opened = quic.tasks.beside(builder.build(connection)).await;
        let (h3, requests) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(of_connection(error, &quic)),
        };
        let driver = Driver { h3, ended: None, quic };
        Ok(Http3 { requests, body: None, expected: None, read: 0, watch, driver })
    }

    /// Sends a request and waits for the head of its answer. An answer may arrive while the request is
    /// still being sent.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&mut self, outgoing: &OutgoingRequest) -> Result<ResponseHead, Http3Error> {
        let request = outgoing.multiplexed("https", Version::HTTP_3).map_err(Http3Error::Unsendable)?;
        let stream = match self.driver.beside(self.requests.send_request(request)).await {
            Ok(stream) => stream,
            Err(error) => return Err(self.error(error)),
        };
        let (mut upload, mut answer) = stream.split();
        let mut is_sent = false;
        let head = self.driver.beside(async {
            let sending = async {
                let sent = outgoing.body.is_empty() || upload.send_data(outgoing.body.clone()).await.is_ok();
                is_sent = sent && upload.finish().await.is_ok();
                std::future::pending().await
            };
            tokio::select! {
                biased;
                head = head(&mut answer) => head,
                never = sending => never,
            }
        });
        let head = head.await;
        if !is_sent {
            // Dropping the stream would finish it, and the peer would take the request for complete.
            upload.stop_stream(Code::H3_REQUEST_CANCELLED);
        }
        match head {
            Ok(Some(head)) => {
                self.body = Some(answer);
                self.expected = if head.may_have_body(&outgoing.method) { head.content_length() } else { None };
                self.read = 0;
                Ok(head)
            }
            Ok(None) => Err(Http3Error::Interim),
            Err(error) => Err(self.error(error)),
        }
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// Why it is not complete.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Http3Error> {
        let Some(body) = &mut self.body else { return Ok(None) };
        loop {
            let received = self.driver.beside(body.recv_data()).await;
            let received = received.map(|bytes| bytes.map(|mut bytes| bytes.copy_to_bytes(bytes.remaining())));
            match received {
                Ok(Some(bytes)) => {
                    self.read += bytes.len() as u64;
                    if self.expected.is_some_and(|expected| self.read > expected) {
                        return Err(Http3Error::TooLong);
                    }
                    return Ok(Some(bytes));
                }
                // h3 also returns none for an empty frame.
                Ok(None) if !self.watch.is_over(self.read) => {}
                Ok(None) => {
                    self.body = None;
                    let is_short = self.expected.is_some_and(|expected| self.read < expected);
                    return if is_short || self.watch.is_cut() { Err(Http3Error::Cut) } else { Ok(None) };
                }
                Err(error) => return Err(self.body_error(error)),
            }
        }
    }

    fn body_error(&self, error: StreamError) -> Http3Error {
        match self.error(error) {
            // The stream ended within a frame: the body is cut short, the frame is not invalid.
            Http3Error::Invalid { code: Code::H3_FRAME_ERROR, .. } if self.watch.is_cut() => Http3Error::Cut,
            error => error,
        }
    }

    /// The cause of an error: the reason that HTTP/3 or QUIC ended with, if there is one.
    fn error(&self, error: StreamError) -> Http3Error {
        if let Some(refusal) = self.watch.refusal() {
            return Http3Error::Refused(refusal);
        }
        if let Some(ended @ ConnectionError::Local { .. }) = &self.driver.ended
            && !ended.is_h3_no_error()
        {
            return self.of_connection(ended.clone());
        }
        match error {
            StreamError::HeaderTooBig { .. } => Http3Error::HeadersTooLarge,
            StreamError::RemoteTerminate { code, .. } => Http3Error::Reset(code),
            StreamError::RemoteClosing { .. } => Http3Error::GoingAway,
            StreamError::StreamError { .. } => Http3Error::Malformed,
            // The variant is non-exhaustive, so it is matched by field.
            StreamError::ConnectionError { 0: error, .. } => self.of_connection(error),
            other => match self.driver.quic.connection.close_reason() {
                Some(reason) => Http3Error::Connection(reason),
                None => Http3Error::Invalid { code: Code::H3_INTERNAL_ERROR, reason: other.to_string() },
            },
        }
    }

    fn of_connection(&self, error: ConnectionError) -> Http3Error {
        if self.watch.is_without_answer() { Http3Error::NoAnswer } else { of_connection(error, &self.driver.quic) }
    }
}

fn of_connection(error: ConnectionError, quic: &QuicConnection) -> Http3Error {
    match (error, quic.connection.close_reason()) {
        (ConnectionError::Local { error: LocalError::Application { code, reason, .. }, .. }, _) => {
            Http3Error::Invalid { code, reason }
        }
        (_, Some(reason)) => Http3Error::Connection(reason),
        (error, None) => Http3Error::Invalid { code: Code::H3_INTERNAL_ERROR, reason: error.to_string() },
    }
}

/// The head of the answer; none if too many interim responses precede it.
async fn head(answer: &mut RequestStream<WatchedStream, Bytes>) -> Result<Option<ResponseHead>, StreamError> {
    for _ in 0..=INTERIM {
        let (parts, ()) = answer.recv_response().await?.into_parts();
        if !parts.status.is_informational() || parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Some(ResponseHead { status: parts.status, version: Version::HTTP_3, headers: parts.headers }));
        }
    }
    Ok(None)
}

/// Whether to retry over a fresh connection: the server reports that it has not processed the request
/// (RFC 9114 sections 4.1.1 and 5.2).
pub(crate) fn asks_to_retry(error: &Http3Error) -> bool {
    match error {
        Http3Error::GoingAway => true,
        Http3Error::Reset(code) => *code == Code::H3_REQUEST_REJECTED,
        _ => false,
    }
}
