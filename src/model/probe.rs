//! A probe: the named question. What is asked, of whom, how often, and what must hold.
//! Past the configuration every value here is legal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};
use jiff::Timestamp;
use url::Url;

use super::{Capture, Expect, Maintenance, Schedule, Session, Transport, Value};

/// The named question in `probes.toml`.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The name: unique in a file, and the key of every record.
    pub name: String,
    /// What users see as one thing: `app`, `web`. The unit of objective and summary.
    pub surface: String,
    /// Free words to select by.
    pub tags: Vec<String>,
    /// Whether it is a reference target: its failure means that we are offline.
    pub control: bool,
    /// The line of `probes.toml` it begins at, from 1; 0 for a URL of the command line.
    pub line: usize,
    /// When it is due.
    pub schedule: Schedule,
    /// The most time one attempt may take, all redirects and steps together.
    pub timeout: Duration,
    /// The requests, in order: one, or the steps of a journey.
    pub steps: Vec<Step>,
    /// How to reach the target.
    pub transport: Transport,
    /// What to do after a failed attempt.
    pub retries: Retries,
    /// The shared journey whose captures and cookies it uses.
    pub session: Option<Arc<Session>>,
    /// When its failures are expected.
    pub maintenance: Vec<Maintenance>,
}

/// What to do after a failed attempt. Every attempt is recorded and the first result is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first.
    pub attempts: u32,
    /// The wait before each.
    pub delay: Duration,
}

/// One request and what its answer must be.
#[derive(Clone, Debug)]
pub struct Step {
    /// The step's name in a journey; absent for a probe of one request.
    pub name: Option<String>,
    /// What is sent.
    pub request: Request,
    /// What must hold of the answer.
    pub expect: Expect,
    /// What is taken out of the answer for later steps.
    pub captures: Vec<Capture>,
}

impl Step {
    /// A request with the default expectations.
    #[must_use]
    pub fn of(request: Request) -> Step {
        Step { name: None, request, expect: Expect::default(), captures: Vec::new() }
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL; http or https once its captures are filled in.
    pub url: Value,
    /// Headers in the order given.
    pub headers: Vec<(HeaderName, Value)>,
    /// The body, if any.
    pub body: Body,
    /// Credentials.
    pub auth: Option<Auth>,
    /// The most redirects followed; 0 returns the redirect itself as the answer.
    pub redirects: u32,
    /// The most bytes of a body read, after decoding.
    pub body_limit: u64,
}

impl Request {
    /// The most redirects followed unless the probe says otherwise.
    pub const REDIRECTS: u32 = 10;
    /// The most bytes of a body read unless the probe says otherwise.
    pub const BODY_LIMIT: u64 = 1 << 20;

    /// A plain GET with every default.
    #[must_use]
    pub fn get(url: Value) -> Request {
        Request {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Body::Empty,
            auth: None,
            redirects: Self::REDIRECTS,
            body_limit: Self::BODY_LIMIT,
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
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
    /// Its media type, `application/octet-stream` where absent.
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
    /// A bearer token.
    Bearer(Value),
    /// A bearer token that a token server gives for client credentials (RFC 6749, 4.4). It is
    /// kept until it expires; a failure to get it is `auth_failed`, not the target's.
    OAuth2(OAuth2),
}

/// Client credentials of OAuth 2.0.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: Value,
    /// The client's name.
    pub client_id: Value,
    /// The client's secret.
    pub client_secret: Value,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// The audience asked for, which some servers need.
    pub audience: Option<String>,
}

impl Probe {
    /// A probe that asks for one URL and has every other value at its default: a timeout of
    /// 10 seconds (never above the interval), a status of 200 to 299 expected.
    #[must_use]
    pub fn plain(name: &str, surface: &str, url: &str, interval: Duration) -> Probe {
        Probe {
            name: name.to_owned(),
            surface: surface.to_owned(),
            tags: Vec::new(),
            control: false,
            line: 0,
            schedule: Schedule::Every(interval),
            timeout: Duration::from_secs(10).min(interval),
            steps: vec![Step::of(Request::get(Value::plain(url)))],
            transport: Transport::default(),
            retries: Retries { attempts: 0, delay: Duration::ZERO },
            session: None,
            maintenance: Vec::new(),
        }
    }

    /// The longest a check may take: every attempt to its timeout, and the waits between. Where it
    /// has a session, an attempt may wait for that, be refused, and be made once more.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let retries = self.retries;
        let attempt = match &self.session {
            Some(session) => self.timeout.saturating_mul(2).saturating_add(session.timeout),
            None => self.timeout,
        };
        attempt
            .saturating_mul(retries.attempts.saturating_add(1))
            .saturating_add(retries.delay.saturating_mul(retries.attempts))
    }

    /// Whether any certificate is good enough, for it or for its session: then up does not mean that
    /// the right server answered.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.transport.tls.insecure || self.session.as_ref().is_some_and(|session| session.transport.tls.insecure)
    }

    /// Whether an instant is within one of its maintenance windows.
    #[must_use]
    pub fn is_in_maintenance(&self, instant: Timestamp) -> bool {
        self.maintenance.iter().any(|window| window.covers(instant))
    }

    /// The URL of the first request as it may be shown: secrets as `${NAME}`, no userinfo.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let Some(step) = self.steps.first() else { return String::new() };
        let shown = step.request.url.to_string();
        match Url::parse(&shown) {
            Ok(mut url) if url.password().is_some() || !url.username().is_empty() => {
                let _ = url.set_password(None);
                let _ = url.set_username("");
                url.to_string()
            }
            _ => shown,
        }
    }
}
