//! A TCP server on a loopback port that runs a script for each connection: these bytes, this
//! pause, this end. It knows nothing of HTTP but where a request ends.

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

/// The longest a connection lives after its script, while the peer takes its leave.
const FAREWELL: Duration = Duration::from_millis(500);

thread_local! {
    /// Whether servers that this thread starts say back in the head of an HTTP/1 answer what they
    /// were asked.
    static ECHOES: Cell<bool> = const { Cell::new(false) };
}

/// Until the value is dropped, every server that this thread starts says back in the head of an
/// HTTP/1 answer what it was asked, in several encodings: in the status line, in headers that are
/// kept as evidence, in a cookie, and behind every Location. What else is wrong with the answer
/// stays wrong.
#[must_use]
pub fn echo() -> Echo {
    ECHOES.set(true);
    Echo(())
}

/// Servers that are started say back what they were asked.
pub struct Echo(());

impl Drop for Echo {
    fn drop(&mut self) {
        ECHOES.set(false);
    }
}

/// An answer with what was asked in its head.
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
    pub fn start(script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Server {
        Server::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), None, script)
    }

    /// Runs a script for every connection whose TLS handshake succeeds.
    pub fn tls(config: Arc<ServerConfig>, script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Server {
        Server::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), Some(config), script)
    }

    /// Runs a script on a listener of one's own, for a fixed address.
    pub fn listen(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&mut Conn) + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { echoes: ECHOES.get(), ..Shared::default() });
        let accepting = thread::spawn({
            let (listener, shared) = (listener.try_clone().unwrap(), Arc::clone(&shared));
            move || accept_all(&listener, &shared, tls.as_ref(), &Arc::new(script))
        });
        Server { address, listener, shared, accepting: Some(accepting) }
    }

    /// Reads one request, sends these bytes, closes.
    pub fn answers(bytes: impl Into<Vec<u8>>) -> Server {
        let bytes = bytes.into();
        Server::start(move |conn| {
            conn.request();
            conn.send(&bytes);
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// An http URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An https URL of it under a name of its certificate.
    pub fn https(&self, name: &str, path: &str) -> String {
        format!("https://{name}:{}{path}", self.port())
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().connections
    }

    /// Every request that a script read, head and body, in order.
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

/// Ends a thread that accepts, also where a filter lets no connection through.
pub(super) fn wake(listener: &TcpListener) {
    let _ = socket2::SockRef::from(listener).shutdown(Shutdown::Both);
    // Where a listener cannot be shut down, one last connection does it.
    if let Ok(address) = listener.local_addr() {
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(100));
    }
}

fn accept_all<S: Fn(&mut Conn) + Send + Sync + 'static>(
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
            let mut conn = Conn { wire: Wire::Plain(stream), number, shared, asked: Vec::new(), over: false };
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

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// One connection, in the hands of a script.
pub struct Conn {
    wire: Wire,
    number: usize,
    shared: Arc<Shared>,
    /// The last request.
    asked: Vec<u8>,
    over: bool,
}

impl Conn {
    /// The how-manieth connection of the server it is, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Goes on in TLS; false where the handshake failed.
    pub fn shake_hands(&mut self, config: Arc<ServerConfig>) -> bool {
        let stream = self.tcp().try_clone().unwrap();
        let mut session = ServerConnection::new(config).unwrap();
        let mut tcp = stream;
        while session.is_handshaking() {
            if session.complete_io(&mut tcp).is_err() {
                // The alert is still to be sent.
                let _ = session.write_tls(&mut tcp);
                self.wire = Wire::Plain(tcp);
                self.close();
                return false;
            }
        }
        self.wire = Wire::Tls(Box::new(StreamOwned::new(session, tcp)));
        true
    }

    /// The TLS session, where there is one.
    pub fn session(&self) -> Option<&ServerConnection> {
        match &self.wire {
            Wire::Plain(_) => None,
            Wire::Tls(tls) => Some(&tls.conn),
        }
    }

    /// Reads a request: the head, and the body where a content-length announces one.
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

    /// Reads exactly this many bytes; fewer where the peer ends.
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

    /// Reads whatever comes next, at least one byte; false at the end.
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

    /// Sends bytes; false where the peer is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let echo = self.shared.echoes && !self.asked.is_empty();
        let echo = echo.then(|| with_echo(bytes.as_ref(), &self.asked));
        let bytes = echo.as_deref().unwrap_or(bytes.as_ref());
        let sent = match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(bytes),
            Wire::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        sent.is_ok()
    }

    /// Sends the same bytes again and again, so far apart, until the peer is gone.
    pub fn send_forever(&mut self, bytes: impl AsRef<[u8]>, apart: Duration) {
        while self.send(bytes.as_ref()) && (apart.is_zero() || self.wait(apart)) {}
    }

    /// Waits; false where the server is being dropped.
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

    /// Says nothing more until the peer leaves or the server is dropped.
    pub fn stall(&mut self) {
        let mut ignored = Vec::new();
        while self.read_some(&mut ignored) {
            ignored.clear();
        }
    }

    /// Ends our side; the peer may go on.
    pub fn finish_sending(&mut self) {
        let _ = self.tcp().shutdown(Shutdown::Write);
    }

    /// Resets the connection: RST instead of FIN.
    pub fn reset(&mut self) {
        let _ = socket2::SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
        self.over = true;
        self.forget();
    }

    /// Ends TCP in order and says nothing of it in TLS: no `close_notify`.
    pub fn drop_without_close_notify(&mut self) {
        self.over = true;
        self.take_leave();
    }

    fn close(&mut self) {
        if self.over {
            return;
        }
        self.over = true;
        if let Wire::Tls(tls) = &mut self.wire {
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

    /// Takes the connection off the server's list, which holds a second handle of it.
    fn forget(&mut self) {
        self.shared.state.lock().unwrap().live.remove(&self.number);
    }

    fn tcp(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(stream) => stream,
            Wire::Tls(tls) => &tls.sock,
        }
    }

    fn reader(&mut self) -> &mut dyn Read {
        match &mut self.wire {
            Wire::Plain(stream) => stream,
            Wire::Tls(tls) => &mut **tls,
        }
    }
}

/// Where a piece begins in bytes.
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

/// A complete answer with a body and its length, to be followed by a close.
pub fn ok(body: &str) -> Vec<u8> {
    answer(200, &[("content-type", "text/plain")], body)
}

/// A complete answer with a status, headers and a body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let more: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n");
    [head.as_bytes(), body].concat()
}

/// So many lines, each made of its number.
pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// A loopback port that refuses connections, and that nobody else gets for as long as this process lives.
pub fn refusing_port() -> u16 {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    // Bound, and never listened on.
    std::mem::forget(socket);
    port
}

/// A UDP port whose host says that nothing listens there, and that nobody else gets for as long as
/// this process lives.
pub fn refusing_udp_port() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // A connected socket is there for its peer alone.
    socket.connect((Ipv4Addr::LOCALHOST, 9)).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}

/// A loopback port for a program that wants to be told where to listen.
///
/// Of those below the range that port 0 is drawn from (32768 and up on Linux), so that no server of
/// another test gets it before the program does; and each is given once by one process.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Processes beside each other begin at different places.
        let place = process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + place % COUNT).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A listener that accepts nothing, and whose queue is full: a further connection request gets
/// no answer at all, as behind a filter that drops packets.
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
        // Linux queues one more than it is told; the rest are here to be sure of it.
        for _ in 0..4 {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&hole.address().into());
            hole.queue.push(socket);
        }
        thread::sleep(Duration::from_millis(20));
        hole
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap().as_socket().unwrap()
    }
}
