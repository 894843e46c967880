//! Extra checks of a failed check: a request is repeated only at addresses of its own host.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uptick::engine::{DiagnosisHints, Engine};
use uptick::model::{ExtraKind, LastGoodAddress, Outcome, Probe, Redactor, Resolver, Value, Verdict};

use crate::support::dns::{Dns, Reply};
use crate::support::server::Server;
use crate::support::{probes, server};

const SECRET: &str = "open-sesame-of-start";

/// A probe with a credential at `start.test`. Each name has two addresses, and a server listens at the first.
fn probe(start: &Server, dns: &Dns) -> Arc<Probe> {
    let mut probe = probes::get(&format!("http://start.test:{}/", start.port()));
    let name = http::HeaderName::from_static("x-api-key");
    probe.steps[0].request.headers = vec![(name, Value::secret("KEY", SECRET))];
    probe.transport.resolver = Resolver::Udp(dns.address());
    Arc::new(probe)
}

fn names() -> Dns {
    let addresses = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    Dns::always(Reply::Addresses(addresses.to_vec()))
}

fn leads_to(host: &str, to: &Server) -> Server {
    let location = format!("http://{host}:{}/end", to.port());
    Server::answers(server::answer(302, &[("location", &location)], ""))
}

async fn diagnosed(probe: &Arc<Probe>, hints: &DiagnosisHints) -> (Outcome, Vec<(ExtraKind, String)>) {
    let engine = Arc::new(Engine::new("test", Redactor::default(), std::slice::from_ref(probe)).unwrap());
    let outcome = engine.check(probes::due(probe)).await;
    let found = engine.diagnose(probe, &outcome, hints).await;
    let found = found.extra.iter().map(|extra| (extra.kind, extra.target.to_string())).collect();
    (outcome, found)
}

#[tokio::test]
async fn the_addresses_of_the_host_that_a_redirect_leads_to_get_a_connection_and_no_credentials() {
    let dns = names();
    let end = Server::answers(server::answer(500, &[], "broken"));
    let start = leads_to("end.test", &end);
    let probe = probe(&start, &dns);
    let (outcome, found) = diagnosed(&probe, &DiagnosisHints::default()).await;
    assert_eq!((outcome.verdict, outcome.remote), (Verdict::Down, Some(end.address())));
    assert!(!found.is_empty() && found.iter().all(|(kind, _)| *kind == ExtraKind::Tcp), "{found:?}");
    let asked = end.requests_text().concat();
    assert!(asked.contains("GET /end") && !asked.contains("GET / ") && !asked.contains(SECRET), "{asked}");
}

#[tokio::test]
async fn a_redirect_within_the_host_does_not_change_where_its_first_request_is_repeated() {
    let dns = names();
    let end = Server::answers(server::answer(500, &[], "broken"));
    let start = leads_to("start.test", &end);
    let probe = probe(&start, &dns);
    let (_, found) = diagnosed(&probe, &DiagnosisHints::default()).await;
    let first = (ExtraKind::Address, start.address().to_string());
    assert!(found.contains(&first), "at the port of the first request: {found:?}");
    assert_eq!(start.connections(), 2);
    assert_eq!(end.requests().len(), 1, "the first request is not for that port");
}

#[tokio::test]
async fn the_address_that_answered_last_is_that_of_the_first_host() {
    let dns = names();
    let end = Server::answers(server::ok("hello"));
    let start = leads_to("end.test", &end);
    let probe = probe(&start, &dns);
    let (outcome, _) = probes::check(Probe::clone(&probe)).await;
    assert_eq!((outcome.verdict, outcome.remote), (Verdict::Up, Some(end.address())));
    let good = Engine::first_answer(&probe, &outcome);
    assert_eq!(good, Some(LastGoodAddress { host: "start.test".to_owned(), address: start.address() }));
}

#[tokio::test]
async fn an_address_that_answered_for_another_host_is_not_asked() {
    let dns = Dns::always(Reply::Code(3));
    let other = Server::answers(server::ok("other"));
    let probe = probe(&other, &dns);
    for (host, is_asked) in [("old.test", false), ("start.test", true)] {
        let last_good = Some(LastGoodAddress { host: host.to_owned(), address: other.address() });
        let (outcome, found) = diagnosed(&probe, &DiagnosisHints { last_good, ..DiagnosisHints::default() }).await;
        assert_eq!(outcome.verdict, Verdict::Down);
        assert_eq!(found.iter().any(|(kind, _)| *kind == ExtraKind::LastGoodAddress), is_asked, "{found:?}");
        assert_eq!(other.requests_text().concat().contains(SECRET), is_asked);
    }
}

#[tokio::test]
async fn every_connection_of_a_check_starts_at_the_source_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peers = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&peers);
    tokio::spawn(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            seen.lock().unwrap().push(peer.ip().to_string());
            // `handshake_failure`: nothing in common, so the prober asks what the server would choose.
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 40]).await;
        }
    });
    let mut probe = probes::get(&format!("https://127.0.0.1:{port}/"));
    probe.transport.source_address = Some([127, 0, 0, 2].into());
    let (_, found) = diagnosed(&Arc::new(probe), &DiagnosisHints::default()).await;
    assert!(found.iter().any(|(kind, _)| *kind == ExtraKind::Tcp), "{found:?}");
    let peers = peers.lock().unwrap();
    assert!(peers.len() >= 4, "a check, two questions and a connection: {peers:?}");
    assert!(peers.iter().all(|peer| peer == "127.0.0.2"), "{peers:?}");
}
