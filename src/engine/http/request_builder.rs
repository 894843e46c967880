//! A step, with secrets and captured values filled in → the request to send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::{Position, Url};

use crate::engine::connect::route::Route;
use crate::engine::fault::Fault;
use crate::engine::http::digest::DigestRequest;
use crate::engine::http::message::OutgoingRequest;
use crate::engine::http::session::Session;
use crate::engine::http::sigv4::Signer;
use crate::engine::http::{coding, digest, multipart};
use crate::engine::transport::proxy::Proxy;
use crate::model::{
    Auth, Body as RequestBody, Captures, FailureClass, FormPart, MissingCapture, Protocol, Step, Value, message,
};

/// The user agent, if the probe sets none.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("uptick/", env!("CARGO_PKG_VERSION")));

/// The part of a request that does not depend on its route.
#[derive(Clone, Debug)]
pub(crate) struct RequestContent {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// Headers that are not added.
    pub(crate) omitted: Vec<HeaderName>,
    /// Empty if there is none.
    pub(crate) body: Bytes,
}

impl RequestContent {
    /// The request to send over this route, with these cookies.
    pub(crate) fn outgoing(&self, route: &Route, cookies: Option<HeaderValue>) -> OutgoingRequest {
        let mut headers = self.headers.clone();
        headers.remove(header::HOST);
        if let Some(cookies) = cookies {
            // A configured cookie header precedes the cookies that the server has set.
            let both = match headers.get(header::COOKIE) {
                Some(configured) => [configured.as_bytes(), b"; ", cookies.as_bytes()].concat(),
                None => cookies.as_bytes().to_vec(),
            };
            headers.insert(header::COOKIE, HeaderValue::from_bytes(&both).unwrap_or(cookies));
        }
        let always = [
            (header::ACCEPT, HeaderValue::from_static("*/*")),
            (header::ACCEPT_ENCODING, coding::ACCEPTED),
            (header::USER_AGENT, USER_AGENT),
        ];
        for (name, value) in always {
            if !self.omitted.contains(&name) {
                headers.entry(name).or_insert(value);
            }
        }
        // RFC 9110 section 8.6: some servers answer 411 without a content-length.
        if self.body.is_empty() && matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        let forwards = route.target.scheme().is_some();
        if let Some(login) = route.proxy.as_ref().filter(|_| forwards).and_then(Proxy::authorization)
            && let Ok(login) = HeaderValue::from_str(&login)
        {
            headers.insert(header::PROXY_AUTHORIZATION, login);
        }
        OutgoingRequest {
            method: self.method.clone(),
            target: route.target.clone(),
            authority: route.authority.clone(),
            headers,
            body: self.body.clone(),
        }
    }
}

/// The most parsed URLs kept.
const PARSED: usize = 16 * 1024;

/// Parsed URLs by their text: a probe requests the same one at each check, and parsing it costs more than
/// the rest of building the request.
#[derive(Default)]
pub(crate) struct ParsedUrls(Mutex<HashMap<String, Url>>);

impl std::fmt::Debug for ParsedUrls {
    /// Omits the URLs, which may contain secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParsedUrls").finish_non_exhaustive()
    }
}

impl ParsedUrls {
    fn parse(&self, text: String, protocol: Protocol) -> Option<Url> {
        let mut parsed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = parsed.get(&text) {
            return Some(url.clone());
        }
        let url = parse(&text, protocol)?;
        if parsed.len() < PARSED {
            parsed.insert(text, url.clone());
        }
        Some(url)
    }
}

fn parse(text: &str, protocol: Protocol) -> Option<Url> {
    Url::parse(text).ok().filter(|url| protocol.schemes().contains(&url.scheme()))
}

/// The URL of the first request. It is kept in `known`, unless it contains captured values, which differ
/// at each check.
pub(crate) fn url(step: &Step, session: &Session, known: Option<&ParsedUrls>) -> Result<Url, Fault> {
    let text = fill(session, &step.request.url)?;
    let protocol = step.request.protocol;
    let is_fixed = step.request.url.captures().next().is_none();
    let url = match known.filter(|_| is_fixed) {
        Some(known) => known.parse(text, protocol),
        None => parse(&text, protocol),
    };
    url.ok_or_else(|| Fault::new(FailureClass::CaptureFailed, None, "a captured value makes the URL unusable"))
}

/// A value with its secrets and captures filled in.
pub(crate) fn fill(session: &Session, value: &Value) -> Result<String, Fault> {
    value.fill(&session.captures).map_err(not_captured)
}

