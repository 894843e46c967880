//! A `WebSocket` that is refused, silent, closed, or not a WebSocket at all.

use std::time::Duration;

use uptick::model::FailureClass::{
    AssertionFailed, BodyTooLarge, ConnectRefused, ConnectionReset, EmptyReply, HttpProtocol, MessageTimeout,
    ResponseTimeout, TlsCertUntrusted, UpgradeRefused,
};
use uptick::model::Phase::{Connect, Processing, Tls, Transfer};
use uptick::model::{JsonExpectation, JsonPath, JsonRule, TextRule, Timings, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::server;
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::websocket::{accepted, frame};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

pub(crate) const ROWS: &[Row] = &[
    up(134, "a WebSocket stands, and nothing is to come over it", || {
        upgraded(|conn| {
            let farewell = read_frame(conn);
            assert_eq!(farewell, Some((8, 1000_u16.to_be_bytes().to_vec())), "the close is clean");
            conn.send(frame(CLOSE, &1000_u16.to_be_bytes()));
        })
        .also(|outcome| {
            assert_eq!(outcome.status, Some(101));
            assert!(outcome.timings.processing.is_some() && outcome.timings.transfer.is_some());
        })
    }),
    up(134, "a WebSocket answers what is sent", || {
        let case = upgraded(|conn| {
            let asked = read_frame(conn);
            conn.send(frame(TEXT, if asked == Some((1, b"ping".to_vec())) { br#"{"type":"pong"}"# } else { b"?" }));
            conn.stall();
        });
        case.step(|step| {
            step.request.send = Some(Value::plain("ping"));
            step.expect.message = vec![TextRule::Contains(Value::plain("pong"))];
            let rule = JsonExpectation::Equals("pong".into());
            step.expect.message_json = vec![JsonRule { path: JsonPath::new("$.type").expect("a path"), rule }];
        })
        .also(|outcome| {
            assert_eq!(outcome.body_bytes, 15);
            // The server sends no close frame. The client waits for one, but that is not part of
            // the check's time.
            let Timings { connect, processing, transfer, total, .. } = outcome.timings;
            let phases = [connect, processing, transfer].into_iter().flatten().sum();
            assert!(total.saturating_sub(phases) < Duration::from_millis(500), "{:?}", outcome.timings);
        })
    }),
    up(134, "the first message of a WebSocket comes with the upgrade, in pieces, and a ping between them", || {
        let server = Server::start(|conn| {
            let head = accepted(&conn.request(), "");
            conn.send([head.as_bytes(), &frame(0x01, b"hel"), &frame(PING, b"x"), &frame(0x80, b"lo")].concat());
            assert_eq!(read_frame(conn), Some((10, b"x".to_vec())), "the ping is answered");
            conn.stall();
        });
        to(&server).step(|step| step.expect.message = hello()).keep(server)
    }),
    up(134, "the answer that upgrades has an empty list of extensions, and a length", || {
        let server = Server::start(|conn| {
            let head = accepted(&conn.request(), "sec-websocket-extensions: \r\ncontent-length: 0\r\n");
            conn.send([head.as_bytes(), &frame(TEXT, b"hello")].concat());
            conn.stall();
        });
        to(&server).step(|step| step.expect.message = hello()).keep(server)
    }),
    up(134, "a WebSocket chooses the subprotocol that is offered", || {
        let server = Server::start(|conn| {
            let request = conn.request();
            let offers = String::from_utf8_lossy(&request).to_ascii_lowercase();
            assert!(offers.contains("sec-websocket-protocol: graphql-ws\r\n"), "{offers}");
            conn.send(accepted(&request, "sec-websocket-protocol: graphql-ws\r\n"));
            conn.stall();
        });
        to(&server).step(|step| step.expect.subprotocol = Some("graphql-ws".to_owned())).keep(server)
    }),
    up(134, "a WebSocket stands over TLS", || {
        let authority = Authority::new();
        let server = Server::tls(authority.leaf(&["good.test"]).config(), |conn| {
            let request = conn.request();
            conn.send(accepted(&request, ""));
            conn.send(frame(BINARY, b"hello"));
            conn.stall();
        });
        over_tls(server, authority)
            .step(|step| step.expect.message = hello())
            .also(|outcome| assert!(outcome.tls.as_ref().is_some_and(|tls| tls.verified)))
    }),
    fails(134, "nothing listens where a WebSocket should be", ConnectRefused, Connect, || {
        Case::get(format!("ws://127.0.0.1:{}/", server::refusing_port()))
    }),
    fails(134, "the certificate of a WebSocket is not trusted", TlsCertUntrusted, Tls, || {
        let (authority, stranger) = (Authority::new(), Authority::named("stranger"));
        let server = Server::tls(authority.leaf(&["good.test"]).config(), ScriptedConnection::stall);
        over_tls(server, stranger)
    }),
    fails(134, "a server answers the upgrade with a page", UpgradeRefused, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send(server::ok("hello"));
        })
        .also(|outcome| assert_eq!((outcome.status, outcome.code()), (Some(200), Some(200))))
    }),
    fails(134, "a server answers the upgrade with 403", UpgradeRefused, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send(server::answer(403, &[], "no"));
        })
        .also(|outcome| assert_eq!(outcome.code(), Some(403)))
    }),
    fails(134, "a server answers the upgrade with the wrong key", UpgradeRefused, Processing, || {
        serve(|conn| {
            let request = conn.request();
            conn.send(accepted(&request, "").replace("accept: ", "accept: x"));
        })
    }),
    fails(134, "a server answers the upgrade with two keys", UpgradeRefused, Processing, || {
        serve(|conn| {
            let request = conn.request();
            conn.send(accepted(&request, "sec-websocket-accept: x\r\n"));
        })
    }),
    fails(134, "a server upgrades to another protocol", UpgradeRefused, Processing, || {
        serve(|conn| {
            let request = conn.request();
            conn.send(accepted(&request, "").replace("websocket", "h2c"));
        })
    }),
    fails(134, "a WebSocket chooses a subprotocol that was not offered", UpgradeRefused, Processing, || {
        serve(|conn| {
            let request = conn.request();
            conn.send(accepted(&request, "sec-websocket-protocol: mqtt\r\n"));
        })
    }),
    fails(134, "a WebSocket wants an extension that was not offered", UpgradeRefused, Processing, || {
        serve(|conn| {
            let request = conn.request();
            conn.send(accepted(&request, "sec-websocket-extensions: permessage-deflate\r\n"));
        })
    }),
    fails(134, "the upgrade is not answered", ResponseTimeout, Processing, || {
        serve(ScriptedConnection::stall).within(300)
    }),
    fails(134, "the connection ends instead of the upgrade", EmptyReply, Processing, || {
        serve(|conn| {
            conn.request();
        })
    }),
    fails(134, "the connection is reset instead of the upgrade", ConnectionReset, Processing, || {
        serve(|conn| {
            conn.request();
            conn.reset();
        })
    }),
    fails(134, "what answers the upgrade is not HTTP", HttpProtocol, Processing, || {
        serve(|conn| {
            conn.request();
            conn.send("220 mail.test ESMTP\r\n\r\n");
        })
    }),
    fails(134, "no message comes over a WebSocket", MessageTimeout, Transfer, || {
        waiting(ScriptedConnection::stall).within(300)
    }),
    fails(134, "half of a message comes over a WebSocket, and then nothing", MessageTimeout, Transfer, || {
        waiting(|conn| {
            conn.send([TEXT, 5, b'h', b'e']);
            conn.stall();
        })
        .within(300)
    }),
    fails(134, "pings drip over a WebSocket and no message", MessageTimeout, Transfer, || {
        waiting(|conn| conn.send_forever(frame(PING, b""), Duration::from_millis(5))).within(300)
    }),
    fails(134, "a WebSocket is closed before a message", EmptyReply, Transfer, || {
        waiting(|conn| {
            conn.send(frame(CLOSE, &[&1013_u16.to_be_bytes()[..], b"try again later"].concat()));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("code 1013 `try again later`"), "{message}");
        })
    }),
    fails(134, "the connection of a WebSocket ends without a word", EmptyReply, Transfer, || waiting(|_| {})),
    fails(134, "the connection of a WebSocket is reset", ConnectionReset, Transfer, || {
        waiting(|conn| {
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(134, "a server masks its frames", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send([TEXT, 0x81, 0, 0, 0, 0, b'x']);
            conn.stall();
        })
    }),
    fails(134, "a frame's length is in more bytes than it takes", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send([TEXT, 126, 0, 1, b'x']);
            conn.stall();
        })
    }),
    fails(134, "a frame's length is in eight bytes and takes two", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send([&[TEXT, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &[b'x'; 0xffff]].concat());
            conn.stall();
        })
    }),
    fails(134, "a server compresses its frames unasked", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send([0xc1, 1, b'x']);
            conn.stall();
        })
    }),
    fails(134, "a message of a WebSocket begins in its middle", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send(frame(0x80, b"hello"));
            conn.stall();
        })
    }),
    fails(134, "a text of a WebSocket is not UTF-8", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send(frame(TEXT, b"\xff\xfe"));
            conn.stall();
        })
    }),
    fails(134, "what comes over a WebSocket is not WebSocket", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send("HTTP/1.1 200 OK\r\n\r\nhello");
            conn.stall();
        })
    }),
    fails(134, "pings flood a WebSocket", HttpProtocol, Transfer, || {
        waiting(|conn| conn.send_forever(frame(PING, b"").repeat(100), Duration::ZERO))
    }),
    fails(134, "a message of a WebSocket is empty pieces without an end", HttpProtocol, Transfer, || {
        waiting(|conn| {
            conn.send(frame(0x01, b""));
            conn.send_forever(frame(0x00, b"").repeat(100), Duration::ZERO);
        })
    }),
    fails(134, "a message of a WebSocket is larger than its limit", BodyTooLarge, Transfer, || {
        waiting(|conn| {
            conn.send(frame(0x02, &[0; 60_000]));
            conn.send_forever(frame(0x00, &[0; 60_000]), Duration::ZERO);
        })
    }),
    fails(134, "a frame of a WebSocket announces four exabytes", BodyTooLarge, Transfer, || {
        waiting(|conn| {
            conn.send([&[BINARY, 127][..], &(1_u64 << 62).to_be_bytes()].concat());
            conn.stall();
        })
    }),
    answers(134, "the first message of a WebSocket is another than expected", AssertionFailed, || {
        waiting(|conn| {
            conn.send(frame(TEXT, b"goodbye"));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert_eq!(message.as_str(), "message-contains: expected hello, got goodbye");
        })
    }),
    answers(134, "a WebSocket chooses no subprotocol where one is expected", AssertionFailed, || {
        upgraded(ScriptedConnection::stall).step(|step| step.expect.subprotocol = Some("graphql-ws".to_owned()))
    }),
];

