//! One step of a check: the request, its redirects, the judgement. It sees one step and what
//! earlier steps left in the session, and does not retry.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use url::Url;

use crate::engine::check::step_result::{Page, StepResult, offers_http3};
use crate::engine::check::{capture, recorded_exchange};
use crate::engine::connect::route::{Route, route, same_origin};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::evidence;
use crate::engine::exchange::answer::{Answer, Stopped, not_sent};
use crate::engine::exchange::requester::Requester;
use crate::engine::exchange::{Exchange, Exchanged};
use crate::engine::expectation::expect::Unmet;
use crate::engine::expectation::judge::ReceivedResponse;
use crate::engine::expectation::{body_rules, expect};
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::body::{Body, ReadLimits};
use crate::engine::http::message::ResponseHead;
use crate::engine::http::request_builder::RequestContent;
use crate::engine::http::session::Session;
use crate::engine::http::{digest, redirect, request_builder, sigv4};
use crate::engine::protocol::protocol_check::ProtocolCheck;
use crate::model::{
    Auth, ExchangeDetail, FailureClass, HttpVersionPreference, Mismatch, Phase, Probe, Protocol, Step, message,
};

/// One step under way.
pub(crate) struct StepRun<'a> {
    pub(crate) requester: &'a Requester,
    pub(crate) probe: &'a Probe,
    pub(crate) step: &'a Step,
    pub(crate) session: &'a mut Session,
    pub(crate) deadline: Deadline,
    /// The URL whose host the transport's overrides apply to, if it is not the step's own.
    pub(crate) home: Option<&'a Url>,
}

