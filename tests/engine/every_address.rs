//! Checks of every address of a name: an address stands for the name that it was found for, and for no other.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use uptick::model::{Addresses, Auth, FailureClass, Probe, Quorum, Request, Resolver, StatusSet, Step, Value, Verdict};

use crate::support::dns::{Dns, Question, Reply};
use crate::support::server::Server;
use crate::support::{probes, server};

fn everywhere(quorum: Quorum, up: &Server) -> (Probe, Dns) {
    let addresses = (1..=3).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, n))).collect();
    let dns = Dns::always(Reply::Addresses(addresses));
    let mut probe = probes::get(&format!("http://name.test:{}/", up.port()));
    probe.transport.resolver = Resolver::Udp(dns.address());
    probe.transport.addresses = Addresses::All(quorum);
    (probe, dns)
}

#[tokio::test]
async fn one_dead_address_of_three_is_seen_and_the_quorum_decides() {
    // The server listens only on 127.0.0.1: the other two addresses refuse connections.
    let server = Server::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), None, |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    for (quorum, verdict) in
        [(Quorum::All, Verdict::Down), (Quorum::Majority, Verdict::Down), (Quorum::AtLeast(1), Verdict::Up)]
    {
        let (probe, dns) = everywhere(quorum, &server);
        let (outcome, _) = probes::check(probe).await;
        assert_eq!(outcome.verdict, verdict, "{quorum:?}: {outcome:?}");
        let found: Vec<(String, Verdict)> =
            outcome.addresses.iter().map(|each| (each.address.ip().to_string(), each.verdict)).collect();
        let expected = [("127.0.0.1", Verdict::Up), ("127.0.0.2", Verdict::Down), ("127.0.0.3", Verdict::Down)];
        assert_eq!(found, expected.map(|(address, verdict)| (address.to_owned(), verdict)));
        if let Some(failure) = &outcome.failure {
            assert_eq!(failure.class, FailureClass::ConnectRefused);
            assert!(failure.message.as_str().starts_with("1 of 3 addresses are up: 127.0.0.2:"), "{}", failure.message);
            let curl = outcome.evidence.unwrap().curl.unwrap().to_string();
            let port = server.port();
            assert!(curl.contains(&format!("--connect-to name.test:{port}:127.0.0.2:{port}")), "{curl}");
        }
        drop(dns);
    }
}

/// A server of every name under 127.0.0.1, except for `public.test`, where nothing listens.
fn names() -> Dns {
    Dns::start(|question: &Question| match question.name.as_str() {
        "public.test" => Reply::address(Ipv4Addr::new(127, 0, 0, 9)),
        _ => Reply::address(Ipv4Addr::LOCALHOST),
    })
}

#[tokio::test]
async fn a_step_at_another_host_goes_there_with_its_credentials() {
    let (one, two) = (Server::answers(server::ok("one")), Server::answers(server::ok("two")));
    let dns = names();
    let mut probe = probes::get(&format!("http://one.test:{}/", one.port()));
    let mut second = Step::of(Request::get(Value::plain(&format!("http://two.test:{}/", two.port()))));
    second.request.auth = Some(Auth::Bearer(Value::secret("TOKEN", "token-for-two")));
    probe.steps.push(second);
    probe.transport.resolver = Resolver::Udp(dns.address());
    probe.transport.addresses = Addresses::All(Quorum::All);
    let (outcome, _) = probes::check(probe.clone()).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    assert_eq!((one.connections(), two.connections()), (1, 1));
    assert!(!one.requests_text().concat().contains("token-for-two"));
    assert!(two.requests_text().concat().contains("token-for-two"));
    let address = outcome.addresses.first().map(|found| found.address);
    assert_eq!(address, Some(one.address()), "the addresses are those of the first host");
    probe.steps[1].expect.status = vec![StatusSet(204..=204)];
    let (outcome, _) = probes::check(probe).await;
    let curl = outcome.evidence.unwrap().curl.unwrap().to_string();
    assert!(!curl.contains("--connect-to"), "the command repeats what was done: {curl}");
}

#[tokio::test]
async fn a_redirect_to_another_host_goes_there_and_one_to_the_same_host_to_the_same_address() {
    let dns = names();
    let end = Server::answers(server::ok("end"));
    let (elsewhere, here) = (end.port(), end.port());
    let start = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let to = if request.starts_with("GET /here") {
            format!("start.test:{here}")
        } else {
            format!("end.test:{elsewhere}")
        };
        conn.send(server::answer(302, &[("location", &format!("http://{to}/"))], ""));
    });
    for (path, resolves) in [("/here", false), ("/elsewhere", true)] {
        let mut probe = probes::get(&format!("http://start.test:{}{path}", start.port()));
        probe.transport.resolver = Resolver::Udp(dns.address());
        probe.transport.addresses = Addresses::All(Quorum::All);
        let before = dns.questions().len();
        let (outcome, _) = probes::check(probe).await;
        assert_eq!((outcome.verdict, outcome.remote), (Verdict::Up, Some(end.address())), "{outcome:?}");
        let questions = dns.questions();
        let is_asked = questions.iter().skip(before).any(|question| question.name == "end.test");
        assert_eq!(is_asked, resolves);
    }
}

#[tokio::test]
async fn a_host_to_connect_to_instead_is_the_one_whose_addresses_are_checked() {
    let server = Server::answers(server::ok("hello"));
    let dns = names();
    let mut probe = probes::get("http://public.test/");
    probe.transport.named_address = Some(("origin.test".to_owned(), server.port()));
    probe.transport.resolver = Resolver::Udp(dns.address());
    probe.transport.addresses = Addresses::All(Quorum::All);
    let (outcome, _) = probes::check(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    let found: Vec<_> = outcome.addresses.iter().map(|found| found.address).collect();
    assert_eq!(found, [server.address()]);
}

#[tokio::test]
async fn fewer_addresses_than_must_be_up_are_not_enough_though_all_of_them_are_up() {
    let server = Server::answers(server::ok("hello"));
    for (least, is_up) in [(1, true), (2, false), (5, false)] {
        let dns = names();
        let mut probe = probes::get(&format!("http://one.test:{}/", server.port()));
        probe.transport.resolver = Resolver::Udp(dns.address());
        probe.transport.addresses = Addresses::All(Quorum::AtLeast(least));
        let (outcome, _) = probes::check(probe).await;
        let class = (!is_up).then_some(FailureClass::AssertionFailed);
        assert_eq!((outcome.class(), outcome.addresses.len()), (class, 1), "{outcome:?}");
        if let Some(failure) = &outcome.failure {
            let said = format!("addresses-up: expected at least {least} addresses that are up, got 1, all of them up");
            assert_eq!((failure.message.to_string(), &*failure.mismatches[0].assertion), (said, "addresses-up"));
        }
    }
}