pub(crate) fn hello() -> Vec<TextRule> {
    vec![TextRule::Contains(Value::plain("hello"))]
}

/// A probe of a TLS server that trusts this authority.
pub(crate) fn over_tls(server: Server, trusted: Authority) -> Case {
    let ca_file = trusted.ca_file();
    Case::get(format!("wss://good.test:{}/socket", server.port()))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .keep(server)
        .keep(trusted)
}

fn to(server: &Server) -> Case {
    Case::get(format!("ws://{}/socket?a=b", server.address()))
}

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    to(&server).keep(server)
}

/// A server that upgrades, and then runs a script.
fn upgraded(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    serve(move |conn| {
        let request = conn.request();
        conn.send(accepted(&request, ""));
        script(conn);
    })
}

/// The same, with an expected message.
fn waiting(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    upgraded(script).step(|step| step.expect.message = hello())
}

/// The next small frame of a client, unmasked: its opcode and its payload.
fn read_frame(conn: &mut ScriptedConnection) -> Option<(u8, Vec<u8>)> {
    let head = conn.read_exactly(6);
    let [first, second, mask @ ..] = &head[..] else { return None };
    assert!(second & 0x80 != 0, "a client masks");
    let payload = conn.read_exactly(usize::from(second & 0x7f));
    let unmasked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((first & 0x0f, unmasked.collect()))
}
