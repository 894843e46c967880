//! Checks of protocols other than HTTP, against servers that delay one phase: that phase, and only
//! that, takes longer by the delay.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use uptick::model::{HttpVersionPreference, Outcome, Phase, Probe, Resolver, Starttls, TextRule, Value, Verdict};

use crate::faults::grpc;
use crate::support::dns::{Dns, Reply};
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::{h2, probes, websocket};

/// The delay of the phase.
const DELAY: Duration = Duration::from_millis(200);

/// How far a phase may deviate: 2 % of the delay.
const TOLERANCE: Duration = Duration::from_millis(4);

/// The most attempts: a busy machine delays a thread, but not each time.
const TRIES: usize = 60;

/// Makes checks until one shows the delay in that phase, and only there.
async fn assert_grows(grown: Phase, absent: &[Phase], check: impl AsyncFn() -> Outcome) {
    assert_grows_from(Duration::ZERO, grown, absent, check).await;
}

/// The same for a phase that takes `by_itself` without a delay, which is not negligible in a debug
/// build.
async fn assert_grows_from(by_itself: Duration, grown: Phase, absent: &[Phase], check: impl AsyncFn() -> Outcome) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let outcome = check().await;
        assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
        let timings = outcome.timings;
        for phase in absent {
            assert_eq!(timings.phase(*phase), None, "{phase} happened: {timings:?}");
        }
        let rest: Duration =
            Phase::ALL.into_iter().filter(|phase| *phase != grown).filter_map(|phase| timings.phase(phase)).sum();
        let took = timings.phase(grown).unwrap();
        // A phase whose start is noticed late looks shorter: on a busy machine this happens, but
        // not each time.
        let is_whole = took + Duration::from_millis(1) >= DELAY;
        if is_whole && took <= DELAY + by_itself + TOLERANCE && rest <= DELAY / 4 {
            return;
        }
        seen.push(timings);
    }
    panic!("{grown} never took {DELAY:?}: {seen:?}");
}

fn tcp(server: &Server) -> Probe {
    let mut probe = probes::get(&format!("tcp://localhost.test:{}", server.port()));
    probe.transport.address = Some(server.address());
    probe
}

fn expecting(mut probe: Probe, text: &str) -> Probe {
    probe.steps[0].expect.body.push(TextRule::Contains(Value::plain(text)));
    probe
}

async fn outcome_of(probe: Probe) -> Outcome {
    probes::check(probe).await.0
}

#[tokio::test]
async fn a_slow_resolver_is_the_resolve_phase_of_a_tcp_check() {
    let server = Server::start(ScriptedConnection::stall);
    let dns = Dns::always(Reply::Later(DELAY, Box::new(Reply::address(Ipv4Addr::LOCALHOST))));
    let absent = [Phase::Tls, Phase::Processing, Phase::Transfer];
    let check = async || {
        let mut probe = probes::get(&format!("tcp://slow.test:{}", server.port()));
        probe.transport.resolver = Resolver::Udp(dns.address());
        outcome_of(probe).await
    };
    assert_grows(Phase::Resolve, &absent, check).await;
}

#[tokio::test]
async fn a_late_banner_is_the_processing_phase_and_a_late_rest_the_transfer_phase() {
    let late = Server::start(|conn| {
        conn.wait(DELAY);
        conn.send("220 ready\r\n");
        conn.stall();
    });
    let slow = Server::start(|conn| {
        conn.send("220 ");
        conn.wait(DELAY);
        conn.send("ready\r\n");
        conn.stall();
    });
    let absent = [Phase::Resolve, Phase::Tls];
    assert_grows(Phase::Processing, &absent, async || outcome_of(expecting(tcp(&late), "220 ready")).await).await;
    assert_grows(Phase::Transfer, &absent, async || outcome_of(expecting(tcp(&slow), "220 ready")).await).await;
}

