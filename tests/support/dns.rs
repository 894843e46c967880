//! A DNS server on a loopback port, UDP and TCP, that answers as scripted, even against the rules.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use super::server;

/// The record types that are used here.
pub const A: u16 = 1;
/// An alias.
pub const CNAME: u16 = 5;
/// The start of authority of a zone.
pub const SOA: u16 = 6;
/// A mail exchanger.
pub const MX: u16 = 15;
/// A text.
pub const TXT: u16 = 16;
/// An IPv6 address.
pub const AAAA: u16 = 28;

/// `NXDOMAIN`
pub const NAME_ERROR: u8 = 3;
/// `SERVFAIL`
pub const SERVER_FAILURE: u8 = 2;
/// `FORMERR`
pub const FORMAT_ERROR: u8 = 1;
/// `REFUSED`
pub const REFUSED: u8 = 5;

/// A question that the server received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name in lower case, without the last dot.
    pub name: String,
    /// The record type.
    pub kind: u16,
    /// Whether it came over TCP.
    pub over_tcp: bool,
    /// Whether it has a record in its additional section, which is OPT.
    pub edns: bool,
}

/// How a question is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Those of these addresses that have the requested type; if none has, this is NODATA.
    Addresses(Vec<IpAddr>),
    /// An error code.
    Code(u8),
    /// No answer at all.
    Silence,
    /// Bytes that are not a DNS message.
    Garbage,
    /// The right answer with the wrong transaction id.
    WrongId(Vec<IpAddr>),
    /// An alias for another name, and nothing else.
    Alias(String),
    /// Over UDP a truncated answer, over TCP these addresses.
    Cut(Vec<IpAddr>),
    /// These records; if `authoritative`, from the zone's own server.
    Zone {
        /// Whether the server answers for the zone itself.
        authoritative: bool,
        /// The answer section.
        records: Vec<Record>,
    },
    /// The records of the answer, the authority and the additional section.
    Sections([Vec<Record>; 3]),
    /// The records of a zone, truncated over UDP and complete over TCP.
    CutZone(Vec<Record>),
    /// A header that announces records, followed by an incomplete one.
    Torn,
    /// Another reply, after a delay.
    Later(Duration, Box<Reply>),
}

/// A record of an answer.
#[derive(Clone, Debug)]
pub struct Record {
    /// The name that it belongs to.
    pub owner: String,
    /// Its type.
    pub kind: u16,
    /// Its TTL, in seconds.
    pub ttl: u32,
    /// Its data, in wire format.
    pub data: Vec<u8>,
}

impl Record {
    /// An address.
    pub fn address(owner: &str, ttl: u32, address: Ipv4Addr) -> Record {
        Record { owner: owner.to_owned(), kind: A, ttl, data: address.octets().to_vec() }
    }

    /// An alias.
    pub fn alias(owner: &str, target: &str) -> Record {
        Record { owner: owner.to_owned(), kind: CNAME, ttl: 60, data: encode_name(target) }
    }

    /// A mail exchanger.
    pub fn mail(owner: &str, preference: u8, target: &str) -> Record {
        let data = [&[0, preference][..], &encode_name(target)].concat();
        Record { owner: owner.to_owned(), kind: MX, ttl: 300, data }
    }

    /// The start of authority of a zone, with its serial number.
    pub fn zone(owner: &str, serial: u32) -> Record {
        let names = [encode_name("ns.test"), encode_name("admin.test")].concat();
        let times = [serial, 3_600, 600, 86_400, 60].map(u32::to_be_bytes).concat();
        Record { owner: owner.to_owned(), kind: SOA, ttl: 60, data: [names, times].concat() }
    }

