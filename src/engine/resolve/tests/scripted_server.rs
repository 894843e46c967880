//! A name server that answers as a script says, and remembers what it was asked.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::engine::resolve::message;

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The addresses among these that are of the family asked for.
    Addresses(Vec<&'static str>),
    Code(ResponseCode),
    Silent,
    Alias(String),
    /// Over UDP: truncated. Over TCP: this.
    Cut(Box<Act>),
    Later(u64, Box<Act>),
    /// First messages that do not answer the question, then this.
    Spoofed(Box<Act>),
    /// Neither recursion nor authority, and no record.
    Lame,
}

/// A question that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) kind: RecordType,
    pub(super) tcp: bool,
    pub(super) edns: bool,
    pub(super) port: u16,
}

pub(super) struct ScriptedServer {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Binds the same port over UDP and TCP: one that is free over UDP may be in use over TCP.
async fn both_at_one_port() -> (UdpSocket, TcpListener, SocketAddr) {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = udp.local_addr().expect("an address");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp, address);
        }
    }
}

impl ScriptedServer {
    pub(super) async fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> ScriptedServer {
        let (udp, tcp, address) = both_at_one_port().await;
        let (asked, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let (udp, log) = (Arc::new(udp), Arc::clone(&asked));
        let act = move |query: &[u8], tcp, port| {
            let message = Message::from_vec(query).ok()?;
            let question = message.queries.first()?;
            let labels: Vec<&[u8]> = question.name().iter().collect();
            let name = String::from_utf8_lossy(&labels.join(&b'.')).into_owned();
            let asked = Asked { name, kind: question.query_type(), tcp, edns: message.edns.is_some(), port };
            let act = script(&asked);
            log.lock().expect("a log").push(asked);
            Some((message, act))
        };
        let over_tcp = act.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, peer)) = udp.recv_from(&mut buffer).await {
                let Some((query, act)) = act(&buffer[..length], false, peer.port()) else { continue };
                let udp = Arc::clone(&udp);
                tokio::spawn(async move {
                    for reply in replies(&query, act, false).await {
                        let _ = udp.send_to(&reply, peer).await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, peer)) = tcp.accept().await {
                let act = over_tcp.clone();
                // One question per connection: the client has to connect again for the next.
                tokio::spawn(async move {
                    let Ok(length) = stream.read_u16().await else { return };
                    let mut query = vec![0; usize::from(length)];
                    let _ = stream.read_exact(&mut query).await;
                    let Some((query, act)) = act(&query, true, peer.port()) else { return };
                    for reply in replies(&query, act, true).await {
                        let length = u16::try_from(reply.len()).expect("a short reply");
                        let _ = stream.write_all(&[&length.to_be_bytes()[..], &reply].concat()).await;
                    }
                });
            }
        });
        ScriptedServer { address, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a log").clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.asked().into_iter().map(|asked| asked.name).collect();
        names.dedup();
        names
    }
}

fn replies(query: &Message, act: Act, tcp: bool) -> std::pin::Pin<Box<dyn Future<Output = Vec<Vec<u8>>> + Send + '_>> {
    Box::pin(async move {
        let question = &query.queries[0];
        let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_available = true;
        reply.add_query(question.clone());
        match act {
            Act::Silent => return Vec::new(),
            Act::Code(code) => reply.metadata.response_code = code,
            Act::Lame => reply.metadata.recursion_available = false,
            Act::Alias(target) => {
                let data = RData::CNAME(CNAME(message::name(&target).expect("a name")));
                reply.add_answer(Record::from_rdata(question.name().clone(), 1, data));
            }
            Act::Addresses(addresses) => {
                for address in addresses {
                    let data = match (address.parse().expect("an address"), question.query_type()) {
                        (IpAddr::V4(v4), RecordType::A) => RData::A(A(v4)),
                        (IpAddr::V6(v6), RecordType::AAAA) => RData::AAAA(AAAA(v6)),
                        _ => continue,
                    };
                    reply.add_answer(Record::from_rdata(question.name().clone(), 1, data));
                }
            }
            Act::Cut(_) if !tcp => reply.metadata.truncation = true,
            Act::Cut(act) => return replies(query, *act, tcp).await,
            Act::Later(milliseconds, act) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                return replies(query, *act, tcp).await;
            }
            Act::Spoofed(act) => {
                reply.metadata.id ^= 1;
                let mut all = vec![b"garbage".to_vec(), reply.to_vec().expect("a message")];
                all.extend(replies(query, *act, tcp).await);
                return all;
            }
        }
        vec![reply.to_vec().expect("a message")]
    })
}
