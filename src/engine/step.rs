//! One step of a check: the request, its redirects, the body, the judgement. It knows one step
//! and what earlier steps left behind, and nothing of retries.

use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use url::Url;

use crate::model::{FailureClass, Phase, Probe, Step};

use super::body::{Body, ReadLimits};
use super::client::ClientKey;
use super::connect::Route;
use super::expect::ReceivedResponse;
use super::fault::{Deadline, Fault};
use super::request::{Asker, Outgoing, Trace};
use super::session::Session;
use super::step_result::{Page, StepResult, offers_http3};
use super::{Engine, body, capture, coding, connect, evidence, expect, redirect, request_builder};

/// One step under way.
pub(super) struct StepRun<'a> {
    pub(super) engine: &'a Engine,
    pub(super) probe: &'a Probe,
    pub(super) step: &'a Step,
    pub(super) session: &'a mut Session,
    pub(super) deadline: Deadline,
    /// The URL whose host the transport's overrides are for, where it is not the step's own.
    pub(super) home: Option<&'a Url>,
}

/// A response head, and where it came from.
struct Head {
    response: reqwest::Response,
    url: Url,
    method: Method,
    trace: Trace,
}

impl StepRun<'_> {
    /// Carries the step out.
    pub(super) async fn run(mut self) -> StepResult {
        let mut answered = StepResult::default();
        match self.follow(&mut answered).await {
            Ok(head) => self.judge(head, &mut answered).await,
            Err(Stopped { fault, url, trace }) => {
                if let Some(trace) = &trace {
                    answered.timings.add_all(&trace.timings());
                    answered.note_connection(&trace.seen(), trace, &self.session.redactor);
                }
                answered.dialled = trace.map(|trace| trace.addresses).unwrap_or_default();
                answered.fail(&fault, Vec::new(), url.as_ref(), self.probe, self.step, &self.session.redactor);
            }
        }
        answered
    }

    /// Sends the request and follows its redirects until there is an answer.
    async fn follow(&mut self, answered: &mut StepResult) -> Result<Head, Stopped> {
        let request = &self.step.request;
        let mut url = request_builder::url(self.step, self.session).map_err(Stopped::before)?;
        let mut outgoing = request_builder::build(self.step, self.session).map_err(Stopped::before)?;
        let own = self.home.cloned().unwrap_or_else(|| url.clone());
        let mut hops = 0;
        loop {
            let (trace, response) = self.ask(&own, &url, &outgoing).await;
            let response =
                response.map_err(|fault| Stopped { fault, url: Some(url.clone()), trace: Some(trace.clone()) })?;
            self.session.jar.keep(response.headers(), &url);
            answered.note_head(&response);
            let status = response.status();
            if status.as_u16() == 101 {
                let fault = Fault::new(
                    FailureClass::HttpProtocol,
                    Phase::Processing,
                    "status 101 without being asked to switch protocols",
                );
                return Err(Stopped { fault, url: Some(url), trace: Some(trace) });
            }
            if request.redirects == 0 || !redirect::is_redirect(status) {
                return Ok(Head { response, url, method: outgoing.method, trace });
            }
            let stopped = |fault| Stopped { fault, url: Some(url.clone()), trace: Some(trace.clone()) };
            let target =
                redirect::target(response.headers(), &url, request.redirects_allow_downgrade).map_err(stopped)?;
            if hops >= request.redirects {
                let message = format!("more than {} redirects", request.redirects);
                return Err(stopped(Fault::new(FailureClass::RedirectLimit, None, message)));
            }
            let method = outgoing.method.clone();
            self.redirect(&mut outgoing, status, !connect::same_origin(&url, &target)).map_err(stopped)?;
            answered.note_hop(&response, &url, &method, &trace, &self.session.redactor);
            hops += 1;
            url = target;
        }
    }

    /// Changes the request to what is sent after a redirect.
    fn redirect(&self, outgoing: &mut Outgoing, status: http::StatusCode, elsewhere: bool) -> Result<(), Fault> {
        let method = redirect::method_after(status, &outgoing.method);
        if method != outgoing.method {
            outgoing.body = None;
            for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
                outgoing.headers.remove(name);
            }
        }
        outgoing.method = method;
        if !elsewhere {
            return Ok(());
        }
        if outgoing.body.is_some() && request_builder::has_secrets(&self.step.request.body) {
            let message = "a redirect to another origin would take the secrets in the request's body there";
            return Err(Fault::new(FailureClass::RedirectBlocked, None, message));
        }
        let safe: Vec<&HeaderName> = self
            .step
            .request
            .headers
            .iter()
            .filter(|(name, value)| redirect::is_safe(name) && !request_builder::is_private(value))
            .map(|(name, _)| name)
            .collect();
        let of_body = |name: &HeaderName| outgoing.body.is_some() && *name == header::CONTENT_TYPE;
        let names: Vec<HeaderName> = outgoing.headers.keys().cloned().collect();
        for name in names {
            if !safe.contains(&&name) && !of_body(&name) {
                outgoing.headers.remove(name);
            }
        }
        Ok(())
    }

    /// One request, and once more where the server asked for that or an idle connection was gone.
    async fn ask(&self, own: &Url, url: &Url, outgoing: &Outgoing) -> (Trace, Result<reqwest::Response, Fault>) {
        let mut outgoing = outgoing.clone();
        outgoing.headers.entry(header::ACCEPT_ENCODING).or_insert(coding::ACCEPTED);
        if let Some(cookies) = self.session.jar.header(url) {
            // A configured cookie header stands before what the server has set.
            let both = match outgoing.headers.get(header::COOKIE) {
                Some(configured) => [configured.as_bytes(), b"; ", cookies.as_bytes()].concat(),
                None => cookies.as_bytes().to_vec(),
            };
            outgoing.headers.insert(header::COOKIE, HeaderValue::from_bytes(&both).unwrap_or(cookies));
        }
        let host = outgoing.headers.remove(header::HOST);
        let route = connect::route(&self.probe.transport, own, url, host.as_ref());
        let mut route = match route {
            Ok(route) => route,
            Err(reason) => return not_sent(&reason),
        };
        let reuses = self.probe.transport.reuse && self.engine.clients.is_kept(&self.probe.name, &route.key);
        let first = self.ask_once(&route, &outgoing, self.probe.transport.reuse).await;
        let Err(fault) = &first.1 else { return first };
        if fault.symptoms.asks_for_http1() && route.key.version != crate::model::HttpVersionPreference::Http2 {
            route.key.version = crate::model::HttpVersionPreference::Http1;
        } else if !(fault.symptoms.asks_to_retry() || reuses && may_be_stale(fault, &outgoing)) {
            return first;
        }
        self.ask_once(&route, &outgoing, false).await
    }

    async fn ask_once(
        &self,
        route: &Route,
        outgoing: &Outgoing,
        keep: bool,
    ) -> (Trace, Result<reqwest::Response, Fault>) {
        let key: &ClientKey = &route.key;
        let client =
            if keep { self.engine.clients.take_kept(&self.probe.name, key) } else { self.engine.clients.fresh(key) };
        let client = match client {
            Ok(client) => client,
            Err(reason) => return not_sent(&reason),
        };
        let transport = &self.probe.transport;
        let names = &self.engine.names;
        let asker = Asker {
            names,
            resolver: transport.resolver,
            ip: transport.ip,
            deny: transport.deny,
            client: client.clone(),
            keeps: keep,
        };
        let answer = asker.ask(route, outgoing, self.deadline).await;
        if keep {
            self.engine.clients.give_back(&self.probe.name, key.clone(), client);
        }
        answer
    }

    /// Reads the body and judges the answer.
    async fn judge(&mut self, head: Head, answered: &mut StepResult) {
        let Head { response, url, method, trace } = head;
        let expect = &self.step.expect;
        let (status, headers) = (response.status(), response.headers().clone());
        let seen = trace.seen();
        let target = trace.remote().map(|remote| remote.to_string()).unwrap_or_default();
        let limit = self.step.request.body_limit;
        let needs_body = expect::needs_body(expect) || capture::needs_body(&self.step.captures);
        let keep = if needs_body { usize::try_from(limit).unwrap_or(usize::MAX) } else { evidence::KEPT };
        let has_body = method != Method::HEAD && !matches!(status.as_u16(), 204 | 304);
        let (body, fault) = if has_body {
            body::read(response, ReadLimits { limit, keep }, self.deadline, &seen, &target).await
        } else {
            (Body::default(), None)
        };
        answered.timings.add_all(&trace.timings());
        answered.note_connection(&seen, &trace, &self.session.redactor);
        let fault = fault.or_else(|| undecoded(&body, needs_body));
        let unmet = if fault.is_some() {
            expect::status(expect, status)
        } else {
            let received = ReceivedResponse {
                status,
                headers: &headers,
                url: &url,
                http_version: answered.http_version,
                tls: answered.tls.as_ref(),
                body: &body,
                timings: &answered.timings,
                now: Timestamp::now(),
            };
            expect::judge(expect, &received, &self.session.captures, &self.session.redactor)
        };
        let failure = match (unmet, fault) {
            (Some(unmet), _) => {
                let phase = (unmet.class == FailureClass::BodyTooLarge).then_some(Phase::Transfer);
                Some((Fault::new(unmet.class, phase, unmet.message), unmet.mismatches))
            }
            (None, Some(fault)) => Some((fault, Vec::new())),
            (None, None) => None,
        };
        answered.http3_offered = offers_http3(&headers);
        answered.body = body;
        answered.page = Some(Page { url: url.clone(), headers });
        answered.dialled = trace.addresses;
        if let Some((fault, mismatches)) = failure {
            answered.fail(&fault, mismatches, Some(&url), self.probe, self.step, &self.session.redactor);
        }
    }
}

