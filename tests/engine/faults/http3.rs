//! HTTP/3 servers that do not exist, speak something else, break the rules, or keep them at the
//! client's expense.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use quinn::Connection;
use rustls::ServerConfig;
use uptick::model::FailureClass::{
    AssertionFailed, BodyTimeout, BodyTruncated, ConnectTimeout, EmptyReply, HeadersTooLarge, Http3Error, HttpProtocol,
    ProberUnsupported, ResponseTimeout, TargetBlocked, TlsCertExpired, TlsCertInvalid, TlsCertNameMismatch,
    TlsCertUntrusted, TlsClientCertRequired, TlsHandshakeFailed, TlsHandshakeTimeout,
};
use uptick::model::Phase::{Connect, Processing, Tls, Transfer};
use uptick::model::{Body, DeniedNetworks, HttpVersion, HttpVersionPreference, Outcome, Resolver, StatusSet, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, Reply};
use crate::support::quic;
use crate::support::quic::{ConnectionPolicy, DelayedPackets, QuicServer, UdpPort};
use crate::support::server;
use crate::support::server::Server;
use crate::support::tls;
use crate::support::tls::{Authority, DAY};

pub(crate) const ROWS: &[Row] = &[
    up(138, "HTTP/3 is spoken well", || {
        answered(quic::answer(b"hello")).also(|outcome| {
            assert_eq!((outcome.http_version, outcome.body_bytes), (Some(HttpVersion::V3), 5));
            let tls = outcome.tls.as_ref().expect("facts of TLS");
            assert!(tls.verified && tls.version.as_deref() == Some("1.3") && tls.certificate.is_some(), "{tls:?}");
            assert_eq!(tls.cipher.as_deref(), Some("TLS_AES_256_GCM_SHA384"));
            let timings = outcome.timings;
            assert!(timings.connect.is_some() && timings.tls.is_some() && timings.processing.is_some(), "{timings:?}");
        })
    }),
    up(138, "HTTP/3 is spoken in ChaCha20-Poly1305", || in_suite(2, "TLS_CHACHA20_POLY1305_SHA256")),
    up(138, "HTTP/3 is spoken in AES-128-GCM", || in_suite(1, "TLS_AES_128_GCM_SHA256")),
    up(138, "a request of HTTP/3 has a body", || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), |connection| async move {
            let _control = quic::settings(&connection).await;
            let (mut send, asked) = quic::request(&connection).await.unwrap();
            assert!(asked.windows(70_000).any(|window| window.iter().all(|byte| *byte == b'y')), "the body is whole");
            send.write_all(&quic::answer(b"thanks")).await.unwrap();
            send.finish().unwrap();
            quic::stall(&connection).await;
        });
        over(authority, server)
            .step(|step| {
                step.request.method = Method::POST;
                step.request.body = Body::Text(Value::plain(&"y".repeat(70_000)));
            })
            .also(|outcome| assert_eq!(outcome.body_bytes, 6))
    }),
    up(138, "an answer of HTTP/3 comes before the request is whole", || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), |connection| async move {
            let _control = quic::settings(&connection).await;
            let (mut send, _unread) = quic::request_head(&connection).await.unwrap();
            send.write_all(&[quic::head("413", &[]), quic::frame(quic::DATA, b"too large")].concat()).await.unwrap();
            send.finish().unwrap();
            quic::stall(&connection).await;
        });
        over(authority, server).step(|step| {
            step.request.method = Method::POST;
            step.request.body = Body::Text(Value::plain(&"y".repeat(8_000_000)));
            step.expect.status = vec![StatusSet(413..=413)];
        })
    }),
    up(
        138,
        "an answer of HTTP/3 comes in many frames, some empty and some of no known kind, and with trailers",
        || {
            let trailer = [&[0, 0][..], &quic::header("x-checksum", "1")].concat();
            let frames = [
                quic::frame(quic::GREASE, b"grease"),
                quic::frame(quic::HEADERS, quic::STATUS_103),
                quic::frame(quic::HEADERS, quic::STATUS_200),
                quic::frame(quic::DATA, b""),
                quic::frame(quic::DATA, b"hel"),
                quic::frame(quic::GREASE, b""),
                quic::frame(quic::DATA, b""),
                quic::frame(quic::DATA, b"lo"),
                quic::frame(quic::HEADERS, &trailer),
                quic::frame(quic::GREASE, b"grease"),
            ];
            answered(frames.concat()).also(|outcome| assert_eq!(outcome.body_bytes, 5))
        },
    ),
    up(138, "the server asks for the address first (Retry)", || {
        let authority = Authority::new();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = QuicServer::at(anywhere, good(&authority), ConnectionPolicy::Retry, serve_hello);
        over(authority, server)
    }),
    up(138, "one of two addresses is silent over UDP", || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), serve_hello);
        let addresses = [[127, 0, 0, 2], [127, 0, 0, 1]].map(IpAddr::from).to_vec();
        let dns = Dns::always(Reply::Addresses(addresses));
        let resolver = Resolver::Udp(dns.address());
        let (live, url) = (server.address(), server.https("good.test", "/"));
        to(authority, live, &url)
            .probe(|probe| {
                probe.transport.address = None;
                probe.transport.resolver = resolver;
            })
            .keep(server)
            .keep(dns)
            .also(move |outcome| assert_eq!(outcome.remote, Some(live)))
    }),
    up(138, "a redirect of HTTP/3 is followed over HTTP/3", || {
        let authority = Authority::new();
        let first = Arc::new(AtomicBool::new(true));
        let server = quic::asked(&authority, move |_, mut send| {
            let is_first = first.swap(false, Ordering::Relaxed);
            async move {
                let answer = if is_first { quic::head("302", &[("location", "/end")]) } else { quic::answer(b"end") };
                let _ = send.write_all(&answer).await;
                let _ = send.finish();
            }
        });
        let url = server.https("good.test", "/start");
        to(authority, server.address(), &url).keep(server).also(|outcome| {
            assert_eq!((outcome.redirects.len(), outcome.http_version), (1, Some(HttpVersion::V3)));
        })
    }),
    fails(138, "nothing listens on the UDP port", ConnectTimeout, Connect, || {
        nobody(server::refusing_udp_port()).also(|outcome| says(outcome, "nothing listens on the UDP port"))
    }),
    fails(138, "UDP is silent", ConnectTimeout, Connect, || {
        let silent = UdpPort::start(|_| Vec::new());
        nobody(silent.address()).keep(silent).also(|outcome| says(outcome, "no datagram came back"))
    }),
    fails(138, "what answers over UDP is not QUIC", ConnectTimeout, Connect, || {
        let echo = UdpPort::start(|datagram| vec![b"\x12\x34\x81\x83\0\x01\0\0".to_vec(), datagram.to_vec()]);
        nobody(echo.address()).keep(echo).also(|outcome| says(outcome, "none of which is a handshake in QUIC"))
    }),
    fails(138, "the server speaks other versions of QUIC alone", Http3Error, Connect, || {
        let old = UdpPort::start(|initial| vec![quic::version_negotiation(initial, &[0xff00_001d, 0x6b33_43cf])]);
        nobody(old.address()).keep(old).also(|outcome| says(outcome, "no version of QUIC"))
    }),
    fails(
        138,
        "packets of version negotiation come without end, and name the version that was asked for",
        ConnectTimeout,
        Connect,
        || {
            let flood = UdpPort::start(|initial| vec![quic::version_negotiation(initial, &[1]); 2_000]);
            nobody(flood.address()).keep(flood)
        },
    ),
    fails(138, "a packet of version negotiation is about another connection", ConnectTimeout, Connect, || {
        let stale =
            UdpPort::start(|_| vec![quic::version_negotiation(&[0xc0, 0, 0, 0, 1, 1, 7, 1, 9], &[0x6b33_43cf])]);
        nobody(stale.address()).keep(stale)
    }),
    fails(138, "Retry packets with a wrong tag come without end", ConnectTimeout, Connect, || {
        let flood = UdpPort::start(|initial| vec![quic::forged(initial, 0xf0, &[7; 48]); 2_000]);
        nobody(flood.address()).keep(flood)
    }),
    fails(138, "Initial packets that nobody encrypted come without end", ConnectTimeout, Connect, || {
        let content = [&[0, 0x44, 0x00][..], &[7; 1_024]].concat();
        let flood = UdpPort::start(move |initial| vec![quic::forged(initial, 0xc0, &content); 2_000]);
        nobody(flood.address()).keep(flood)
    }),
    fails(138, "what looks like a stateless reset comes without end", ConnectTimeout, Connect, || {
        let reset = [&[0x41][..], &[7; 40]].concat();
        let flood = UdpPort::start(move |_| vec![reset.clone(); 2_000]);
        nobody(flood.address()).keep(flood)
    }),
    fails(138, "the issuer's key of an HTTP/3 server is not meant to sign certificates", TlsCertInvalid, Tls, || {
        let authority = Authority::new();
        let usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        let intermediate = authority.intermediate_with(|params| params.key_usages = usages);
        let leaf = intermediate.leaf(&["good.test"]).and([intermediate.certificate()]);
        let server = QuicServer::start(quic::config(&leaf), serve_hello);
        over(authority, server).also(|outcome| says(outcome, "may not issue certificates (key usage)"))
    }),
    fails(138, "the key of an HTTP/3 server is meant to sign certificates alone", TlsCertInvalid, Tls, || {
        let authority = Authority::new();
        let mut params = tls::leaf_params(&["good.test"]);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let server = QuicServer::start(quic::config(&authority.sign(&params)), serve_hello);
        over(authority, server).also(|outcome| says(outcome, "not meant for servers (key usage)"))
    }),
    fails(
        138,
        "the certificate of an HTTP/3 server is for 6,000 names, which clients read and this prober does not",
        ProberUnsupported,
        Tls,
        || {
            let authority = Authority::new();
            let names: Vec<String> = (1..6_000).map(|n| format!("n{n}.test")).chain(["good.test".to_owned()]).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let server = QuicServer::start(quic::config(&authority.leaf(&names)), serve_hello);
            over(authority, server).also(|outcome| says(outcome, "KiB, and this prober reads 64 KiB"))
        },
    ),
    fails(138, "the server refuses the QUIC connection", Http3Error, Connect, || {
        let authority = Authority::new();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = QuicServer::at(anywhere, good(&authority), ConnectionPolicy::Closed, serve_hello);
        over(authority, server).also(|outcome| says(outcome, "CONNECTION_REFUSED"))
    }),
    answers(138, "an HTTP/3 server is in a network that is denied", TargetBlocked, || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), serve_hello);
        over(authority, server).probe(|probe| {
            probe.transport.deny = DeniedNetworks { private: true, ..DeniedNetworks::NOTHING };
        })
    }),
    fails(138, "the certificate of an HTTP/3 server is not trusted", TlsCertUntrusted, Tls, || {
        let (authority, stranger) = (Authority::new(), Authority::named("stranger"));
        let server = QuicServer::start(good(&stranger), serve_hello);
        over(authority, server).keep(stranger).also(|outcome| {
            assert!(outcome.tls.as_ref().is_some_and(|tls| tls.certificate.is_some()), "it is recorded all the same");
        })
    }),
    fails(138, "the certificate of an HTTP/3 server has expired", TlsCertExpired, Tls, || {
        let authority = Authority::new();
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_after = tls::before(DAY / 2).into();
        let server = QuicServer::start(quic::config(&authority.sign(&params)), serve_hello);
        over(authority, server)
    }),
    fails(138, "the certificate of an HTTP/3 server is for another name", TlsCertNameMismatch, Tls, || {
        let authority = Authority::new();
        let server = QuicServer::start(quic::config(&authority.leaf(&["other.test"])), serve_hello);
        over(authority, server)
    }),
    fails(138, "an HTTP/3 server wants a client certificate", TlsClientCertRequired, Tls, || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_for_clients_of(&authority, &[&rustls::version::TLS13]);
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = vec![b"h3".to_vec()];
        let server = QuicServer::start(Arc::new(config), serve_hello);
        over(authority, server)
    }),
    fails(138, "the server speaks QUIC and not HTTP/3", TlsHandshakeFailed, Tls, || {
        let authority = Authority::new();
        let config = authority
            .leaf(&["good.test"])
            .config_with(&[&rustls::version::TLS13], |config| config.alpn_protocols = vec![b"doq".to_vec()]);
        let server = QuicServer::start(config, serve_hello);
        over(authority, server).also(|outcome| says(outcome, "not HTTP/3"))
    }),
    fails(138, "the handshake of QUIC stops after the server's first message", TlsHandshakeTimeout, Tls, || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), serve_hello);
        let relay =
            quic::relay(server.address(), DelayedPackets { drops_handshake: true, ..DelayedPackets::default() });
        let url = server.https("good.test", "/");
        to(authority, relay.address(), &url).keep(relay).keep(server).within(400)
    }),
    fails(138, "an HTTP/3 server does not answer", ResponseTimeout, Processing, || begun("").within(400)),
    fails(138, "a server answers nothing and does not speak HTTP/3 over its QUIC", ResponseTimeout, Processing, || {
        let authority = Authority::new();
        let server = QuicServer::start(good(&authority), |connection| async move { quic::stall(&connection).await });
        over(authority, server).within(400)
    }),
    fails(138, "the stream ends without an answer", EmptyReply, Processing, || answered("")),
    fails(138, "the server resets the stream (H3_INTERNAL_ERROR)", Http3Error, Processing, || {
        resets("", quic::INTERNAL_ERROR).also(|outcome| says(outcome, "H3_INTERNAL_ERROR"))
    }),
    fails(
        138,
        "the server rejects the request, on a second connection, too (H3_REQUEST_REJECTED)",
        Http3Error,
        Processing,
        || resets("", quic::REQUEST_REJECTED).also(|outcome| says(outcome, "H3_REQUEST_REJECTED")),
    ),
    up(138, "the server rejects the request on one connection and takes it on the next", || {
        let authority = Authority::new();
        let first = Arc::new(AtomicBool::new(true));
        let server = QuicServer::start(good(&authority), move |connection| {
            let is_first = first.swap(false, Ordering::Relaxed);
            async move {
                if !is_first {
                    return serve_hello(connection).await;
                }
                let _control = quic::settings(&connection).await;
                let (mut send, _) = quic::request(&connection).await.unwrap();
                send.reset(quic::code(quic::REQUEST_REJECTED)).unwrap();
                quic::stall(&connection).await;
            }
        });
        over(authority, server)
    }),
    fails(
        138,
        "the server closes the connection instead of an answer (H3_INTERNAL_ERROR)",
        Http3Error,
        Processing,
        || {
            scripted(|connection, _send| async move {
                connection.close(quic::code(quic::INTERNAL_ERROR), b"\x1b[31mred\x07");
            })
            .also(|outcome| says(outcome, "H3_INTERNAL_ERROR"))
        },
    ),
    fails(
        138,
        "the server closes the connection in order and without an answer (H3_NO_ERROR)",
        Http3Error,
        Processing,
        || scripted(|connection, _send| async move { connection.close(quic::code(quic::NO_ERROR), b"") }),
    ),
    fails(138, "an answer of HTTP/3 begins with its body", Http3Error, Processing, || {
        answered(quic::frame(quic::DATA, b"hello"))
    }),
    fails(138, "an answer of HTTP/3 is cut off in its head", Http3Error, Processing, || {
        answered(&quic::frame(quic::HEADERS, STATUS_AND_MORE)[..4])
    }),
    fails(138, "a frame is one that HTTP/3 forbids", Http3Error, Processing, || answered(quic::frame(6, &[7; 8]))),
    fails(138, "the header block is not QPACK", Http3Error, Processing, || {
        answered(quic::frame(quic::HEADERS, &[0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
    }),
    fails(138, "an answer of HTTP/3 has no status", HttpProtocol, Processing, || {
        let block = [&[0, 0][..], &quic::header("x", "y")].concat();
        answered(quic::frame(quic::HEADERS, &block))
    }),
    fails(138, "a header of HTTP/3 has a capital letter in its name", HttpProtocol, Processing, || {
        answered(quic::head("200", &[("X-Upper", "y")]))
    }),
    fails(138, "the settings of HTTP/3 come twice", Http3Error, Processing, || {
        controls(|connection| async move {
            let mut control = quic::settings(&connection).await;
            control.write_all(&quic::frame(quic::SETTINGS, &[])).await.unwrap();
            quic::stall(&connection).await;
        })
    }),
    fails(138, "the control stream ends", Http3Error, Processing, || {
        controls(|connection| async move {
            let mut control = quic::settings(&connection).await;
            control.finish().unwrap();
            quic::stall(&connection).await;
        })
    }),
    fails(138, "the server opens a stream for a request of its own", Http3Error, Processing, || {
        controls(|connection| async move {
            let _control = quic::settings(&connection).await;
            // QUIC itself prevents the server from opening a request stream, so it opens a second
            // control stream.
            let mut other = connection.open_uni().await.unwrap();
            other.write_all(&quic::varint(quic::CONTROL)).await.unwrap();
            quic::stall(&connection).await;
        })
    }),
    fails(138, "a header block of HTTP/3 is said to be a gigabyte", HeadersTooLarge, Processing, || {
        begun([quic::varint(quic::HEADERS), quic::varint(1 << 30), vec![0; 4_000]].concat())
    }),
    fails(138, "a small header block of HTTP/3 stands for megabytes", HeadersTooLarge, Processing, || {
        // Each byte refers to the longest entry of the static table.
        let block = [quic::STATUS_200, &[0xff, 0x16].repeat(30_000)].concat();
        answered(quic::frame(quic::HEADERS, &block))
    }),
    fails(138, "interim answers of HTTP/3 come without end", HttpProtocol, Processing, || {
        flooded("", quic::frame(quic::HEADERS, quic::STATUS_103).repeat(10))
    }),
    fails(138, "frames of no known kind come without end", Http3Error, Processing, || {
        flooded("", quic::frame(quic::GREASE, b"x").repeat(100))
    }),
    fails(138, "a frame of no known kind is said to be a gigabyte", Http3Error, Processing, || {
        begun([quic::varint(quic::GREASE), quic::varint(1 << 30), vec![0; 4_000]].concat())
    }),
    fails(138, "the control stream of HTTP/3 does not end", Http3Error, Processing, || {
        controls(|connection| async move {
            let mut control = quic::settings(&connection).await;
            while control.write_all(&quic::frame(quic::GREASE, &[7; 1_000])).await.is_ok() {}
        })
    }),
    fails(138, "the stream ends in the middle of a frame of the body", BodyTruncated, Transfer, || {
        answered([quic::frame(quic::HEADERS, quic::STATUS_200), vec![0, 10, b'h', b'e']].concat())
    }),
    fails(138, "the stream ends a moment after half of a frame of the body", BodyTruncated, Transfer, || {
        scripted(|_, mut send| async move {
            let begin = [quic::frame(quic::HEADERS, quic::STATUS_200), vec![0, 10, b'h', b'e']].concat();
            send.write_all(&begin).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            send.finish().unwrap();
        })
    }),
    fails(138, "the body of HTTP/3 is shorter than its content-length", BodyTruncated, Transfer, || {
        answered([quic::head("200", &[("content-length", "10")]), quic::frame(quic::DATA, b"hello")].concat())
    }),
    fails(138, "the body of HTTP/3 is longer than its content-length", HttpProtocol, Transfer, || {
        answered([quic::head("200", &[("content-length", "3")]), quic::frame(quic::DATA, b"hello")].concat())
    }),
    fails(138, "the body of HTTP/3 stops", BodyTimeout, Transfer, || {
        begun([quic::frame(quic::HEADERS, quic::STATUS_200), vec![0, 10, b'h', b'e']].concat()).within(400)
    }),
    fails(138, "the stream is reset in the body (H3_INTERNAL_ERROR)", Http3Error, Transfer, || {
        resets(quic::answer(b"hello"), quic::INTERNAL_ERROR)
    }),
    fails(138, "empty frames of the body come without end", Http3Error, Transfer, || {
        flooded(quic::frame(quic::HEADERS, quic::STATUS_200), quic::frame(quic::DATA, b"").repeat(1_000))
    }),
    up(138, "the body of HTTP/3 does not end, and no rule needs more", || {
        flooded(quic::frame(quic::HEADERS, quic::STATUS_200), quic::frame(quic::DATA, &[b'x'; 8_000]))
            .also(|outcome| assert!(outcome.body_cut, "{outcome:?}"))
    }),
    up(138, "what `alt-svc` offers answers too", || {
        let authority = Authority::new();
        let quic = QuicServer::start(good(&authority), serve_hello);
        offered(authority, &format!("h3=\":{}\"; ma=60", quic.address().port())).keep(quic)
    }),
    answers(138, "`alt-svc` offers HTTP/3 where nothing listens", AssertionFailed, || {
        let closed = server::refusing_udp_port();
        offered(Authority::new(), &format!("h3=\":{}\"", closed.port())).within(1_000).also(|outcome| {
            says(outcome, "alt-svc");
            says(outcome, "connect_timeout");
            assert_eq!(outcome.failure.as_ref().map(|failure| failure.mismatches.len()), Some(1));
        })
    }),
    answers(138, "`alt-svc` offers HTTP/3 that answers 503", AssertionFailed, || {
        let authority = Authority::new();
        let quic = quic::answers(&authority, quic::head("503", &[]));
        let case = offered(authority, &format!("h3=\":{}\"", quic.address().port())).keep(quic);
        case.also(|outcome| says(outcome, "status 503"))
    }),
    answers(138, "`alt-svc` offers HTTP/3 with a certificate of somebody else", AssertionFailed, || {
        let stranger = Authority::named("stranger");
        let quic = QuicServer::start(good(&stranger), serve_hello);
        let case = offered(Authority::new(), &format!("h3=\":{}\"", quic.address().port())).keep(quic).keep(stranger);
        case.also(|outcome| says(outcome, "tls_cert_untrusted"))
    }),
    answers(138, "an answer offers nothing by `alt-svc` and is expected to", AssertionFailed, || {
        offered(Authority::new(), "clear").also(|outcome| says(outcome, "`clear`"))
    }),
    up(138, "what `alt-svc` offers does not answer, and that is worth a warning", || {
        let closed = server::refusing_udp_port();
        offered(Authority::new(), &format!("h3=\":{}\"", closed.port()))
            .step(|step| {
                step.expect.alt_svc = false;
                step.warn.alt_svc = true;
            })
            .within(1_000)
            .also(|outcome| {
                let warned: Vec<&str> = outcome.warnings.iter().map(|warning| warning.assertion.as_str()).collect();
                assert_eq!(warned, ["alt-svc"]);
            })
    }),
];

/// A status, and an incomplete header.
const STATUS_AND_MORE: &[u8] = &[0, 0, 0xd9, 0x23, b'x', b'-', b'a', 1, b'y'];

fn good(authority: &Authority) -> Arc<ServerConfig> {
    quic::config(&authority.leaf(&["good.test"]))
}

/// A server that chooses the cipher suite at this position of its provider's list.
fn in_suite(place: usize, name: &'static str) -> Case {
    let authority = Authority::new();
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.swap(0, place);
    let config = authority.leaf(&["good.test"]).config_by(Arc::new(provider), &[&rustls::version::TLS13], |config| {
        config.alpn_protocols = vec![b"h3".to_vec()];
        config.ignore_client_order = true;
    });
    let server = QuicServer::start(config, serve_hello);
    over(authority, server).also(move |outcome| {
        assert_eq!(outcome.tls.as_ref().and_then(|tls| tls.cipher.as_deref()), Some(name));
    })
}

/// Responds to every request with a greeting.
async fn serve_hello(connection: Connection) {
    let _control = quic::settings(&connection).await;
    while let Some((mut send, _)) = quic::request(&connection).await {
        let _ = send.write_all(&quic::answer(b"hello")).await;
        let _ = send.finish();
    }
}

/// A check of a URL over HTTP/3 at this address, trusting an authority.
fn to(authority: Authority, address: SocketAddr, url: &str) -> Case {
    let ca_file = authority.ca_file();
    Case::get(url)
        .at(address)
        .probe(|probe| {
            probe.transport.http_version = HttpVersionPreference::Http3;
            probe.transport.tls.ca_file = Some(ca_file);
        })
        .keep(authority)
}

fn over(authority: Authority, server: QuicServer) -> Case {
    to(authority, server.address(), &server.https("good.test", "/")).keep(server)
}

/// A check over TCP of a server that advertises services (alt-svc), which must respond too.
fn offered(authority: Authority, services: &str) -> Case {
    let answer = server::answer(200, &[("alt-svc", services)], "hello");
    let server = Server::tls(authority.leaf(&["good.test"]).config(), move |conn| {
        conn.request();
        conn.send(&answer);
    });
    to(authority, server.address(), &server.https("good.test", "/"))
        .probe(|probe| probe.transport.http_version = HttpVersionPreference::Auto)
        .step(|step| step.expect.alt_svc = true)
        .keep(server)
}

/// A check of an address at which no server speaks QUIC.
fn nobody(address: SocketAddr) -> Case {
    to(Authority::new(), address, &format!("https://good.test:{}/", address.port())).within(400)
}

/// A server that follows a script once it has received a request.
fn scripted<F, S>(script: F) -> Case
where
    F: Fn(Connection, quinn::SendStream) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let server = quic::asked(&authority, script);
    over(authority, server)
}

/// A server that follows a script from the start, while a request arrives.
fn controls<F, S>(script: F) -> Case
where
    F: Fn(Connection) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let server = QuicServer::start(good(&authority), script);
    over(authority, server)
}