#[tokio::test]
async fn a_slow_handshake_is_the_tls_phase_and_slow_words_before_it_are_not() {
    let authority = Authority::new();
    let config = authority.leaf(&["good.test"]).config();
    let slow_tls = {
        let config = Arc::clone(&config);
        Server::start(move |conn| {
            conn.wait(DELAY);
            conn.shake_hands(Arc::clone(&config));
            conn.stall();
        })
    };
    let slow_words = Server::start(move |conn| {
        conn.read_exactly(8);
        conn.wait(DELAY);
        conn.send("S");
        conn.shake_hands(Arc::clone(&config));
        conn.stall();
    });
    let probe = |server: &Server, starttls| {
        let mut probe = probes::get(&format!("tls://good.test:{}", server.port()));
        probe.transport.address = Some(server.address());
        probe.transport.tls.ca_file = Some(authority.ca_file());
        probe.steps[0].request.starttls = starttls;
        probe
    };
    let absent = [Phase::Resolve, Phase::Processing, Phase::Transfer];
    assert_grows(Phase::Tls, &absent, async || outcome_of(probe(&slow_tls, None)).await).await;
    let absent = [Phase::Resolve, Phase::Transfer];
    let check = async || outcome_of(probe(&slow_words, Some(Starttls::Postgres))).await;
    assert_grows(Phase::Processing, &absent, check).await;
}

#[tokio::test]
async fn the_name_of_a_name_server_is_the_resolve_phase_and_its_answer_the_processing_phase() {
    let answering = Dns::always(Reply::address(Ipv4Addr::LOCALHOST));
    let late = || Reply::Later(DELAY, Box::new(Reply::address(Ipv4Addr::LOCALHOST)));
    let (late_names, late_answers) = (Dns::always(late()), Dns::always(late()));
    let absent = [Phase::Connect, Phase::Tls, Phase::Transfer];
    let check = async || {
        let mut probe = probes::get(&format!("dns://ns.test:{}/x.test", answering.address().port()));
        probe.transport.resolver = Resolver::Udp(late_names.address());
        outcome_of(probe).await
    };
    assert_grows(Phase::Resolve, &absent, check).await;
    let absent = [Phase::Resolve, Phase::Connect, Phase::Tls, Phase::Transfer];
    let check = async || outcome_of(probes::get(&format!("dns://{}/x.test", late_answers.address()))).await;
    assert_grows(Phase::Processing, &absent, check).await;
}

#[tokio::test]
async fn a_late_upgrade_is_the_processing_phase_and_a_late_message_the_transfer_phase() {
    let server = |before: Duration, after: Duration| {
        Server::start(move |conn| {
            let request = conn.request();
            conn.wait(before);
            conn.send(websocket::accepted(&request, ""));
            conn.wait(after);
            conn.send(websocket::frame(0x81, b"hello"));
            conn.stall();
        })
    };
    let (late_upgrade, late_message) = (server(DELAY, Duration::ZERO), server(Duration::ZERO, DELAY));
    let probe = |server: &Server| {
        let mut probe = probes::get(&format!("ws://{}/", server.address()));
        probe.steps[0].expect.message = vec![TextRule::Contains(Value::plain("hello"))];
        probe
    };
    let absent = [Phase::Resolve, Phase::Tls];
    assert_grows(Phase::Processing, &absent, async || outcome_of(probe(&late_upgrade)).await).await;
    assert_grows(Phase::Transfer, &absent, async || outcome_of(probe(&late_message)).await).await;
}

#[tokio::test]
async fn late_settings_and_a_late_answer_are_the_processing_phase_of_a_websocket_over_http2() {
    let server = |settings: Duration, answer: Duration, message: Duration| {
        Server::start(move |conn| {
            conn.wait(settings);
            conn.send(h2::settings_with_tunnels());
            let Some(stream) = h2::read_request(conn) else { return };
            conn.wait(answer);
            conn.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, h2::STATUS_200));
            conn.wait(message);
            conn.send(h2::frame(h2::DATA, 0, stream, &websocket::frame(0x81, b"hello")));
            conn.stall();
        })
    };
    let (none, absent) = (Duration::ZERO, [Phase::Resolve, Phase::Tls]);
    for (grown, server) in [
        (Phase::Processing, server(DELAY, none, none)),
        (Phase::Processing, server(none, DELAY, none)),
        (Phase::Transfer, server(none, none, DELAY)),
    ] {
        let check = async || {
            let mut probe = probes::get(&format!("ws://{}/", server.address()));
            probe.transport.http_version = HttpVersionPreference::Http2;
            probe.steps[0].expect.message = vec![TextRule::Contains(Value::plain("hello"))];
            outcome_of(probe).await
        };
        assert_grows(grown, &absent, check).await;
    }
}

