//! A QUIC server on a loopback port that runs a script for each connection, HTTP/3 written by hand,
//! a relay that delays packets of one kind, and UDP ports that do not speak QUIC.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, VarInt};
use rustls::ServerConfig;
use tokio::sync::oneshot;

use super::tls::{Authority, Leaf};

/// Frame types (RFC 9114 section 7.2).
pub const DATA: u64 = 0;
/// A header block.
pub const HEADERS: u64 = 1;
/// The first frame of the control stream.
pub const SETTINGS: u64 = 4;
/// No more requests are accepted.
pub const GOAWAY: u64 = 7;
/// A reserved type that every peer must ignore.
pub const GREASE: u64 = 0x21;

/// The type of a control stream.
pub const CONTROL: u64 = 0;

/// Error codes (RFC 9114 section 8.1).
pub const NO_ERROR: u32 = 0x100;
/// An internal error.
pub const INTERNAL_ERROR: u32 = 0x102;
/// The request was not processed.
pub const REQUEST_REJECTED: u32 = 0x10b;

/// `:status` 200 and 103, by the static table (RFC 9204 appendix A).
pub const STATUS_200: &[u8] = &[0, 0, 0xd9];
/// An interim response.
pub const STATUS_103: &[u8] = &[0, 0, 0xd8];

/// An integer of variable length (RFC 9000 section 16).
pub fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![u8::try_from(value).unwrap()],
        0x40..0x4000 => (u16::try_from(value).unwrap() | 0x4000).to_be_bytes().to_vec(),
        0x4000..0x4000_0000 => (u32::try_from(value).unwrap() | 0x8000_0000).to_be_bytes().to_vec(),
        _ => (value | 0xc000_0000_0000_0000).to_be_bytes().to_vec(),
    }
}

/// A frame.
pub fn frame(kind: u64, payload: &[u8]) -> Vec<u8> {
    [varint(kind), varint(payload.len() as u64), payload.to_vec()].concat()
}

/// A header line for a header block, with a name and a value of less than 127 bytes.
pub fn header(name: &str, value: &str) -> Vec<u8> {
    // A literal name (RFC 9204 section 4.5.6), whose length has three bits here.
    let mut line = match name.len() {
        length @ 0..7 => vec![0x20 | u8::try_from(length).unwrap()],
        length => vec![0x27, u8::try_from(length - 7).unwrap()],
    };
    line.extend(name.as_bytes());
    assert!(value.len() < 127, "the length of a value fits into its first byte");
    line.push(u8::try_from(value.len()).unwrap());
    line.extend(value.as_bytes());
    line
}

/// A complete response with status 200.
pub fn answer(body: &[u8]) -> Vec<u8> {
    [frame(HEADERS, STATUS_200), frame(DATA, body)].concat()
}

/// The head of a response with a status of three digits and headers.
pub fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0, 0];
    block.extend(header(":status", status));
    for (name, value) in headers {
        block.extend(header(name, value));
    }
    frame(HEADERS, &block)
}

/// A server configuration for HTTP/3 with this certificate.
pub fn config(leaf: &Leaf) -> Arc<ServerConfig> {
    leaf.config_with(&[&rustls::version::TLS13], |config| config.alpn_protocols = vec![b"h3".to_vec()])
}

/// How new connections are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionPolicy {
    /// The handshake is made.
    Open,
    /// The client's address is validated first (RFC 9000 section 8.1.2).
    Retry,
    /// Every connection is refused.
    Closed,
}

/// A running server. Dropping it ends all of its connections.
pub struct QuicServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl QuicServer {
    /// Runs a script for every established connection.
    pub fn start<F, S>(config: Arc<ServerConfig>, script: F) -> QuicServer
    where
        F: Fn(Connection) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        QuicServer::at((Ipv4Addr::LOCALHOST, 0).into(), config, ConnectionPolicy::Open, script)
    }

    /// Runs a script on a given address, for connections that `door` accepts.
    pub fn at<F, S>(address: SocketAddr, config: Arc<ServerConfig>, door: ConnectionPolicy, script: F) -> QuicServer
    where
        F: Fn(Connection) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let socket = UdpSocket::bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        let tls = QuicServerConfig::try_from(Arc::unwrap_or_clone(config)).unwrap();
        let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
        let connections = Arc::<AtomicUsize>::default();
        let (stop, stopped) = oneshot::channel();
        let running = thread::spawn({
            let connections = Arc::clone(&connections);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(socket, config, door, &connections, script) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            }
        });
        QuicServer { address, connections, stop: Some(stop), running: Some(running) }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with a host name.
    pub fn https(&self, name: &str, path: &str) -> String {
        format!("https://{name}:{}{path}", self.address.port())
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for QuicServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

async fn accept<F, S>(
    socket: UdpSocket,
    config: quinn::ServerConfig,
    door: ConnectionPolicy,
    connections: &AtomicUsize,
    script: F,
) where
    F: Fn(Connection) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint = Endpoint::new(quinn::EndpointConfig::default(), Some(config), socket, runtime).unwrap();
    let script = Arc::new(script);
    while let Some(incoming) = endpoint.accept().await {
        connections.fetch_add(1, Ordering::Relaxed);
        let connecting = match door {
            ConnectionPolicy::Closed => {
                incoming.refuse();
                continue;
            }
            ConnectionPolicy::Retry if !incoming.remote_address_validated() => {
                incoming.retry().unwrap();
                continue;
            }
            _ => incoming.accept(),
        };
        // A client that speaks another protocol is rejected before its connection is established.
        let Ok(connecting) = connecting else { continue };
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            if let Ok(connection) = connecting.await {
                script(connection).await;
            }
        });
    }
}

