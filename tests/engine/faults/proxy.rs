//! Proxies: faults of the proxy itself, faults of the target that it reports, and faults that pass
//! through.

use std::sync::Arc;

use uptick::model::FailureClass::{
    ConnectRefused, ConnectTimeout, ConnectUnreachable, ProxyRefused, Status, TlsHandshakeFailed,
};
use uptick::model::Phase::{Connect, Tls};
use uptick::model::{DirectTarget, Outcome, ProxyEnvironment, Resolver, TextRule, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, Reply};
use crate::support::server::{Blackhole, ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::{dns, server};

pub(crate) const ROWS: &[Row] = &[
    fails(124, "nothing listens where the proxy should be", ProxyRefused, Connect, || {
        let port = server::refusing_port();
        Case::get("http://target.test/")
            .probe(move |probe| probe.transport.proxy = Some(Value::plain(&format!("http://127.0.0.1:{port}"))))
            .also(|outcome| says(outcome, "refused the connection"))
    }),
    fails(124, "the proxy does not accept the connection", ProxyRefused, Connect, || {
        let hole = Blackhole::open();
        let proxy = format!("http://{}", hole.address());
        Case::get("https://target.test/")
            .probe(move |probe| probe.transport.proxy = Some(Value::plain(&proxy)))
            .within(400)
            .keep(hole)
    }),
    fails(124, "the proxy's name does not resolve", ProxyRefused, Connect, || {
        let dns = Dns::always(Reply::Code(dns::NAME_ERROR));
        let resolver = Resolver::Udp(dns.address());
        Case::get("https://target.test/")
            .probe(move |probe| {
                probe.transport.proxy = Some(Value::plain("http://proxy.test:3128"));
                probe.transport.resolver = resolver;
            })
            .keep(dns)
    }),
    fails(124, "the proxy answers CONNECT with 407", ProxyRefused, Connect, || {
        connect_answered("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            .also(|outcome| says(outcome, "407 Proxy Authentication Required"))
    }),
    fails(124, "the proxy answers CONNECT with 403", ProxyRefused, Connect, || {
        connect_answered("HTTP/1.1 403 Forbidden\r\n\r\n").also(|outcome| says(outcome, "403 Forbidden"))
    }),
    fails(124, "the proxy answers CONNECT with something else", ProxyRefused, Connect, || {
        connect_answered("SSH-2.0-OpenSSH_9.7\r\n")
    }),
    fails(124, "the proxy closes the connection instead of answering CONNECT", ProxyRefused, Connect, || {
        connect_answered("")
    }),
    fails(124, "the proxy is to speak TLS and does not", ProxyRefused, Connect, || {
        let proxy = Server::start(|conn| {
            conn.read_some(&mut Vec::new());
            conn.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        through("https", "https://target.test/", proxy)
    }),
    fails(125, "the proxy answers CONNECT with 502: the target cannot be reached", ConnectUnreachable, Connect, || {
        connect_answered("HTTP/1.1 502 Bad Gateway\r\n\r\n").also(|outcome| says(outcome, "through the proxy"))
    }),
    fails(125, "the proxy answers CONNECT with 503", ConnectUnreachable, Connect, || {
        connect_answered("HTTP/1.1 503 Service Unavailable\r\n\r\n")
    }),
    fails(125, "the proxy answers CONNECT with 504: the target does not answer", ConnectTimeout, Connect, || {
        connect_answered("HTTP/1.1 504 Gateway Timeout\r\n\r\n")
    }),
    fails(125, "the proxy does not answer CONNECT in time", ConnectTimeout, Connect, || {
        let proxy = Server::start(|conn| {
            conn.request();
            conn.stall();
        });
        through("http", "https://target.test/", proxy).within(400).also(|outcome| says(outcome, "through the proxy"))
    }),
    fails(124, "the proxy closes in the middle of its answer to CONNECT", ProxyRefused, Connect, || {
        connect_answered("HTTP/1.1 200 Connection estab")
    }),
    fails(124, "the proxy answers CONNECT by switching to another protocol (101)", ProxyRefused, Connect, || {
        connect_answered("HTTP/1.1 101 Switching Protocols\r\n\r\n")
    }),
    fails(124, "an https:// proxy is silent where TLS should be", ProxyRefused, Connect, || {
        let proxy = Server::start(ScriptedConnection::stall);
        through("https", "https://target.test/", proxy).within(400).also(|outcome| says(outcome, "it is not ready"))
    }),
    fails(128, "a SOCKS proxy is silent before it is told the target", ProxyRefused, Connect, || {
        let proxy = Server::start(ScriptedConnection::stall);
        through("socks5h", "https://target.test/", proxy).within(400).also(|outcome| says(outcome, "it is not ready"))
    }),
    fails(129, "a SOCKS proxy is silent once it knows the target", ConnectTimeout, Connect, || {
        let proxy = Server::start(|conn| {
            conn.read_exactly(3);
            conn.send([5, 0]);
            conn.stall();
        });
        through("socks5h", "https://target.test/", proxy).within(400)
    }),
    fails(
        126,
        "a proxy that forwards plain HTTP wants the network to be logged in to (511)",
        ProxyRefused,
        Connect,
        || forwarding(server::answer(511, &[], "")),
    ),
    fails(126, "a proxy that forwards plain HTTP answers 407", ProxyRefused, Connect, || {
        forwarding(server::answer(407, &[], ""))
    }),
    fails(126, "a proxy that forwards plain HTTP closes without an answer", ProxyRefused, Connect, || {
        forwarding(Vec::new())
    }),
    answers(126, "a proxy that forwards plain HTTP gives the target's 503 back", Status, || {
        forwarding(server::answer(503, &[], ""))
    }),
    up(126, "a proxy forwards plain HTTP", || forwarding(server::ok("hello"))),
    up(126, "a proxy that the environment names is used where the probe asks for it", || {
        let proxy = Server::answers(server::ok("hello"));
        environment("http://target.test/", proxy.port(), "other.test").keep(proxy)
    }),
    up(126, "a target that `NO_PROXY` lists is reached without the proxy of the environment", || {
        let server = Server::answers(server::ok("hello"));
        environment(&server.url("/"), server::refusing_port(), "other.test, 127.0.0.0/8").keep(server)
    }),
    up(127, "a proxy tunnels a tcp:// connection to the target", || {
        let proxy = Server::start(|conn| {
            let asked = conn.request();
            assert!(asked.starts_with(b"CONNECT mail.test:25 "), "{}", String::from_utf8_lossy(&asked));
            conn.send("HTTP/1.1 200 Connection established\r\n\r\n220 ready\r\n");
            conn.stall();
        });
        through("http", "tcp://mail.test:25", proxy)
            .step(|step| step.expect.body.push(TextRule::Contains(Value::plain("220"))))
    }),
    fails(124, "bytes follow the proxy's answer to CONNECT before TLS was begun", ProxyRefused, Connect, || {
        connect_answered("HTTP/1.1 200 Connection established\r\n\r\nhello")
    }),
    up(127, "a proxy sends an interim answer (100) before it opens the tunnel", || {
        greets_behind("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\n\r\n")
    }),
    up(127, "a proxy's answer to CONNECT has a length and chunks, which mean nothing there", || {
        greets_behind("HTTP/1.0 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n")
    }),
    fails(
        127,
        "the target breaks off behind the proxy: the target is named, and not the proxy alone",
        TlsHandshakeFailed,
        Tls,
        || {
            connect_answered("HTTP/1.1 200 Connection established\r\n\r\n")
                .also(|outcome| says(outcome, "handshake with target.test through the proxy 127.0.0.1:"))
        },
    ),
    up(127, "a proxy tunnels TLS to the target", || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config();
        let proxy = Server::start(move |conn| {
            conn.request();
            conn.send("HTTP/1.1 200 Connection established\r\n\r\n");
            if conn.shake_hands(config.clone()) {
                conn.request();
                conn.send(server::ok("hello"));
            }
        });
        let ca_file = authority.ca_file();
        through("http", "https://good.test/", proxy)
            .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
            .keep(authority)
    }),
    fails(128, "a SOCKS proxy allows no connection by its rules (2)", ProxyRefused, Connect, || socks(2)),
    fails(128, "a SOCKS proxy fails in general (1)", ProxyRefused, Connect, || socks(1)),
    fails(128, "a SOCKS proxy wants a login that it is not given", ProxyRefused, Connect, || {
        let proxy = Server::start(|conn| {
            conn.read_exactly(3);
            conn.send([5, 0xff]);
        });
        through("socks5h", "http://target.test/", proxy)
    }),
    fails(129, "a SOCKS proxy reports that the host is unreachable (4)", ConnectUnreachable, Connect, || socks(4)),
    fails(129, "a SOCKS proxy reports that the target refused (5)", ConnectRefused, Connect, || socks(5)),
    fails(
        129,
        "a SOCKS proxy reports that the target refused (5), and closes without an address",
        ConnectRefused,
        Connect,
        || {
            let proxy = Server::start(|conn| {
                greet(conn);
                conn.send([5, 5]);
            });
            through("socks5h", "http://target.test/", proxy)
        },
    ),
    fails(129, "a SOCKS proxy reports that the TTL expired (6)", ConnectTimeout, Connect, || socks(6)),
    up(129, "the target has two addresses, and a SOCKS proxy that is told addresses reaches the second alone", || {
        let dns = Dns::always(Reply::Addresses(vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()]));
        let resolver = Resolver::Udp(dns.address());
        let proxy = Server::start(|conn| {
            conn.read_exactly(3);
            conn.send([5, 0]);
            let request = conn.read_exactly(4 + 4 + 2);
            let is_second = request[4..8] == [192, 0, 2, 2];
            conn.send([5, if is_second { 0 } else { 4 }, 0, 1, 0, 0, 0, 0, 0, 0]);
            if is_second {
                conn.request();
                conn.send(server::ok("hello"));
            }
        });
        through("socks5", "http://target.test/", proxy)
            .probe(move |probe| probe.transport.resolver = resolver)
            .keep(dns)
    }),
    up(129, "a SOCKS proxy leads to the target", || {
        let proxy = Server::start(|conn| {
            greet(conn);
            conn.send([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]);
            conn.request();
            conn.send(server::ok("hello"));
        });
        through("socks5h", "http://target.test/", proxy)
    }),
];

#[track_caller]
/// A probe that takes its proxy from an environment.
fn environment(url: &str, proxy: u16, direct: &str) -> Case {
    let environment = ProxyEnvironment {
        http: Some(Value::plain(&format!("http://127.0.0.1:{proxy}"))),
        direct: DirectTarget::list(direct),
        ..ProxyEnvironment::default()
    };
    Case::get(url).probe(|probe| probe.transport.proxy_environment = Some(Arc::new(environment)))
}

fn says(outcome: &Outcome, text: &str) {
    let message = &outcome.failure.as_ref().expect("a failure").message;
    assert!(message.as_str().contains(text), "{message}");
}

fn through(scheme: &str, url: &str, proxy: Server) -> Case {
    let address = format!("{scheme}://{}", proxy.address());
    Case::get(url).probe(|probe| probe.transport.proxy = Some(Value::plain(&address))).keep(proxy)
}

fn connect_answered(answer: &'static str) -> Case {
    let proxy = Server::start(move |conn| {
        conn.request();
        conn.send(answer);
    });
    through("http", "https://target.test/", proxy)
}

/// A proxy that opens a tunnel with this response, and a target that sends its greeting in the same
/// packet.
fn greets_behind(answer: &'static str) -> Case {
    let proxy = Server::start(move |conn| {
        conn.request();
        conn.send([answer, "220 ready\r\n"].concat());
        conn.stall();
    });
    through("http", "tcp://mail.test:25", proxy)
        .step(|step| step.expect.body.push(TextRule::Contains(Value::plain("220"))))
}

fn forwarding(answer: Vec<u8>) -> Case {
    let proxy = Server::start(move |conn| {
        let request = conn.request();
        if request.starts_with(b"GET http://target.test/ HTTP/1.1\r\n") {
            conn.send(&answer);
        }
    });
    through("http", "http://target.test/", proxy)
}

/// Reads the greeting and the request of a SOCKS client that names its target.
fn greet(conn: &mut ScriptedConnection) {
    conn.read_exactly(3);
    conn.send([5, 0]);
    conn.read_exactly(5 + "target.test".len() + 2);
}

fn socks(reply: u8) -> Case {
    let proxy = Server::start(move |conn| {
        greet(conn);
        conn.send([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
    });
    through("socks5h", "http://target.test/", proxy)
}