    /// A text.
    pub fn text(owner: &str, text: &str) -> Record {
        let data = [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
        Record { owner: owner.to_owned(), kind: TXT, ttl: 300, data }
    }
}

impl Reply {
    /// One address.
    pub fn address(address: impl Into<IpAddr>) -> Reply {
        Reply::Addresses(vec![address.into()])
    }
}

/// A running server.
pub struct Dns {
    address: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
    stopped: Arc<AtomicBool>,
    questions: Arc<Mutex<Vec<Question>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Dns {
    /// Answers every question with a script.
    pub fn start(script: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Dns {
        let (udp, tcp) = bind_both(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Dns::serve(udp, tcp, script)
    }

    /// Answers at a fixed address, for a network namespace whose resolver configuration names it.
    pub fn start_at(address: SocketAddr, script: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Dns {
        let (udp, tcp) = bind_both(address);
        Dns::serve(udp, tcp, script)
    }

    /// Answers every question the same way.
    pub fn always(reply: Reply) -> Dns {
        Dns::start(move |_| reply.clone())
    }

    fn serve(udp: UdpSocket, tcp: TcpListener, script: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Dns {
        let address = udp.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let questions = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let over_udp = thread::spawn({
            let (stopped, questions, script) = (Arc::clone(&stopped), Arc::clone(&questions), Arc::clone(&script));
            let udp = udp.try_clone().unwrap();
            move || serve_udp(&udp, &stopped, &questions, &*script)
        });
        let over_tcp = thread::spawn({
            let (stopped, questions) = (Arc::clone(&stopped), Arc::clone(&questions));
            let tcp = tcp.try_clone().unwrap();
            move || {
                for stream in tcp.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    if let Ok(stream) = stream {
                        let (questions, script) = (Arc::clone(&questions), Arc::clone(&script));
                        // Not joined: it ends when its peer does, or two seconds later.
                        thread::spawn(move || serve_tcp(stream, &questions, &*script));
                    }
                }
            }
        });
        Dns { address, udp, tcp, stopped, questions, threads: vec![over_udp, over_tcp] }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question received, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap().clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // A blocked socket is woken by the shutdown, otherwise by an empty datagram.
        let _ = socket2::SockRef::from(&self.udp).shutdown(std::net::Shutdown::Both);
        if let Ok(waker) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = waker.send_to(&[], self.address);
        }
        server::wake(&self.tcp);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// UDP and TCP on the same port: a port that is free for one may be in use for the other.
pub fn bind_both(address: SocketAddr) -> (UdpSocket, TcpListener) {
    for _ in 0..50 {
        let udp = UdpSocket::bind(address).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP alike");
}

fn serve_udp(
    udp: &UdpSocket,
    stopped: &AtomicBool,
    questions: &Mutex<Vec<Question>>,
    script: &impl Fn(&Question) -> Reply,
) {
    let mut buffer = [0u8; 1500];
    loop {
        let received = udp.recv_from(&mut buffer);
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok((length, peer)) = received else { continue };
        let query = buffer[..length].to_vec();
        let Some(question) = question_of(&query, false) else { continue };
        questions.lock().unwrap().push(question.clone());
        let (reply, delay) = undelayed(script(&question));
        let Some(message) = message(&query, &question, &reply) else { continue };
        if delay.is_zero() {
            let _ = udp.send_to(&message, peer);
        } else {
            let udp = udp.try_clone().unwrap();
            // Not joined: a late answer that nobody receives does no harm.
            thread::spawn(move || {
                thread::sleep(delay);
                let _ = udp.send_to(&message, peer);
            });
        }
    }
}

fn serve_tcp(mut stream: TcpStream, questions: &Mutex<Vec<Question>>, script: &impl Fn(&Question) -> Reply) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut length = [0u8; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut query = vec![0u8; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            return;
        }
        let Some(question) = question_of(&query, true) else { return };
        questions.lock().unwrap().push(question.clone());
        let (reply, delay) = undelayed(script(&question));
        thread::sleep(delay);
        let Some(message) = message(&query, &question, &reply) else { return };
        let framed = [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat();
        if stream.write_all(&framed).is_err() {
            return;
        }
    }
}

fn undelayed(reply: Reply) -> (Reply, Duration) {
    match reply {
        Reply::Later(delay, reply) => (*reply, delay),
        reply => (reply, Duration::ZERO),
    }
}

fn question_of(query: &[u8], over_tcp: bool) -> Option<Question> {
    let end = question_end(query)?;
    let mut name = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let length = usize::from(query[at]);
        name.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_ascii_lowercase());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
    let edns = query[10..12] != [0, 0];
    Some(Question { name: name.join("."), kind, over_tcp, edns })
}

/// The offset at which the first question of a query ends.
fn question_end(query: &[u8]) -> Option<usize> {
    let mut at = 12;
    while *query.get(at)? != 0 {
        at += 1 + usize::from(query[at]);
    }
    let end = at + 5;
    (query.len() >= end).then_some(end)
}

/// The message of a reply; `None` if nothing is sent.
fn message(query: &[u8], question: &Question, reply: &Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::Silence => None,
        Reply::Garbage => Some(b"this is not a DNS message at all, not even nearly".to_vec()),
        Reply::Cut(_) | Reply::CutZone(_) if !question.over_tcp => Some(encode(query, 0, true, &[])),
        Reply::Code(code) => Some(encode(query, *code, false, &[])),
        Reply::Zone { authoritative, records } => Some(encode_zone(query, *authoritative, records)),
        Reply::Sections(sections) => {
            let mut message = encode_zone(query, false, &sections.concat());
            for (place, section) in sections.iter().enumerate() {
                let count = u16::try_from(section.len()).unwrap().to_be_bytes();
                message[6 + 2 * place..8 + 2 * place].copy_from_slice(&count);
            }
            Some(message)
        }
        Reply::CutZone(records) => Some(encode_zone(query, false, records)),
        Reply::Torn => {
            let mut message = encode(query, 0, false, &[(A, vec![127, 0, 0, 1])]);
            message.truncate(message.len() - 3);
            Some(message)
        }
        Reply::Alias(target) => Some(encode(query, 0, false, &[(CNAME, encode_name(target))])),
        Reply::Addresses(addresses) | Reply::Cut(addresses) => {
            Some(encode(query, 0, false, &records(addresses, question.kind)))
        }
        Reply::WrongId(addresses) => {
            let mut message = encode(query, 0, false, &records(addresses, question.kind));
            message[0] ^= 0x55;
            Some(message)
        }
        Reply::Later(_, reply) => message(query, question, reply),
    }
}

fn records(addresses: &[IpAddr], kind: u16) -> Vec<(u16, Vec<u8>)> {
    addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) if kind == A => Some((A, v4.octets().to_vec())),
            IpAddr::V6(v6) if kind == AAAA => Some((AAAA, v6.octets().to_vec())),
            _ => None,
        })
        .collect()
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A response with records of any owner.
fn encode_zone(query: &[u8], authoritative: bool, records: &[Record]) -> Vec<u8> {
    let mut message = encode(query, 0, false, &[]);
    message[2] |= if authoritative { 0x04 } else { 0 };
    message[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
    for record in records {
        message.extend_from_slice(&encode_name(&record.owner));
        message.extend_from_slice(&record.kind.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message.extend_from_slice(&record.ttl.to_be_bytes());
        message.extend_from_slice(&u16::try_from(record.data.len()).unwrap().to_be_bytes());
        message.extend_from_slice(&record.data);
    }
    message
}

/// A response to the first question of a query (RFC 1035 section 4.1), its name compressed.
fn encode(query: &[u8], code: u8, cut: bool, records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let end = question_end(query).unwrap();
    let mut message = query[..2].to_vec();
    message.push(0x81 | if cut { 0x02 } else { 0 } | (query[2] & 0x78));
    message.push(0x80 | code);
    message.extend_from_slice(&[0, 1]);
    message.extend_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&[0, 0, 0, 0]);
    message.extend_from_slice(&query[12..end]);
    for (kind, data) in records {
        message.extend_from_slice(&[0xc0, 12]);
        message.extend_from_slice(&kind.to_be_bytes());
        // Class IN, and a TTL of one second.
        message.extend_from_slice(&[0, 1, 0, 0, 0, 1]);
        message.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend_from_slice(data);
    }
    message
}
