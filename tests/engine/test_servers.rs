//! Tests of the test servers: a test that blames the prober must not fail because a server
//! misbehaves in another way than scripted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{bombs, dns, server, tls};

#[track_caller]
fn assert_zeros(mut decoder: impl Read, mebibytes: usize) {
    let mut body = Vec::new();
    decoder.read_to_end(&mut body).expect("a whole body");
    assert_eq!(body.len(), mebibytes << 20);
    assert!(body.iter().all(|&byte| byte == 0));
}

#[test]
fn every_bomb_decodes_to_what_it_promises() {
    assert_zeros(flate2::read::GzDecoder::new(&bombs::gzip(9)[..]), 9);
    assert_zeros(brotli::Decompressor::new(&bombs::brotli(9)[..], 4096), 9);
    assert_zeros(zstd::Decoder::new(&bombs::zstd(9)[..]).unwrap(), 9);
}

#[test]
fn a_gigabyte_fits_into_little() {
    assert!(bombs::gzip(1024).len() < 2 << 20);
    assert!(bombs::brotli(1024).len() < 2 << 20);
    assert!(bombs::zstd(1024).len() < 2 << 20);
}

#[test]
fn a_server_counts_its_connections_and_keeps_its_requests() {
    let server = server::Server::answers(server::ok("hello"));
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nab").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
    assert_eq!(server.connections(), 3);
    assert!(server.requests_text().iter().all(|request| request.ends_with("\r\n\r\nab")));
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_not() {
    let resets = server::Server::start(|conn| {
        conn.read_exactly(1);
        conn.reset();
    });
    let mut stream = TcpStream::connect(resets.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let error = stream.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let closes = server::Server::start(|_| {});
    let mut stream = TcpStream::connect(closes.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_full_queue_answers_nothing() {
    let hole = server::Blackhole::open();
    let error = TcpStream::connect_timeout(&hole.address(), Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_leaf_is_trusted_by_those_who_trust_its_authority() {
    let authority = tls::Authority::new();
    let server = server::Server::tls(authority.leaf(&["good.test"]).config(), |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "good.test".try_into().unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(server.address()).unwrap());
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}

#[test]
fn the_resolver_answers_as_told() {
    let server = dns::Dns::always(dns::Reply::Code(dns::REFUSED));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04name\x04test\x00\x00\x01\x00\x01";
    socket.send_to(query, server.address()).unwrap();
    let mut reply = [0u8; 512];
    let length = socket.recv(&mut reply).unwrap();
    assert_eq!(&reply[..4], &[0x12, 0x34, 0x81, 0x85]);
    assert_eq!(&reply[12..length], &query[12..]);
    let question = dns::Question { name: "name.test".into(), kind: dns::A, over_tcp: false, edns: false };
    assert_eq!(server.questions(), [question]);
}
