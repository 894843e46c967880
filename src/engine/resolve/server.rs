//! Asks one name server for one name: over UDP, and over TCP if the reply is truncated.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::engine::connect::dial::{Source, open_udp};
use crate::engine::resolve::dns_query::DnsQuery;

use super::message;
use super::message::{Reply, Unusable};
use super::resolv_conf::ResolvConf;

/// How long to wait for the other family once one has addresses: a server that drops one type of
/// question must not delay a host that has an address (RFC 8305 waits 50 ms).
const GRACE: Duration = Duration::from_millis(100);

/// How long to wait before a question is sent again over the same socket; the time doubles.
const RESEND: Duration = Duration::from_secs(1);

/// The most bytes read of a datagram. One that fills it may be longer, and counts as truncated.
const DATAGRAM: usize = 4096;

/// Why a server gave no usable reply.
#[derive(Debug)]
pub(super) enum ServerError {
    /// It did not answer in time.
    Silent,
    /// It cannot be asked: refused, unreachable, or a fault of this host.
    Io(io::Error),
    /// It ended the TCP connection before it had answered.
    Closed,
    /// It answered with a reply that cannot be used.
    Unusable(Unusable),
}

impl ServerError {
    /// What the server did, to follow its address in a sentence.
    pub(super) fn text(&self) -> String {
        match self {
            ServerError::Silent => "did not answer".to_owned(),
            ServerError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                "refused the question".to_owned()
            }
            ServerError::Io(error) => format!("cannot be asked: {error}"),
            ServerError::Closed => "ended the connection without an answer".to_owned(),
            ServerError::Unusable(Unusable::Code(code)) => format!("answered {}", code_name(*code)),
            ServerError::Unusable(Unusable::Referral) => {
                "does not resolve names (it referred to other servers)".to_owned()
            }
            ServerError::Unusable(Unusable::Malformed) => "sent an answer that cannot be read".to_owned(),
            ServerError::Unusable(Unusable::Truncated) => "sent a truncated answer, over TCP too".to_owned(),
        }
    }
}

/// The names that operators know the codes by.
fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        code => format!("with code {}", u16::from(code)),
    }
}

/// The reply of a server for one record type.
pub(super) type ServerReply = (RecordType, Result<Reply, ServerError>);

/// Asks one server for these record types of a name, and waits `patience` at most.
pub(super) async fn ask(
    server: SocketAddr,
    name: &Name,
    kinds: &[RecordType],
    conf: &ResolvConf,
    patience: Duration,
) -> Vec<ServerReply> {
    let one_by_one = conf.single_request || conf.single_request_reopen;
    let groups: Vec<&[RecordType]> = if one_by_one { kinds.chunks(1).collect() } else { vec![kinds] };
    let mut replies = Vec::new();
    for group in groups {
        replies.extend(ask_together(server, name, group, conf, patience).await);
    }
    let silent: Vec<RecordType> =
        replies.iter().filter(|(_, reply)| matches!(reply, Err(ServerError::Silent))).map(|(kind, _)| *kind).collect();
    // Some servers and firewalls answer only one question per socket. If one of two was answered,
    // the other is asked again over a separate socket.
    if silent.len() == 1 && replies.len() == 2 && !replies.iter().any(|(_, reply)| has_addresses(reply)) && !one_by_one
    {
        let again = ask_together(server, name, &silent, conf, patience).await;
        replies.retain(|(kind, _)| *kind != silent[0]);
        replies.extend(again);
    }
    replies
}

fn has_addresses(reply: &Result<Reply, ServerError>) -> bool {
    matches!(reply, Ok(Reply::Addresses(_)))
}

async fn ask_together(
    server: SocketAddr,
    name: &Name,
    kinds: &[RecordType],
    conf: &ResolvConf,
    patience: Duration,
) -> Vec<ServerReply> {
    let replies = exchange(server, name, kinds, conf, conf.edns0, patience).await;
    if !conf.edns0 {
        return replies;
    }
    // A server that does not support the OPT record gets the question without it.
    let unknown = |reply: &Result<Reply, ServerError>| {
        matches!(reply, Err(ServerError::Unusable(Unusable::Code(ResponseCode::FormErr | ResponseCode::NotImp))))
    };
    let (refused, mut kept): (Vec<ServerReply>, Vec<ServerReply>) =
        replies.into_iter().partition(|(_, reply)| unknown(reply));
    if !refused.is_empty() {
        let kinds: Vec<RecordType> = refused.iter().map(|(kind, _)| *kind).collect();
        kept.extend(exchange(server, name, &kinds, conf, false, patience).await);
    }
    kept
}

/// A question with its reply, once there is one.
type PendingQuestion = (RecordType, DnsQuery, Option<Result<Reply, ServerError>>);

/// The questions under way.
struct Pending {
    questions: Vec<PendingQuestion>,
    until: Instant,
}

impl Pending {
    fn new(name: &Name, kinds: &[RecordType], edns: bool, patience: Duration) -> Pending {
        let question = |kind: &RecordType| match message::query(name, *kind, edns) {
            Ok(question) => Some((*kind, question, None)),
            Err(_) => None,
        };
        Pending { questions: kinds.iter().filter_map(question).collect(), until: Instant::now() + patience }
    }

