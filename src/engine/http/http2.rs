//! HTTP/2 over one connection, one request at a time, with h2, on which hyper is built: its errors
//! tell which side ended what and why, and the task that waits can drive it, where hyper would need
//! tasks of its own.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::{Ping, Reason, RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Response, Version};

use crate::engine::connect::trace::Http2Facts;
use crate::engine::http::http2_driver::{Driver, send_all};
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::http::tunnel::Tunnel;
use crate::engine::limits::{CONNECTION_WINDOW, HEADER_LIST, INTERIM, STREAM_WINDOW};
use crate::engine::transport::stream::Stream;
use crate::engine::transport::wire::Wire;

/// The type of a frame of SETTINGS.
const SETTINGS: u8 = 4;

/// Why there is no response head.
#[derive(Debug)]
pub(crate) enum HeadError {
    Failed(h2::Error),
    /// What the server sends does not begin like HTTP/2.
    OtherProtocol,
    /// More interim responses than any server has reason to send.
    Interim,
    /// The request cannot be sent over HTTP/2.
    Unsendable(String),
}

impl From<h2::Error> for HeadError {
    fn from(error: h2::Error) -> HeadError {
        HeadError::Failed(error)
    }
}

pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
    driver: Driver,
    /// The body that is being read.
    body: Option<RecvStream>,
    /// The body that was read to its end, before its trailers.
    ended: Option<RecvStream>,
    secure: bool,
    facts: Arc<Http2Facts>,
}

impl Http2 {
    /// Starts HTTP/2 over a stream. `facts` tells at any time what the server does.
    ///
    /// # Errors
    /// h2's error.
    pub(crate) async fn open(stream: Stream, facts: Arc<Http2Facts>) -> Result<Http2, HeadError> {
        let secure = matches!(stream, Stream::Tls(_));
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST)
            .enable_push(false);
        let received = Arc::clone(&facts.received);
        let (sender, connection) = builder.handshake(Wire::noted(stream, Arc::clone(&received))).await?;
        let driver = Driver::new(connection, received);
        Ok(Http2 { sender, driver, body: None, ended: None, secure, facts })
    }

    /// Sends a request and waits for the head of its answer. An answer may arrive while the request is
    /// still being sent.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&mut self, outgoing: &OutgoingRequest) -> Result<ResponseHead, HeadError> {
        let is_empty = outgoing.body.is_empty();
        let (mut response, mut upload) = self.begin(self.request_head(outgoing)?, is_empty).await?;
        let body = outgoing.body.clone();
        let answered = self.wait(async {
            let sending = async {
                if !is_empty {
                    send_all(&mut upload, body, true).await;
                }
                std::future::pending().await
            };
            tokio::select! {
                biased;
                answer = answer(&mut response) => answer,
                never = sending => never,
            }
        });
        let answered = answered.await;
        let (head, body) = self.response_head(answered)?;
        self.body = Some(body);
        Ok(head)
    }

    /// Whether the server accepts other protocols over its streams. Its SETTINGS tell, and they are its first frame:
    /// once it answers a ping, they have arrived.
    pub(crate) async fn takes_tunnels(&mut self) -> bool {
        let Some(mut pings) = self.driver.pings() else { return false };
        // If the connection has ended, the check below finds that.
        let _ = pings.send_ping(Ping::opaque());
        let Http2 { sender, driver, .. } = self;
        poll_fn(|context| {
            driver.poll(context);
            if !driver.is_open() || sender.is_extended_connect_protocol_enabled() {
                return Poll::Ready(());
            }
            pings.poll_pong(context).map(|_| ())
        })
        .await;
        self.sender.is_extended_connect_protocol_enabled()
    }

    /// What the server does, at any time.
    pub(crate) const fn facts(&self) -> &Arc<Http2Facts> {
        &self.facts
    }

    /// Waits for a future while driving the connection, and notes whether the server allows streams meanwhile.
    async fn wait<F: Future>(&mut self, future: F) -> F::Output {
        let Http2 { sender, driver, facts, .. } = self;
        let mut future = pin!(future);
        let noted = poll_fn(|context| {
            facts.is_shut.store(sender.current_max_send_streams() == 0, Ordering::Relaxed);
            future.as_mut().poll(context)
        });
        driver.beside(noted).await
    }

    /// Whether the connection is open, as far as is known.
    pub(crate) const fn is_open(&self) -> bool {
        self.driver.is_open()
    }

    /// Requests a tunnel for another protocol (RFC 8441 section 4), and waits for the answer. The tunnel exists only
    /// if the status is a success.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn open_tunnel(
        mut self,
        outgoing: &OutgoingRequest,
        protocol: &'static str,
    ) -> Result<(ResponseHead, Tunnel), HeadError> {
        let mut request = self.request_head(outgoing)?;
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Protocol::from_static(protocol));
        let (mut response, upload) = self.begin(request, false).await?;
        let answered = self.wait(answer(&mut response)).await;
        let (head, incoming) = self.response_head(answered)?;
        Ok((head, Tunnel::new(self.driver, self.sender, incoming, upload)))
    }

    fn request_head(&self, outgoing: &OutgoingRequest) -> Result<Request<()>, HeadError> {
        let scheme = if self.secure { "https" } else { "http" };
        outgoing.multiplexed(scheme, Version::HTTP_2).map_err(HeadError::Unsendable)
    }

    /// Opens a stream with a request.
    async fn begin(
        &mut self,
        request: Request<()>,
        is_whole: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), HeadError> {
        self.driver.asked();
        let sender = self.sender.clone();
        let sent = match self.wait(sender.ready()).await {
            Ok(mut sender) => sender.send_request(request, is_whole),
            Err(error) => Err(error),
        };
        sent.map_err(|error| self.head_error(error))
    }

    fn response_head(
        &mut self,
        answered: Result<Response<RecvStream>, HeadError>,
    ) -> Result<(ResponseHead, RecvStream), HeadError> {
        match answered {
            Ok(response) => {
                self.driver.answered();
                let (parts, body) = response.into_parts();
                Ok((ResponseHead { status: parts.status, version: Version::HTTP_2, headers: parts.headers }, body))
            }
            Err(HeadError::Failed(error)) => Err(self.head_error(error)),
            Err(other) => Err(other),
        }
    }

    /// The error of a request, or the connection's own if that is more telling.
    fn head_error(&mut self, error: h2::Error) -> HeadError {
        match self.driver.take_error() {
            Some(of_connection) if error.is_io() || error.reason().is_none() => HeadError::Failed(of_connection),
            // The first bytes of another protocol, read as the length of a frame, are too large.
            _ if error.is_library() && error.reason() == Some(Reason::FRAME_SIZE_ERROR) && !self.begins_well() => {
                HeadError::OtherProtocol
            }
            _ => HeadError::Failed(error),
        }
    }

    /// Whether the first frame of the server was one of SETTINGS (RFC 9113 section 3.4).
    fn begins_well(&self) -> bool {
        self.facts.received.fourth_byte() == Some(SETTINGS)
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// h2's error.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, h2::Error> {
        let Some(body) = &mut self.body else { return Ok(None) };
        let read = self.driver.read(body).await?;
        if read.is_none() {
            self.ended = self.body.take();
        }
        Ok(read)
    }

    /// The trailers of a body that was read to its end, if there are any.
    ///
    /// # Errors
    /// h2's error.
    pub(crate) async fn trailers(&mut self) -> Result<Option<HeaderMap>, h2::Error> {
        let Some(mut body) = self.ended.take() else { return Ok(None) };
        self.driver.beside(poll_fn(|context| body.poll_trailers(context))).await
    }

    /// Whether another request can be sent.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.driver.poll_once();
        self.driver.is_open() && self.body.is_none()
    }

    /// Sends GOAWAY and the TLS `close_notify`, without waiting.
    pub(crate) fn close(self) {
        let Http2 { sender, mut driver, .. } = self;
        drop(sender);
        driver.poll_once();
    }
}

