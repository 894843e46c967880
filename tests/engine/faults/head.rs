//! Response heads that are slow, endless, malformed or misleading.

use std::sync::Arc;
use std::time::Duration;

use uptick::model::FailureClass::{AssertionFailed, HeadersTooLarge, HttpProtocol, ResponseTimeout, Status};
use uptick::model::Phase::Processing;
use uptick::model::{Body, HeaderExpectation, HeaderRule, HttpVersion, StatusSet, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::server;
use crate::support::server::{ScriptedConnection, Server};

pub(crate) const ROWS: &[Row] = &[
    fails(59, "the response head comes line by line and never ends", ResponseTimeout, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send("HTTP/1.1 200 OK\r\n");
            conn.send_forever("x: y\r\n", Duration::from_millis(50));
        })
        .within(400)
    }),
    fails(59, "the peer sends half a status line and stops", ResponseTimeout, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send("HTTP/1.1 2");
            conn.stall();
        })
        .within(400)
    }),
    fails(60, "the response head is endless lines", HeadersTooLarge, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send("HTTP/1.1 200 OK\r\n");
            conn.send_forever("x-filler: 0123456789abcdef0123456789abcdef\r\n".repeat(100), Duration::ZERO);
        })
    }),
    fails(60, "the response head is one endless line", HeadersTooLarge, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send("HTTP/1.1 200 OK\r\nx: ");
            conn.send_forever("y".repeat(4096), Duration::ZERO);
        })
    }),
    up(61, "the response has 90 headers", || headers(90)),
    up(61, "the response has 200 headers, as real sites do", || headers(200)),
    up(61, "the response has 5,000 headers, as curl takes them", || headers(5_000)),
    fails(61, "the response has 5,001 headers", HeadersTooLarge, Processing, || headers(5_001)),
    up(62, "one header has 300,000 bytes", || one_header(300_000)),
    fails(62, "one header has 1,000,000 bytes", HeadersTooLarge, Processing, || one_header(1_000_000)),
    fails(63, "a header value has a NUL", HttpProtocol, Processing, || raw(b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n")),
    fails(63, "a header value has an escape sequence", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\nx: \x1b[31mred\r\n\r\n")
    }),
    up(64, "a header value has bytes of Latin-1", || {
        raw(b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\ncontent-length: 0\r\n\r\n").step(|step| {
            step.expect.headers = vec![HeaderRule {
                name: http::HeaderName::from_static("x"),
                rule: HeaderExpectation::Contains(Value::plain("café")),
                optional: false,
            }];
        })
    }),
    fails(65, "a header line has no colon", HttpProtocol, Processing, || raw(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")),
    fails(65, "a header has a space before its colon", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\nx : y\r\n\r\n")
    }),
    fails(65, "a header has a space in its name: the line is named", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\na: b\r\nX Cache: hit\r\ncontent-length: 0\r\n\r\n").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("line 3") && message.as_str().contains("X Cache"), "{message}");
            assert!(!message.as_str().contains("TLS"), "{message}");
        })
    }),
    up(65, "a header is folded over two lines, as browsers and curl take it", || {
        raw(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n")
    }),
    fails(
        65,
        "a header line is wrong and the head goes on without end: the line is named",
        HttpProtocol,
        Processing,
        || {
            serve(|conn| {
                conn.request();
                conn.send("HTTP/1.1 200 OK\r\nno colon\r\n");
                conn.stall();
            })
            .also(|outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("line 2"), "{message}");
            })
        },
    ),
    fails(65, "the first header is folded over from nowhere: the line is named", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\n x: a\r\ncontent-length: 0\r\n\r\n").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("line 2"), "{message}");
        })
    }),
    up(65, "a header's name has characters that no name may have: the header is passed over", || {
        raw("HTTP/1.1 200 OK\r\nx(y): z\r\n\"q\": z\r\ngröße: z\r\ncontent-length: 5\r\n\r\nhello")
            .also(|outcome| assert_eq!(outcome.body_bytes, 5))
    }),
    up(66, "lines end in CR CR LF, as where a script writes its own on Windows", || {
        raw(b"HTTP/1.1 200 OK\r\r\ncontent-length: 2\r\r\n\r\r\nok")
    }),
    up(67, "several blanks stand before the status", || raw(b"HTTP/1.1   200   OK\r\ncontent-length: 2\r\n\r\nok")),
    up(66, "lines end in a bare LF", || raw(b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok")),
    fails(67, "the status is 2OO with letters", HttpProtocol, Processing, || raw(b"HTTP/1.1 2OO OK\r\n\r\n")),
    fails(67, "the status has two digits", HttpProtocol, Processing, || raw(b"HTTP/1.1 99 OK\r\n\r\n")),
    answers(67, "the status is 999", Status, || raw(b"HTTP/1.1 999 OK\r\ncontent-length: 0\r\n\r\n")),
    up(67, "the status line says HTTP/2, and the answer is HTTP/1", || {
        raw(b"HTTP/2 200\r\ncontent-length: 2\r\n\r\nok")
            .also(|outcome| assert_eq!(outcome.http_version, Some(HttpVersion::V1_1)))
    }),
    answers(67, "the status line says HTTP/2, and `expect.http-version` is \"2\"", AssertionFailed, || {
        raw(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n")
            .step(|step| step.expect.http_version = vec![HttpVersion::V2])
    }),
    up(67, "the status line says http/1.1 in small letters", || raw(b"http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")),
    fails(67, "the status line says HTTP/3", HttpProtocol, Processing, || {
        raw(b"HTTP/3 200 OK\r\ncontent-length: 0\r\n\r\n").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("line 1") && !message.as_str().contains("TLS"), "{message}");
        })
    }),
    up(67, "the reason stands behind the status without a blank", || {
        raw(b"HTTP/1.1 200OK\r\ncontent-length: 0\r\n\r\n")
    }),
    fails(67, "the answer is HTTP/0.9: a page without a head", HttpProtocol, Processing, || {
        raw(b"<html>hello</html>\n")
    }),
    fails(67, "the peer greets like an SSH server", HttpProtocol, Processing, || {
        serve(|conn| {
            conn.send("SSH-2.0-OpenSSH_9.7\r\n");
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(!message.as_str().contains("OpenSSH"), "server text stays out of the message: {message}");
        })
    }),
    fails(68, "the reason phrase sets a terminal's title", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 \x1b]0;pwn\x07\r\ncontent-length: 0\r\n\r\n")
    }),
    up(69, "ten interim answers (103) come before the answer", || {
        let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n".repeat(10);
        raw([interim.as_bytes(), &server::ok("hello")].concat())
    }),
    up(69, "fifty interim answers come before the answer", || interim(50)),
    fails(70, "fifty-one interim answers (103) come before the answer", HttpProtocol, Processing, || interim(51)),
    fails(70, "interim answers (103) come without end", HttpProtocol, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send_forever("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10), Duration::from_millis(5));
        })
    }),
    fails(71, "the server switches protocols (101) unasked", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    }),
    up(72, "an answer without content (204) announces and sends some", || {
        raw(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello")
            .also(|outcome| assert_eq!(outcome.body_bytes, 0))
    }),
    answers(72, "the server says 304 to a request without a condition", Status, || {
        raw(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n")
    }),
    up(72, "the server says 304 and `expect.status` has it", || {
        raw(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n")
            .step(|step| step.expect.status = vec![StatusSet(304..=304)])
    }),
    fails(73, "two lengths contradict each other", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!")
    }),
    up(73, "one length is said twice in one line", || raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok")),
    fails(73, "two lengths in one line contradict each other", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok")
    }),
    up(73, "the length has a plus sign", || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok!").also(|outcome| assert_eq!(outcome.body_bytes, 2))
    }),
    fails(73, "the length is negative", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n")
    }),
    fails(73, "the length has 23 digits", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n")
    }),
    fails(73, "the length is a word", HttpProtocol, Processing, || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n")
    }),
    up(74, "the answer has a length and is chunked: the chunks count", || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
            .also(|outcome| assert_eq!(outcome.body_bytes, 2))
    }),
    up(75, "a second answer follows the first unasked: its connection is not used again", || {
        let server = Arc::new(Server::start(|conn| {
            while !conn.request().is_empty() {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                let second = "HTTP/1.1 500 Poison\r\ncontent-length: 0\r\n\r\n";
                conn.send([answer, second].concat());
            }
        }));
        let seen = Arc::clone(&server);
        Case::get(server.url("/"))
            .probe(|probe| probe.transport.reuse = true)
            .after_good_checks(1)
            .keep(server)
            .also(move |_| assert_eq!(seen.connections(), 2))
    }),
    answers(76, "the server says 429 and when to come back", Status, || refuses(429, "120")),
    answers(76, "the server says 503 and to come back in 3,000 years", Status, || refuses(503, "99999999999")),
    answers(76, "the server says 503 and to come back at a date", Status, || {
        refuses(503, "Fri, 31 Dec 9999 23:59:59 GMT")
    }),
    answers(76, "the server says 503 and to come back at no time at all", Status, || refuses(503, "soon")),
    up(77, "the server sets 90 cookies", || cookies(90)),
    up(77, "the server sets 1,000 cookies", || cookies(1_000)),
    answers(130, "the server answers before it is asked, as a full load balancer does", Status, || {
        serve(|conn| {
            conn.send("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
            conn.request();
        })
    }),
    answers(131, "the server answers 413 and closes in the middle of an upload of 16 MiB", Status, || {
        serve(|conn| {
            conn.read_some(&mut Vec::new());
            conn.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n");
            conn.reset();
        })
        .step(|step| {
            step.request.method = http::Method::POST;
            step.request.body = Body::Text(Value::plain(&"x".repeat(16 << 20)));
        })
        .also(|outcome| assert_eq!(outcome.status, Some(413)))
    }),
    up(132, "the server wants to be told the length of a body that is not there", || {
        wants(b"\r\ncontent-length: 0\r\n").step(|step| step.request.method = http::Method::POST)
    }),
    up(132, "the server knows headers in the spelling of browsers alone", || {
        serve(|conn| {
            let request = conn.request();
            let is_spelt = request.windows(8).any(|part| part == b"\r\nHost: ");
            conn.send(server::answer(if is_spelt { 200 } else { 400 }, &[], ""));
        })
    }),
];

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    Case::get(server.url("/")).keep(server)
}

