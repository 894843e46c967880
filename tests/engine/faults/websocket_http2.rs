//! A `WebSocket` over HTTP/2 that is not offered, refused, silent, cut off, or not a WebSocket at
//! all.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use uptick::model::FailureClass::{
    AssertionFailed, BodyTooLarge, ConnectRefused, ConnectionReset, EmptyReply, Http2Error, HttpProtocol,
    MessageTimeout, ResponseTimeout, TlsCertUntrusted, UpgradeRefused,
};
use uptick::model::Phase::{Connect, Processing, Tls, Transfer};
use uptick::model::{HttpVersion, HttpVersionPreference, JsonExpectation, JsonPath, JsonRule, TextRule, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::faults::websocket::{hello, over_tls};
use crate::support::h2;
use crate::support::server;
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::websocket::{accepted, frame};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

pub(crate) const ROWS: &[Row] = &[
    up(139, "a WebSocket stands over HTTP/2, and nothing is to come over it", || {
        tunnelled(|conn, stream| {
            let farewell = h2::read_data(conn).map(|data| unmasked(&data));
            assert_eq!(farewell, Some((8, 1000_u16.to_be_bytes().to_vec())), "the close is clean");
            conn.send(h2::frame(h2::DATA, h2::END_STREAM, stream, &frame(CLOSE, &1000_u16.to_be_bytes())));
            assert_eq!(h2::read_data(conn), Some(Vec::new()), "the stream is ended");
        })
        .also(|outcome| {
            assert_eq!((outcome.status, outcome.http_version), (Some(200), Some(HttpVersion::V2)));
            assert!(outcome.timings.processing.is_some() && outcome.timings.transfer.is_some());
        })
    }),
    up(139, "a WebSocket over HTTP/2 answers what is sent", || {
        let case = tunnelled(|conn, stream| {
            let asked = h2::read_data(conn).map(|data| unmasked(&data));
            let pong: &[u8] = if asked == Some((1, b"ping".to_vec())) { br#"{"type":"pong"}"# } else { b"?" };
            conn.send(h2::frame(h2::DATA, 0, stream, &frame(TEXT, pong)));
            conn.stall();
        });
        case.step(|step| {
            step.request.send = Some(Value::plain("ping"));
            step.expect.http_version = vec![HttpVersion::V2];
            step.expect.message = vec![TextRule::Contains(Value::plain("pong"))];
            let rule = JsonExpectation::Equals("pong".into());
            step.expect.message_json = vec![JsonRule { path: JsonPath::new("$.type").expect("a path"), rule }];
        })
        .also(|outcome| assert_eq!(outcome.body_bytes, 15))
    }),
    up(139, "a message over HTTP/2 comes in frames of one byte, in pieces, with a ping between them", || {
        let case = tunnelled(|conn, stream| {
            let all = [frame(0x01, b"hel"), frame(PING, b"x"), frame(0x80, b"lo")].concat();
            let bytes: Vec<u8> = all.iter().flat_map(|byte| h2::frame(h2::DATA, 0, stream, &[*byte])).collect();
            conn.send(bytes);
            assert_eq!(h2::read_data(conn).map(|data| unmasked(&data)), Some((10, b"x".to_vec())));
            conn.stall();
        });
        case.step(|step| step.expect.message = hello())
    }),
    up(139, "a WebSocket over HTTP/2 chooses the subprotocol that is offered", || {
        answering(|_| [h2::STATUS_200, &h2::header("sec-websocket-protocol", b"graphql-ws")].concat())
            .step(|step| step.expect.subprotocol = Some("graphql-ws".to_owned()))
    }),
    up(139, "a server that chooses HTTP/2 offers WebSockets over it, a little late", || {
        negotiated(|conn| {
            conn.wait(Duration::from_millis(50));
            conn.send(h2::settings_with_tunnels());
            if let Some(stream) = h2::read_request(conn) {
                conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
                conn.send(h2::frame(h2::DATA, 0, stream, &frame(TEXT, b"hello")));
                conn.stall();
            }
        })
        .also(|outcome| {
            assert_eq!(outcome.http_version, Some(HttpVersion::V2));
            assert!(outcome.tls.as_ref().is_some_and(|tls| tls.verified));
        })
    }),
    up(139, "a server chooses HTTP/2, offers no WebSockets over it, and upgrades over HTTP/1.1", || {
        negotiated(offer_nothing)
            .also(|outcome| assert_eq!((outcome.status, outcome.http_version), (Some(101), Some(HttpVersion::V1_1))))
    }),
    up(139, "a server chooses HTTP/2, does not speak it, and upgrades over HTTP/1.1", || {
        negotiated(|conn| {
            conn.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            conn.stall();
        })
    }),
    up(139, "a server chooses HTTP/2, hangs up, and upgrades over HTTP/1.1", || negotiated(|_| {})),
    up(139, "a server chooses HTTP/2, is silent, and upgrades over HTTP/1.1", || {
        negotiated(ScriptedConnection::stall).within(2_000)
    }),
    up(139, "a server offers WebSockets over HTTP/2, and then wants HTTP/1.1 (HTTP_1_1_REQUIRED)", || {
        negotiated(|conn| {
            conn.send(h2::settings_with_tunnels());
            if let Some(stream) = h2::read_request(conn) {
                conn.send(h2::reset(stream, h2::HTTP_1_1_REQUIRED));
                conn.stall();
            }
        })
        .also(|outcome| assert_eq!(outcome.http_version, Some(HttpVersion::V1_1)))
    }),
    up(139, "a server is going away as a WebSocket is asked for over HTTP/2, and takes the next connection", || {
        serve(|conn| {
            conn.send(h2::settings_with_tunnels());
            let Some(stream) = h2::read_request(conn) else { return };
            if conn.number() == 1 {
                conn.send(h2::goaway(0, h2::NO_ERROR, b""));
            } else {
                conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
                conn.stall();
            }
        })
    }),
    fails(139, "nothing listens where a WebSocket over HTTP/2 should be", ConnectRefused, Connect, || {
        asking(Case::get(format!("ws://127.0.0.1:{}/", server::refusing_port())))
    }),
    fails(139, "the certificate of a WebSocket over HTTP/2 is not trusted", TlsCertUntrusted, Tls, || {
        let stranger = Authority::named("stranger");
        let ca_file = stranger.ca_file();
        asking(negotiated(ScriptedConnection::stall))
            .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
            .keep(stranger)
    }),
    fails(139, "HTTP/2 is asked for, and no WebSocket is offered over it", UpgradeRefused, Processing, || {
        serve(offer_nothing).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("its SETTINGS do not offer it (RFC 8441)"), "{message}");
        })
    }),
    fails(139, "a server offers WebSockets over HTTP/2 and answers 403", UpgradeRefused, Processing, || {
        answering(|_| h2::header(":status", b"403")).also(|outcome| {
            assert_eq!((outcome.status, outcome.code()), (Some(403), Some(403)));
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("over HTTP/2, which its SETTINGS offer"), "{message}");
        })
    }),
    fails(
        139,
        "a server that chooses HTTP/2 offers WebSockets over it and answers 400",
        UpgradeRefused,
        Processing,
        || {
            negotiated(|conn| {
                conn.send(h2::settings_with_tunnels());
                if let Some(stream) = h2::read_request(conn) {
                    let head = h2::header(":status", b"400");
                    conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &head));
                    conn.stall();
                }
            })
        },
    ),
    fails(139, "what answers the CONNECT for a WebSocket is a page without a body", UpgradeRefused, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, h2::STATUS_200));
            conn.stall();
        })
    }),
    fails(139, "what answers the CONNECT for a WebSocket is a page", HttpProtocol, Transfer, || {
        tunnelled(|conn, stream| {
            conn.send(h2::frame(h2::DATA, h2::END_STREAM, stream, b"<!doctype html><p>hello</p>"));
            conn.stall();
        })
    }),
    up(139, "a WebSocket over HTTP/2 hears our farewell and hangs up", || {
        tunnelled(|conn, _| drop(h2::read_data(conn)))
    }),
    fails(
        139,
        "a WebSocket over HTTP/2 chooses a subprotocol that was not offered",
        UpgradeRefused,
        Processing,
        || answering(|_| [h2::STATUS_200, &h2::header("sec-websocket-protocol", b"mqtt")].concat()),
    ),
    fails(139, "a WebSocket over HTTP/2 wants an extension that was not offered", UpgradeRefused, Processing, || {
        answering(|_| [h2::STATUS_200, &h2::header("sec-websocket-extensions", b"permessage-deflate")].concat())
    }),
    fails(139, "a server of WebSockets over HTTP/2 never sends its SETTINGS", ResponseTimeout, Processing, || {
        serve(ScriptedConnection::stall).within(300)
    }),
    fails(139, "a WebSocket is asked for over HTTP/2 and not answered", ResponseTimeout, Processing, || {
        asked(|conn, _| conn.stall()).within(300)
    }),
    fails(139, "the connection of HTTP/2 ends instead of a WebSocket", EmptyReply, Processing, || asked(|_, _| {})),
    fails(139, "the connection of HTTP/2 is reset instead of a WebSocket", ConnectionReset, Processing, || {
        asked(|conn, _| conn.reset())
    }),
    fails(139, "the stream is reset instead of a WebSocket (INTERNAL_ERROR)", Http2Error, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::reset(stream, h2::INTERNAL_ERROR));
            conn.stall();
        })
    }),
    fails(139, "HTTP/2 is asked for, and a WebSocket is wanted over HTTP/1.1", Http2Error, Processing, || {
        asked(|conn, stream| {
            conn.send(h2::reset(stream, h2::HTTP_1_1_REQUIRED));
            conn.stall();
        })
    }),
    fails(139, "a server goes away instead of opening a WebSocket (GOAWAY)", Http2Error, Processing, || {
        asked(|conn, _| {
            conn.send(h2::goaway(0, h2::INTERNAL_ERROR, b""));
        })
    }),
    fails(139, "a server that is to open a WebSocket over HTTP/2 speaks HTTP/1.1", HttpProtocol, Processing, || {
        serve(|conn| {
            conn.read_some(&mut Vec::new());
            conn.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            conn.stall();
        })
    }),
    fails(139, "interim answers come without end instead of a WebSocket", HttpProtocol, Processing, || {
        asked(|conn, stream| {
            let interim = h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &h2::header(":status", b"103"));
            conn.send_forever(interim.repeat(10), Duration::from_millis(5));
        })
    }),
    fails(139, "no message comes over a WebSocket of HTTP/2", MessageTimeout, Transfer, || {
        waiting(|conn, _| conn.stall()).within(300)
    }),
    fails(139, "half of a message comes over HTTP/2, and then nothing", MessageTimeout, Transfer, || {
        waiting(|conn, stream| {
            conn.send(h2::frame(h2::DATA, 0, stream, &[TEXT, 5, b'h', b'e']));
            conn.stall();
        })
        .within(300)
    }),
    fails(139, "a server takes nothing of what is sent over a WebSocket of HTTP/2", MessageTimeout, Transfer, || {
        let case = asked(|conn, stream| {
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
            conn.stall();
        });
        case.step(|step| step.request.send = Some(Value::plain(&"x".repeat(200_000)))).within(300)
    }),
    fails(139, "a WebSocket over HTTP/2 is closed before a message", EmptyReply, Transfer, || {
        waiting(|conn, stream| {
            let close = frame(CLOSE, &[&1013_u16.to_be_bytes()[..], b"try again later"].concat());
            conn.send(h2::frame(h2::DATA, 0, stream, &close));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("code 1013 `try again later`"), "{message}");
        })
    }),
    fails(139, "the stream of a WebSocket ends without a word", EmptyReply, Transfer, || {
        waiting(|conn, stream| {
            conn.send(h2::frame(h2::DATA, h2::END_STREAM, stream, &[TEXT, 5, b'h']));
            conn.stall();
        })
    }),
    fails(139, "the connection below a WebSocket of HTTP/2 ends without a word", EmptyReply, Transfer, || {
        waiting(|_, _| {})
    }),
    fails(139, "the connection below a WebSocket of HTTP/2 is reset", ConnectionReset, Transfer, || {
        waiting(|conn, _| {
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(139, "the stream of a WebSocket is reset (INTERNAL_ERROR)", Http2Error, Transfer, || {
        waiting(|conn, stream| {
            conn.wait(Duration::from_millis(50));
            conn.send(h2::reset(stream, h2::INTERNAL_ERROR));
            conn.stall();
        })
    }),
    fails(139, "a server goes away with an error below a WebSocket (GOAWAY)", Http2Error, Transfer, || {
        waiting(|conn, _| {
            conn.wait(Duration::from_millis(50));
            conn.send(h2::goaway(0, h2::INTERNAL_ERROR, b""));
            conn.stall();
        })
    }),
    fails(139, "a server masks its frames over HTTP/2", HttpProtocol, Transfer, || {
        saying(&[TEXT, 0x81, 0, 0, 0, 0, b'x'])
    }),
    fails(139, "a server compresses its frames over HTTP/2 unasked", HttpProtocol, Transfer, || {
        saying(&[0xc1, 1, b'x'])
    }),
    fails(139, "a message over HTTP/2 begins in its middle", HttpProtocol, Transfer, || saying(&[0x80, 1, b'x'])),
    fails(139, "a text over HTTP/2 is not UTF-8", HttpProtocol, Transfer, || saying(&[TEXT, 2, 0xff, 0xfe])),
    fails(139, "pings flood a WebSocket over HTTP/2", HttpProtocol, Transfer, || {
        waiting(|conn, stream| {
            let pings = h2::frame(h2::DATA, 0, stream, &frame(PING, b"").repeat(100));
            conn.send_forever(pings, Duration::ZERO);
        })
    }),
    fails(139, "empty DATA frames flood a WebSocket over HTTP/2", Http2Error, Transfer, || {
        waiting(|conn, stream| {
            conn.send_forever(h2::frame(h2::DATA, 0, stream, &[]).repeat(1_000), Duration::ZERO);
        })
    }),
    fails(139, "a message over HTTP/2 is larger than its limit", BodyTooLarge, Transfer, || {
        waiting(|conn, stream| {
            conn.send(h2::frame(h2::DATA, 0, stream, &frame(0x02, &[0; 10_000])));
            conn.send_forever(h2::frame(h2::DATA, 0, stream, &frame(0x00, &[0; 10_000])), Duration::ZERO);
        })
    }),
    fails(139, "a frame over HTTP/2 announces four exabytes", BodyTooLarge, Transfer, || {
        saying(&[0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0])
    }),
    answers(139, "the first message over HTTP/2 is another than expected", AssertionFailed, || {
        saying(&[TEXT, 3, b'b', b'y', b'e'])
    }),
    answers(139, "a WebSocket over HTTP/2 chooses no subprotocol where one is expected", AssertionFailed, || {
        answering(|_| h2::STATUS_200.to_vec()).step(|step| step.expect.subprotocol = Some("graphql-ws".to_owned()))
    }),
    answers(139, "a WebSocket comes over HTTP/1.1, and `expect.http-version` is \"2\"", AssertionFailed, || {
        negotiated(|_| {}).step(|step| step.expect.http_version = vec![HttpVersion::V2])
    }),
];

/// A probe that uses HTTP/2.
fn asking(case: Case) -> Case {
    case.probe(|probe| probe.transport.http_version = HttpVersionPreference::Http2)
}

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    asking(Case::get(format!("ws://{}/socket?a=b", server.address()))).keep(server)
}

/// Speaks HTTP/2, but does not offer `WebSocket`s over it.
fn offer_nothing(conn: &mut ScriptedConnection) {
    conn.send(h2::settings());
    conn.read_exactly(24);
    h2::answer_ping(conn);
    conn.stall();
}

/// A server that offers `WebSocket`s over HTTP/2, and runs a script once one is requested.
fn asked(script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    serve(move |conn| {
        conn.send(h2::settings_with_tunnels());
        if let Some(stream) = h2::read_request(conn) {
            script(conn, stream);
        }
    })
}

/// A server that responds with this header block, and leaves the stream open.
fn answering(head: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Case {
    asked(move |conn, stream| {
        conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head(stream)));
        conn.stall();
    })
}

/// A server that opens a WebSocket, and then runs a script.
fn tunnelled(script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    asked(move |conn, stream| {
        conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
        script(conn, stream);
    })
}

/// The same, with an expected message.
fn waiting(script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    tunnelled(script).step(|step| step.expect.message = hello())
}

/// A server that sends this over a WebSocket when a message is expected.
fn saying(frame: &'static [u8]) -> Case {
    waiting(move |conn, stream| {
        conn.send(h2::frame(h2::DATA, 0, stream, frame));
        conn.stall();
    })
}

/// A server that chooses HTTP/2 if it is offered, and then runs a script. Over HTTP/1.1 it upgrades
/// and says hello.
fn negotiated(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let authority = Authority::new();
    let negotiates = |config: &mut ServerConfig| config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = authority.leaf(&["good.test"]).config_with(rustls::ALL_VERSIONS, negotiates);
    let server = Server::tls(Arc::clone(&config), move |conn| {
        if conn.session().is_some_and(|session| session.alpn_protocol() == Some(b"h2")) {
            script(conn);
            return;
        }
        let request = conn.request();
        conn.send(accepted(&request, ""));
        conn.send(frame(TEXT, b"hello"));
        conn.stall();
    });
    over_tls(server, authority).step(|step| step.expect.message = hello())
}

/// A small frame of a client: its opcode and its payload.
fn unmasked(frame: &[u8]) -> (u8, Vec<u8>) {
    let [first, second, mask @ ..] = frame else { return (0, Vec::new()) };
    assert!(second & 0x80 != 0, "a client masks");
    let (mask, payload) = mask.split_at(4);
    (first & 0x0f, payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect())
}
