//! A request as it goes out and the head of its answer, over whichever version of HTTP.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(super) struct OutgoingRequest {
    pub(super) method: Method,
    /// The path and the query; the whole URL where a proxy forwards the request.
    pub(super) target: Uri,
    /// The host header, or the authority of HTTP/2.
    pub(super) authority: HeaderValue,
    /// All headers but the host's.
    pub(super) headers: HeaderMap,
    /// Empty where there is none.
    pub(super) body: Bytes,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    /// As sent: nothing is taken away by decoding.
    pub(super) headers: HeaderMap,
}
