//! A server cannot make the binary use much memory: tests read the peak memory of the process from
//! the kernel while a server sends endless data or a decompression bomb.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::net::SocketAddr;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::killed_on_drop::KilledOnDrop;
#[cfg(feature = "http3")]
use crate::support::quic::{self, QuicServer, UdpPort};
use crate::support::run::Run;
use crate::support::server::{ScriptedConnection, Server};
#[cfg(feature = "http3")]
use crate::support::tls::Authority;
use crate::support::websocket::accepted;
use crate::support::{PATIENCE, bombs, h2, server};

/// The most memory that a run with one check may take, in KiB.
pub(crate) const ONE: u64 = 64 * 1024;

/// The most memory that a run with a hundred concurrent checks may take, in KiB.
pub(crate) const HUNDRED: u64 = 200 * 1024;

/// A server that would fill any memory, and the keys of a probe that reads from it.
pub(crate) struct Flood {
    pub(crate) name: &'static str,
    /// Lines of the probe, in which `{}` is the URL and `{address}` its host and port. Without
    /// either, a line with the URL is put before them.
    keys: &'static str,
    server: Flooding,
    /// How many connections the flood needs at least.
    connections: usize,
}

/// The kind of server that sends the flood.
enum Flooding {
    Tcp(Server),
    #[cfg(feature = "http3")]
    Quic(QuicServer),
    #[cfg(feature = "http3")]
    Udp(UdpPort),
}

impl From<Server> for Flooding {
    fn from(server: Server) -> Flooding {
        Flooding::Tcp(server)
    }
}

#[cfg(feature = "http3")]
impl From<QuicServer> for Flooding {
    fn from(server: QuicServer) -> Flooding {
        Flooding::Quic(server)
    }
}

#[cfg(feature = "http3")]
impl From<UdpPort> for Flooding {
    fn from(port: UdpPort) -> Flooding {
        Flooding::Udp(port)
    }
}

impl Flooding {
    fn url(&self) -> String {
        match self {
            Flooding::Tcp(server) => server.url("/"),
            #[cfg(feature = "http3")]
            Flooding::Quic(server) => server.https("127.0.0.1", "/"),
            #[cfg(feature = "http3")]
            Flooding::Udp(port) => format!("https://{}/", port.address()),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Flooding::Tcp(server) => server.address(),
            #[cfg(feature = "http3")]
            Flooding::Quic(server) => server.address(),
            #[cfg(feature = "http3")]
            Flooding::Udp(port) => port.address(),
        }
    }

    fn connections(&self) -> usize {
        match self {
            Flooding::Tcp(server) => server.connections(),
            #[cfg(feature = "http3")]
            Flooding::Quic(server) => server.connections(),
            // A UDP port has no connections.
            #[cfg(feature = "http3")]
            Flooding::Udp(_) => 1,
        }
    }
}

impl Flood {
    pub(crate) fn probe(&self, name: &str) -> String {
        let url = self.server.url();
        let has_url = self.keys.contains("{}") || self.keys.contains("{address}");
        let own = if has_url { String::new() } else { format!("url = \"{url}\"\n") };
        let address = self.server.address().to_string();
        let keys = self.keys.replace("{}", &url).replace("{address}", &address);
        format!("[[probe]]\nname = \"{name}\"\n{own}{keys}")
    }
}

/// A server that floods, and the keys of the probe that checks it.
fn flood(name: &'static str, keys: &'static str, server: impl Into<Flooding>) -> Flood {
    Flood { name, keys, server: server.into(), connections: 1 }
}

