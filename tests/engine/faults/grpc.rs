//! gRPC health services that do not serve, do not speak gRPC, or never end the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use uptick::model::FailureClass::{
    BodyTimeout, BodyTooLarge, BodyTruncated, ConnectRefused, ConnectionReset, EmptyReply, GrpcNotServing, GrpcStatus,
    Http2Error, HttpProtocol, ResponseTimeout, Status, TlsHandshakeTimeout,
};
use uptick::model::Phase::{Connect, Processing, Tls, Transfer};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::h2;
use crate::support::server;
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;

/// `SERVING` after its length prefix.
pub(crate) const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

pub(crate) const ROWS: &[Row] = &[
    up(135, "a health service of gRPC says that it is serving", || {
        calls(|conn, stream| {
            conn.send(answer(stream, SERVING, "0"));
            conn.stall();
        })
        .also(|outcome| {
            assert_eq!((outcome.status, outcome.grpc_status), (Some(200), Some(0)));
            assert!(outcome.timings.processing.is_some() && outcome.timings.transfer.is_some());
        })
    }),
    up(135, "a health service of gRPC is serving over TLS", || {
        let authority = Authority::new();
        let negotiates = |config: &mut ServerConfig| config.alpn_protocols = vec![b"h2".to_vec()];
        let config = authority.leaf(&["good.test"]).config_with(rustls::ALL_VERSIONS, negotiates);
        let server = Server::tls(config, |conn| {
            conn.send(h2::settings());
            if let Some(stream) = h2::read_request(conn) {
                conn.send(answer(stream, SERVING, "0"));
                conn.stall();
            }
        });
        let ca_file = authority.ca_file();
        Case::get(format!("grpcs://good.test:{}", server.port()))
            .at(server.address())
            .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
            .keep(server)
            .keep(authority)
    }),
    up(135, "a gRPC server has no health service, and `expect.grpc-status` is UNIMPLEMENTED", || {
        let case = calls(|conn, stream| {
            conn.send(trailers_alone(stream, "12"));
            conn.stall();
        });
        case.step(|step| step.expect.grpc_status = vec![uptick::model::GrpcStatus(12)])
    }),
    answers(135, "a health service of gRPC says that it is not serving", GrpcNotServing, || {
        calls(|conn, stream| {
            conn.send(answer(stream, &[0, 0, 0, 0, 2, 8, 2], "0"));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().ends_with("says NOT_SERVING of shop.Cart"), "{message}");
        })
    }),
    answers(135, "a health service of gRPC says nothing of its status", GrpcNotServing, || {
        calls(|conn, stream| {
            conn.send(answer(stream, &[0, 0, 0, 0, 0], "0"));
            conn.stall();
        })
    }),
    answers(135, "a health service of gRPC does not know the service", GrpcStatus, || {
        calls(|conn, stream| {
            conn.send(trailers_alone(stream, "5"));
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("NOT_FOUND (5): unknown service"), "{message}");
            assert_eq!(outcome.code(), Some(5));
        })
    }),
    answers(135, "a gRPC server is unavailable", GrpcStatus, || {
        calls(|conn, stream| {
            conn.send(answer(stream, b"", "14"));
            conn.stall();
        })
    }),
    answers(135, "a proxy before a gRPC server answers 503", Status, || {
        calls(|conn, stream| {
            let head = [h2::header(":status", b"503"), h2::header("content-type", b"text/html")].concat();
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &head));
            conn.stall();
        })
    }),
    answers(135, "a gRPC server answers 503 with a status of gRPC, which is what counts", GrpcStatus, || {
        calls(|conn, stream| {
            conn.send(trailers_alone_with(b"503", stream, "14"));
            conn.stall();
        })
        .also(|outcome| assert_eq!((outcome.status, outcome.code()), (Some(503), Some(14))))
    }),
    answers(135, "a gRPC server answers 503 without a status of gRPC", Status, || {
        calls(|conn, stream| {
            let head = [h2::header(":status", b"503"), h2::header("content-type", b"application/grpc")].concat();
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &head));
            conn.stall();
        })
    }),
    up(135, "a gRPC server goes away before it has processed the call, and takes it over another connection", || {
        let is_restarted = AtomicBool::new(false);
        calls(move |conn, stream| {
            if is_restarted.swap(true, Ordering::Relaxed) {
                conn.send(answer(stream, SERVING, "0"));
            } else {
                conn.send(h2::goaway(0, h2::NO_ERROR, b""));
            }
            conn.stall();
        })
    }),
    fails(135, "a gRPC server always goes away before it has processed the call", Http2Error, Processing, || {
        calls(|conn, _| {
            conn.send(h2::goaway(0, h2::NO_ERROR, b""));
            conn.stall();
        })
    }),
    fails(135, "what answers a call is a web page", HttpProtocol, Processing, || {
        calls(|conn, stream| {
            let head = [h2::STATUS_200, &h2::header("content-type", b"text/html")].concat();
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head));
            conn.stall();
        })
    }),
    fails(135, "a gRPC port speaks HTTP/1.1", HttpProtocol, Processing, || {
        serve(|conn| {
            conn.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            conn.stall();
        })
    }),
    fails(135, "nothing listens on a gRPC port", ConnectRefused, Connect, || {
        Case::get(format!("grpc://127.0.0.1:{}", server::refusing_port()))
    }),
    fails(135, "a gRPC port is silent", ResponseTimeout, Processing, || serve(ScriptedConnection::stall).within(300)),
    fails(135, "a gRPC port does not answer the call", ResponseTimeout, Processing, || {
        calls(|conn, _| conn.stall()).within(300)
    }),
    fails(135, "a gRPC port with TLS is silent", TlsHandshakeTimeout, Tls, || {
        let server = Server::start(ScriptedConnection::stall);
        Case::get(format!("grpcs://good.test:{}", server.port())).at(server.address()).within(300).keep(server)
    }),
    fails(135, "a gRPC port closes without a word", EmptyReply, Processing, || calls(|_, _| {})),
    fails(135, "a gRPC port resets the connection", ConnectionReset, Processing, || calls(|conn, _| conn.reset())),
    fails(135, "a gRPC server resets the stream of a call", Http2Error, Processing, || {
        calls(|conn, stream| {
            conn.send(h2::reset(stream, h2::INTERNAL_ERROR));
            conn.stall();
        })
    }),
    fails(135, "the head of a gRPC answer comes, and then nothing", BodyTimeout, Transfer, || {
        calls(|conn, stream| {
            conn.send(head(stream));
            conn.stall();
        })
        .within(300)
    }),
    fails(135, "the connection ends in the middle of a gRPC answer", BodyTruncated, Transfer, || {
        calls(|conn, stream| {
            conn.send([head(stream), h2::frame(h2::DATA, 0, stream, &SERVING[..4])].concat());
            conn.wait(Duration::from_millis(50));
        })
    }),
    fails(135, "a gRPC answer ends without a status", HttpProtocol, Transfer, || {
        calls(|conn, stream| {
            conn.send([head(stream), h2::frame(h2::DATA, h2::END_STREAM, stream, SERVING)].concat());
            conn.stall();
        })
    }),
    fails(135, "a gRPC answer has its status in its head, and a message", HttpProtocol, Transfer, || {
        calls(|conn, stream| {
            let head =
                [h2::STATUS_200, &h2::header("content-type", b"application/grpc"), &h2::header("grpc-status", b"0")];
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head.concat()));
            conn.send(h2::frame(h2::DATA, h2::END_STREAM, stream, SERVING));
            conn.stall();
        })
    }),
    fails(135, "a gRPC answer has a status that is no number", HttpProtocol, Transfer, || {
        told("is not a number", |conn, stream| {
            conn.send(answer(stream, SERVING, "fine"));
        })
    }),
    fails(135, "a gRPC call ends with OK and without a message", HttpProtocol, Transfer, || {
        told("without a message", |conn, stream| {
            conn.send(trailers_alone(stream, "0"));
        })
    }),
    fails(135, "a gRPC answer has two messages", HttpProtocol, Transfer, || {
        told("more than one message", |conn, stream| {
            conn.send(answer(stream, &SERVING.repeat(2), "0"));
        })
    }),
    fails(135, "a gRPC answer is compressed, though nothing was offered", HttpProtocol, Transfer, || {
        calls(|conn, stream| {
            conn.send(answer(stream, &[1, 0, 0, 0, 2, 8, 1], "0"));
            conn.stall();
        })
    }),
    up(135, "a gRPC server spells its content type in capitals, with a parameter", || {
        calls(|conn, stream| {
            let head = [h2::STATUS_200, &h2::header("content-type", b"Application/GRPC; charset=utf-8")].concat();
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head));
            conn.send(rest(stream, SERVING, "0"));
            conn.stall();
        })
    }),
    fails(135, "a gRPC answer is no health status", HttpProtocol, Transfer, || {
        calls(|conn, stream| {
            conn.send(answer(stream, &[0, 0, 0, 0, 2, 0xff, 0xff], "0"));
            conn.stall();
        })
    }),
    fails(135, "a gRPC answer announces more than it has", HttpProtocol, Transfer, || {
        calls(|conn, stream| {
            conn.send(answer(stream, &[0, 0xff, 0xff, 0xff, 0xff, 8, 1], "0"));
            conn.stall();
        })
    }),
    fails(135, "a gRPC answer has no end", BodyTooLarge, Transfer, || {
        calls(|conn, stream| {
            conn.send(head(stream));
            conn.send_forever(h2::frame(h2::DATA, 0, stream, &[0; 10_000]), Duration::ZERO);
        })
    }),
];

