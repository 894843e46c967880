//! A connection over any version of HTTP, and the connections kept for the next check of a probe with
//! `connection = "reuse"`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::engine::connect::route::Endpoint;
use crate::engine::connect::trace::{ConnectionTrace, Http2Facts};
use crate::engine::http::http1::{self, Http1};
use crate::engine::http::http2::{self, Http2};
#[cfg(feature = "http3")]
use crate::engine::http::http3::{self, Http3, Http3Error};
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::tls::handshake::SharedHandshake;
use crate::engine::transport::stream::Stream;
use crate::model::HttpVersionPreference;

/// The most connections kept for one probe: redirects and assets may lead to many hosts.
const KEPT: usize = 16;

pub(crate) enum Connection {
    Http1(Http1),
    Http2(Http2),
    #[cfg(feature = "http3")]
    Http3(Box<Http3>),
}

/// Why there is no response head.
#[derive(Debug)]
pub(crate) enum HeadError {
    Http1(http1::HeadError),
    Http2(http2::HeadError),
    #[cfg(feature = "http3")]
    Http3(Http3Error),
}

/// Why a body is not complete.
#[derive(Debug)]
pub(crate) enum BodyError {
    Http1(http1::BodyError),
    Http2(h2::Error),
    #[cfg(feature = "http3")]
    Http3(Http3Error),
}

/// Whether and how to retry a failed request.
pub(crate) enum Retry {
    No,
    Fresh,
    Http1,
}

impl HeadError {
    /// Whether the server asks for a retry. A probe that requires HTTP/2 does not fall back to
    /// HTTP/1.1.
    pub(crate) fn retry(&self, version: HttpVersionPreference) -> Retry {
        match self {
            HeadError::Http2(http2::HeadError::Failed(error)) => {
                if http2::asks_for_http1(error) && version != HttpVersionPreference::Http2 {
                    Retry::Http1
                } else if http2::asks_to_retry(error) {
                    Retry::Fresh
                } else {
                    Retry::No
                }
            }
            #[cfg(feature = "http3")]
            HeadError::Http3(error) if http3::asks_to_retry(error) => Retry::Fresh,
            _ => Retry::No,
        }
    }
}

impl Connection {
    /// Starts HTTP over a stream.
    ///
    /// # Errors
    /// The HTTP/2 connection cannot be started.
    pub(crate) async fn open(
        stream: Stream,
        speaks_http2: bool,
        trace: &mut ConnectionTrace,
    ) -> Result<Connection, HeadError> {
        if speaks_http2 {
            Http2::open(stream, trace.begin_http2()).await.map(Connection::Http2).map_err(HeadError::Http2)
        } else {
            Ok(Connection::Http1(Http1::open(stream)))
        }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&mut self, request: &OutgoingRequest) -> Result<ResponseHead, HeadError> {
        match self {
            Connection::Http1(http1) => http1.send(request).await.map_err(HeadError::Http1),
            Connection::Http2(http2) => http2.send(request).await.map_err(HeadError::Http2),
            #[cfg(feature = "http3")]
            Connection::Http3(http3) => Box::pin(http3.send(request)).await.map_err(HeadError::Http3),
        }
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// Why it is not complete.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        match self {
            Connection::Http1(http1) => http1.chunk().await.map_err(BodyError::Http1),
            Connection::Http2(http2) => http2.chunk().await.map_err(BodyError::Http2),
            #[cfg(feature = "http3")]
            Connection::Http3(http3) => http3.chunk().await.map_err(BodyError::Http3),
        }
    }

    /// What the server does over HTTP/2; none over other versions.
    pub(crate) const fn http2_facts(&self) -> Option<&Arc<Http2Facts>> {
        let Connection::Http2(http2) = self else { return None };
        Some(http2.facts())
    }

    /// Whether another request can be sent.
    fn is_idle(&mut self) -> bool {
        match self {
            Connection::Http1(http1) => http1.is_idle(),
            Connection::Http2(http2) => http2.is_idle(),
            // Between checks nobody would drive it.
            #[cfg(feature = "http3")]
            Connection::Http3(_) => false,
        }
    }

    /// Closes it without waiting, and in order if the whole answer was read.
    pub(crate) fn close(self, is_whole: bool) {
        match self {
            Connection::Http1(http1) if is_whole => http1.close(),
            Connection::Http2(http2) if is_whole => http2.close(),
            _ => {}
        }
    }
}

/// Where a kept connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// What was connected to; a check of every address connects to each separately.
    pub(crate) endpoint: Endpoint,
    /// Whether it uses the probe's client certificate.
    pub(crate) own: bool,
}

/// A connection kept for the next check.
pub(crate) struct Kept {
    pub(crate) connection: Connection,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) handshake: Option<SharedHandshake>,
}

/// The kept connections, by probe; a check takes one out while it uses it.
#[derive(Default)]
pub(crate) struct KeptConnections(Mutex<HashMap<String, Vec<(Destination, Kept)>>>);

impl std::fmt::Debug for KeptConnections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeptConnections").field(&self.lock().len()).finish()
    }
}

impl KeptConnections {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<(Destination, Kept)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection that still appears to be open.
    pub(crate) fn take(&self, probe: &str, to: &Destination) -> Option<Kept> {
        let mut kept = {
            let mut all = self.lock();
            let of_probe = all.get_mut(probe)?;
            let place = of_probe.iter().position(|(destination, _)| destination == to)?;
            of_probe.remove(place).1
        };
        kept.connection.is_idle().then_some(kept)
    }

    /// Keeps a connection for the next check, if it can be reused. Those that were closed meanwhile make room first,
    /// and then the one that was kept longest: a redirect may lead to another host each time.
    pub(crate) fn keep(&self, probe: &str, to: Destination, mut kept: Kept) {
        if !kept.connection.is_idle() {
            return;
        }
        let mut all = self.lock();
        let of_probe = all.entry(probe.to_owned()).or_default();
        of_probe.retain_mut(|(destination, kept)| *destination != to && kept.connection.is_idle());
        if of_probe.len() >= KEPT {
            of_probe.remove(0);
        }
        of_probe.push((to, kept));
    }
}