/// Floods over QUIC, checked without verification of the certificate.
#[cfg(feature = "http3")]
pub(crate) fn quic_floods() -> Vec<Flood> {
    let authority = Authority::new();
    let plain = "http-version = \"3\"\ntls.insecure = true\n";
    let all = "http-version = \"3\"\ntls.insecure = true\nexpect.body-lacks = \"maintenance\"\n";
    let head = quic::frame(quic::HEADERS, quic::STATUS_200);
    let large = |kind| [quic::varint(kind), quic::varint(1 << 40)].concat();
    let filler = vec![b'x'; 64 * 1024];
    // Answers each datagram with a thousand datagrams, over a megabyte.
    let amplified = |answer: fn(&[u8]) -> Vec<u8>| UdpPort::start(move |datagram| vec![answer(datagram); 1_000]);
    vec![
        flood("datagrams that are not QUIC without end", plain, amplified(|_| vec![0x40; 1_200])),
        flood("Initial packets that nobody can read without end", plain, amplified(<[u8]>::to_vec)),
        flood(
            "unknown versions of QUIC without end",
            plain,
            amplified(|initial| quic::version_negotiation(initial, &[0xff00_001d; 300])),
        ),
        flood(
            "a version of QUIC that was spoken, offered without end",
            plain,
            amplified(|initial| quic::version_negotiation(initial, &[1; 300])),
        ),
        flood(
            "a body without end over QUIC",
            all,
            quic::floods(&authority, head.clone(), quic::frame(quic::DATA, &filler)),
        ),
        flood(
            "a frame of a terabyte over QUIC",
            all,
            quic::floods(&authority, [head.clone(), large(quic::DATA)].concat(), filler.clone()),
        ),
        flood(
            "a header block without end over QUIC",
            plain,
            quic::floods(&authority, large(quic::HEADERS), filler.clone()),
        ),
        flood(
            "a frame of no known kind without end over QUIC",
            plain,
            quic::floods(&authority, large(quic::GREASE), filler),
        ),
        flood(
            "empty frames without end over QUIC",
            plain,
            quic::floods(&authority, head, quic::frame(quic::DATA, b"").repeat(10_000)),
        ),
        flood(
            "interim answers without end over QUIC",
            plain,
            quic::floods(&authority, "", quic::frame(quic::HEADERS, quic::STATUS_103).repeat(1_000)),
        ),
        flood(
            "settings without end over QUIC",
            plain,
            QuicServer::start(quic::config(&authority.leaf(&["good.test"])), |connection| async move {
                let mut control = connection.open_uni().await.unwrap();
                let mut sent = control
                    .write_all(
                        &[quic::varint(quic::CONTROL), quic::varint(quic::SETTINGS), quic::varint(1 << 40)].concat(),
                    )
                    .await;
                while sent.is_ok() {
                    sent = control.write_all(&[7; 64 * 1024]).await;
                }
            }),
        ),
        flood(
            "streams without end over QUIC",
            plain,
            QuicServer::start(quic::config(&authority.leaf(&["good.test"])), |connection| async move {
                let _control = quic::settings(&connection).await;
                while let Ok(mut stream) = connection.open_uni().await {
                    let _ = stream.write_all(&[quic::varint(quic::GREASE), vec![7; 64 * 1024]].concat()).await;
                }
            }),
        ),
    ]
}

pub(crate) fn floods() -> Vec<Flood> {
    let all = "expect.body-lacks = \"maintenance\"\n";
    let http2 = "http-version = \"2\"\n";
    let none = "";
    let filler = "0123456789abcdef".repeat(4096);
    vec![
        flood("a body without end", all, endless("HTTP/1.1 200 x\r\n\r\n", filler.clone())),
        flood(
            "chunks without end",
            all,
            endless("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n", format!("10000\r\n{filler}\r\n")),
        ),
        flood("headers without end", none, endless("HTTP/1.1 200 x\r\n", "x: 0123456789abcdef\r\n".repeat(4096))),
        flood("a header without end", none, endless("HTTP/1.1 200 x\r\nx: ", filler.clone())),
        flood("a status line without end", none, endless("HTTP/1.1 200 ", filler.clone())),
        flood("interim answers without end", none, endless("", "HTTP/1.1 103 x\r\nlink: </a>\r\n\r\n".repeat(1_000))),
        flood(
            "a chunk's extension without end",
            all,
            endless("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n1;", filler),
        ),
        flood("1 GiB of gzip", all, bomb("gzip", bombs::gzip(1024))),
        flood("1 GiB of brotli", all, bomb("br", bombs::brotli(1024))),
        flood("1 GiB of zstd", all, bomb("zstd", bombs::zstd(1024))),
        flood("SETTINGS without end", http2, h2_flood(|_| h2::frame(h2::SETTINGS, 0, 0, &[]).repeat(1_000))),
        flood("PINGs without end", http2, h2_flood(|_| h2::frame(h2::PING, 0, 0, &[7; 8]).repeat(1_000))),
        flood(
            "CONTINUATION without end",
            http2,
            h2_flood(|stream| {
                let more = h2::frame(h2::CONTINUATION, 0, stream, &h2::header("x", &[b'y'; 4_000])).repeat(100);
                [h2::frame(h2::HEADERS, 0, stream, h2::STATUS_200), more].concat()
            }),
        ),
        flood(
            "a body without end in HTTP/2",
            "http-version = \"2\"\nexpect.body-lacks = \"maintenance\"\n",
            h2_flood(|stream| {
                let head = h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200);
                [head, h2::frame(h2::DATA, 0, stream, &[b'x'; 16_000]).repeat(4)].concat()
            }),
        ),
        flood(
            "a page with a million links",
            "timeout = \"20s\"\nexpect.assets = { select = \"img\", limit = 20 }\n",
            site(&server::lines(1_000_000, |n| format!("<img src=/{n}>")), server::ok("x")),
        ),
        Flood {
            connections: 1 + 20 * 11,
            ..flood(
                "a redirect on every file of a page",
                "timeout = \"20s\"\nexpect.assets = { select = \"img\", limit = 20 }\n",
                site(
                    &server::lines(20, |n| format!("<img src=/{n}>")),
                    server::answer(302, &[("location", "again")], "x".repeat(4096)),
                ),
            )
        },
        flood("100 MB to capture out of JSON", CAPTURE_JSON, hundred_megabytes("{\"a\":\"")),
        flood("100 MB to capture out of a page", CAPTURE_PAGE, hundred_megabytes("<a href=x>")),
        Flood { connections: 50, ..flood("10,000 cookies", JOURNEY, cookies()) },
    ]
    .into_iter()
    .chain(floods_of_other_protocols())
    .collect()
}

