//! What is kept of a request and its answer when the user asks to see them; otherwise nothing.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use crate::engine::check::step_result::{shown_location, version};
use crate::engine::exchange::Exchanged;
use crate::engine::expectation::text;
use crate::engine::http::message::OutgoingRequest;
use crate::model::{
    ExchangeDetail, HEADER_LIMIT, HttpExchange, REDACTED, Redactor, SafeText, Step, is_secret_name, message,
};

/// The most headers kept of one message.
const HEADERS: usize = 100;

/// The exchange, redacted, in the detail asked for.
pub(crate) fn record(
    detail: ExchangeDetail,
    step: &Step,
    url: &Url,
    request: &OutgoingRequest,
    exchanged: &Exchanged,
    redactor: &Redactor,
) -> HttpExchange {
    let head = exchanged.head.as_ref();
    let said = |name: HeaderName| {
        let value = head.and_then(|head| head.headers.get(name));
        value.map(|value| redactor.clean_bytes(value.as_bytes(), HEADER_LIMIT))
    };
    let host = (&header::HOST, &request.authority);
    let sent = std::iter::once(host).chain(&request.headers);
    HttpExchange {
        step: step.name.clone(),
        method: request.method.to_string(),
        url: redactor.url(url),
        request_headers: if detail.headers { shown(sent, url, redactor) } else { Vec::new() },
        status: head.map(|head| head.status.as_u16()),
        http_version: head.and_then(|head| version(head.version)),
        content_type: said(header::CONTENT_TYPE),
        coding: said(header::CONTENT_ENCODING),
        note: exchanged.body.note.as_ref().map(|note| redactor.message(note.clone())),
        encoded_bytes: exchanged.body.encoded,
        response_headers: match head {
            Some(head) if detail.headers => shown(head.headers.iter(), url, redactor),
            _ => Vec::new(),
        },
        body: head.filter(|_| detail.body).map(|head| body(exchanged, &head.headers, redactor)),
    }
}

fn shown<'h>(
    headers: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>,
    url: &Url,
    redactor: &Redactor,
) -> Vec<(String, SafeText)> {
    let value = |name: &HeaderName, value: &HeaderValue| {
        if is_secret_name(name.as_str()) {
            SafeText::message(REDACTED)
        } else if *name == header::LOCATION {
            shown_location(value.as_bytes(), url, redactor)
        } else {
            HttpExchange::shown_value(value.as_bytes(), redactor)
        }
    };
    headers.take(HEADERS).map(|(name, said)| (name.to_string(), value(name, said))).collect()
}

/// Whether a body is not text: it has a binary data byte as the MIME Sniffing Standard defines it.
fn is_binary(text: &str) -> bool {
    text.contains(|character| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1a}' | '\u{1c}'..='\u{1f}'))
}

/// The text of a body, or a note in its place if it is not text.
fn body(exchanged: &Exchanged, headers: &HeaderMap, redactor: &Redactor) -> String {
    let body = &exchanged.body;
    if let Some(coding) = &body.undecodable {
        return redactor.message(message!("({} bytes of content coding {coding})", body.encoded)).to_string();
    }
    let text = text::of(&body.bytes, headers);
    if is_binary(&text) {
        return format!("({} bytes that are not text)", body.read);
    }
    HttpExchange::shown_body(&text, redactor)
}
