//! A request of a check and its answer, kept where somebody wants to see what was sent and what came.

use serde::{Deserialize, Serialize};

use super::{HttpVersion, Redactor, SafeText, base64_runs, text};

/// The longest value of a header that is kept, in characters.
pub(crate) const HEADER_LIMIT: usize = 1_000;

/// How much is kept of the requests of a check. A check must stay cheap: nothing, unless the output shows it.
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
    /// The headers that were sent, in order; empty where they were not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, SafeText)>,
    /// The status code of the answer; null where none came.
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
    /// The headers that came, in order; empty where they were not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, SafeText)>,
    /// The body as text, where it was asked for: escape sequences are visible, and line breaks stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl HttpExchange {
    /// The body of an answer as it may be shown: redacted, and nothing in it moves a cursor.
    pub(crate) fn shown_body(text: &str, redactor: &Redactor) -> String {
        text::clean_lines(&redactor.redact(&base64_runs::redacted(text, redactor)))
    }

    /// The value of a header as it may be shown.
    pub(crate) fn shown_value(value: &[u8], redactor: &Redactor) -> SafeText {
        let text = str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), str::to_owned);
        redactor.clean(&base64_runs::redacted(&text, redactor), HEADER_LIMIT)
    }

    /// Redacts what has become a secret since, such as a value that was captured from its body.
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
