//! Many faults at once: checks that hang or that exhaust a resource must not affect others.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uptick::engine::Engine;
use uptick::model::{FailureClass, Outcome, Probe, Redactor, Resolver, Verdict};

use crate::support::dns::{Dns, Reply};
use crate::support::run::Run;
use crate::support::server::Server;
use crate::support::tls::Authority;
use crate::support::{probes, server};

fn checks_at_once(probes: &[Arc<Probe>]) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Arc::new(Engine::new("test", Redactor::default(), probes).unwrap());
        let mut checks = tokio::task::JoinSet::new();
        for probe in probes {
            let (engine, check) = (Arc::clone(&engine), probes::due(probe));
            checks.spawn(async move { engine.check(check).await });
        }
        checks.join_all().await
    })
}

#[test]
fn a_thousand_hung_lookups_harm_no_healthy_host() {
    let server = Server::start(|conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    // Two servers: a thousand questions at once would overrun the buffer of the one that answers.
    let (answering, silent) = (Dns::always(Reply::address(Ipv4Addr::LOCALHOST)), Dns::always(Reply::Silence));
    let probe = |name: String, dns: &Dns| {
        let mut probe = probes::get(&format!("http://{name}.test:{}/", server.port()));
        probe.transport.resolver = Resolver::Udp(dns.address());
        probe.name = name;
        probe.timeout = Duration::from_secs(3);
        Arc::new(probe)
    };
    let hung = (0..1_000).map(|n| probe(format!("hung{n}"), &silent));
    let good = (0..50).map(|n| probe(format!("good{n}"), &answering));
    let probes: Vec<Arc<Probe>> = hung.chain(good).collect();
    let start = Instant::now();
    let outcomes = checks_at_once(&probes);
    let took = start.elapsed();
    for outcome in &outcomes {
        let class = if outcome.probe.starts_with("good") { None } else { Some(FailureClass::DnsTimeout) };
        assert_eq!(outcome.class(), class, "{outcome:?}");
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Up).count(), 50);
    assert!(took < Duration::from_secs(30), "the thousand wait side by side: {took:?}");
}

#[test]
fn the_process_does_not_wait_for_lookups_that_hang() {
    let dns = Dns::always(Reply::Silence);
    let probes = server::lines(50, |n| {
        let resolver = dns.address();
        format!("[[probe]]\nname = \"p{n}\"\nurl = \"http://hung{n}.test/\"\nresolver = \"udp://{resolver}\"\n")
    });
    let config = format!("[defaults]\ninterval = \"30s\"\ntimeout = \"500ms\"\n{probes}");
    let ran = Run::new(["check", "--format", "ndjson"]).config(&config).run();
    let lines = ran.json_lines();
    assert_eq!(lines.len(), 50);
    for line in lines {
        // A busy machine may make the verdict unknown, but no check longer.
        let class = line["failure"]["class"].as_str().unwrap_or_default();
        assert!(["dns_timeout", "prober_overloaded"].contains(&class), "{line}");
    }
    // A lookup that is not cancelled takes ten seconds and more; the limit is half a second.
    assert!(ran.took < Duration::from_secs(8), "{:?}", ran.took);
}

#[test]
fn a_process_without_descriptors_says_so_and_does_not_panic() {
    let server = Server::answers(server::ok("hello"));
    for limit in [4, 6, 8, 10, 12] {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let url = server.url("/");
        let ran = Run::new(["check", url.as_str()]).through(["sh", "-c", script.as_str(), "limit"]).run();
        assert!(!ran.stderr.contains("panicked"), "with {limit}: {}", ran.stderr);
        assert!([0, 2, 3].contains(&ran.code()), "never down, with {limit}: {} {}", ran.code(), ran.stderr);
        assert!(ran.code() == 0 || !ran.stderr.is_empty() || !ran.stdout.is_empty(), "a word is said, with {limit}");
    }
}

#[test]
fn a_host_without_root_certificates_says_so_and_blames_nobody() {
    let authority = Authority::new();
    let server = Server::tls(authority.leaf(&["127.0.0.1"]).config(), |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    let url = format!("https://{}/", server.address());
    let ran =
        Run::new(["check", "--format", "ndjson", url.as_str()]).env("SSL_CERT_FILE", "/nonexistent/roots.pem").run();
    assert_eq!(ran.code(), 3, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("SSL_CERT_FILE is /nonexistent/roots.pem"), "{}", ran.stderr);
    let line = &ran.json_lines()[0];
    assert_eq!(line["failure"]["class"], "prober_resources", "{line}");
    assert!(line["failure"]["message"].as_str().is_some_and(|said| said.contains("SSL_CERT_FILE")), "{line}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_without_memory_for_the_thread_that_judges_a_body_says_so_and_blames_nobody() {
    let server = Server::answers(server::ok(&["[".repeat(110), "]".repeat(110)].concat()));
    let schema = [r#"{"allOf":["#.repeat(250), r##"{"items":{"$ref":"#"}}"##.to_owned(), "]}".repeat(250)].concat();
    let config =
        format!("[[probe]]\nname = \"deep\"\nurl = \"{}\"\nexpect.json-schema = \"x.schema.json\"\n", server.url("/"));
    for (limit, class) in [("unlimited", None), ("850000", Some("prober_resources"))] {
        let script = format!("ulimit -v {limit}; exec \"$@\"");
        let run = Run::new(["check", "--format", "ndjson"]).config(&config).file("x.schema.json", &schema);
        let ran = run.through(["sh", "-c", script.as_str(), "limit"]).run();
        let line = &ran.json_lines()[0];
        assert_eq!(line["failure"]["class"].as_str(), class, "{line}");
    }
}
