//! The evidence of a failed check, to understand and repeat it: bounded, cleaned and redacted.

pub(super) mod curl;
pub(super) mod repeat_command;
mod shell_word;

use std::net::SocketAddr;

use http::HeaderMap;
use url::Url;

use crate::engine::expectation::text;
use crate::engine::http::body::Body;
use crate::model::{Evidence, REDACTED, Redactor, SafeText, is_secret_name, message};

/// How many bytes of a body are kept in memory for an excerpt: more than is shown, so that a secret
/// at the edge of the excerpt is whole when it is redacted.
pub(super) const KEPT: usize = 8 * 1024;

/// The longest excerpt of a body that is shown, in characters.
const BODY: usize = 1024;

/// The longest header value shown, in characters.
const HEADER: usize = 200;

/// The most addresses shown.
const ADDRESSES: usize = 32;

/// The headers that tell which server answered, and why.
const TELLING: &[&str] = &[
    "server",
    "via",
    "date",
    "age",
    "content-type",
    "content-length",
    "content-encoding",
    "location",
    "retry-after",
    "www-authenticate",
    "x-cache",
    "x-served-by",
    "x-request-id",
    "x-amz-cf-id",
    "x-amzn-requestid",
    "cf-ray",
    "alt-svc",
];

pub(super) fn gather(
    url: &Url,
    answer: Option<(&HeaderMap, &Body)>,
    addresses: &[SocketAddr],
    curl: Option<&str>,
    redactor: &Redactor,
) -> Evidence {
    Evidence {
        url: redactor.url(url),
        headers: answer.map(|(headers, _)| telling(headers, redactor)).unwrap_or_default(),
        body: answer.and_then(|(headers, body)| beginning(body, headers, redactor)),
        curl: curl.map(|curl| SafeText::clean(curl, shell_word::COMMAND)),
        addresses: addresses.iter().take(ADDRESSES).copied().collect(),
        diagnosis: None,
    }
}

fn telling(headers: &HeaderMap, redactor: &Redactor) -> Vec<(String, SafeText)> {
    let value = |name: &&str| {
        let value = headers.get(*name)?;
        let shown = if is_secret_name(name) {
            SafeText::message(REDACTED)
        } else {
            redactor.clean_bytes(value.as_bytes(), HEADER)
        };
        Some(((*name).to_owned(), shown))
    };
    TELLING.iter().filter_map(value).collect()
}

fn beginning(body: &Body, headers: &HeaderMap, redactor: &Redactor) -> Option<SafeText> {
    if body.bytes.is_empty() {
        return None;
    }
    if let Some(coding) = &body.undecodable {
        return Some(redactor.message(message!("({} bytes of content coding {coding})", body.read)));
    }
    let kept = &body.bytes[..body.bytes.len().min(KEPT)];
    let goes_on = body.cut || body.read > kept.len() as u64;
    // Without a declared charset, the bytes are cleaned as they are.
    Some(match text::declared(kept, headers) {
        Some(text) => redactor.clean_beginning(text.as_bytes(), BODY, goes_on),
        None => redactor.clean_beginning(kept, BODY, goes_on),
    })
}
