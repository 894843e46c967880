//! One request, from the name of its host to the last byte of the body: resolve, connect, tls, send,
//! head, body. Each of these is a function with its own error type; one deadline covers them all, and a
//! timeout belongs to the phase that the trace is in.

pub(super) mod answer;
pub(super) mod connector;
pub(super) mod requester;

use crate::engine::classify::phase_error::{Ending, PhaseError, refusing_proxy};
use crate::engine::connect::route::Route;
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::connector::Connector;
use crate::engine::exchange::requester::Requester;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::body::{Body, Intake, ReadLimits, Taken};
use crate::engine::http::coding::Decoder;
#[cfg(feature = "http3")]
use crate::engine::http::connection::HeadError;
use crate::engine::http::connection::{Connection, Destination, Kept, Retry};
#[cfg(feature = "http3")]
use crate::engine::http::http3::Http3;
use crate::engine::http::message::{OutgoingRequest, ResponseHead};
use crate::engine::http::redirect;
use crate::model::{FailureClass, HttpVersionPreference, Phase, Transport};

/// One request under way.
pub(super) struct Exchange<'a> {
    pub(super) requester: &'a Requester,
    /// The name of the probe, under which connections are kept.
    pub(super) probe: &'a str,
    pub(super) transport: &'a Transport,
    pub(super) route: &'a Route,
    pub(super) request: &'a OutgoingRequest,
    pub(super) limits: ReadLimits,
    /// Whether redirects are followed: the body of one is then not read.
    pub(super) follows: bool,
    pub(super) deadline: Deadline,
}

/// The result of a request.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) trace: ConnectionTrace,
    /// Absent if there was no answer.
    pub(super) head: Option<ResponseHead>,
    /// The part of the body that was read.
    pub(super) body: Body,
    pub(super) fault: Option<Fault>,
}

struct Progress {
    trace: ConnectionTrace,
    head: Option<ResponseHead>,
    intake: Option<Intake>,
    /// Whether the connection is from an earlier check.
    was_kept: bool,
}

/// How to get a connection.
#[derive(Clone, Copy)]
struct Attempt {
    version: HttpVersionPreference,
    /// Whether a connection from an earlier check may be used.
    reuse: bool,
}