#[tokio::test]
async fn a_late_head_of_a_call_is_the_processing_phase_and_late_trailers_the_transfer_phase() {
    let server = |before: Duration, after: Duration| {
        Server::start(move |conn| {
            conn.send(h2::settings());
            let Some(stream) = h2::read_request(conn) else { return };
            conn.wait(before);
            conn.send(grpc::head(stream));
            conn.wait(after);
            conn.send(grpc::rest(stream, grpc::SERVING, "0"));
            conn.stall();
        })
    };
    let (late_head, late_rest) = (server(DELAY, Duration::ZERO), server(Duration::ZERO, DELAY));
    let probe = |server: &Server| probes::get(&format!("grpc://{}/", server.address()));
    let absent = [Phase::Resolve, Phase::Tls];
    assert_grows(Phase::Processing, &absent, async || outcome_of(probe(&late_head)).await).await;
    assert_grows(Phase::Transfer, &absent, async || outcome_of(probe(&late_rest)).await).await;
}

#[cfg(feature = "http3")]
mod http3 {
    use std::net::SocketAddr;

    use super::*;
    use crate::support::quic;
    use crate::support::quic::{DelayedPackets, QuicServer, UdpPort};

    /// A server that waits for `before` before the head of its response, and for `after` before the
    /// rest.
    fn server(authority: &Authority, before: Duration, after: Duration) -> QuicServer {
        quic::asked(authority, move |_, mut send| async move {
            tokio::time::sleep(before).await;
            let _ = send.write_all(&[quic::frame(quic::HEADERS, quic::STATUS_200), vec![0, 5, b'h']].concat()).await;
            tokio::time::sleep(after).await;
            let _ = send.write_all(b"ello").await;
            let _ = send.finish();
        })
    }

    fn probe(authority: &Authority, address: SocketAddr) -> Probe {
        let mut probe = probes::get(&format!("https://good.test:{}/", address.port()));
        probe.transport.address = Some(address);
        probe.transport.http_version = HttpVersionPreference::Http3;
        probe.transport.tls.ca_file = Some(authority.ca_file());
        probe
    }

    #[tokio::test]
    async fn a_late_first_flight_is_the_connect_phase_and_a_late_handshake_the_tls_phase() {
        let authority = Authority::new();
        let server = server(&authority, Duration::ZERO, Duration::ZERO);
        let absent = [Phase::Resolve];
        for (grown, held_up) in [
            (Phase::Connect, DelayedPackets { all: DELAY, ..DelayedPackets::default() }),
            (Phase::Tls, DelayedPackets { handshake: DELAY, ..DelayedPackets::default() }),
        ] {
            let relay = |held_up| quic::relay(server.address(), held_up);
            let check = async |relay: &UdpPort| outcome_of(probe(&authority, relay.address())).await;
            let prompt = relay(DelayedPackets::default());
            let mut by_itself = DELAY;
            for _ in 0..5 {
                by_itself = by_itself.min(check(&prompt).await.timings.phase(grown).unwrap());
            }
            let late = relay(held_up);
            assert_grows_from(by_itself, grown, &absent, async || check(&late).await).await;
        }
    }

    #[tokio::test]
    async fn a_late_head_is_the_processing_phase_and_a_late_rest_the_transfer_phase() {
        let authority = Authority::new();
        for (grown, before, after) in
            [(Phase::Processing, DELAY, Duration::ZERO), (Phase::Transfer, Duration::ZERO, DELAY)]
        {
            let server = server(&authority, before, after);
            let check = async || outcome_of(probe(&authority, server.address())).await;
            assert_grows(grown, &[Phase::Resolve], check).await;
        }
    }
}
