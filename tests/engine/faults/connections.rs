//! Connections without HTTP (`tcp://` and `tls://`) that cannot be established, receive something
//! unexpected, or never end.

use std::sync::Arc;
use std::time::Duration;

use uptick::model::FailureClass::{
    AssertionFailed, BodyTooLarge, ConnectRefused, ConnectTimeout, ConnectionReset, DnsNotFound, EmptyReply,
    MessageTimeout, ResponseTimeout, TargetBlocked, TlsCertExpired, TlsCertNameMismatch, TlsCertUntrusted,
    TlsClientCertRequired, TlsHandshakeFailed, TlsHandshakeTimeout, TlsNotTls,
};
use uptick::model::Phase::{Connect, Processing, Resolve, Tls, Transfer};
use uptick::model::{DeniedNetworks, Pattern, Phase, Resolver, TextRule, TlsVersion, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, NAME_ERROR, Reply};
use crate::support::server::{Blackhole, ScriptedConnection, Server};
use crate::support::tls::{Authority, DAY};
use crate::support::{server, tls};

pub(crate) const ROWS: &[Row] = &[
    up(130, "a tcp:// port accepts the connection, and nothing is to come over it", || {
        serve(ScriptedConnection::stall).also(|outcome| {
            let timings = outcome.timings;
            assert!(timings.connect.is_some() && timings.processing.is_none() && timings.transfer.is_none());
            assert_eq!(outcome.status, None);
        })
    }),
    up(130, "the text that a tcp:// probe waits for comes in pieces, and the connection stays open", || {
        expecting("ready to serve", |conn| {
            conn.send("220 ready ");
            conn.wait(Duration::from_millis(30));
            conn.send("to serve\r\n");
            conn.stall();
        })
    }),
    up(130, "a tcp:// port answers what is sent", || {
        let case = expecting("+PONG", |conn| {
            let asked = conn.read_exactly(6);
            conn.send(if asked == b"PING\r\n" { "+PONG\r\n" } else { "-ERR\r\n" });
            conn.stall();
        });
        case.step(|step| step.request.send = Some(Value::plain("PING\r\n")))
    }),
    fails(130, "the host of a tcp:// URL does not exist", DnsNotFound, Resolve, || {
        let dns = Dns::always(Reply::Code(NAME_ERROR));
        let resolver = Resolver::Udp(dns.address());
        Case::get("tcp://absent.test:25").probe(|probe| probe.transport.resolver = resolver).keep(dns)
    }),
    fails(130, "nothing listens on a tcp:// port", ConnectRefused, Connect, || {
        Case::get(format!("tcp://127.0.0.1:{}", server::refusing_port()))
    }),
    fails(130, "a tcp:// port does not accept the connection", ConnectTimeout, Connect, || {
        let hole = Blackhole::open();
        Case::get(format!("tcp://{}", hole.address())).within(400).keep(hole)
    }),
    answers(130, "a tcp:// port is in a denied network", TargetBlocked, || {
        let denied = DeniedNetworks { private: true, ..DeniedNetworks::NOTHING };
        Case::get("tcp://127.0.0.1:9").probe(|probe| probe.transport.deny = denied)
    }),
    fails(130, "a tcp:// port is silent where a text is waited for", ResponseTimeout, Processing, || {
        expecting("220", ScriptedConnection::stall).within(300)
    }),
    fails(130, "a tcp:// port closes without a word where a text is waited for", EmptyReply, Processing, || {
        expecting("220", |_| {})
    }),
    fails(130, "a tcp:// port resets the connection", ConnectionReset, Processing, || expecting("220", reset_later)),
    fails(130, "a tcp:// port says something else and stays open", MessageTimeout, Transfer, || {
        let case = expecting("220", |conn| {
            conn.send("554 no service\r\n");
            conn.stall();
        });
        case.within(300).also(|outcome| {
            let failure = outcome.failure.as_ref().expect("a failure");
            assert!(failure.message.as_str().contains("got 554 no service"), "{}", failure.message);
            assert_eq!(failure.mismatches.len(), 1);
            assert_eq!(outcome.body_bytes, 16);
        })
    }),
    fails(130, "half of the text comes over a tcp:// connection, and then nothing", MessageTimeout, Transfer, || {
        let case = expecting("220 ready", |conn| {
            conn.send("220 re");
            conn.stall();
        });
        case.within(300)
    }),
    answers(130, "a tcp:// port says something else and closes", AssertionFailed, || {
        let case = expecting("220", |conn| {
            conn.send("554 no service\r\n");
        });
        case.also(|outcome| {
            let repeated = outcome.evidence.as_ref().and_then(|evidence| evidence.curl.as_ref()).expect("a command");
            assert!(repeated.as_str().ends_with("</dev/null"), "{repeated}");
            assert!(!repeated.as_str().contains(" -z"), "{repeated} would read nothing");
        })
    }),
    answers(130, "a tcp:// port says what it must not say", AssertionFailed, || {
        let server = Server::start(|conn| {
            conn.send("-ERR loading\r\n");
            conn.stall();
        });
        to(&server).step(|step| step.expect.body.push(TextRule::Lacks(Value::plain("ERR")))).keep(server)
    }),
    fails(130, "a tcp:// connection is reset in the middle of the text", ConnectionReset, Transfer, || {
        expecting("220 ready", |conn| {
            conn.send("220 re");
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(130, "a tcp:// port floods the connection with other text", BodyTooLarge, Transfer, || {
        expecting("220", |conn| conn.send_forever("x".repeat(10_000), Duration::ZERO))
    }),
    fails(130, "single bytes of other text drip from a tcp:// port", MessageTimeout, Transfer, || {
        expecting("220", |conn| conn.send_forever("x", Duration::from_millis(1))).within(400)
    }),
    up(131, "a tls:// port shakes hands, and its certificate is as expected", || {
        let case = tls_case(|_, _| {}, ScriptedConnection::stall);
        case.step(|step| {
            step.expect.certificate_days = Some(14);
            step.expect.certificate_issuer = vec![Value::plain("uptick test authority")];
            step.expect.certificate_names = vec![Value::plain("good.test")];
            step.expect.tls_version = vec![TlsVersion::V1_3];
        })
        .also(|outcome| {
            let timings = outcome.timings;
            assert!(timings.tls.is_some() && timings.processing.is_none(), "{timings:?}");
            assert!(outcome.tls.as_ref().expect("facts").verified);
        })
    }),
    up(131, "a tls:// port says what is expected", || {
        let case = tls_case(
            |_, _| {},
            |conn| {
                conn.send("* OK IMAP ready\r\n");
                conn.stall();
            },
        );
        case.step(|step| step.expect.body.push(TextRule::Matches(Pattern::new("^\\* OK").expect("a pattern"))))
    }),
    fails(131, "a tls:// port accepts and stays silent", TlsHandshakeTimeout, Tls, || {
        plain_tls(ScriptedConnection::stall).within(400)
    }),
    fails(131, "a tls:// port does not speak TLS", TlsNotTls, Tls, || {
        plain_tls(|conn| {
            conn.send("220 mail.example.com ESMTP\r\n");
            conn.stall();
        })
    }),
    fails(131, "a tls:// port closes in the handshake", TlsHandshakeFailed, Tls, || plain_tls(|_| {})),
    fails(131, "a tls:// port resets in the handshake", ConnectionReset, Tls, || {
        plain_tls(|conn| {
            conn.read_exactly(5);
            conn.reset();
        })
    }),
    fails(131, "the certificate of a tls:// port has expired", TlsCertExpired, Tls, || {
        let expired = |params: &mut rcgen::CertificateParams, _: &str| {
            params.not_before = tls::before(2 * DAY).into();
            params.not_after = tls::before(DAY).into();
        };
        tls_case(expired, ScriptedConnection::stall)
    }),
    fails(131, "the certificate of a tls:// port is for other names", TlsCertNameMismatch, Tls, || {
        tls_case(|params, _| *params = tls::leaf_params(&["other.test"]), ScriptedConnection::stall)
    }),
    fails(131, "the issuer of a tls:// port's certificate is not trusted", TlsCertUntrusted, Tls, || {
        let stranger = Authority::named("stranger");
        let ca_file = stranger.ca_file();
        let case = tls_case(|_, _| {}, ScriptedConnection::stall);
        case.probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(stranger)
    }),
    fails(131, "a tls:// port asks for a client certificate", TlsClientCertRequired, Tls, || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_for_clients_of(&authority, rustls::ALL_VERSIONS);
        let server = Server::tls(config, ScriptedConnection::stall);
        let ca_file = authority.ca_file();
        at_tls(&server).probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(server).keep(authority)
    }),
    up(131, "a tls:// port asks for a client certificate and takes none: no time is counted for its silence", || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_that_asks_clients_of(&authority, rustls::ALL_VERSIONS);
        let server = Server::tls(config, ScriptedConnection::stall);
        let ca_file = authority.ca_file();
        let case = at_tls(&server).probe(|probe| probe.transport.tls.ca_file = Some(ca_file));
        case.keep(server).keep(authority).also(|outcome| {
            let timings = outcome.timings;
            let phases: Duration = Phase::ALL.iter().filter_map(|&phase| timings.phase(phase)).sum();
            assert!(timings.total < phases + Duration::from_millis(500), "{timings:?}");
        })
    }),
    up(131, "a tls:// port serves whoever asks for its protocol (ALPN), and `tls.alpn` names it", || {
        let case = alpn_case(&["mqtt", "postgresql"], |conn| {
            let chosen = conn.session().and_then(|session| session.alpn_protocol().map(<[u8]>::to_vec));
            conn.send(if chosen.as_deref() == Some(b"postgresql") { "ready" } else { "?" });
            conn.stall();
        });
        case.step(|step| step.expect.body.push(TextRule::Contains(Value::plain("ready"))))
    }),
    fails(131, "a tls:// port takes none of the protocols that `tls.alpn` offers", TlsHandshakeFailed, Tls, || {
        alpn_case(&["imap"], ScriptedConnection::stall).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("`tls.alpn`"), "{message}");
        })
    }),
    answers(131, "the certificate of a tls:// port ends too soon", AssertionFailed, || {
        tls_case(|_, _| {}, ScriptedConnection::stall).step(|step| step.expect.certificate_days = Some(60))
    }),
    answers(131, "the certificate of a tls:// port has another issuer than expected", AssertionFailed, || {
        let wanted = vec![Value::plain("Let's Encrypt")];
        tls_case(|_, _| {}, ScriptedConnection::stall).step(|step| step.expect.certificate_issuer = wanted)
    }),
    answers(131, "the certificate of a tls:// port is not for a name that is expected", AssertionFailed, || {
        let wanted = vec![Value::plain("good.test"), Value::plain("www.good.test")];
        tls_case(|_, _| {}, ScriptedConnection::stall).step(|step| step.expect.certificate_names = wanted).also(
            |outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert_eq!(message.as_str(), "certificate-names: expected www.good.test, got good.test");
            },
        )
    }),
];

