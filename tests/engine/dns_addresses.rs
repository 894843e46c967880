//! A name server that has several addresses, some of which do not answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use uptick::model::{FailureClass, Outcome, Resolver, Verdict};

use crate::support::dns::{Dns, Record, Reply};
use crate::support::probes;

fn at(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// Asks the name server `ns.test`, which has these addresses.
async fn asked(addresses: &[IpAddr], port: u16) -> Outcome {
    let names = Dns::always(Reply::Addresses(addresses.to_vec()));
    let mut probe = probes::get(&format!("dns://ns.test:{port}/x.test"));
    probe.steps[0].request.protocol = uptick::model::Protocol::Dns;
    probe.transport.resolver = Resolver::Udp(names.address());
    probes::check(probe).await.0
}

fn answering() -> Dns {
    let records = vec![Record::address("x.test", 60, Ipv4Addr::LOCALHOST)];
    Dns::always(Reply::Zone { authoritative: true, records })
}

#[tokio::test]
async fn the_next_address_is_asked_when_one_refuses_or_is_silent() {
    let server = answering();
    let (own, port) = (server.address().ip(), server.address().port());
    let silent = UdpSocket::bind((at(3), port)).unwrap();
    for addresses in [vec![at(2), own], vec![at(3), own], vec![own, at(2)], vec![at(2), at(3), own]] {
        let outcome = asked(&addresses, port).await;
        assert_eq!(
            (outcome.verdict, outcome.remote),
            (Verdict::Up, Some(server.address())),
            "{addresses:?}: {outcome:?}"
        );
    }
    drop(silent);
}

#[tokio::test]
async fn when_none_answers_the_address_that_says_most_is_told() {
    let port = crate::support::server::refusing_udp_port().port();
    // This host may have no way to the second one, which says nothing about the server.
    let elsewhere = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    for addresses in [vec![at(1)], vec![at(1), at(2)]] {
        let outcome = asked(&addresses, port).await;
        assert_eq!(outcome.class(), Some(FailureClass::ConnectRefused), "{outcome:?}");
    }
    let outcome = asked(&[at(1), elsewhere], port).await;
    let class = outcome.class();
    assert!(matches!(class, Some(FailureClass::ConnectRefused | FailureClass::DnsTimeout)), "{outcome:?}");
}
