//! A TCP server on a loopback port that runs a script for each connection: send these bytes, pause,
//! end. It knows nothing about HTTP except where a request ends.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{process, thread};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The longest that a connection stays open after its script, until the peer closes it.
const FAREWELL: Duration = Duration::from_millis(500);

thread_local! {
    /// Whether servers that this thread starts echo the request in the head of an HTTP/1 response.
    static ECHOES: Cell<bool> = const { Cell::new(false) };
}

/// Until the returned value is dropped, every server that this thread starts echoes the request in
/// the head of an HTTP/1 response, in several encodings: in the status line, in headers that are
/// kept as evidence, in a cookie, and after every Location. Any other fault of the response stays.
#[must_use]
pub fn echo() -> Echo {
    ECHOES.set(true);
    Echo(())
}

/// While this exists, servers that are started echo requests.
pub struct Echo(());

impl Drop for Echo {
    fn drop(&mut self) {
        ECHOES.set(false);
    }
}

/// A response with the request echoed in its head.
fn with_echo(answer: &[u8], asked: &[u8]) -> Vec<u8> {
    let Some(end) = find(answer, b"\r\n").filter(|_| answer.starts_with(b"HTTP/1.")) else { return answer.to_vec() };
    let encodings = super::secrets::encodings(asked);
    let line = |encoding: usize| {
        let bytes = encodings[encoding].1.iter().copied();
        bytes.filter(|byte| (b' '..=b'~').contains(byte)).collect::<Vec<u8>>()
    };
    let mut echo = answer[..end].to_vec();
    echo.push(b' ');
    echo.extend(line(0));
    for (header, encoding) in [("server", 1), ("via", 0), ("retry-after", 3), ("set-cookie", 6)] {
        echo.extend([b"\r\n", header.as_bytes(), b": echo="].concat());
        echo.extend(line(encoding));
    }
    let mut rest = &answer[end..];
    while let Some(at) = find(rest, b"\r\nlocation: ") {
        let value = at + b"\r\nlocation: ".len();
        let until = value + find(&rest[value..], b"\r\n").unwrap_or(0);
        echo.extend_from_slice(&rest[..until]);
        if until > value && until - value < 1_000 {
            echo.extend_from_slice(b"?back=");
            echo.extend(line(2));
        }
        rest = &rest[until..];
        if until == value {
            break;
        }
    }
    echo.extend_from_slice(rest);
    echo
}

/// A running server. Dropping it closes every connection and waits for its threads.
pub struct Server {
    address: SocketAddr,
    listener: TcpListener,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    echoes: bool,
}

