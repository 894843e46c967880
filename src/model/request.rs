//! What is sent: method, URL, headers, body, credentials.

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderName, Method};

use super::{Protocol, Starttls, Value};

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The protocol, by the scheme of the URL.
    pub protocol: Protocol,
    /// The method.
    pub method: Method,
    /// The URL; it has the protocol's scheme once captures are filled in.
    pub url: Value,
    /// Headers in the order given.
    pub headers: Vec<(HeaderName, Value)>,
    /// Headers that are not sent, though a check sends them of itself: `accept`, `user-agent`.
    pub omitted_headers: Vec<HeaderName>,
    /// The body, if any.
    pub body: Body,
    /// The text that is sent over a connection without HTTP.
    pub send: Option<Value>,
    /// The STARTTLS protocol, if TLS does not begin with the first byte.
    pub starttls: Option<Starttls>,
    /// Credentials.
    pub auth: Option<Auth>,
    /// Maximum number of redirects followed; 0 returns the redirect itself as the answer.
    pub redirects: u32,
    /// Whether a redirect from https to http is followed: everything after it can be read and changed in transit.
    pub redirects_allow_downgrade: bool,
    /// Maximum number of body bytes read, after decoding.
    pub body_limit: u64,
}

impl Request {
    /// Default of `redirects`.
    pub(crate) const REDIRECTS: u32 = 10;
    /// Default of `body_limit`: 1 MiB.
    pub const BODY_LIMIT: u64 = 1 << 20;

    /// A GET with default settings, or the default request of a URL with another scheme.
    #[must_use]
    pub fn get(url: Value) -> Request {
        Request {
            protocol: Protocol::of_url(&url.to_string()),
            method: Method::GET,
            url,
            headers: Vec::new(),
            omitted_headers: Vec::new(),
            body: Body::Empty,
            send: None,
            starttls: None,
            auth: None,
            redirects: Self::REDIRECTS,
            redirects_allow_downgrade: false,
            body_limit: Self::BODY_LIMIT,
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// No body.
    Empty,
    /// Text as it is.
    Text(Value),
    /// A JSON document, sent as `application/json`; it is text because its strings may hold
    /// secrets and captures.
    Json(Value),
    /// Fields, sent as `application/x-www-form-urlencoded`.
    Form(Vec<(String, Value)>),
    /// The bytes of a file, read with the probe file and sent as they are.
    File(FileBody),
    /// Parts, sent as `multipart/form-data`.
    Multipart(Vec<(String, FormPart)>),
}

/// A part of a `multipart/form-data` body.
#[derive(Clone, Debug)]
pub enum FormPart {
    /// A text field.
    Text(Value),
    /// A file.
    File(FileBody),
}

/// A file that is sent.
#[derive(Clone, Debug)]
pub struct FileBody {
    /// Where it was read from; its last part is the name it is sent under.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Arc<[u8]>,
    /// Its media type; absent: `application/octet-stream`.
    pub content_type: Option<String>,
}

/// Credentials of a request.
#[derive(Clone, Debug)]
pub enum Auth {
    /// HTTP basic authentication.
    Basic {
        /// The user.
        user: Value,
        /// The password.
        password: Value,
    },
    /// Digest access authentication (RFC 7616): sent once the server asks for it.
    Digest {
        /// The user.
        user: Value,
        /// The password.
        password: Value,
    },
    /// Signature Version 4 of AWS.
    AwsSigV4(AwsSigV4),
    /// A bearer token.
    Bearer(Value),
    /// A bearer token that a token server issues for client credentials (RFC 6749, section 4.4). It is cached until it
    /// expires; a failure to get it is `auth_failed`, not a failure of the target.
    OAuth2(OAuth2),
}

/// The keys that sign a request to AWS, and what the signature covers.
#[derive(Clone, Debug)]
pub struct AwsSigV4 {
    /// The access key ID.
    pub access_key: Value,
    /// The key that signs; it is never sent.
    pub secret_key: Value,
    /// The session token, which is sent along.
    pub session_token: Option<Value>,
    /// The region: `eu-central-1`.
    pub region: String,
    /// The service: `execute-api`, `s3`.
    pub service: String,
}

/// Client credentials of OAuth 2.0.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: Value,
    /// The client ID.
    pub client_id: Value,
    /// The client's secret.
    pub client_secret: Value,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// The audience asked for, which some servers need.
    pub audience: Option<String>,
}