    fn open(&self) -> impl Iterator<Item = &DnsQuery> {
        self.questions.iter().filter(|(_, _, reply)| reply.is_none()).map(|(_, question, _)| question)
    }

    fn is_done(&self) -> bool {
        self.open().next().is_none()
    }

    /// Takes a message; one that answers none of the questions is ignored.
    fn take(&mut self, message: &[u8], may_be_cut: bool) {
        for (_, question, reply) in self.questions.iter_mut().filter(|(_, _, reply)| reply.is_none()) {
            let Some(read) = message::read(question, message) else { continue };
            let read = match read {
                Err(Unusable::Malformed) if may_be_cut => Err(Unusable::Truncated),
                read => read,
            };
            *reply = Some(read.map_err(ServerError::Unusable));
            if reply.as_ref().is_some_and(has_addresses) {
                self.until = self.until.min(Instant::now() + GRACE);
            }
            return;
        }
    }

    fn fail(&mut self, error: impl Fn() -> ServerError) {
        for (_, _, reply) in &mut self.questions {
            reply.get_or_insert_with(|| Err(error()));
        }
    }

    fn replies(mut self) -> Vec<ServerReply> {
        self.fail(|| ServerError::Silent);
        let replies = self.questions.into_iter().filter_map(|(kind, _, reply)| Some((kind, reply?)));
        replies.collect()
    }
}

async fn exchange(
    server: SocketAddr,
    name: &Name,
    kinds: &[RecordType],
    conf: &ResolvConf,
    edns: bool,
    patience: Duration,
) -> Vec<ServerReply> {
    let mut pending = Pending::new(name, kinds, edns, patience);
    if conf.use_vc {
        over_tcp(server, &mut pending).await;
        return pending.replies();
    }
    over_udp(server, &mut pending).await;
    let replies = pending.replies();
    let is_cut = |reply: &Result<Reply, ServerError>| matches!(reply, Err(ServerError::Unusable(Unusable::Truncated)));
    let (cut, mut whole): (Vec<ServerReply>, Vec<ServerReply>) =
        replies.into_iter().partition(|(_, reply)| is_cut(reply));
    if !cut.is_empty() {
        let kinds: Vec<RecordType> = cut.iter().map(|(kind, _)| *kind).collect();
        let mut pending = Pending::new(name, &kinds, edns, patience);
        over_tcp(server, &mut pending).await;
        whole.extend(pending.replies());
    }
    whole
}

/// Asks over one connected socket: the kernel drops datagrams from any other server.
async fn over_udp(server: SocketAddr, pending: &mut Pending) {
    if let Err(error) = udp_rounds(server, pending).await {
        pending.fail(|| ServerError::Io(clone_of(&error)));
    }
}

async fn udp_rounds(server: SocketAddr, pending: &mut Pending) -> io::Result<()> {
    let socket = open_udp(server, &Source::default())?;
    for question in pending.open() {
        socket.send(question.bytes()).await?;
    }
    let mut buffer = vec![0; DATAGRAM];
    let mut wait = RESEND;
    let mut resend = Instant::now() + wait;
    while !pending.is_done() {
        let received = match timeout_at(pending.until.min(resend), socket.recv(&mut buffer)).await {
            Ok(received) => received?,
            Err(_) if Instant::now() >= pending.until => break,
            Err(_) => {
                // The question or its answer may have been lost: asking again is cheaper than the next round.
                for question in pending.open() {
                    socket.send(question.bytes()).await?;
                }
                wait *= 2;
                resend += wait;
                continue;
            }
        };
        pending.take(&buffer[..received], received == DATAGRAM);
        // A flood of datagrams must not occupy this thread.
        tokio::task::consume_budget().await;
    }
    Ok(())
}

/// Asks all questions over one connection, one after the other, and over another if the server
/// closes it after a reply.
async fn over_tcp(server: SocketAddr, pending: &mut Pending) {
    while !pending.is_done() {
        let before = pending.open().count();
        let until = pending.until;
        let Ok(round) = timeout_at(until, tcp_round(server, pending)).await else { return };
        let is_stuck = pending.open().count() == before;
        match round {
            Err(error) if is_stuck && error.kind() != io::ErrorKind::UnexpectedEof => {
                return pending.fail(|| ServerError::Io(clone_of(&error)));
            }
            _ if is_stuck => return pending.fail(|| ServerError::Closed),
            _ => {}
        }
    }
}

async fn tcp_round(server: SocketAddr, pending: &mut Pending) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    loop {
        let open = pending.open().count();
        let Some(question) = pending.open().next().map(DnsQuery::framed) else { return Ok(()) };
        stream.write_all(&question).await?;
        while pending.open().count() == open {
            let length = stream.read_u16().await?;
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await?;
            pending.take(&message, false);
            tokio::task::consume_budget().await;
        }
    }
}

/// A copy of an error for another question.
fn clone_of(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error)
}