/// The answer to a request; interim responses before it are counted.
async fn answer(response: &mut ResponseFuture) -> Result<Response<RecvStream>, HeadError> {
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

/// Whether h2 found the header list larger than it accepts, or in more CONTINUATION frames. It gives the same reason for
/// floods of other frames, and only the debug data of the GOAWAY it is about to send tells them apart. The data compared
/// here is h2's own constant, never the peer's.
pub(crate) fn is_header_list(error: &h2::Error) -> bool {
    if !error.is_library() || !error.is_go_away() {
        return false;
    }
    // A field that has no end after a list that is already too large.
    if error.reason() == Some(Reason::COMPRESSION_ERROR) {
        return true;
    }
    let debug = format!("{error:?}");
    ["header_list_way_too_large", "too_many_continuations"].iter().any(|data| debug.contains(data))
}

/// Whether the connection has ended in order, which h2 reports as a broken pipe.
pub(crate) fn is_end(error: &h2::Error) -> bool {
    error.get_io().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe && io.raw_os_error().is_none())
}

/// Whether to retry over a fresh connection: the server was closing this one and had not processed
/// the request (RFC 9113 sections 6.8 and 8.7).
pub(crate) fn asks_to_retry(error: &h2::Error) -> bool {
    error.is_remote() && matches!(error.reason(), Some(Reason::NO_ERROR | Reason::REFUSED_STREAM))
}

/// Whether the server requires the request over HTTP/1.1.
pub(crate) fn asks_for_http1(error: &h2::Error) -> bool {
    error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED)
}
