//! What a server can make large stays small: the most memory the binary ever held, as the
//! kernel counted it, while a server sends without end or sends a bomb.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

mod support;

use std::fmt::Write as _;
use std::process::Child;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use support::bombs;
use support::h2;
use support::run::Run;
use support::server;
use support::server::Conn;
use support::server::Server;

/// The most memory one check may take, in KiB.
const ONE: u64 = 64 * 1024;

/// The most memory a hundred checks at once may take, in KiB.
const HUNDRED: u64 = 200 * 1024;

/// A server that would fill any memory, and the keys of a probe that reads it.
struct Flood {
    name: &'static str,
    keys: &'static str,
    server: Server,
}

fn floods() -> Vec<Flood> {
    let flood = |name, keys, server| Flood { name, keys, server };
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
    ]
}

fn endless(head: &'static str, piece: String) -> Server {
    Server::start(move |conn: &mut Conn| {
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

/// Runs a probe file and gives the most memory the process held, in KiB. Beside the others a
/// probe waits for an answer that does not come: the process is looked at while it waits.
fn most_memory(probes: &str, waits: &Server) -> u64 {
    let timeouts = "[settings]\nconcurrency = 256\n[defaults]\ninterval = \"30s\"\ntimeout = \"1s\"\n";
    let waiting = format!("[[probe]]\nname = \"waits\"\nurl = \"{}\"\n", waits.url("/"));
    let run = Run::new(["check", "--format", "json"]).config(&format!("{timeouts}{probes}{waiting}"));
    let mut child = run.command().stdout(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak_of(&child));
        assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(most > 0 && start.elapsed() > Duration::from_millis(800), "it was looked at while it waited");
    most
}

/// The most resident memory so far, in KiB; 0 once the process has ended.
fn peak_of(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn one_check_of_anything_stays_small() {
    let waits = Server::start(Conn::stall);
    for flood in floods() {
        let url = flood.server.url("/");
        let probe = format!("[[probe]]\nname = \"flooded\"\nurl = \"{url}\"\n{}", flood.keys);
        let most = most_memory(&probe, &waits);
        assert!(flood.server.connections() > 0, "{} is asked for", flood.name);
        assert!(most < ONE, "{}: {} MiB", flood.name, most / 1024);
    }
}

#[test]
fn a_hundred_checks_of_everything_stay_small() {
    let waits = Server::start(Conn::stall);
    let floods = floods();
    let mut probes = String::new();
    for n in 0..100 {
        let flood = &floods[n % floods.len()];
        let (url, keys) = (flood.server.url("/"), flood.keys);
        let _ = write!(probes, "[[probe]]\nname = \"flooded {n}\"\nurl = \"{url}\"\n{keys}");
    }
    let most = most_memory(&probes, &waits);
    assert!(most < HUNDRED, "{} MiB", most / 1024);
}