/// Opens the control stream and sends the settings.
pub async fn settings(connection: &Connection) -> SendStream {
    let mut control = connection.open_uni().await.unwrap();
    control.write_all(&[varint(CONTROL), frame(SETTINGS, &[])].concat()).await.unwrap();
    control
}

/// Reads the next request to its end; `None` if there is none.
pub async fn request(connection: &Connection) -> Option<(SendStream, Vec<u8>)> {
    let (send, mut receive) = connection.accept_bi().await.ok()?;
    let asked = receive.read_to_end(1 << 20).await.ok()?;
    Some((send, asked))
}

/// Reads the head of the next request, and leaves its body unread; `None` if there is none.
pub async fn request_head(connection: &Connection) -> Option<(SendStream, RecvStream)> {
    let (send, mut receive) = connection.accept_bi().await.ok()?;
    receive.read(&mut [0; 1024]).await.ok()?;
    Some((send, receive))
}

/// Waits until the client ends the connection.
pub async fn stall(connection: &Connection) {
    connection.closed().await;
}

/// A server that behaves correctly until it has read a request, and then runs the script. If the
/// script finishes the stream, its last data is sent together with the end of the stream.
pub fn asked<F, S>(authority: &Authority, script: F) -> QuicServer
where
    F: Fn(Connection, SendStream) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let script = Arc::new(script);
    QuicServer::start(config(&authority.leaf(&["good.test"])), move |connection| {
        let script = Arc::clone(&script);
        async move {
            let control = settings(&connection).await;
            while let Some((send, _)) = request(&connection).await {
                script(connection.clone(), send).await;
            }
            drop(control);
        }
    })
}

/// A server that responds to each request with these bytes and finishes the stream.
pub fn answers(authority: &Authority, bytes: impl Into<Vec<u8>>) -> QuicServer {
    let bytes: Arc<[u8]> = bytes.into().into();
    asked(authority, move |_, mut send| {
        let bytes = Arc::clone(&bytes);
        async move {
            let _ = send.write_all(&bytes).await;
            let _ = send.finish();
        }
    })
}

/// A server that sends these bytes and leaves the stream open.
pub fn begins(authority: &Authority, bytes: impl Into<Vec<u8>>) -> QuicServer {
    let bytes: Arc<[u8]> = bytes.into().into();
    asked(authority, move |connection, mut send| {
        let bytes = Arc::clone(&bytes);
        async move {
            let _ = send.write_all(&bytes).await;
            stall(&connection).await;
        }
    })
}

/// A server that sends `begin`, and then `bytes` endlessly.
pub fn floods(authority: &Authority, begin: impl Into<Vec<u8>>, bytes: impl Into<Vec<u8>>) -> QuicServer {
    let (begin, bytes): (Arc<[u8]>, Arc<[u8]>) = (begin.into().into(), bytes.into().into());
    asked(authority, move |_, mut send| {
        let (begin, bytes) = (Arc::clone(&begin), Arc::clone(&bytes));
        async move {
            let mut sent = send.write_all(&begin).await;
            while sent.is_ok() {
                sent = send.write_all(&bytes).await;
            }
        }
    })
}

/// An error code for a reset or a close.
pub fn code(code: u32) -> VarInt {
    VarInt::from_u32(code)
}

