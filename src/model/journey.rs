//! Journeys: values captured by one step for the next, and journeys that several probes share.

use std::time::Duration;

use http::HeaderName;

use super::{Expect, JsonPath, Pattern, Request, Selector, Shared, Transport};

/// One request and what its answer must be.
#[derive(Clone, Debug)]
pub struct Step {
    /// The step's name in a journey; absent for a probe of one request.
    pub name: Option<String>,
    /// What is sent.
    pub request: Request,
    /// What must hold of the answer. Probes with the default expectations share one.
    pub expect: Shared<Expect>,
    /// Rules that cause a warning if they are not met; the check is still up. Most probes have none, and share one
    /// instance.
    pub warn: Shared<Expect>,
    /// What is taken out of the answer for later steps.
    pub captures: Vec<Capture>,
}

impl Step {
    /// A request with the default expectations.
    #[must_use]
    pub fn of(request: Request) -> Step {
        Step { name: None, request, expect: Expect::default().into(), warn: Expect::nothing(), captures: Vec::new() }
    }
}

/// A value that a step takes out of its answer, for `{{name}}` in later steps.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The name it is used by.
    pub name: String,
    /// Where in the answer to find it.
    pub from: CaptureFrom,
}

/// Where an answer holds a captured value. If it is missing, the check fails with `capture_failed`.
#[derive(Clone, Debug)]
pub enum CaptureFrom {
    /// The first node that the path finds in the body: a text without its quotes, anything
    /// else as JSON.
    Json(JsonPath),
    /// The first group of the first match in the body, or the whole match.
    Matches(Pattern),
    /// The first value of a header.
    Header(HeaderName),
    /// The value of a cookie that was set.
    Cookie(String),
    /// The first element that a selector finds in the page.
    Select {
        /// Which element.
        selector: Selector,
        /// The attribute to take; absent: the element's text.
        attribute: Option<String>,
    },
}

/// A journey that several probes share, such as a login: `[session.NAME]`. It runs once per lifetime, and the probes
/// that name it share its captures and cookies.
#[derive(Clone, Debug)]
pub struct Session {
    /// The name.
    pub name: String,
    /// How long its captures and cookies stay valid.
    pub lifetime: Duration,
    /// Maximum duration of one run.
    pub timeout: Duration,
    /// Its requests, in order.
    pub steps: Vec<Step>,
    /// How to reach its target.
    pub transport: Transport,
}