impl StepRun<'_> {
    pub(crate) async fn run(mut self) -> StepResult {
        let mut result = StepResult::default();
        let asked = match self.step.request.protocol {
            Protocol::Http => self.follow(&mut result).await,
            _ => self.run_protocol(&mut result).await,
        };
        match asked {
            Ok(answer) => self.judge(answer, &mut result).await,
            Err(Stopped { fault, url, trace }) => {
                if let Some(trace) = trace {
                    result.timings.add_all(&trace.timings());
                    result.close_time += trace.close_time;
                    result.note_connection(&trace, &self.session.redactor);
                    result.dialled = trace.addresses;
                }
                result.fail(&fault, Vec::new(), url.as_ref(), self.probe, self.step, &self.session.redactor);
            }
        }
        result
    }

    /// Runs a step whose protocol is not HTTP.
    async fn run_protocol(&self, result: &mut StepResult) -> Result<Answer, Stopped> {
        let url = request_builder::url(self.step, self.session, Some(&self.requester.urls)).map_err(Stopped::before)?;
        let check = ProtocolCheck {
            requester: self.requester,
            probe: self.probe,
            step: self.step,
            session: self.session,
            deadline: self.deadline,
        };
        // Boxed: an HTTP check does not need this future.
        let answer = Box::pin(check.run(url)).await?;
        if let Some(head) = &answer.head {
            result.note_head(head);
        }
        result.grpc_status = answer.grpc_status.map(|status| status.0);
        result.dns = answer.dns.as_ref().map(|dns| dns.facts(&self.session.redactor));
        Ok(answer)
    }

    /// Sends the request and follows its redirects until there is an answer.
    async fn follow(&mut self, result: &mut StepResult) -> Result<Answer, Stopped> {
        let request = &self.step.request;
        // The files of a page may differ from check to check.
        let known = self.home.is_none().then_some(&self.requester.urls);
        let mut url = request_builder::url(self.step, self.session, known).map_err(Stopped::before)?;
        let mut content = request_builder::build(self.step, self.session).map_err(Stopped::before)?;
        let own = self.home.cloned().unwrap_or_else(|| url.clone());
        let (mut hops, mut answers) = (0, 0);
        loop {
            let Exchanged { trace, head, body, fault } = self.ask(&own, &url, &content, result).await?;
            let Some(head) = head else {
                let fault = fault.unwrap_or_else(|| not_sent("no answer and no reason"));
                return Err(Stopped { fault, url: Some(url), trace: Some(trace) });
            };
            self.session.jar.keep(&head.headers, &url);
            result.note_head(&head);
            if let Some(fault) = of_head(&head, fault.as_ref()) {
                return Err(Stopped { fault, url: Some(url), trace: Some(trace) });
            }
            if let Some(fault) = self.clock_fault(&head) {
                return Err(Stopped { fault, url: Some(url), trace: Some(trace) });
            }
            if same_origin(&own, &url) {
                match self.digest(&url, &content, &head, answers) {
                    Ok(None) => {}
                    Ok(Some(answer)) => {
                        let method = content.method.clone();
                        result.note_hop(&head, &url, &method, &trace, &self.session.redactor);
                        content.headers.insert(header::AUTHORIZATION, answer);
                        answers += 1;
                        continue;
                    }
                    Err(fault) => return Err(Stopped { fault, url: Some(url), trace: Some(trace) }),
                }
            }
            if request.redirects == 0 || !redirect::is_redirect(head.status) || self.is_expected(&head) {
                return Ok(Answer { head: Some(head), fault, ..Answer::of(body, url, trace) });
            }
            let target = match self.next(&url, &head, hops, &mut content) {
                Ok(target) => target,
                Err(fault) => return Err(Stopped { fault, url: Some(url), trace: Some(trace) }),
            };
            result.note_hop(&head, &url, &target.1, &trace, &self.session.redactor);
            if answers > 0 {
                // The Digest answer was for the previous URL.
                content.headers.remove(header::AUTHORIZATION);
                answers = 0;
            }
            hops += 1;
            url = target.0;
        }
    }

    /// Whether a redirect is the expected answer: it has no Location, and its status is an expected one.
    fn is_expected(&self, head: &ResponseHead) -> bool {
        let expected = &self.step.expect.status;
        !redirect::has_location(&head.headers) && expected.iter().any(|set| set.contains(head.status))
    }

    /// The header that answers a Digest challenge, after this many answers to the same URL. A second answer is
    /// given if only the nonce of the first was too old, as happens behind several servers.
    fn digest(
        &self,
        url: &Url,
        content: &RequestContent,
        head: &ResponseHead,
        answers: usize,
    ) -> Result<Option<HeaderValue>, Fault> {
        let may_answer = answers == 0 || answers == 1 && digest::is_stale(&head.headers);
        if head.status != StatusCode::UNAUTHORIZED || !may_answer {
            return Ok(None);
        }
        request_builder::digest(self.step, self.session, url, content, &head.headers)
    }

    /// The fault if a signed request is refused because this host's clock is wrong: it says nothing about the target.
    fn clock_fault(&self, head: &ResponseHead) -> Option<Fault> {
        let is_signed = matches!(self.step.request.auth, Some(Auth::AwsSigV4(_)));
        let is_refused = matches!(head.status.as_u16(), 400 | 401 | 403);
        (is_signed && is_refused && sigv4::is_skewed(&head.headers, Timestamp::now())).then(|| {
            let message = message!(
                "status {}: the clocks of this host and of the server are minutes apart, so the signature is refused",
                head.status.as_u16()
            );
            Fault::new(FailureClass::ProberClock, None, message)
        })
    }

    /// Where a redirect leads, and the method of the request that was redirected.
    fn next(
        &self,
        url: &Url,
        head: &ResponseHead,
        hops: u32,
        content: &mut RequestContent,
    ) -> Result<(Url, Method), Fault> {
        let target = redirect::target(&head.headers, url, self.step.request.redirects_allow_downgrade)?;
        let most = self.step.request.redirects;
        if hops >= most {
            return Err(Fault::new(FailureClass::RedirectLimit, None, message!("more than {most} redirects")));
        }
        let method = content.method.clone();
        self.redirect(content, head.status, !same_origin(url, &target))?;
        Ok((target, method))
    }

    /// Turns the request into the one to send after a redirect.
    fn redirect(&self, content: &mut RequestContent, status: StatusCode, elsewhere: bool) -> Result<(), Fault> {
        let method = redirect::method_after(status, &content.method);
        if method != content.method {
            content.body = bytes::Bytes::new();
            for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
                content.headers.remove(name);
            }
        }
        content.method = method;
        if !elsewhere {
            return Ok(());
        }
        if !content.body.is_empty() && request_builder::has_secrets(&self.step.request.body) {
            let message = "a redirect to another origin would take the file or the secrets in the request's body there";
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
        let of_body = |name: &HeaderName| !content.body.is_empty() && *name == header::CONTENT_TYPE;
        let names: Vec<HeaderName> = content.headers.keys().cloned().collect();
        for name in names {
            if !safe.contains(&&name) && !of_body(&name) {
                content.headers.remove(name);
            }
        }
        Ok(())
    }

    /// Sends one request to the current URL.
    async fn ask(
        &self,
        own: &Url,
        url: &Url,
        content: &RequestContent,
        result: &mut StepResult,
    ) -> Result<Exchanged, Stopped> {
        let route = self.route(own, url, content)?;
        let mut request = content.outgoing(&route, self.session.jar.header(url));
        // Another origin must not get the signature.
        if let Some(signer) = request_builder::signer(self.step, self.session).map_err(Stopped::before)?
            && same_origin(own, url)
        {
            let signed = signer.sign(&mut request, Timestamp::now());
            signed.map_err(|reason| Stopped::before(not_sent(&reason)))?;
        }
        let limit = self.step.request.body_limit;
        let keep = if self.needs_body() || self.detail().body {
            usize::try_from(limit).unwrap_or(usize::MAX)
        } else {
            evidence::KEPT
        };
        let exchange = Exchange {
            requester: self.requester,
            probe: &self.probe.name,
            transport: &self.probe.transport,
            route: &route,
            request: &request,
            limits: ReadLimits { limit, keep },
            follows: self.step.request.redirects > 0,
            deadline: self.deadline,
        };
        let exchanged = exchange.run().await;
        if self.detail().exchanges {
            let redactor = &self.session.redactor;
            result.exchanges.push(recorded_exchange::record(
                self.detail(),
                self.step,
                url,
                &request,
                &exchanged,
                redactor,
            ));
        }
        Ok(exchanged)
    }

    #[expect(clippy::result_large_err, reason = "one is made for a failed check, and moved once")]
    fn route(&self, own: &Url, url: &Url, content: &RequestContent) -> Result<Route, Stopped> {
        let host = content.headers.get(header::HOST);
        let mut route = route(&self.probe.transport, own, url, host).map_err(|reason| Stopped {
            fault: not_sent(&reason),
            url: Some(url.clone()),
            trace: None,
        })?;
        // The host of a page's files or of a token need not speak HTTP/3 because the target does.
        if route.version == HttpVersionPreference::Http3 && self.home.is_some_and(|home| home.host() != url.host()) {
            route.version = HttpVersionPreference::Auto;
        }
        Ok(route)
    }

    /// How much of the exchange is kept: nothing if it loads a file of a page or fetches a token.
    fn detail(&self) -> ExchangeDetail {
        if self.home.is_some() { ExchangeDetail::default() } else { self.requester.detail }
    }

    fn needs_body(&self) -> bool {
        self.requires_body() || body_rules::needs_body(&self.step.warn)
    }

    /// Whether a body that cannot be decoded fails the step.
    fn requires_body(&self) -> bool {
        body_rules::needs_body(&self.step.expect) || capture::needs_body(&self.step.captures)
    }

    async fn judge(&mut self, answer: Answer, result: &mut StepResult) {
        let Answer { head, body, grpc_status, dns, fault, url, trace } = answer;
        let expect = &self.step.expect;
        let (status, headers) = match head {
            // For other protocols the status is judged by their own check.
            Some(head) if self.step.request.protocol == Protocol::Http => (Some(head.status), head.headers),
            Some(head) => (None, head.headers),
            None => (None, HeaderMap::new()),
        };
        result.timings.add_all(&trace.timings());
        result.close_time += trace.close_time;
        result.note_connection(&trace, &self.session.redactor);
        let fault = fault.or_else(|| undecoded(&body, self.requires_body()));
        let is_waiting = fault.as_ref().is_some_and(|fault| fault.class == FailureClass::MessageTimeout);
        let mut warnings = Vec::new();
        let unmet = if fault.is_some() && !is_waiting {
            status.and_then(|status| expect::status(expect, status))
        } else {
            let names_certificate = [expect, &*self.step.warn].iter().any(|rules| !rules.certificate_names.is_empty());
            let received = ReceivedResponse {
                status,
                headers: &headers,
                url: &url,
                http_version: result.http_version,
                tls: result.tls.as_ref(),
                leaf: if names_certificate { trace.leaf() } else { None },
                hops: &result.redirects,
                body: &body,
                grpc_status,
                dns: dns.as_ref(),
                timings: &result.timings,
                now: Timestamp::now(),
            };
            let (captures, redactor) = (&self.session.captures, &self.session.redactor);
            let unmet = expect::judge(expect, &received, captures, redactor).await;
            if unmet.is_none() {
                let warn = &self.step.warn;
                warnings = match undecoded(&body, body_rules::needs_body(warn)) {
                    Some(fault) => vec![expect::unjudged(fault.message, redactor)],
                    None => expect::warnings(warn, &received, captures, redactor).await,
                };
            }
            unmet
        };
        let mut failure = failure_of(unmet, fault);
        if let Some((fault, _)) = &mut failure
            && may_be_for_certificate(fault.class, status, &trace)
        {
            fault.message = std::mem::take(&mut fault.message)
                .then("; the server asked for a client certificate, and there is none");
        }
        result.warnings = warnings;
        result.http3_offered = offers_http3(&headers);
        result.body = body;
        result.page = Some(Page { url: url.clone(), headers });
        result.dialled = trace.addresses;
        if let Some((fault, mismatches)) = failure {
            result.fail(&fault, mismatches, Some(&url), self.probe, self.step, &self.session.redactor);
        }
    }
}