/// Why there is no answer.
struct Stopped {
    fault: Fault,
    url: Option<Url>,
    trace: Option<Trace>,
}

impl Stopped {
    /// Nothing was sent.
    fn before(fault: Fault) -> Stopped {
        Stopped { fault, url: None, trace: None }
    }
}

/// Whether an idle connection may have been used that the server had closed: its failure says
/// nothing about the target. A connection that was made beside does not tell, since the client
/// takes whichever is ready first. Only for requests that may be sent twice.
fn may_be_stale(fault: &Fault, outgoing: &Outgoing) -> bool {
    outgoing.method.is_idempotent()
        && matches!(fault.class, FailureClass::ConnectionReset | FailureClass::EmptyReply | FailureClass::Http2Error)
}

fn not_sent(reason: &str) -> (Trace, Result<reqwest::Response, Fault>) {
    (
        Trace::new(),
        Err(Fault::new(FailureClass::ProberResources, None, format!("the request cannot be sent: {reason}"))),
    )
}

fn undecoded(body: &Body, needed: bool) -> Option<Fault> {
    let coding = body.undecodable.as_ref().filter(|_| needed)?;
    let message = format!("the content coding {coding} is not supported, and a rule needs the body");
    Some(Fault::new(FailureClass::BodyDecode, Phase::Transfer, message))
}
