//! Targets behind a Unix socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use uptick::model::FailureClass::{ConnectRefused, EmptyReply, ResponseTimeout, TlsNotTls};
use uptick::model::Phase::{Connect, Processing, Tls};
use uptick::model::{TextRule, Value};

use crate::faults::row::{Case, Row, fails, up};
use crate::support::server;

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
    fails(136, "nothing listens on a Unix socket any more", ConnectRefused, Connect, || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        Case::get("http://app.test/").probe(|probe| probe.transport.unix_socket = Some(path)).keep(folder)
    }),
    fails(136, "a Unix socket is silent", ResponseTimeout, Processing, || serve("http://app.test/", None).within(300)),
    fails(136, "a Unix socket closes without a word", EmptyReply, Processing, || serve("http://app.test/", Some(b""))),
    fails(136, "a Unix socket does not speak TLS", TlsNotTls, Tls, || {
        serve("https://app.test/", Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    }),
];

/// A server on a Unix socket that reads once, says this and closes; or says nothing and stays.
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