#[derive(Default)]
struct State {
    stopped: bool,
    connections: usize,
    live: HashMap<usize, TcpStream>,
    requests: Vec<Vec<u8>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Runs a script for every connection.
    pub fn start(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Server {
        Server::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), None, script)
    }

    /// Runs a script for every connection whose TLS handshake succeeds.
    pub fn tls(config: Arc<ServerConfig>, script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Server {
        Server::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), Some(config), script)
    }

    /// Runs a script on a given listener, for a fixed address.
    pub fn listen(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { echoes: ECHOES.get(), ..Shared::default() });
        let accepting = thread::spawn({
            let (listener, shared) = (listener.try_clone().unwrap(), Arc::clone(&shared));
            move || accept_all(&listener, &shared, tls.as_ref(), &Arc::new(script))
        });
        Server { address, listener, shared, accepting: Some(accepting) }
    }

    /// Reads one request, sends these bytes, then closes.
    pub fn answers(bytes: impl Into<Vec<u8>>) -> Server {
        let bytes = bytes.into();
        Server::start(move |conn| {
            conn.request();
            conn.send(&bytes);
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// An http URL of the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An https URL with a name of the server's certificate.
    pub fn https(&self, name: &str, path: &str) -> String {
        format!("https://{name}:{}{path}", self.port())
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().connections
    }

    /// Every request that a script has read, head and body, in order.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// Every request as text.
    pub fn requests_text(&self) -> Vec<String> {
        self.requests().iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state.lock().unwrap();
            state.stopped = true;
            for stream in state.live.values() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
        wake(&self.listener);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let threads = std::mem::take(&mut self.shared.state.lock().unwrap().threads);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Wakes a thread that accepts connections, even if a packet filter lets no connection through.
pub(super) fn wake(listener: &TcpListener) {
    let _ = socket2::SockRef::from(listener).shutdown(Shutdown::Both);
    // A listener that cannot be shut down is woken by a last connection.
    if let Ok(address) = listener.local_addr() {
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(100));
    }
}

fn accept_all<S: Fn(&mut ScriptedConnection) + Send + Sync + 'static>(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    tls: Option<&Arc<ServerConfig>>,
    script: &Arc<S>,
) {
    for stream in listener.incoming() {
        let mut state = shared.state.lock().unwrap();
        if state.stopped {
            return;
        }
        let Ok(stream) = stream else { continue };
        let _ = stream.set_nodelay(true);
        state.connections += 1;
        let number = state.connections;
        state.live.insert(number, stream.try_clone().unwrap());
        state.threads.retain(|thread| !thread.is_finished());
        let (shared, tls, script) = (Arc::clone(shared), tls.cloned(), Arc::clone(script));
        state.threads.push(thread::spawn(move || {
            let mut conn =
                ScriptedConnection { wire: Transport::Plain(stream), number, shared, asked: Vec::new(), over: false };
            if let Some(config) = tls
                && !conn.shake_hands(config)
            {
                return;
            }
            script(&mut conn);
            conn.close();
        }));
    }
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// One connection, controlled by a script.
pub struct ScriptedConnection {
    wire: Transport,
    number: usize,
    shared: Arc<Shared>,
    /// The last request.
    asked: Vec<u8>,
    over: bool,
}

impl ScriptedConnection {
    /// The number of the connection among those of the server, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Continues with TLS; `false` if the handshake failed.
    pub fn shake_hands(&mut self, config: Arc<ServerConfig>) -> bool {
        let stream = self.tcp().try_clone().unwrap();
        let mut session = ServerConnection::new(config).unwrap();
        let mut tcp = stream;
        while session.is_handshaking() {
            if session.complete_io(&mut tcp).is_err() {
                // The alert has not been sent yet.
                let _ = session.write_tls(&mut tcp);
                self.wire = Transport::Plain(tcp);
                self.close();
                return false;
            }
        }
        self.wire = Transport::Tls(Box::new(StreamOwned::new(session, tcp)));
        true
    }

    /// The TLS session; `None` without TLS.
    pub fn session(&self) -> Option<&ServerConnection> {
        match &self.wire {
            Transport::Plain(_) => None,
            Transport::Tls(tls) => Some(&tls.conn),
        }
    }

    /// Reads a request: the head, and the body if it has a content-length.
    pub fn request(&mut self) -> Vec<u8> {
        let mut request = Vec::new();
        let mut wanted = None;
        while wanted.is_none_or(|wanted| request.len() < wanted) {
            if !self.read_some(&mut request) {
                break;
            }
            if wanted.is_none()
                && let Some(at) = find(&request, b"\r\n\r\n")
            {
                wanted = Some(at + 4 + content_length(&request[..at]));
            }
        }
        if !request.is_empty() {
            self.shared.state.lock().unwrap().requests.push(request.clone());
            self.asked.clone_from(&request);
        }
        request
    }

    /// Reads exactly this many bytes; fewer if the peer closes the connection.
    pub fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut got = 0;
        while got < count {
            match self.reader().read(&mut bytes[got..]) {
                Ok(0) | Err(_) => break,
                Ok(n) => got += n,
            }
        }
        bytes.truncate(got);
        bytes
    }

    /// Reads the next data, at least one byte; `false` at the end.
    pub fn read_some(&mut self, into: &mut Vec<u8>) -> bool {
        let mut buffer = [0u8; 8192];
        match self.reader().read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(n) => {
                into.extend_from_slice(&buffer[..n]);
                true
            }
        }
    }

    /// Sends bytes; `false` if the peer has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let echo = self.shared.echoes && !self.asked.is_empty();
        let echo = echo.then(|| with_echo(bytes.as_ref(), &self.asked));
        let bytes = echo.as_deref().unwrap_or(bytes.as_ref());
        let sent = match &mut self.wire {
            Transport::Plain(stream) => stream.write_all(bytes),
            Transport::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        sent.is_ok()
    }

    /// Sends the same bytes repeatedly, with pauses of `apart`, until the peer closes the
    /// connection.
    pub fn send_forever(&mut self, bytes: impl AsRef<[u8]>, apart: Duration) {
        while self.send(bytes.as_ref()) && (apart.is_zero() || self.wait(apart)) {}
    }

    /// Waits; `false` if the server is being dropped.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.shared.state.lock().unwrap();
        while !state.stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
        false
    }

    /// Sends nothing more until the peer closes the connection or the server is dropped.
    pub fn stall(&mut self) {
        let mut ignored = Vec::new();
        while self.read_some(&mut ignored) {
            ignored.clear();
        }
    }

    /// Closes the sending side; the peer may continue to send.
    pub fn finish_sending(&mut self) {
        let _ = self.tcp().shutdown(Shutdown::Write);
    }

    /// Resets the connection: RST instead of FIN.
    pub fn reset(&mut self) {
        let _ = socket2::SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
        self.over = true;
        self.forget();
    }

    /// Closes TCP normally, but TLS without `close_notify`.
    pub fn drop_without_close_notify(&mut self) {
        self.over = true;
        self.take_leave();
    }

    fn close(&mut self) {
        if self.over {
            return;
        }
        self.over = true;
        if let Transport::Tls(tls) = &mut self.wire {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        self.take_leave();
    }

    /// Sends FIN and reads the rest, so that unread bytes do not turn the close into a reset.
    fn take_leave(&mut self) {
        self.finish_sending();
        let until = Instant::now() + FAREWELL;
        let mut ignored = [0u8; 4096];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.tcp().set_read_timeout(Some(left)).is_err() {
                break;
            }
            match self.tcp().read(&mut ignored) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        self.forget();
    }

    /// Removes the connection from the server's list, which holds a second handle of it.
    fn forget(&mut self) {
        self.shared.state.lock().unwrap().live.remove(&self.number);
    }

    fn tcp(&self) -> &TcpStream {
        match &self.wire {
            Transport::Plain(stream) => stream,
            Transport::Tls(tls) => &tls.sock,
        }
    }

    fn reader(&mut self) -> &mut dyn Read {
        match &mut self.wire {
            Transport::Plain(stream) => stream,
            Transport::Tls(tls) => &mut **tls,
        }
    }
}

/// The offset at which a piece starts in bytes; `None` if it does not occur.
pub fn find(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    bytes.windows(piece.len()).position(|window| window == piece)
}

fn content_length(head: &[u8]) -> usize {
    String::from_utf8_lossy(head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

/// A complete response with status 200 and a body; the connection is to be closed after it.
pub fn ok(body: &str) -> Vec<u8> {
    answer(200, &[("content-type", "text/plain")], body)
}

/// A complete response with a status, headers and a body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let more: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n");
    [head.as_bytes(), body].concat()
}

/// `count` lines, each made from its number.
pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// A loopback port that refuses connections, and that nobody else gets while this process lives.
pub fn refusing_port() -> u16 {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    // Bound, but never listening.
    std::mem::forget(socket);
    port
}

/// A UDP port that is reported as unreachable, and that nobody else gets while this process lives.
pub fn refusing_udp_port() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // A connected socket receives only from its peer.
    socket.connect((Ipv4Addr::LOCALHOST, 9)).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}

/// A loopback port for a program that must be told where to listen.
///
/// The ports are below the range of port 0 (32768 and up on Linux), so that no server of another
/// test gets one before the program does. One process returns each port only once.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Processes that run at the same time start at different ports.
        let place = process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + place % COUNT).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A listener that accepts nothing and whose queue is full: a further connection request gets no
/// answer at all, as with a filter that drops packets.
pub struct Blackhole {
    listener: socket2::Socket,
    queue: Vec<socket2::Socket>,
}

impl Blackhole {
    /// Opens one and fills its queue.
    pub fn open() -> Blackhole {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let mut hole = Blackhole { listener, queue: Vec::new() };
        // Linux queues one more than configured; the others make sure that the queue is full.
        for _ in 0..4 {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&hole.address().into());
            hole.queue.push(socket);
        }
        thread::sleep(Duration::from_millis(20));
        hole
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap().as_socket().unwrap()
    }
}