/// An HTTP/2 server that runs a script once it has received the call.
fn calls(script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    serve(move |conn| {
        conn.send(h2::settings());
        if let Some(stream) = h2::read_request(conn) {
            script(conn, stream);
        }
    })
}

/// The same, and the message says this.
fn told(words: &'static str, script: impl Fn(&mut ScriptedConnection, u32) + Send + Sync + 'static) -> Case {
    let case = calls(move |conn, stream| {
        script(conn, stream);
        conn.stall();
    });
    case.also(move |outcome| {
        let message = &outcome.failure.as_ref().expect("a failure").message;
        assert!(message.as_str().contains(words), "{message}");
    })
}

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    Case::get(format!("grpc://{}/shop.Cart", server.address())).keep(server)
}

/// The head of a response.
pub(crate) fn head(stream: u32) -> Vec<u8> {
    let head = [h2::STATUS_200, &h2::header("content-type", b"application/grpc")].concat();
    h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head)
}

/// A whole response: head, message, and trailers with a status.
fn answer(stream: u32, message: &[u8], status: &str) -> Vec<u8> {
    [head(stream), rest(stream, message, status)].concat()
}

/// The rest of a response after its head: a message, and trailers with a status.
pub(crate) fn rest(stream: u32, message: &[u8], status: &str) -> Vec<u8> {
    let trailers = h2::header("grpc-status", status.as_bytes());
    let trailers = h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &trailers);
    [h2::frame(h2::DATA, 0, stream, message), trailers].concat()
}

/// A response that consists only of trailers.
fn trailers_alone(stream: u32, status: &str) -> Vec<u8> {
    trailers_alone_with(b"200", stream, status)
}

/// An answer of trailers alone, with a status of HTTP.
fn trailers_alone_with(http_status: &[u8], stream: u32, status: &str) -> Vec<u8> {
    let all = [
        &h2::header(":status", http_status)[..],
        &h2::header("content-type", b"application/grpc"),
        &h2::header("grpc-status", status.as_bytes()),
        &h2::header("grpc-message", b"unknown%20service"),
    ];
    h2::frame(h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &all.concat())
}
