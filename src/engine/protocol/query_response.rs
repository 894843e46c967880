//! A query and its response over a connection without HTTP. The response is read until it meets every
//! rule that further bytes could meet, until it ends, or up to its limit.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::engine::classify::phase_error::{Ending, PhaseError};
use crate::engine::classify::tls_fault::tls_error;
use crate::engine::classify::{body_io_fault, head_io_fault};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::answer::Reply;
use crate::engine::exchange::connector::Connector;
use crate::engine::expectation::{body_rules, expect};
use crate::engine::fault::{Fault, timed_out};
use crate::engine::http::body::Body;
use crate::engine::http::head::Arrived;
use crate::engine::transport::starttls;
use crate::engine::transport::starttls::StarttlsError;
use crate::engine::transport::stream::Stream;
use crate::model::{Captures, Expect, FailureClass, MessageText, Phase, Redactor, Starttls, message};

/// The most bytes read at once.
const AT_A_TIME: usize = 16 * 1024;

/// How long to wait after the handshake for the refusal of a server that asked for a client certificate: in
/// TLS 1.3 it comes only then.
const REFUSAL: Duration = Duration::from_secs(1);

/// One query and its response.
pub(crate) struct QueryResponse<'a> {
    pub(crate) connector: Connector<'a>,
    /// The text to send, if any.
    pub(crate) query: Option<String>,
    /// The protocol to start TLS with, if the server does not begin with TLS.
    pub(crate) starttls: Option<Starttls>,
    pub(crate) expect: &'a Expect,
    pub(crate) captures: &'a Captures,
    pub(crate) redactor: &'a Redactor,
    /// The most bytes read.
    pub(crate) limit: u64,
}

/// Why it ended early.
enum QueryError {
    Phase(PhaseError),
    Io(io::Error),
    /// The server does not start TLS, for this reason.
    NoTls(String),
}

impl From<PhaseError> for QueryError {
    fn from(error: PhaseError) -> QueryError {
        QueryError::Phase(error)
    }
}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> QueryError {
        QueryError::Io(error)
    }
}

impl From<StarttlsError> for QueryError {
    fn from(error: StarttlsError) -> QueryError {
        match error {
            StarttlsError::Io(error) => QueryError::Io(error),
            StarttlsError::Refused(why) => QueryError::NoTls(why),
        }
    }
}

