//! A server that delays one phase at a time: that phase, and only that, takes longer.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::support;
use crate::support::dns::{Dns, Reply};
use crate::support::probes;
use crate::support::server::Server;
use crate::support::tls::Authority;
use uptick::model::{FailureClass, Outcome, Phase, Resolver, Verdict};

/// The delay of the phase.
const DELAY: Duration = Duration::from_secs(2);

/// The most time of each other phase, allowing for a slow machine.
const REST: Duration = Duration::from_millis(1_800);

/// The delay of each phase; TLS is used if `tls` is not zero.
#[derive(Clone, Copy, Default)]
struct Delays {
    resolve: Duration,
    tls: Duration,
    processing: Duration,
    transfer: Duration,
}

async fn check(delays: Delays) -> Outcome {
    let authority = Authority::new();
    let config = authority.leaf(&["good.test"]).config();
    let server = Server::start(move |conn| {
        conn.wait(delays.tls);
        if !conn.shake_hands(config.clone()) {
            return;
        }
        conn.request();
        conn.wait(delays.processing);
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab");
        conn.wait(delays.transfer);
        conn.send("cd");
    });
    let reply = Reply::address(Ipv4Addr::LOCALHOST);
    let reply = if delays.resolve.is_zero() { reply } else { Reply::Later(delays.resolve, Box::new(reply)) };
    let dns = Dns::always(reply);
    let mut probe = probes::get(&server.https("good.test", "/"));
    probe.timeout = Duration::from_secs(10);
    probe.transport.resolver = Resolver::Udp(dns.address());
    probe.transport.tls.ca_file = Some(authority.ca_file());
    let (outcome, _) = probes::check(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
    outcome
}

fn assert_grew(outcome: &Outcome, grown: Option<Phase>) {
    let timings = &outcome.timings;
    let mut sum = Duration::ZERO;
    for phase in Phase::ALL {
        let took = timings.phase(phase).unwrap_or_else(|| panic!("{phase} is absent: {timings:?}"));
        sum += took;
        if Some(phase) == grown {
            assert!(took + Duration::from_millis(3) >= DELAY, "{phase}: {timings:?}");
        } else {
            assert!(took < REST, "{phase}: {timings:?}");
        }
    }
    assert!(sum <= timings.total, "{timings:?}");
}

#[tokio::test]
async fn every_phase_of_an_undelayed_check_is_there_and_short() {
    let outcome = check(Delays::default()).await;
    assert_grew(&outcome, None);
    let tls = outcome.tls.unwrap();
    assert_eq!(tls.version.as_deref(), Some("1.3"));
    assert!(tls.cipher.as_deref().is_some_and(|cipher| cipher.starts_with("TLS_")), "{:?}", tls.cipher);
    assert!(tls.verified);
}

#[tokio::test]
async fn a_slow_resolver_is_the_resolve_phase_alone() {
    assert_grew(&check(Delays { resolve: DELAY, ..Delays::default() }).await, Some(Phase::Resolve));
}

#[tokio::test]
async fn a_slow_handshake_is_the_tls_phase_alone() {
    assert_grew(&check(Delays { tls: DELAY, ..Delays::default() }).await, Some(Phase::Tls));
}

#[tokio::test]
async fn a_slow_answer_is_the_processing_phase_alone() {
    assert_grew(&check(Delays { processing: DELAY, ..Delays::default() }).await, Some(Phase::Processing));
}

#[tokio::test]
async fn a_slow_body_is_the_transfer_phase_alone() {
    assert_grew(&check(Delays { transfer: DELAY, ..Delays::default() }).await, Some(Phase::Transfer));
}

#[tokio::test]
async fn a_phase_that_did_not_happen_is_absent() {
    let server = Server::answers(support::server::ok("hello"));
    let (outcome, _) = probes::check(probes::get(&server.url("/"))).await;
    let timings = outcome.timings;
    assert_eq!((timings.resolve, timings.tls), (None, None), "an address is not resolved, plain HTTP has no handshake");
    assert!(timings.connect.is_some() && timings.processing.is_some() && timings.transfer.is_some());
    assert_eq!(outcome.tls, None);
}

/// A server that refuses the first handshake and is silent to whoever looks into it.
#[tokio::test]
async fn what_is_looked_into_after_a_refusal_costs_neither_its_class_nor_its_phase() {
    let server = Server::start(|conn| {
        if conn.number() > 1 {
            conn.stall();
        }
        conn.read_some(&mut Vec::new());
        conn.send([21, 3, 3, 0, 2, 2, 40]);
        // Closed at once, the connection could be reset before the alert is read.
        conn.wait(Duration::from_millis(100));
    });
    let mut probe = probes::get(&server.https("127.0.0.1", "/"));
    probe.timeout = Duration::from_millis(1_500);
    probe.transport.tls.insecure = true;
    let (outcome, took) = probes::check(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::TlsHandshakeFailed), "{outcome:?}");
    assert!(server.connections() > 1 && took < Duration::from_millis(1_500), "{took:?}");
    let timings = outcome.timings;
    assert!(timings.tls.is_some_and(|tls| tls < Duration::from_millis(600)), "{timings:?}");
    assert!(timings.total < Duration::from_millis(600), "{timings:?}");
}
