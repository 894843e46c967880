//! HTTP/2 peers that break the rules, or keep them at the client's expense.

use std::time::Duration;

use rustls::ServerConfig;
use uptick::model::FailureClass::{
    BodyTimeout, BodyTruncated, ConnectionReset, HeadersTooLarge, Http2Error, HttpProtocol, ResponseTimeout,
};
use uptick::model::Phase::{Processing, Transfer};
use uptick::model::{HttpVersion, HttpVersionPreference, Outcome, Value};

use crate::faults::row::{Case, Row, fails, up};
use crate::support::h2;
use crate::support::server::{self, ScriptedConnection, Server};
use crate::support::tls::Authority;

pub(crate) const ROWS: &[Row] = &[
    up(102, "HTTP/2 is spoken without TLS, and well", || {
        asked(|conn, stream| {
            conn.send(h2::answer(stream, b"hello"));
            conn.stall();
        })
        .also(|outcome| {
            assert_eq!(outcome.http_version, Some(HttpVersion::V2));
            assert_eq!(outcome.body_bytes, 5);
        })
    }),
    up(102, "HTTP/2 is agreed on in TLS, and spoken well", || {
        speaking_http2(|config| config.alpn_protocols = vec![b"h2".to_vec()])
            .probe(|probe| probe.transport.http_version = HttpVersionPreference::Auto)
            .also(|outcome| assert_eq!(outcome.http_version, Some(HttpVersion::V2)))
    }),
    up(102, "HTTP/2 is required, and the peer speaks it over TLS without choosing it there", || {
        speaking_http2(|_| {}).also(|outcome| assert_eq!(outcome.http_version, Some(HttpVersion::V2)))
    }),
    fails(102, "the peer never sends its SETTINGS", ResponseTimeout, Processing, || {
        raw(ScriptedConnection::stall)
            .within(400)
            .also(|outcome| says(outcome, "nothing over HTTP/2, not even its SETTINGS"))
    }),
    fails(102, "the peer's SETTINGS allow no requests", ResponseTimeout, Processing, || {
        raw(|conn| {
            conn.send(h2::settings_for_streams(0));
            conn.stall();
        })
        .within(400)
        .also(|outcome| says(outcome, "SETTINGS_MAX_CONCURRENT_STREAMS is 0"))
    }),
    fails(102, "the peer's SETTINGS allow no more requests once it has one", ResponseTimeout, Processing, || {
        asked(|conn, _| {
            conn.send(h2::settings_for_streams(0));
            conn.stall();
        })
        .within(400)
        .also(|outcome| says(outcome, "SETTINGS_MAX_CONCURRENT_STREAMS is 0"))
    }),
    up(102, "the peer's SETTINGS allow no requests at first, and then one", || {
        asked(|conn, stream| {
            conn.send(h2::settings_for_streams(0));
            conn.wait(Duration::from_millis(50));
            conn.send(h2::settings_for_streams(1));
            conn.send(h2::answer(stream, b"hello"));
        })
    }),
    fails(102, "HTTP/2 is required, and the peer does not choose it in TLS", HttpProtocol, Processing, || {
        over_tls(
            |_| {},
            |conn| {
                let mut preface = Vec::new();
                conn.read_some(&mut preface);
                conn.send(server::answer(400, &[], ""));
            },
        )
        .also(|outcome| says(outcome, "h2 was offered in TLS (ALPN), and the server chose no protocol"))
    }),
    fails(102, "the peer sends its SETTINGS and no answer", ResponseTimeout, Processing, || {
        asked(|conn, _| conn.stall()).within(400)
    }),
    fails(103, "the peer sends GOAWAY(NO_ERROR) instead of an answer", Http2Error, Processing, || {
        asked(|conn, _| {
            conn.send(h2::goaway(0, h2::NO_ERROR, b""));
        })
    }),
    up(103, "the peer says that it is going away (GOAWAY, twice) and then gives the answer it owes", || {
        asked(|conn, stream| {
            conn.send(h2::goaway(0x7fff_ffff, h2::NO_ERROR, b""));
            conn.send(h2::goaway(stream, h2::NO_ERROR, b""));
            conn.wait(Duration::from_millis(50));
            conn.send(h2::answer(stream, b"hello"));
        })
        .also(|outcome| assert_eq!(outcome.body_bytes, 5))
    }),
    up(103, "the peer answers, goes away with an error and closes at once", || {
        asked(|conn, stream| {
            let goaway = h2::goaway(stream, h2::INTERNAL_ERROR, b"");
            conn.send([h2::answer(stream, b"hello"), goaway].concat());
        })
        .also(|outcome| assert_eq!(outcome.body_bytes, 5))
    }),
    fails(104, "the peer sends GOAWAY(INTERNAL_ERROR) with an escape sequence to say", Http2Error, Processing, || {
        asked(|conn, _| {
            conn.send(h2::goaway(0, h2::INTERNAL_ERROR, b"\x1b[31mdebug\x1b]0;pwn\x07"));
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("INTERNAL_ERROR"), "the code is named: {message}");
        })
    }),
    fails(105, "the peer refuses the stream (REFUSED_STREAM)", Http2Error, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::reset(stream, h2::REFUSED_STREAM));
            conn.stall();
        })
    }),
    fails(105, "the peer resets the stream (INTERNAL_ERROR)", Http2Error, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::reset(stream, h2::INTERNAL_ERROR));
            conn.stall();
        })
    }),
    fails(105, "the peer wants HTTP/1.1 (HTTP_1_1_REQUIRED)", Http2Error, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::reset(stream, h2::HTTP_1_1_REQUIRED));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("HTTP_1_1_REQUIRED"), "the code is named: {message}");
            assert!(message.as_str().ends_with("http-version = \"1.1\""), "what to do is said: {message}");
        })
    }),
    fails(105, "the peer resets the stream in the body (INTERNAL_ERROR)", Http2Error, Transfer, || {
        asked(|conn, stream| {
            conn.send(begun(stream));
            conn.wait(Duration::from_millis(50));
            conn.send(h2::reset(stream, h2::INTERNAL_ERROR));
            conn.stall();
        })
    }),
    fails(106, "the connection ends in the body of a stream", BodyTruncated, Transfer, || {
        asked(|conn, stream| {
            conn.send(begun(stream));
        })
    }),
    fails(106, "the connection is reset in the body of a stream", ConnectionReset, Transfer, || {
        asked(|conn, stream| {
            conn.send(begun(stream));
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(106, "the body of a stream stops", BodyTimeout, Transfer, || {
        asked(|conn, stream| {
            conn.send(begun(stream));
            conn.stall();
        })
        .within(400)
    }),
    fails(70, "interim answers (103) come without end on a stream", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            let interim = h2::header(":status", b"103");
            let frame = h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &interim);
            conn.send_forever(frame.repeat(10), Duration::from_millis(5));
        })
    }),
    fails(107, "SETTINGS come without end", ResponseTimeout, Processing, || {
        asked(|conn, _| conn.send_forever(h2::frame(h2::SETTINGS, 0, 0, &[]).repeat(100), Duration::from_millis(1)))
            .within(400)
    }),
    fails(107, "PINGs come without end", ResponseTimeout, Processing, || {
        asked(|conn, _| conn.send_forever(h2::frame(h2::PING, 0, 0, &[7; 8]).repeat(100), Duration::from_millis(1)))
            .within(400)
    }),
    fails(107, "PINGs come as fast as they can be sent", Http2Error, Processing, || {
        asked(|conn, _| conn.send_forever(h2::frame(h2::PING, 0, 0, &[7; 8]).repeat(1_000), Duration::ZERO))
    }),
    fails(107, "WINDOW_UPDATEs come as fast as they can be sent", Http2Error, Processing, || {
        let frame = h2::frame(h2::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
        asked(move |conn, _| conn.send_forever(frame.repeat(1_000), Duration::ZERO))
    }),
    fails(107, "frames of an unknown kind come as fast as they can be sent", Http2Error, Processing, || {
        asked(move |conn, _| conn.send_forever(h2::frame(0xfa, 0, 0, b"").repeat(1_000), Duration::ZERO))
    }),
    fails(108, "empty DATA frames come without end", Http2Error, Transfer, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
            conn.send_forever(h2::frame(h2::DATA, 0, stream, &[]).repeat(1_000), Duration::ZERO);
        })
    }),
    fails(109, "CONTINUATION frames come without end", HeadersTooLarge, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, 0, stream, h2::STATUS_200));
            conn.send_forever(h2::frame(h2::CONTINUATION, 0, stream, &[]).repeat(1_000), Duration::ZERO);
        })
    }),
    fails(109, "a header list comes without end", HeadersTooLarge, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, 0, stream, h2::STATUS_200));
            let more = h2::header("x", &[b'y'; 400]);
            conn.send_forever(h2::frame(h2::CONTINUATION, 0, stream, &more).repeat(100), Duration::ZERO);
        })
    }),
    fails(109, "a header field comes without end", HeadersTooLarge, Processing, || {
        asked(|conn, stream| {
            let mut field = h2::header("x", &[b'y'; 400_000]);
            field.truncate(16_000);
            conn.send(h2::frame(h2::HEADERS, 0, stream, &[h2::STATUS_200, &field].concat()));
            conn.send_forever(h2::frame(h2::CONTINUATION, 0, stream, &[b'y'; 16_000]), Duration::ZERO);
        })
    }),
    fails(109, "a header field comes without end after a list that is too large", HeadersTooLarge, Processing, || {
        asked(|conn, stream| {
            let more = h2::header("x", &[b'y'; 16_000]);
            conn.send(h2::frame(h2::HEADERS, 0, stream, h2::STATUS_200));
            conn.send(h2::frame(h2::CONTINUATION, 0, stream, &more).repeat(17));
            let field = [0, 1, b'x', 0x7f, 0xff, 0xff, 0xff, 0x0f];
            conn.send(h2::frame(h2::CONTINUATION, 0, stream, &field));
            conn.send_forever(h2::frame(h2::CONTINUATION, 0, stream, &[b'y'; 16_000]), Duration::ZERO);
        })
    }),
    fails(109, "the trailers of a stream come without end", HeadersTooLarge, Transfer, || {
        asked(|conn, stream| {
            conn.send(begun(stream));
            let more = h2::header("x", &[b'y'; 400]);
            conn.send(h2::frame(h2::HEADERS, h2::END_STREAM, stream, &more));
            conn.send_forever(h2::frame(h2::CONTINUATION, 0, stream, &more).repeat(100), Duration::ZERO);
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().starts_with("the trailers of"), "{message}");
        })
    }),
    fails(110, "a small header block decodes to megabytes (HPACK bomb)", HeadersTooLarge, Processing, || {
        asked(|conn, stream| {
            // One header of 4,000 bytes enters the dynamic table, and every further byte repeats
            // it.
            let mut block = h2::STATUS_200.to_vec();
            let mut entry = h2::header("x", &[b'y'; 4_000]);
            entry[0] = 0x40;
            block.extend(entry);
            block.extend([0xbe; 4_000]);
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &block));
            conn.stall();
        })
    }),
    fails(111, "the header block is not HPACK", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &[0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]));
            conn.stall();
        })
    }),
    up(111, "a request has headers that concern HTTP/1 alone, and HTTP/2 is spoken", || {
        asked(|conn, stream| {
            conn.send(h2::answer(stream, b"hello"));
            conn.stall();
        })
        .step(|step| {
            for (name, value) in [("proxy-connection", "keep-alive"), ("te", "gzip"), ("upgrade", "h2c")] {
                step.request.headers.push((http::HeaderName::from_static(name), Value::plain(value)));
            }
        })
    }),
    fails(111, "a frame is larger than allowed", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &vec![0x88; 20_000]));
            conn.stall();
        })
        .also(|outcome| says(outcome, "a frame of more than the 16 KiB that were allowed"))
    }),
    fails(111, "the peer promises what nobody asked for (PUSH_PROMISE)", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            let promise = [&[0, 0, 0, 2][..], &[0x82, 0x87, 0x84, 0x41, 0x01, b'x']].concat();
            conn.send(h2::frame(h2::PUSH_PROMISE, h2::END_HEADERS, stream, &promise));
            conn.stall();
        })
    }),
    fails(111, "the peer answers in HTTP/1.1", HttpProtocol, Processing, || {
        raw(|conn| {
            conn.read_some(&mut Vec::new());
            conn.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            // Closing with unread bytes would reset the connection before the response is seen.
            conn.stall();
        })
        .also(|outcome| says(outcome, "the port may speak HTTP/1"))
    }),
    fails(111, "the answer has no status", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            let block = h2::header("x", b"y");
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &block));
            conn.stall();
        })
    }),
    fails(111, "frames come for a stream nobody opened", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::DATA, 0, stream + 40, b"hello"));
            conn.stall();
        })
    }),
];

