//! Connections that cannot be established, break, or are reused at the wrong moment.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use uptick::model::FailureClass::{
    ConnectRefused, ConnectTimeout, ConnectUnreachable, ConnectionReset, EmptyReply, ProberNoRoute, ResponseTimeout,
    TlsCertExpired,
};
use uptick::model::Phase::{Connect, Processing, Tls};

use crate::faults::row::{Case, Row, fails, up};
use crate::support::server::{Blackhole, ScriptedConnection, Server};
use crate::support::tls::{Authority, DAY};
use crate::support::{server, tls};

pub(crate) const ROWS: &[Row] = &[
    fails(15, "nothing listens on the port", ConnectRefused, Connect, || {
        let port = server::refusing_port();
        Case::get(format!("http://127.0.0.1:{port}/")).also(move |outcome| {
            let remote = outcome.remote.expect("the address tried");
            assert_eq!(remote.port(), port);
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains(&remote.to_string()), "{message}");
        })
    }),
    fails(16, "the connection request is not answered", ConnectTimeout, Connect, || {
        let hole = Blackhole::open();
        Case::get(format!("http://{}/", hole.address())).within(400).keep(hole).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("400 ms"), "the limit is named: {message}");
        })
    }),
    fails(17, "there is no way to the address", ConnectUnreachable, Connect, || {
        // TCP to a broadcast address: the kernel answers ENETUNREACH, whatever the routes are.
        Case::get("http://255.255.255.255:9/")
    }),
    fails(17, "`source-address` is an address that this host does not have", ProberNoRoute, Connect, || {
        Case::get("http://127.0.0.1:9/")
            .probe(|probe| probe.transport.source_address = Some([192, 0, 2, 77].into()))
            .also(|outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(
                    message.as_str().contains("192.0.2.77") && message.as_str().contains("source-address"),
                    "{message}"
                );
            })
    }),
    fails(17, "`source-address` is of the other family than the target", ProberNoRoute, Connect, || {
        Case::get("http://127.0.0.1:9/")
            .probe(|probe| probe.transport.source_address = Some(std::net::Ipv6Addr::LOCALHOST.into()))
    }),
    fails(17, "`source-interface` is an interface that this host does not have", ProberNoRoute, Connect, || {
        Case::get("http://127.0.0.1:9/")
            .probe(|probe| probe.transport.source_interface = Some("nowhere0".to_owned()))
            .also(|outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("nowhere0"), "{message}");
            })
    }),
    fails(17, "the URL has an address of one link (fe80::), and no interface is said", ProberNoRoute, Connect, || {
        Case::get("http://[fe80::1]:9/")
    }),
    up(17, "`source-interface` is the interface that leads to the target", || {
        let server = Server::answers(server::ok("hello"));
        Case::get(server.url("/")).probe(|probe| probe.transport.source_interface = Some("lo".to_owned())).keep(server)
    }),
    fails(18, "the peer resets the connection once it has the request", ConnectionReset, Processing, || {
        serve(|conn| {
            conn.request();
            conn.reset();
        })
    }),
    fails(19, "the peer ends the connection before it has read the request", EmptyReply, Processing, || serve(|_| {})),
    fails(19, "the peer ends the connection instead of answering", EmptyReply, Processing, || {
        serve(|conn| {
            conn.request();
        })
    }),
    fails(20, "the peer accepts and stays silent", ResponseTimeout, Processing, || {
        serve(ScriptedConnection::stall).within(400)
    }),
    up(27, "the server closed an idle connection that `connection = \"reuse\"` would have used", || {
        let server = Server::start(|conn| {
            conn.request();
            conn.send(LEFT_OPEN);
        });
        reusing(&server).after_good_checks(20).keep(server)
    }),
    fails(
        28,
        "a reused connection is reset after it took a request that may not be sent twice",
        ConnectionReset,
        Processing,
        || {
            let taken = Arc::new(AtomicUsize::new(0));
            let server = Server::start({
                let taken = Arc::clone(&taken);
                move |conn| {
                    conn.request();
                    conn.send(LEFT_OPEN);
                    if !conn.request().is_empty() {
                        taken.fetch_add(1, Ordering::SeqCst);
                        conn.reset();
                    }
                }
            });
            let server = Arc::new(server);
            let seen = Arc::clone(&server);
            let case = reusing(&server).step(|step| step.request.method = http::Method::POST);
            // A connection can be reused only once it is idle, which cannot be observed.
            case.until_it_fails(200).keep(server).also(move |_| {
                assert_eq!(taken.load(Ordering::SeqCst), 1);
                let (requests, connections) = (seen.requests().len(), seen.connections());
                assert_eq!(requests, connections + 1, "nothing is sent a second time behind the user's back");
            })
        },
    ),
    up(29, "two checks follow each other: each has a connection of its own", || {
        let server = Arc::new(Server::start(|conn| {
            while !conn.request().is_empty() {
                conn.send(LEFT_OPEN);
            }
        }));
        let seen = Arc::clone(&server);
        Case::get(server.url("/")).after_good_checks(1).keep(server).also(move |_| {
            assert_eq!(seen.connections(), 2);
        })
    }),
    fails(29, "the certificate expires between two checks of one healthy server", TlsCertExpired, Tls, || {
        let authority = Authority::new();
        let good = authority.leaf(&["good.test"]).config();
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_before = tls::before(2 * DAY).into();
        params.not_after = tls::before(DAY).into();
        let expired = authority.sign(&params).config();
        let server = Server::start(move |conn| {
            let config = if conn.number() == 1 { Arc::clone(&good) } else { Arc::clone(&expired) };
            while conn.session().is_some() || conn.shake_hands(Arc::clone(&config)) {
                if conn.request().is_empty() {
                    return;
                }
                conn.send(LEFT_OPEN);
            }
        });
        let ca_file = authority.ca_file();
        Case::get(server.https("good.test", "/"))
            .at(server.address())
            .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
            .after_good_checks(1)
            .keep(server)
            .keep(authority)
    }),
    up(30, "a redirect comes on a connection that then closes", || {
        serve(|conn| {
            let request = conn.request();
            if request.starts_with(b"GET /end ") {
                conn.send(server::ok("arrived"));
            } else {
                conn.send("HTTP/1.1 302 x\r\nlocation: /end\r\ncontent-length: 0\r\n\r\n");
            }
        })
    }),
    up(30, "a healthy server takes its time within the limit", || {
        serve(|conn| {
            conn.request();
            conn.wait(Duration::from_millis(150));
            conn.send(server::ok("at last"));
        })
        .also(|outcome| {
            assert!(outcome.timings.processing >= Some(Duration::from_millis(150)), "{:?}", outcome.timings);
            assert_eq!(outcome.timings.resolve, None, "an address needs no lookup");
            assert_eq!(outcome.remote.map(|remote| remote.ip()), Some(Ipv4Addr::LOCALHOST.into()));
        })
    }),
];

/// A complete response that does not announce the end of the connection.
const LEFT_OPEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    Case::get(server.url("/")).keep(server)
}

fn reusing(server: &Server) -> Case {
    Case::get(server.url("/")).probe(|probe| probe.transport.reuse = true)
}