fn raw(bytes: impl Into<Vec<u8>>) -> Case {
    let server = Server::answers(bytes);
    Case::get(server.url("/")).keep(server)
}

fn headers(count: usize) -> Case {
    // The response has two more of its own.
    let lines = server::lines(count - 2, |n| format!("x-{n}: y\r\n"));
    raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n{lines}\r\nok"))
}

fn one_header(bytes: usize) -> Case {
    raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: {}\r\n\r\nok", "y".repeat(bytes)))
}

fn cookies(count: usize) -> Case {
    let lines = server::lines(count, |n| format!("set-cookie: c{n}=v{n}\r\n"));
    raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{lines}\r\nok"))
}

fn refuses(status: u16, retry_after: &str) -> Case {
    let server = Server::answers(server::answer(status, &[("retry-after", retry_after)], "busy"));
    Case::get(server.url("/")).keep(server).also(move |outcome| {
        assert_eq!(outcome.status, Some(status));
        assert_eq!(outcome.body_bytes, 4, "the answer came whole");
    })
}

/// A good response after `count` interim responses.
fn interim(count: usize) -> Case {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n".repeat(count);
    raw([interim.as_bytes(), &server::ok("hello")].concat())
}

/// A server that rejects a request without these bytes, ignoring case.
fn wants(bytes: &'static [u8]) -> Case {
    serve(move |conn| {
        let request = conn.request().to_ascii_lowercase();
        let is_there = request.windows(bytes.len()).any(|part| part == bytes);
        conn.send(server::answer(if is_there { 200 } else { 411 }, &[], ""));
    })
}