/// Floods over protocols other than HTTP.
fn floods_of_other_protocols() -> Vec<Flood> {
    let websocket = "url = \"ws://{address}/\"\nexpect.message-contains = \"maintenance\"\n";
    let over_http2 = "url = \"ws://{address}/\"\nhttp-version = \"2\"\nexpect.message-contains = \"maintenance\"\n";
    let grpc = "url = \"grpc://{address}/\"\n";
    let starttls = "url = \"tls://{address}\"\nstarttls = \"smtp\"\n";
    vec![
        flood("a text without end", "url = \"tcp://{address}\"\nexpect.body-contains = \"maintenance\"\n", says("x")),
        flood("a greeting without end", starttls, says("220-welcome\r\n")),
        flood("a greeting of one line without end", starttls, says("220-welcome")),
        flood("pieces of a message without end", websocket, upgraded(&[1, 1], &[0, 126, 0x10, 0])),
        flood("a frame of 4 EiB", websocket, upgraded(&[0x81, 127, 0x3f, 0, 0, 0, 0, 0, 0, 0], b"")),
        flood(
            "a frame as large as the limit, and others",
            websocket,
            upgraded(&[], &[0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 0]),
        ),
        flood("WebSocket's pings without end", websocket, upgraded(&[], &[0x89, 125])),
        flood(
            "WebSocket's pings without end over HTTP/2",
            over_http2,
            tunnel_flood(|| [&[0x89, 125][..], &[7; 125]].concat()),
        ),
        flood(
            "pieces of a message without end over HTTP/2",
            over_http2,
            tunnel_flood(|| [&[1, 126, 4, 0][..], &[7; 1_024]].concat()),
        ),
        flood("a gRPC answer without end", grpc, grpc_flood(|stream| h2::frame(h2::DATA, 0, stream, &[0; 16_000]))),
        flood(
            "a gRPC answer that is compressed, and says that it has 4 GiB",
            grpc,
            grpc_flood(|stream| h2::frame(h2::DATA, 0, stream, &[1, 0xff, 0xff, 0xff, 0xff, 31, 139, 8])),
        ),
        flood(
            "what is no answer to CONNECT, without end",
            "url = \"https://x.test/\"\nproxy = \"http://{address}\"\n",
            says("HTTP/1.1 200 "),
        ),
    ]
}

fn says(piece: &'static str) -> Server {
    let piece = piece.repeat(64 * 1024 / piece.len());
    Server::start(move |conn| conn.send_forever(&piece, Duration::ZERO))
}

/// A server that upgrades to WebSocket, sends `begin`, and then repeats `frame`, padded to over 4
/// KiB, without end.
fn upgraded(begin: &'static [u8], frame: &'static [u8]) -> Server {
    Server::start(move |conn| {
        let request = conn.request();
        conn.send(accepted(&request, ""));
        conn.send(begin);
        conn.send_forever([frame, &[b'x'; 4_096]].concat(), Duration::ZERO);
    })
}

/// A server that opens a WebSocket over HTTP/2, and then repeats such a frame without end.
fn tunnel_flood(frame: fn() -> Vec<u8>) -> Server {
    Server::start(move |conn| {
        conn.send(h2::settings_with_tunnels());
        if let Some(stream) = h2::read_request(conn) {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
            conn.send_forever(h2::frame(h2::DATA, 0, stream, &frame()).repeat(100), Duration::ZERO);
        }
    })
}

fn grpc_flood(frames: fn(u32) -> Vec<u8>) -> Server {
    Server::start(move |conn| {
        conn.send(h2::settings());
        if let Some(stream) = h2::read_request(conn) {
            let head = [h2::STATUS_200, &h2::header("content-type", b"application/grpc")].concat();
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head));
            conn.send_forever(frames(stream), Duration::ZERO);
        }
    })
}

/// Two steps: the first captures a value from JSON, the second sends it.
const CAPTURE_JSON: &str = r#"
  [[probe.step]]
  url = "{}"
  capture.value = { json = "$.a" }
  [[probe.step]]
  url = "{}?{{value}}"
"#;