impl Exchange<'_> {
    /// Sends the request, and retries once if the server asks for that or a kept connection is gone.
    pub(super) async fn run(&self) -> Exchanged {
        let first = Attempt { version: self.route.version, reuse: self.transport.reuse };
        let (exchanged, retry) = self.attempt(first).await;
        match retry {
            Retry::No => exchanged,
            Retry::Fresh => self.attempt(Attempt { reuse: false, ..first }).await.0,
            Retry::Http1 => self.attempt(Attempt { version: HttpVersionPreference::Http1, reuse: false }).await.0,
        }
    }

    async fn attempt(&self, attempt: Attempt) -> (Exchanged, Retry) {
        let mut progress = Progress { trace: ConnectionTrace::new(), head: None, intake: None, was_kept: false };
        let phases = Box::pin(self.phases(attempt, &mut progress));
        let ended = tokio::time::timeout_at(self.deadline.at, phases).await;
        let mut retry = Retry::No;
        let fault = match ended.unwrap_or(Err(PhaseError::OutOfTime)) {
            Ok(()) => progress.head.as_ref().and_then(|head| refusing_proxy(self.route, head.status)),
            Err(error) => {
                let Progress { trace, intake, .. } = &progress;
                let ending = Ending { route: self.route, deadline: self.deadline, trace, intake: intake.as_ref() };
                let fault = ending.fault(&error);
                retry = self.retry(&error, &fault, &progress, attempt);
                Some(fault)
            }
        };
        let Progress { mut trace, head, intake, .. } = progress;
        trace.end();
        let body = intake.map(Intake::into_body).unwrap_or_default();
        (Exchanged { trace, head, body, fault }, retry)
    }

    /// Runs the five phases, in order.
    async fn phases(&self, attempt: Attempt, progress: &mut Progress) -> Result<(), PhaseError> {
        let mut connection = match self.take_kept(attempt, progress) {
            Some(kept) => kept,
            None => self.connection(attempt, &mut progress.trace).await?,
        };
        let head = connection.send(self.request).await.map_err(PhaseError::Head)?;
        progress.trace.enter(Phase::Transfer);
        let head = progress.head.insert(head);
        let is_whole = if head.may_have_body(&self.request.method) {
            let intake = progress.intake.insert(Intake::new(Decoder::for_headers(&head.headers), self.limits));
            !self.goes_on(head) && self.read(&mut connection, intake).await?
        } else {
            connection.chunk().await.is_ok_and(|bytes| bytes.is_none())
        };
        progress.trace.end();
        if attempt.reuse && is_whole {
            let (remote, handshake) = (progress.trace.remote, progress.trace.handshake.clone());
            self.requester.kept.keep(self.probe, self.destination(), Kept { connection, remote, handshake });
        } else {
            connection.close(is_whole);
        }
        Ok(())
    }

    /// Opens an HTTP connection: resolve, connect, tls.
    async fn connection(&self, attempt: Attempt, trace: &mut ConnectionTrace) -> Result<Connection, PhaseError> {
        let connector = Connector {
            requester: self.requester,
            transport: self.transport,
            route: self.route,
            deadline: self.deadline,
        };
        #[cfg(feature = "http3")]
        if let (HttpVersionPreference::Http3, Some(tls)) = (attempt.version, &self.route.tls) {
            // Boxed: a check over another HTTP version does not need this future.
            let quic = Box::pin(connector.connect_quic(tls, trace)).await?;
            trace.enter(Phase::Processing);
            let opened = Box::pin(Http3::open(quic)).await.map_err(HeadError::Http3);
            return opened.map(|http3| Connection::Http3(Box::new(http3))).map_err(PhaseError::Head);
        }
        let (stream, speaks_http2) = connector.connect_http(attempt.version, trace).await?;
        trace.enter(Phase::Processing);
        Connection::open(stream, speaks_http2, trace).await.map_err(PhaseError::Head)
    }

    /// Reads the body; true if it was read to its end.
    async fn read(&self, connection: &mut Connection, intake: &mut Intake) -> Result<bool, PhaseError> {
        while let Some(bytes) = connection.chunk().await.map_err(PhaseError::Body)? {
            match intake.take_all(&bytes, self.deadline).map_err(PhaseError::Decode)? {
                Taken::All => {}
                Taken::Enough => return Ok(false),
                Taken::OutOfTime => return Err(PhaseError::OutOfTime),
            }
        }
        intake.finish().map_err(PhaseError::Decode)?;
        Ok(true)
    }

    fn goes_on(&self, head: &ResponseHead) -> bool {
        self.follows && redirect::is_redirect(head.status) && redirect::has_location(&head.headers)
    }

    fn destination(&self) -> Destination {
        let own = self.route.tls.as_ref().is_some_and(|tls| tls.settings.client_cert.is_some());
        Destination { origin: self.route.origin.clone(), endpoint: self.route.endpoint.clone(), own }
    }

    /// Takes a connection from an earlier check, which is past the first three phases.
    fn take_kept(&self, attempt: Attempt, progress: &mut Progress) -> Option<Connection> {
        if !attempt.reuse {
            return None;
        }
        let kept = self.requester.kept.take(self.probe, &self.destination())?;
        progress.was_kept = true;
        progress.trace.remote = kept.remote;
        progress.trace.handshake = kept.handshake;
        progress.trace.http2 = kept.connection.http2_facts().cloned();
        progress.trace.enter(Phase::Processing);
        Some(kept.connection)
    }

    /// Whether to retry over a fresh connection. The server may have closed an idle connection just as it
    /// was reused: that failure says nothing about the target, so an idempotent request is sent again.
    fn retry(&self, error: &PhaseError, fault: &Fault, progress: &Progress, attempt: Attempt) -> Retry {
        let PhaseError::Head(error) = error else { return Retry::No };
        let asked_for = error.retry(attempt.version);
        if !matches!(asked_for, Retry::No) {
            return asked_for;
        }
        let is_gone =
            matches!(fault.class, FailureClass::ConnectionReset | FailureClass::EmptyReply | FailureClass::Http2Error);
        if progress.was_kept && is_gone && self.request.method.is_idempotent() { Retry::Fresh } else { Retry::No }
    }
}
