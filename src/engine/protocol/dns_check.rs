//! A question to a name server: over UDP, and over TCP if the answer is truncated.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::engine::classify::connect_fault;
use crate::engine::classify::phase_error::{Ending, PhaseError};
use crate::engine::connect::dial::{ConnectError, most_telling, open_udp};
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::exchange::connector::Connector;
use crate::engine::expectation::dns_answer::{self, DnsAnswer, DnsMessage};
use crate::engine::fault::{Fault, timed_out};
use crate::engine::host::os_error::is_reset;
use crate::engine::http::body::Body;
use crate::engine::resolve::dns_query::DnsQuery;
use crate::model::{DnsExpect, DnsQuestion, FailureClass, Phase, message};

/// How long to wait before a question is sent again over the same socket; the time doubles.
const RESEND: Duration = Duration::from_secs(1);

/// How long one address of the server's name is asked before the next.
const HEAD_START: Duration = Duration::from_secs(1);

/// The most bytes read of a datagram: as many as one can have.
const DATAGRAM: usize = 65_535;

/// One question under way.
pub(crate) struct DnsCheck<'a> {
    pub(crate) connector: Connector<'a>,
    pub(crate) question: &'a DnsQuestion,
    pub(crate) expect: &'a DnsExpect,
}

/// The result of a question.
pub(crate) struct DnsReply {
    pub(crate) trace: ConnectionTrace,
    /// The answer as text.
    pub(crate) body: Body,
    pub(crate) answer: Option<DnsAnswer>,
    pub(crate) fault: Option<Fault>,
}

/// Why there is no answer.
enum DnsError {
    Phase(PhaseError),
    Io(io::Error),
    /// The server closed the TCP connection.
    Closed,
    Malformed,
    /// The answer is truncated over TCP too.
    Truncated,
    /// The question cannot be sent.
    Unsendable(String),
}

impl From<PhaseError> for DnsError {
    fn from(error: PhaseError) -> DnsError {
        DnsError::Phase(error)
    }
}

impl From<io::Error> for DnsError {
    fn from(error: io::Error) -> DnsError {
        DnsError::Io(error)
    }
}

/// A message, and its length in bytes.
type Received = (DnsMessage, usize);

