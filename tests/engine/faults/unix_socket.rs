//! Targets behind a Unix socket.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use socket2::{Domain, SockAddr, Socket, Type};
use uptick::model::FailureClass::{
    BodyTimeout, BodyTruncated, ConnectRefused, ConnectTimeout, EmptyReply, GrpcNotServing, HeadersTooLarge,
    HttpProtocol, ResponseTimeout, Status, TlsCertUntrusted, TlsHandshakeTimeout, TlsNotTls,
};
use uptick::model::Phase::{Connect, Processing, Tls, Transfer};
use uptick::model::{TextRule, Value};

use crate::faults::grpc;
use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::h2;
use crate::support::server;
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::websocket::{accepted, frame};

pub(crate) const ROWS: &[Row] = &[
    up(136, "HTTP is spoken over a Unix socket", || {
        let case = serve("http://app.test/health", Some(&server::ok("hello")));
        case.step(|step| step.expect.body.push(TextRule::Contains(Value::plain("hello")))).also(|outcome| {
            let timings = outcome.timings;
            assert!(timings.connect.is_some() && timings.resolve.is_none(), "{timings:?}");
            assert_eq!((outcome.status, outcome.remote), (Some(200), None));
        })
    }),
    up(136, "a Unix socket accepts a connection that nothing is to come over", || serve("tcp://app.test:1", None)),
    fails(136, "there is no Unix socket", ConnectRefused, Connect, || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("absent.sock");
        Case::get("http://app.test/").probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder).also(
            |outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("absent.sock does not exist"), "{message}");
            },
        )
    }),
    fails(136, "a file stands where a Unix socket should be", ConnectRefused, Connect, || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.sock");
        std::fs::write(&path, "").expect("a file");
        Case::get("http://app.test/").probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder).also(
            |outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("app.sock is not a socket"), "{message}");
            },
        )
    }),
    fails(136, "nothing listens on a Unix socket any more", ConnectRefused, Connect, || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        Case::get("http://app.test/").probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder)
    }),
    fails(136, "the server behind a Unix socket accepts no more connections", ConnectTimeout, Connect, || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.sock");
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        listener.bind(&SockAddr::unix(&path).expect("an address")).expect("a path");
        listener.listen(0).expect("a listener");
        let waiting = UnixStream::connect(&path).expect("the only place in its queue");
        let probe = Case::get("http://app.test/").probe(|probe| probe.transport.unix_socket = Some(path));
        probe.within(300).keep((folder, listener, waiting))
    }),
    fails(136, "a Unix socket is silent", ResponseTimeout, Processing, || serve("http://app.test/", None).within(300)),
    fails(136, "a Unix socket closes without a word", EmptyReply, Processing, || serve("http://app.test/", Some(b""))),
    fails(136, "a Unix socket does not speak TLS", TlsNotTls, Tls, || {
        serve("https://app.test/", Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    }),
    fails(136, "a Unix socket of which TLS is asked is silent", TlsHandshakeTimeout, Tls, || {
        serve("https://app.test/", None).within(300)
    }),
    up(136, "TLS is spoken over a Unix socket, for the host of the URL", || {
        let authority = Authority::new();
        let server = Server::tls(authority.leaf(&["app.test"]).config(), |conn| {
            conn.request();
            conn.send(server::ok("hello"));
        });
        let ca_file = authority.ca_file();
        behind("https://app.test/", server).probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(authority)
    }),
    fails(136, "the certificate behind a Unix socket is not trusted", TlsCertUntrusted, Tls, || {
        let (authority, stranger) = (Authority::new(), Authority::named("stranger"));
        let server = Server::tls(authority.leaf(&["app.test"]).config(), ScriptedConnection::stall);
        let ca_file = stranger.ca_file();
        behind("https://app.test/", server).probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(stranger)
    }),
    up(136, "a WebSocket stands over a Unix socket", || {
        let server = Server::start(|conn| {
            let head = accepted(&conn.request(), "");
            conn.send([head.as_bytes(), &frame(0x81, b"hello")].concat());
            conn.stall();
        });
        let hello = vec![TextRule::Contains(Value::plain("hello"))];
        behind("ws://app.test/socket", server).step(|step| step.expect.message = hello)
    }),
    answers(136, "a health service of gRPC behind a Unix socket does not serve", GrpcNotServing, || {
        let server = Server::start(|conn| {
            conn.send(h2::settings());
            if let Some(stream) = h2::read_request(conn) {
                conn.send([grpc::head(stream), grpc::rest(stream, &[0, 0, 0, 0, 2, 8, 2], "0")].concat());
                conn.stall();
            }
        });
        behind("grpc://app.test:1", server)
    }),
    answers(136, "a Unix socket answers 503", Status, || {
        serve("http://app.test/", Some(b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n"))
    }),
    fails(136, "what a Unix socket answers is not HTTP", HttpProtocol, Processing, || {
        serve("http://app.test/", Some(b"-ERR unknown command\r\n"))
    }),
    fails(136, "a Unix socket sends headers without an end", HeadersTooLarge, Processing, || {
        let line = format!("x: {}\r\n", "y".repeat(8_000));
        serve("http://app.test/", Some(format!("HTTP/1.1 200 x\r\n{}", line.repeat(100)).as_bytes()))
    }),
    fails(136, "a Unix socket closes in the middle of the body", BodyTruncated, Transfer, || {
        serve("http://app.test/", Some(b"HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\nhello"))
    }),
    fails(136, "a Unix socket goes silent in the middle of the body", BodyTimeout, Transfer, || {
        let server = Server::start(|conn| {
            conn.request();
            conn.send("HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\nhello");
            conn.stall();
        });
        behind("http://app.test/", server).within(400)
    }),
];

/// A Unix socket in front of a TCP server.
fn behind(url: &str, server: Server) -> Case {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let address = server.address();
    // Not joined: they end with the connection.
    thread::spawn(move || {
        let Ok((near, _)) = listener.accept() else { return };
        let Ok(far) = TcpStream::connect(address) else { return };
        let (mut near_reader, mut far_writer) =
            (near.try_clone().expect("a socket"), far.try_clone().expect("a socket"));
        thread::spawn(move || {
            let _ = std::io::copy(&mut near_reader, &mut far_writer);
            let _ = far_writer.shutdown(Shutdown::Write);
        });
        let (mut far, mut near): (TcpStream, UnixStream) = (far, near);
        let _ = std::io::copy(&mut far, &mut near);
        let _ = near.shutdown(Shutdown::Both);
    });
    Case::get(url).probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder).keep(server)
}

/// A server on a Unix socket that reads once, sends these bytes and closes. With `None` it sends
/// nothing and stays open.
fn serve(url: &str, says: Option<&[u8]>) -> Case {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let says = says.map(<[u8]>::to_vec);
    // Not joined: it ends with the connection.
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked);
        match says {
            Some(says) => drop(stream.write_all(&says)),
            None => while stream.read(&mut asked).is_ok_and(|count| count > 0) {},
        }
    });
    Case::get(url).probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder)
}
