//! Connections kept for a probe's next check (`connection = "reuse"`).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use uptick::engine::Engine;
use uptick::model::{Redactor, Resolver, Verdict};

use crate::support::dns::{Dns, Reply};
use crate::support::server::Server;
use crate::support::{probes, server};

#[tokio::test]
async fn hosts_that_are_gone_make_room_for_the_one_that_stays() {
    const GONE: usize = 20;
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let end = Server::start(move |conn| while !conn.request().is_empty() && conn.send(answer) {});
    let (port, asked) = (end.port(), AtomicUsize::new(0));
    let start = Server::start(move |conn| {
        conn.request();
        let number = asked.fetch_add(1, Ordering::SeqCst).min(GONE);
        conn.send(server::answer(302, &[("location", &format!("http://host{number}.test:{port}/"))], ""));
    });
    let dns = Dns::always(Reply::address(Ipv4Addr::LOCALHOST));
    let mut probe = probes::get(&start.url("/"));
    probe.transport.resolver = Resolver::Udp(dns.address());
    probe.transport.reuse = true;
    let probe = Arc::new(probe);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    for _ in 0..GONE + 5 {
        assert_eq!(engine.check(probes::due(&probe)).await.verdict, Verdict::Up);
    }
    assert_eq!(end.connections(), GONE + 1, "the last host is connected to once");
}
