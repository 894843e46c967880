//! The request for a WebSocket, and why an answer refuses it: over HTTP/1.1 an upgrade (RFC 6455 section 4.1), over
//! HTTP/2 a CONNECT that names the protocol (RFC 8441 section 5).

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::engine::http::message::{OutgoingRequest, ResponseHead, has_word};

/// A request for a WebSocket.
pub(crate) struct WebSocketHandshake<'a> {
    /// The request, without the headers for the WebSocket.
    pub(crate) request: &'a OutgoingRequest,
    /// The subprotocols offered, first choice first.
    pub(crate) subprotocols: &'a [&'a str],
}

impl WebSocketHandshake<'_> {
    /// The request over HTTP/1.1.
    pub(crate) fn upgrade(&self, key: &str) -> OutgoingRequest {
        let mut request = self.connect();
        let headers = &mut request.headers;
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        set(headers, header::SEC_WEBSOCKET_KEY, key);
        request
    }

    /// The request over HTTP/2.
    pub(crate) fn connect(&self) -> OutgoingRequest {
        let mut request = OutgoingRequest { method: Method::GET, ..self.request.clone() };
        request.headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if !self.subprotocols.is_empty() {
            set(&mut request.headers, header::SEC_WEBSOCKET_PROTOCOL, &self.subprotocols.join(", "));
        }
        request
    }

    /// Why an answer is not an upgrade.
    pub(crate) fn refused_upgrade(&self, answer: &ResponseHead, accept: &str) -> Option<String> {
        let status = answer.status;
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Some(format!("it answers {status}"));
        }
        if !has_word(&answer.headers, &header::UPGRADE, "websocket") {
            return Some("it switches to another protocol".to_owned());
        }
        if !has_word(&answer.headers, &header::CONNECTION, "upgrade") {
            return Some("its header connection does not say upgrade".to_owned());
        }
        let shown = answer.headers.get_all(header::SEC_WEBSOCKET_ACCEPT).iter().map(HeaderValue::as_bytes);
        // Browsers refuse two of them, whatever they say.
        if shown.map(<[u8]>::trim_ascii).ne([accept.as_bytes()]) {
            return Some("its header sec-websocket-accept does not match our key".to_owned());
        }
        self.refused_choice(&answer.headers)
    }

    /// Why the answer to a CONNECT is not a WebSocket.
    pub(crate) fn refused_connect(&self, answer: &ResponseHead) -> Option<String> {
        if !answer.status.is_success() {
            return Some(format!("it answers {}", answer.status));
        }
        self.refused_choice(&answer.headers)
    }

    /// Why the server's choice is not among the offers.
    fn refused_choice(&self, headers: &HeaderMap) -> Option<String> {
        let mut extensions = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
        if extensions.any(|value| !value.as_bytes().trim_ascii().is_empty()) {
            return Some("it wants an extension that was not offered".to_owned());
        }
        let chosen = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?;
        let offered = self.request.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let of_headers = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let mut all = self.subprotocols.iter().copied().chain(of_headers.map(str::trim));
        let is_offered = all.any(|offered| offered.as_bytes() == chosen.as_bytes());
        (!is_offered).then(|| "it chooses a subprotocol that was not offered".to_owned())
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