impl QueryResponse<'_> {
    pub(crate) async fn run(&self) -> Reply {
        let (mut trace, mut body) = (ConnectionTrace::new(), Body::default());
        let phases = Box::pin(self.phases(&mut trace, &mut body));
        let ended = timeout_at(self.connector.deadline.at, phases).await;
        let fault = match ended.unwrap_or(Err(QueryError::Phase(PhaseError::OutOfTime))) {
            Ok(()) => None,
            Err(error) => Some(self.fault(error, &trace, &body)),
        };
        trace.end();
        Reply { trace, body, fault }
    }

    async fn phases(&self, trace: &mut ConnectionTrace, body: &mut Body) -> Result<(), QueryError> {
        let mut stream = self.connector.connect(trace).await?;
        if let Some(starttls) = self.starttls {
            trace.enter(Phase::Processing);
            starttls::ask(&mut stream, starttls).await?;
        }
        if let Some(tls) = &self.connector.route.tls {
            let offered = self.connector.transport.tls.alpn.iter().map(|name| name.clone().into_bytes()).collect();
            stream = self.connector.secure(tls, offered, stream, trace).await?;
        }
        let waits = body_rules::needs_body(self.expect);
        if self.query.is_none() && !waits {
            trace.end();
            return self.leave(stream, trace).await;
        }
        trace.enter(Phase::Processing);
        if let Some(query) = &self.query {
            stream.write_all(query.as_bytes()).await?;
            stream.flush().await?;
        }
        if waits {
            self.read(&mut stream, trace, body).await?;
        }
        trace.end();
        stream.close();
        Ok(())
    }

    /// Reads until the rules are met. Judging all bytes so far takes longer the more there are, so it gets at
    /// most a tenth of the time, however small the pieces are.
    async fn read(&self, stream: &mut Stream, trace: &mut ConnectionTrace, body: &mut Body) -> Result<(), QueryError> {
        let mut buffer = vec![0; AT_A_TIME];
        let (mut is_new, mut next_look) = (false, Instant::now());
        loop {
            if is_new && Instant::now() >= next_look {
                let began = Instant::now();
                if expect::meets_text(self.expect, body, self.captures, self.redactor) {
                    return Ok(());
                }
                (is_new, next_look) = (false, began + began.elapsed() * 10);
            }
            let reading = stream.read(&mut buffer);
            let read = if is_new {
                let Ok(read) = timeout_at(next_look, reading).await else { continue };
                read
            } else {
                reading.await
            };
            let count = match read {
                Ok(0) if body.read == 0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(0) => return Ok(()),
                // TLS that ends without close_notify.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && body.read > 0 => return Ok(()),
                read => read?,
            };
            if body.read == 0 {
                trace.enter(Phase::Transfer);
            }
            is_new = true;
            let left = usize::try_from(self.limit - body.read).unwrap_or(usize::MAX);
            body.bytes.extend(buffer.iter().take(count.min(left)));
            body.read = body.bytes.len() as u64;
            if count > left {
                body.cut = true;
                return Ok(());
            }
        }
    }

    /// Closes a connection over which nothing is sent, and learns whether the server accepts the client.
    async fn leave(&self, mut stream: Stream, trace: &mut ConnectionTrace) -> Result<(), QueryError> {
        if let Some(starttls) = self.starttls {
            // Without it servers log an aborted session. The reply is not waited for.
            let _ = stream.write_all(starttls::logout(starttls)).await;
        }
        let asked = trace.handshake.as_ref().is_some_and(|shown| shown.facts().client_cert_missing);
        if !asked {
            stream.close();
            return Ok(());
        }
        let since = Instant::now();
        let until = (since + REFUSAL).min(self.connector.deadline.at);
        let refusal = async {
            stream.shutdown().await?;
            stream.read(&mut [0]).await
        };
        let refused = timeout_at(until, refusal).await;
        trace.close_time = since.elapsed();
        match refused {
            Ok(Err(error)) if tls_error(&error).is_some() => Err(PhaseError::Tls(error).into()),
            _ => Ok(()),
        }
    }

    fn fault(&self, error: QueryError, trace: &ConnectionTrace, body: &Body) -> Fault {
        let (route, deadline) = (self.connector.route, self.connector.deadline);
        let ending = Ending { route, deadline, trace, intake: None };
        let phase = trace.phase();
        match error {
            QueryError::Io(error) if phase == Some(Phase::Transfer) => body_io_fault(&error, &ending.target()),
            QueryError::Io(error) => head_io_fault(&error, &ending.peer(), Arrived::Nothing),
            QueryError::Phase(PhaseError::OutOfTime) if phase >= Some(Phase::Processing) => {
                let target = ending.target();
                let mut fault = timed_out(phase.unwrap_or(Phase::Processing), deadline, &target);
                match fault.class {
                    FailureClass::ResponseTimeout => {
                        let is_asking = self.starttls.is_some() && trace.handshake.is_none();
                        let what = if is_asking { "did not agree to start TLS" } else { "sent nothing" };
                        fault.message = message!("{target} ").then(what).then(" ").then(deadline.within());
                    }
                    FailureClass::BodyTimeout => {
                        fault.class = FailureClass::MessageTimeout;
                        fault.message = MessageText::from("not met ")
                            .then(deadline.within())
                            .then(message!(" by the {} bytes that {target} sent", body.read));
                    }
                    _ => {}
                }
                fault
            }
            QueryError::NoTls(why) => {
                let message = message!("{} does not start TLS: ", ending.target()).then(why);
                Fault::new(FailureClass::StarttlsRefused, Phase::Processing, message)
            }
            QueryError::Phase(error) => ending.fault(&error),
        }
    }
}