impl DnsCheck<'_> {
    pub(crate) async fn run(&self) -> DnsReply {
        let mut trace = ConnectionTrace::new();
        let ended = timeout_at(self.connector.deadline.at, Box::pin(self.phases(&mut trace))).await;
        let reply = match ended.unwrap_or(Err(DnsError::Phase(PhaseError::OutOfTime))) {
            Ok((answer, length)) => {
                let refusal = answer.refusal(self.expect);
                let fault = refusal.map(|(class, why)| {
                    let server = trace.target(&self.connector.route.host);
                    Fault::new(class, None, message!("{} asked of {server}: ", self.question).then(why))
                });
                let body = Body { bytes: answer.text().into_bytes(), read: length as u64, ..Body::default() };
                (body, Some(answer), fault)
            }
            Err(error) => (Body::default(), None, Some(self.fault(error, &trace))),
        };
        trace.end();
        let (body, answer, fault) = reply;
        DnsReply { trace, body, answer, fault }
    }

    async fn phases(&self, trace: &mut ConnectionTrace) -> Result<(DnsAnswer, usize), DnsError> {
        let addresses = self.connector.resolve(trace).await?;
        let Some((last, others)) = addresses.split_last() else { return Err(DnsError::Closed) };
        let mut failed = Vec::new();
        for server in others {
            match timeout(HEAD_START, self.ask(*server, trace)).await {
                Ok(Err(DnsError::Io(error))) => failed.push((*server, error)),
                Ok(ended) => return ended,
                Err(_) => {}
            }
        }
        match self.ask(*last, trace).await {
            Err(DnsError::Io(error)) => {
                failed.push((*last, error));
                Err(DnsError::Io(most_telling(failed, trace).error))
            }
            ended => ended,
        }
    }

    /// Asks the server at this address.
    async fn ask(&self, server: SocketAddr, trace: &mut ConnectionTrace) -> Result<(DnsAnswer, usize), DnsError> {
        trace.remote = Some(server);
        for edns in [true, false] {
            let query =
                dns_answer::query(self.question, edns).map_err(|error| DnsError::Unsendable(error.to_string()))?;
            trace.enter(Phase::Processing);
            let mut received = self.over_udp(server, &query).await?;
            if matches!(received.0, DnsMessage::Truncated) {
                received = self.over_tcp(server, &query, trace).await?;
            }
            match received {
                // A server that does not support the OPT record gets the question without it.
                (DnsMessage::Answer(answer), _) if edns && answer.is_for_edns() => {}
                (DnsMessage::Answer(answer), length) => return Ok((answer, length)),
                (DnsMessage::Truncated, _) => return Err(DnsError::Truncated),
                (DnsMessage::Malformed, _) => return Err(DnsError::Malformed),
            }
        }
        Err(DnsError::Malformed)
    }

    /// Asks over UDP. A datagram that does not answer the question is ignored: anyone can send one.
    async fn over_udp(&self, server: SocketAddr, query: &DnsQuery) -> Result<Received, DnsError> {
        let socket = open_udp(server, &self.connector.route.source)?;
        socket.send(query.bytes()).await?;
        let mut buffer = vec![0; DATAGRAM];
        let (mut wait, mut resend) = (RESEND, Instant::now() + RESEND);
        loop {
            let Ok(received) = timeout_at(resend, socket.recv(&mut buffer)).await else {
                // The question or its answer may have been lost.
                socket.send(query.bytes()).await?;
                wait *= 2;
                resend += wait;
                continue;
            };
            let length = received?;
            if let Some(message) = buffer.get(..length).and_then(|message| dns_answer::read(query, message)) {
                return Ok((message, length));
            }
            // A flood of datagrams must not occupy this thread.
            tokio::task::consume_budget().await;
        }
    }

    async fn over_tcp(
        &self,
        server: SocketAddr,
        query: &DnsQuery,
        trace: &mut ConnectionTrace,
    ) -> Result<Received, DnsError> {
        trace.enter(Phase::Connect);
        let mut stream = self.connector.reach(&[server], trace).await?;
        trace.enter(Phase::Processing);
        stream.write_all(&query.framed()).await?;
        loop {
            let length = match stream.read_u16().await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(DnsError::Closed),
                length => length?,
            };
            let mut message = vec![0; usize::from(length)];
            match stream.read_exact(&mut message).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(DnsError::Closed),
                read => read?,
            };
            if let Some(read) = dns_answer::read(query, &message) {
                return Ok((read, message.len()));
            }
        }
    }

    fn fault(&self, error: DnsError, trace: &ConnectionTrace) -> Fault {
        let is_told = matches!(error, DnsError::Truncated);
        let mut fault = self.fault_of(error, trace);
        // A TCP connection means that the UDP answer was truncated.
        if !is_told && (trace.phase() == Some(Phase::Connect) || trace.timings().connect.is_some()) {
            fault.message = fault.message.then(" over TCP, where it was asked since its answer over UDP is truncated");
        }
        fault
    }

    fn fault_of(&self, error: DnsError, trace: &ConnectionTrace) -> Fault {
        let (route, deadline) = (self.connector.route, self.connector.deadline);
        let server = trace.target(&route.host);
        let question = self.question;
        let failed = |class, message| Fault::new(class, Phase::Processing, message);
        match error {
            DnsError::Phase(PhaseError::OutOfTime) if trace.phase() == Some(Phase::Processing) => {
                let mut fault = timed_out(Phase::Processing, deadline, &server);
                if fault.class == FailureClass::ResponseTimeout {
                    fault.class = FailureClass::DnsTimeout;
                    fault.message = message!("{server} did not answer {question} ").then(deadline.within());
                }
                fault
            }
            DnsError::Phase(error) => Ending { route, deadline, trace, intake: None }.fault(&error),
            DnsError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                failed(FailureClass::ConnectRefused, message!("{server} refuses the question: nothing listens there"))
            }
            DnsError::Io(error) if is_reset(&error) => {
                failed(FailureClass::ConnectionReset, message!("{server} reset the connection"))
            }
            DnsError::Io(error) => {
                let address = trace.remote.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
                let fault = connect_fault(&ConnectError { address, error, tried: 1 });
                Fault { phase: Some(Phase::Processing), ..fault }
            }
            DnsError::Closed => {
                failed(FailureClass::EmptyReply, message!("{server} closed the connection without an answer"))
            }
            DnsError::Malformed => {
                failed(FailureClass::DnsServerFailure, message!("the answer of {server} to {question} cannot be read"))
            }
            DnsError::Truncated => failed(
                FailureClass::DnsServerFailure,
                message!("{server} truncated its answer to {question}, over TCP too"),
            ),
            DnsError::Unsendable(why) => {
                failed(FailureClass::ProberUnsupported, message!("the question cannot be sent: {why}"))
            }
        }
    }
}
