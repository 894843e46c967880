//! A request ready to send and the head of its answer, for any version of HTTP.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version, header};

/// The headers that concern an HTTP/1 connection (RFC 9113 section 8.2.2, RFC 9114 section 4.2), and
/// `host`, which `:authority` replaces. `te` is one of them unless it says `trailers`.
const NOT_MULTIPLEXED: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// A request ready to send.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingRequest {
    pub(crate) method: Method,
    /// The path and the query; the whole URL if a proxy forwards the request.
    pub(crate) target: Uri,
    /// The `host` header, or `:authority` in HTTP/2 and HTTP/3.
    pub(crate) authority: HeaderValue,
    /// All headers except `host`.
    pub(crate) headers: HeaderMap,
    /// Empty if there is none.
    pub(crate) body: Bytes,
}

impl OutgoingRequest {
    /// The head of the request for HTTP/2 or HTTP/3.
    ///
    /// # Errors
    /// Why it cannot be sent there, for a message.
    pub(crate) fn multiplexed(&self, scheme: &str, version: Version) -> Result<Request<()>, String> {
        let path = self.target.path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder().scheme(scheme).authority(self.authority.as_bytes()).path_and_query(path).build();
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.map_err(|error| error.to_string())?;
        *request.version_mut() = version;
        request.headers_mut().clone_from(&self.headers);
        for name in NOT_MULTIPLEXED {
            request.headers_mut().remove(name);
        }
        if request.headers().get_all(header::TE).iter().any(|value| value != "trailers") {
            request.headers_mut().remove(header::TE);
        }
        if !self.body.is_empty() {
            request.headers_mut().entry(header::CONTENT_LENGTH).or_insert(self.body.len().into());
        }
        Ok(request)
    }
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    /// As received: decoding removes none.
    pub(crate) headers: HeaderMap,
}

impl ResponseHead {
    /// The `content-length`. The same length twice is one length.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.split(',').next()?.trim().parse().ok()
    }

    /// Whether a body may follow the head, as the answer to this method.
    pub(crate) fn may_have_body(&self, method: &Method) -> bool {
        *method != Method::HEAD && !matches!(self.status.as_u16(), 204 | 304)
    }
}

/// Whether the list in a header contains a word, in any case.
pub(crate) fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    values.into_iter().any(|one| one.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}
