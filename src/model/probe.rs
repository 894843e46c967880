//! A probe: a named target, what is sent to it, how often, and what must hold of the answer. Past the configuration
//! every value here is valid.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::{Maintenance, Request, Schedule, Session, Shared, Step, Transport, Value};

/// A named target of `probes.toml`, with its requests, schedule and expectations.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The name: unique in a file, and the key of every record.
    pub name: String,
    /// What users see as one thing: `app`, `web`. The unit of objective and summary.
    pub surface: String,
    /// Free words to select by.
    pub tags: Vec<String>,
    /// Whether it is a reference target: its failure means that this vantage is offline.
    pub control: bool,
    /// The file that defines it, as an absolute path; absent for a URL of the command line.
    pub file: Option<Arc<Path>>,
    /// The line of that file where its table starts, from 1; 0 for a URL of the command line.
    pub line: usize,
    /// When it is due.
    pub schedule: Schedule,
    /// Maximum duration of one attempt, including all redirects and steps.
    pub timeout: Duration,
    /// The requests, in order: one, or the steps of a journey.
    pub steps: Vec<Step>,
    /// How to reach the target. Probes with equal settings share one.
    pub transport: Shared<Transport>,
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

impl Retries {
    /// Default delay before a retry.
    pub const DELAY: Duration = Duration::from_secs(1);
}

impl Probe {
    /// Whether it comes from a URL on the command line, and so from no line of a file.
    pub(crate) const fn is_of_command_line(&self) -> bool {
        self.line == 0
    }

    /// Default interval between two checks.
    pub const INTERVAL: Duration = Duration::from_secs(30);
    /// Default timeout of an attempt.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
    /// The surface of a probe that names none.
    pub(crate) const SURFACE: &str = "default";
    /// The surface of a control target that names none.
    pub(crate) const CONTROL_SURFACE: &str = "control";

    /// A probe that requests one URL and has the default of everything else: a timeout of 10 seconds (never above the
    /// interval), a status of 200 to 299 expected.
    #[must_use]
    pub fn plain(name: &str, surface: &str, url: &str, interval: Duration) -> Probe {
        Probe {
            name: name.to_owned(),
            surface: surface.to_owned(),
            tags: Vec::new(),
            control: false,
            file: None,
            line: 0,
            schedule: Schedule::Every(interval),
            timeout: Self::TIMEOUT.min(interval),
            steps: vec![Step::of(Request::get(Value::plain(url)))],
            transport: Shared::default(),
            retries: Retries { attempts: 0, delay: Duration::ZERO },
            session: None,
            maintenance: Vec::new(),
        }
    }

    /// Maximum duration of a check: every attempt up to its timeout, and the delays between. With a session, an attempt
    /// may wait for it, be refused, and be made once more.
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

    /// Whether it or its session accepts any certificate: up then does not mean that the right server answered.
    #[must_use]
    pub(crate) fn is_insecure(&self) -> bool {
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