/// Two steps: the first captures a text from HTML and one by a pattern, the second sends one of
/// them.
const CAPTURE_PAGE: &str = r#"
  [[probe.step]]
  url = "{}"
  capture.matched = { matches = 'href=(x[^y]*)' }
  capture.value = { select = "a" }
  [[probe.step]]
  url = "{}?{{value}}"
"#;

/// Five steps that each follow nine redirects, which makes ten answers each.
const JOURNEY: &str = r#"
timeout = "20s"
redirects = 9
expect.status = "2xx"
  [[probe.step]]
  url = "{}"
  [[probe.step]]
  url = "{}"
  [[probe.step]]
  url = "{}"
  [[probe.step]]
  url = "{}"
  [[probe.step]]
  url = "{}"
"#;

/// A server of a page, and of one answer to every other request, for what the page links to.
fn site(page: &str, rest: Vec<u8>) -> Server {
    let page = server::ok(page);
    Server::start(move |conn| {
        let is_page = conn.request().starts_with(b"GET / ");
        conn.send(if is_page { &page } else { &rest });
    })
}

fn hundred_megabytes(begin: &'static str) -> Server {
    Server::start(move |conn| {
        conn.request();
        conn.send(format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{begin}", begin.len() + (100 << 20)));
        let piece = "x".repeat(1 << 20);
        let _ = (0..100).all(|_| conn.send(&piece));
    })
}

/// A server that sets two hundred cookies of a kilobyte each with every answer, and redirects nine
/// times in ten.
fn cookies() -> Server {
    Server::start(|conn| {
        conn.request();
        let number = conn.number();
        let cookies: Vec<(&str, String)> =
            (0..200).map(|n| ("set-cookie", format!("c{number}-{n}={}", "x".repeat(1_000)))).collect();
        let mut headers: Vec<(&str, &str)> = cookies.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("location", "/"));
        conn.send(server::answer(if number % 10 == 0 { 200 } else { 302 }, &headers, ""));
    })
}

fn endless(head: &'static str, piece: String) -> Server {
    Server::start(move |conn: &mut ScriptedConnection| {
        conn.request();
        conn.send(head);
        conn.send_forever(&piece, Duration::ZERO);
    })
}

fn bomb(encoding: &'static str, body: Vec<u8>) -> Server {
    Server::answers(server::answer(200, &[("content-encoding", encoding)], body))
}

fn h2_flood(frames: fn(u32) -> Vec<u8>) -> Server {
    Server::start(move |conn| {
        conn.send(h2::settings());
        if let Some(stream) = h2::read_request(conn) {
            conn.send_forever(frames(stream), Duration::ZERO);
        }
    })
}

/// Runs a probe file and returns the peak memory of the process, in KiB. An additional probe waits
/// for an answer that never comes, so that the process lives long enough to be measured.
pub(crate) fn most_memory(probes: &str, waits: &Server) -> u64 {
    let timeouts = "[settings]\nconcurrency = 256\n[defaults]\ninterval = \"30s\"\ntimeout = \"1s\"\n";
    let waiting = format!("[[probe]]\nname = \"waits\"\nurl = \"{}\"\n", waits.url("/"));
    let run = Run::new(["check", "--format", "json"]).config(&format!("{timeouts}{probes}{waiting}"));
    let mut child = KilledOnDrop::from(run.command().stdout(std::process::Stdio::null()).spawn().unwrap());
    let start = Instant::now();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak_of(&child));
        assert!(start.elapsed() < PATIENCE, "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(most > 0 && start.elapsed() > Duration::from_millis(800), "it was looked at while it waited");
    most
}

/// The peak resident memory so far, in KiB; 0 once the process has ended.
fn peak_of(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn one_check_of_anything_stays_small() {
    stay_small(floods());
}

#[cfg(feature = "http3")]
#[test]
fn one_check_over_quic_stays_small() {
    stay_small(quic_floods());
}

/// Checks each flood in a run of its own.
#[track_caller]
fn stay_small(floods: Vec<Flood>) {
    let waits = Server::start(ScriptedConnection::stall);
    // A debug build alone takes more memory than a check may.
    let most_allowed = ONE.max(most_memory("", &waits) + ONE * 3 / 4);
    for flood in floods {
        let most = most_memory(&flood.probe("flooded"), &waits);
        let connections = flood.server.connections();
        assert!(connections >= flood.connections, "{}: {connections} connections", flood.name);
        assert!(most < most_allowed, "{}: {} MiB", flood.name, most / 1024);
    }
}

#[test]
fn a_hundred_checks_of_everything_stay_small() {
    let waits = Server::start(ScriptedConnection::stall);
    let floods = floods();
    let mut probes = String::new();
    for n in 0..100 {
        probes.push_str(&floods[n % floods.len()].probe(&format!("flooded {n}")));
    }
    let most = most_memory(&probes, &waits);
    assert!(most < HUNDRED, "{} MiB", most / 1024);
}