/// What is wrong with an answer regardless of its body: it switches protocols unasked, or it is the
/// proxy's.
fn of_head(head: &ResponseHead, fault: Option<&Fault>) -> Option<Fault> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        let message = "status 101 without being asked to switch protocols";
        return Some(Fault::new(FailureClass::HttpProtocol, Phase::Processing, message));
    }
    fault.filter(|fault| fault.class == FailureClass::ProxyRefused).cloned()
}

/// The failure of an answer, with its mismatches. A rule that is not met takes precedence over a broken transfer; if no
/// message arrived in time, the unmet rule explains what was waited for.
fn failure_of(unmet: Option<Unmet>, fault: Option<Fault>) -> Option<(Fault, Vec<Mismatch>)> {
    let Some(mut unmet) = unmet else { return Some((fault?, Vec::new())) };
    if let Some(waited) = fault.filter(|fault| fault.class == FailureClass::MessageTimeout) {
        unmet.class = waited.class;
        unmet.message = waited.message.then(": ").then(unmet.message);
    }
    let is_of_body = matches!(unmet.class, FailureClass::BodyTooLarge | FailureClass::MessageTimeout);
    let phase = is_of_body.then_some(Phase::Transfer);
    Some((Fault::new(unmet.class, phase, unmet.message), unmet.mismatches))
}

/// Whether the status may be due to a client certificate that the server asked for and did not get.
fn may_be_for_certificate(class: FailureClass, status: Option<StatusCode>, trace: &ConnectionTrace) -> bool {
    let is_refused = class == FailureClass::Status
        && status.is_some_and(|status| matches!(status.as_u16(), 400 | 401 | 403 | 495 | 496));
    is_refused && trace.handshake.as_ref().is_some_and(|shown| shown.facts().client_cert_missing)
}

fn undecoded(body: &Body, needed: bool) -> Option<Fault> {
    let coding = body.undecodable.as_ref().filter(|_| needed)?;
    let message = message!("the content coding {coding} is not supported, and a rule needs the body");
    Some(Fault::new(FailureClass::BodyDecode, Phase::Transfer, message))
}
