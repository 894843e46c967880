//! A request of a check and its answer, kept if the output shows them.

use serde::{Deserialize, Serialize};

use super::{HttpVersion, Redactor, SafeText, base64_runs, text};

/// Maximum length of a header value that is kept, in characters.
pub(crate) const HEADER_LIMIT: usize = 1_000;

/// What is kept of a check's requests: nothing unless the output shows it, since a check must stay cheap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeDetail {
    /// Where each request went and what answered it.
    pub exchanges: bool,
    /// The headers both ways.
    pub headers: bool,
    /// The body of each answer.
    pub body: bool,
}

/// A request and its answer, secrets redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HttpExchange {
    /// The step of a journey that it is of; null for a probe of one request.
    pub step: Option<String>,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: SafeText,
    /// The headers that were sent, in order; empty unless the output shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, SafeText)>,
    /// The status code of the answer; null without an answer.
    pub status: Option<u16>,
    /// The HTTP version of the answer.
    pub http_version: Option<HttpVersion>,
    /// The media type of the body, as the server wrote it.
    pub content_type: Option<SafeText>,
    /// The content coding of the body, as the server wrote it.
    pub coding: Option<SafeText>,
    /// What was tolerated of the content coding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<SafeText>,
    /// Bytes of the body before decoding, as far as it was read.
    pub encoded_bytes: u64,
    /// The headers that were received, in order; empty unless the output shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, SafeText)>,
    /// The body as text, if the output shows it: escape sequences are visible, and line breaks stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl HttpExchange {
    /// A response body that is safe to show: redacted, and nothing in it moves a cursor.
    pub(crate) fn shown_body(text: &str, redactor: &Redactor) -> String {
        text::clean_lines(&redactor.redact(&base64_runs::redacted(text, redactor)))
    }

    /// A header value that is safe to show.
    pub(crate) fn shown_value(value: &[u8], redactor: &Redactor) -> SafeText {
        let text = str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), str::to_owned);
        redactor.clean(&base64_runs::redacted(&text, redactor), HEADER_LIMIT)
    }

    /// Redacts values that became secret later, such as one captured from its body.
    pub(crate) fn redact(&mut self, redactor: &Redactor) {
        self.url = redactor.clean(self.url.as_str(), HEADER_LIMIT);
        for (_, value) in self.request_headers.iter_mut().chain(&mut self.response_headers) {
            *value = HttpExchange::shown_value(value.as_str().as_bytes(), redactor);
        }
        if let Some(body) = &mut self.body {
            *body = HttpExchange::shown_body(body, redactor);
        }
    }
}