/// The text of a JSON body; captured values are escaped for use inside quotes.
fn fill_json(session: &Session, value: &Value) -> Result<String, Fault> {
    let escape = |text: &String| {
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let captures: Captures = session.captures.iter().map(|(name, text)| (name.clone(), escape(text))).collect();
    value.fill(&captures).map_err(not_captured)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn not_captured(missing: MissingCapture) -> Fault {
    Fault::new(FailureClass::CaptureFailed, None, missing.to_string())
}

/// Builds the first request.
pub(crate) fn build(step: &Step, session: &Session) -> Result<RequestContent, Fault> {
    let request = &step.request;
    let mut headers = HeaderMap::new();
    let body = match &request.body {
        RequestBody::Empty => Bytes::new(),
        RequestBody::Text(text) => fill(session, text)?.into(),
        RequestBody::Json(text) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            fill_json(session, text)?.into()
        }
        RequestBody::Form(fields) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &fill(session, value)?);
            }
            form.finish().into()
        }
        RequestBody::File(file) => {
            let kind = file.content_type.as_deref().unwrap_or(multipart::OCTETS);
            headers.insert(header::CONTENT_TYPE, header_value(&header::CONTENT_TYPE, kind)?);
            Bytes::from_owner(Arc::clone(&file.bytes))
        }
        RequestBody::Multipart(parts) => {
            let mut form = multipart::Form::new();
            for (name, part) in parts {
                match part {
                    FormPart::Text(text) => form.text(name, &fill(session, text)?),
                    FormPart::File(file) => form.file(name, file),
                }
            }
            let (kind, body) = form.finish();
            headers.insert(header::CONTENT_TYPE, header_value(&header::CONTENT_TYPE, &kind)?);
            body.into()
        }
    };
    if let Some((name, value)) = authorization(step, session)? {
        headers.insert(name, value);
    }
    let mut configured = HeaderMap::new();
    for (name, value) in &request.headers {
        configured.append(name.clone(), header_value(name, &fill(session, value)?)?);
    }
    for name in configured.keys().chain(&request.omitted_headers) {
        headers.remove(name);
    }
    headers.extend(configured);
    let (method, omitted) = (request.method.clone(), request.omitted_headers.clone());
    Ok(RequestContent { method, headers, omitted, body })
}

fn authorization(step: &Step, session: &Session) -> Result<Option<(HeaderName, HeaderValue)>, Fault> {
    use base64::Engine as _;
    let text = match &step.request.auth {
        // A Digest answer needs the server's challenge, and a signature covers the finished request.
        None | Some(Auth::Digest { .. } | Auth::AwsSigV4(_)) => return Ok(None),
        Some(Auth::Bearer(token)) => format!("Bearer {}", fill(session, token)?),
        Some(Auth::OAuth2(_)) => match &session.token {
            Some(token) => format!("Bearer {}", token.reveal()),
            None => return Err(Fault::new(FailureClass::AuthFailed, None, "no token was fetched for this request")),
        },
        Some(Auth::Basic { user, password }) => {
            let pair = format!("{}:{}", fill(session, user)?, fill(session, password)?);
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
    };
    let mut value = header_value(&header::AUTHORIZATION, &text)?;
    value.set_sensitive(true);
    Ok(Some((header::AUTHORIZATION, value)))
}

/// The signer of the step's requests, if they are signed.
pub(crate) fn signer(step: &Step, session: &Session) -> Result<Option<Signer>, Fault> {
    let Some(Auth::AwsSigV4(aws)) = &step.request.auth else { return Ok(None) };
    Ok(Some(Signer {
        access_key: fill(session, &aws.access_key)?,
        secret_key: fill(session, &aws.secret_key)?,
        session_token: aws.session_token.as_ref().map(|token| fill(session, token)).transpose()?,
        region: aws.region.clone(),
        service: aws.service.clone(),
    }))
}

/// The header that answers a Digest challenge; none if the step has no Digest credentials, or there is no
/// such challenge.
///
/// # Errors
/// A capture is missing, or the challenge is not supported.
pub(crate) fn digest(
    step: &Step,
    session: &Session,
    url: &Url,
    content: &RequestContent,
    challenges: &HeaderMap,
) -> Result<Option<HeaderValue>, Fault> {
    let Some(Auth::Digest { user, password }) = &step.request.auth else { return Ok(None) };
    let (user, password) = (fill(session, user)?, fill(session, password)?);
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let (method, body) = (content.method.as_str(), &*content.body);
    let request = DigestRequest { user: &user, password: &password, method, target, body };
    let Some(text) = digest::authorization(challenges, &request) else {
        let Some(unknown) = digest::unknown(challenges) else { return Ok(None) };
        let message =
            message!("the server asks for Digest authentication with {unknown}, which this prober does not know");
        return Err(Fault::new(FailureClass::ProberUnsupported, None, message));
    };
    let mut value = header_value(&header::AUTHORIZATION, &text)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn header_value(name: &HeaderName, text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        Fault::new(FailureClass::CaptureFailed, None, message!("a captured value cannot be used in the header {name}"))
    })
}

/// Whether a value contains a secret or a capture.
pub(crate) fn is_private(value: &Value) -> bool {
    value.secrets().next().is_some() || value.captures().next().is_some()
}

/// Whether a body contains a secret or a capture. A file counts, because its content is not known.
pub(crate) fn has_secrets(body: &RequestBody) -> bool {
    match body {
        RequestBody::Empty => false,
        RequestBody::File(_) => true,
        RequestBody::Text(text) | RequestBody::Json(text) => is_private(text),
        RequestBody::Form(fields) => fields.iter().any(|(_, value)| is_private(value)),
        RequestBody::Multipart(parts) => parts.iter().any(|(_, part)| match part {
            FormPart::Text(text) => is_private(text),
            FormPart::File(_) => true,
        }),
    }
}