/// Resets an established connection after a moment: immediately, it would break before the client
/// knows that it is established.
fn reset_later(conn: &mut ScriptedConnection) {
    conn.wait(Duration::from_millis(50));
    conn.reset();
}

fn to(server: &Server) -> Case {
    Case::get(format!("tcp://{}", server.address()))
}

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    to(&server).keep(server)
}

/// A TCP server that is expected to send a text.
fn expecting(text: &'static str, script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    serve(script).step(|step| step.expect.body.push(TextRule::Contains(Value::plain(text))))
}

fn at_tls(server: &Server) -> Case {
    Case::get(format!("tls://good.test:{}", server.port())).at(server.address())
}

/// A server that is asked for TLS and follows its script instead.
fn plain_tls(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(script);
    at_tls(&server).keep(server)
}

/// A TLS server that speaks one protocol, while the client offers these.
fn alpn_case(offered: &[&str], script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let authority = Authority::new();
    let speaks = |config: &mut rustls::ServerConfig| config.alpn_protocols = vec![b"postgresql".to_vec()];
    let server = Server::tls(authority.leaf(&["good.test"]).config_with(rustls::ALL_VERSIONS, speaks), script);
    let (ca_file, offered) = (authority.ca_file(), offered.iter().map(ToString::to_string).collect());
    let case = at_tls(&server).keep(server).keep(authority);
    case.probe(|probe| {
        probe.transport.tls.ca_file = Some(ca_file);
        probe.transport.tls.alpn = offered;
    })
}

/// A TLS server with a changed certificate.
fn tls_case(
    change: impl FnOnce(&mut rcgen::CertificateParams, &str),
    script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static,
) -> Case {
    let authority = Authority::new();
    let mut params = tls::leaf_params(&["good.test"]);
    change(&mut params, "good.test");
    let server = Server::tls(Arc::clone(&authority.sign(&params).config()), script);
    let ca_file = authority.ca_file();
    at_tls(&server).probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(server).keep(authority)
}