/// A UDP port that handles each datagram as scripted.
pub struct UdpPort {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl UdpPort {
    /// Responds to a datagram with those that the script returns.
    pub fn start(script: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> UdpPort {
        UdpPort::run(move |socket, datagram, from| {
            for answer in script(datagram) {
                let _ = socket.send_to(&answer, from);
            }
        })
    }

    fn run(mut each: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static) -> UdpPort {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let stopped = Arc::<AtomicBool>::default();
        let running = thread::spawn({
            let stopped = Arc::clone(&stopped);
            move || {
                let mut buffer = [0; 2048];
                while !stopped.load(Ordering::Relaxed) {
                    if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        each(&socket, &buffer[..length], from);
                    }
                }
            }
        });
        UdpPort { address, stopped, running: Some(running) }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for UdpPort {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// A version negotiation packet (RFC 9000 section 17.2.1) in response to an Initial packet.
pub fn version_negotiation(initial: &[u8], versions: &[u32]) -> Vec<u8> {
    let (theirs, ours) = connection_ids(initial).unwrap_or_default();
    let mut packet = vec![0x80 | 0x40, 0, 0, 0, 0];
    for id in [ours, theirs] {
        packet.push(u8::try_from(id.len()).unwrap());
        packet.extend(id);
    }
    packet.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
    packet
}

/// A packet of version 1 with a long header in response to an Initial packet, whose protection nobody can have made.
pub fn forged(initial: &[u8], first: u8, content: &[u8]) -> Vec<u8> {
    let (theirs, ours) = connection_ids(initial).unwrap_or_default();
    let mut packet = vec![first, 0, 0, 0, 1];
    for id in [ours, theirs] {
        packet.push(u8::try_from(id.len()).unwrap());
        packet.extend(id);
    }
    packet.extend(content);
    packet
}

/// The destination's and the source's connection ids of a packet with a long header.
fn connection_ids(packet: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let length = usize::from(*packet.get(5)?);
    let to = packet.get(6..6 + length)?.to_vec();
    let rest = packet.get(6 + length..)?;
    let from = rest.get(1..=usize::from(*rest.first()?))?.to_vec();
    Some((to, from))
}

/// Which packets of a server a relay delays, and for how long.
#[derive(Clone, Copy, Debug, Default)]
pub struct DelayedPackets {
    /// All packets.
    pub all: Duration,
    /// Additional delay of Handshake packets and those after the handshake.
    pub handshake: Duration,
    /// Whether Handshake packets are dropped.
    pub drops_handshake: bool,
}

/// A relay between a server and one client at a time, which delays what the server sends.
pub fn relay(server: SocketAddr, held_up: DelayedPackets) -> UdpPort {
    let mut way: Option<(SocketAddr, UdpSocket)> = None;
    UdpPort::run(move |socket, datagram, from| {
        if way.as_ref().is_none_or(|(client, _)| *client != from) {
            let upstream = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            upstream.connect(server).unwrap();
            upstream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let (back, reader) = (socket.try_clone().unwrap(), upstream.try_clone().unwrap());
            thread::spawn(move || bring_back(&reader, &back, from, held_up));
            way = Some((from, upstream));
        }
        if let Some((_, upstream)) = &way {
            let _ = upstream.send(datagram);
        }
    })
}

/// Forwards the server's packets to the client, each after its delay.
fn bring_back(upstream: &UdpSocket, back: &UdpSocket, client: SocketAddr, held_up: DelayedPackets) {
    let (queue, due) = std::sync::mpsc::channel::<(Instant, Vec<u8>)>();
    let back = back.try_clone().unwrap();
    thread::spawn(move || {
        for (at, packet) in due {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let _ = back.send_to(&packet, client);
        }
    });
    let mut buffer = [0; 2048];
    let mut since: Option<Instant> = None;
    while let Ok(length) = upstream.recv(&mut buffer) {
        let now = Instant::now();
        let since = *since.get_or_insert(now);
        for packet in packets(&buffer[..length]) {
            let is_initial = is_long(packet) && kind(packet) == 0;
            let is_handshake = is_long(packet) && kind(packet) == 2;
            if is_handshake && held_up.drops_handshake {
                continue;
            }
            let wait = if is_initial { held_up.all } else { held_up.all + held_up.handshake };
            // A packet that is already late is not delayed further.
            if queue.send((now.max(since + wait), packet.to_vec())).is_err() {
                return;
            }
        }
    }
}

fn is_long(packet: &[u8]) -> bool {
    packet[0] & 0x80 != 0
}

/// The type of a packet with a long header: 0 is Initial, 2 Handshake.
fn kind(packet: &[u8]) -> u8 {
    packet[0] >> 4 & 3
}

/// The packets in a datagram (RFC 9000 section 12.2).
fn packets(mut datagram: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !datagram.is_empty() {
        let end = if is_long(datagram) { length_of(datagram).unwrap_or(datagram.len()) } else { datagram.len() };
        let (packet, rest) = datagram.split_at(end.min(datagram.len()));
        found.push(packet);
        datagram = rest;
    }
    found
}

/// The length of a packet with a long header; `None` if it is malformed.
fn length_of(packet: &[u8]) -> Option<usize> {
    let (to, from) = connection_ids(packet)?;
    let mut at = 7 + to.len() + from.len();
    let number = |at: &mut usize| -> Option<usize> {
        let bytes = 1 << (packet.get(*at)? >> 6);
        let mut value = usize::from(packet.get(*at)? & 0x3f);
        for byte in packet.get(*at + 1..*at + bytes)? {
            value = value << 8 | usize::from(*byte);
        }
        *at += bytes;
        Some(value)
    };
    if kind(packet) == 0 {
        let token = number(&mut at)?;
        at += token;
    }
    let length = number(&mut at)?;
    Some(at + length)
}