/// A server whose response is these bytes.
fn answered(bytes: impl Into<Vec<u8>>) -> Case {
    let authority = Authority::new();
    let server = quic::answers(&authority, bytes);
    over(authority, server)
}

/// A server whose response starts with these bytes and does not end.
fn begun(bytes: impl Into<Vec<u8>>) -> Case {
    let authority = Authority::new();
    let server = quic::begins(&authority, bytes);
    over(authority, server)
}

/// A server whose response starts with `begin` and continues with `bytes` endlessly.
fn flooded(begin: impl Into<Vec<u8>>, bytes: impl Into<Vec<u8>>) -> Case {
    let authority = Authority::new();
    let server = quic::floods(&authority, begin, bytes);
    over(authority, server)
}

/// A server that sends these bytes and resets the stream a moment later.
fn resets(bytes: impl Into<Vec<u8>>, code: u32) -> Case {
    let bytes: Arc<[u8]> = bytes.into().into();
    scripted(move |connection, mut send| {
        let bytes = Arc::clone(&bytes);
        async move {
            send.write_all(&bytes).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            send.reset(quic::code(code)).unwrap();
            quic::stall(&connection).await;
        }
    })
}

#[track_caller]
fn says(outcome: &Outcome, part: &str) {
    let message = &outcome.failure.as_ref().expect("a failure").message;
    assert!(message.as_str().contains(part), "{message}");
}