/// A peer that follows a script from the first byte.
fn raw(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    Case::get(server.url("/")).probe(|probe| probe.transport.http_version = HttpVersionPreference::Http2).keep(server)
}

/// A peer that starts correctly, and follows a script once it has received a request.
fn asked(script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    raw(move |conn| {
        conn.send(h2::settings());
        if let Some(stream) = h2::read_request(conn) {
            script(conn, stream);
        }
    })
}

/// A peer that speaks HTTP/2 over TLS, with a changed configuration.
fn speaking_http2(change: impl FnOnce(&mut ServerConfig)) -> Case {
    over_tls(change, |conn| {
        conn.send(h2::settings());
        if let Some(stream) = h2::read_request(conn) {
            conn.send(h2::answer(stream, b"hello"));
            conn.stall();
        }
    })
}

/// A peer that follows a script over TLS, with a changed configuration.
fn over_tls(
    change: impl FnOnce(&mut ServerConfig),
    script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static,
) -> Case {
    let authority = Authority::new();
    let server = Server::tls(authority.leaf(&["good.test"]).config_with(rustls::ALL_VERSIONS, change), script);
    let ca_file = authority.ca_file();
    Case::get(server.https("good.test", "/"))
        .at(server.address())
        .probe(|probe| {
            probe.transport.tls.ca_file = Some(ca_file);
            probe.transport.http_version = HttpVersionPreference::Http2;
        })
        .keep(authority)
        .keep(server)
}

fn says(outcome: &Outcome, words: &str) {
    let message = outcome.failure.as_ref().expect("a failure").message.as_str();
    assert!(message.contains(words), "{words:?} is missing: {message}");
}

/// The head of a response and the first bytes of its body.
fn begun(stream: u32) -> Vec<u8> {
    [h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200), h2::frame(h2::DATA, 0, stream, b"hel")].concat()
}
