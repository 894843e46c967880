//! Figures that depend on the machine, so that no ordinary test run asserts them: `cargo test
//! --profile dist --test engine measurements -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]
#![allow(clippy::print_stdout, reason = "the figures are what these tests are for")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::dns::{Dns, Reply};
use crate::support::run::Run;
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;
use crate::support::{bombs, probes, server};
use uptick::engine::Engine;
use uptick::model::{Outcome, Probe, Redactor, Resolver, Verdict};

/// The processor time of this thread.
fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The number of requests in one round of the comparison.
const ROUND: u32 = 400;

/// The number of rounds of each side. The best rounds are compared: slower ones were disturbed.
const ROUNDS: usize = 7;

async fn bare(client: &reqwest::Client, url: &str) -> Duration {
    let before = thread_cpu();
    for _ in 0..ROUND {
        let mut response = client.get(url).send().await.unwrap();
        assert!(response.status().is_success());
        while response.chunk().await.unwrap().is_some() {}
    }
    thread_cpu().saturating_sub(before)
}

async fn checks(engine: &Engine, probe: &Arc<Probe>) -> Duration {
    let before = thread_cpu();
    for _ in 0..ROUND {
        let outcome = engine.check(probes::due(probe)).await;
        assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    }
    thread_cpu().saturating_sub(before)
}

/// Prints the ratio of a check's processor time to that of a bare request, both on one thread.
fn compare(what: &str, probe: Probe, client: reqwest::ClientBuilder) {
    let url = probe.steps[0].request.url.to_string();
    let probe = Arc::new(probe);
    let engine = Engine::new("here", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client.build().unwrap();
    runtime.block_on(async {
        bare(&client, &url).await;
        checks(&engine, &probe).await;
        let (mut reqwest, mut uptick) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            reqwest = reqwest.min(bare(&client, &url).await);
            uptick = uptick.min(checks(&engine, &probe).await);
        }
        let ratio = uptick.as_secs_f64() / reqwest.as_secs_f64();
        println!("{what}: reqwest {:?}, uptick {:?} a request, ratio {ratio:.3}", reqwest / ROUND, uptick / ROUND);
        assert!(ratio <= 1.25, "{what}: {ratio:.3}");
    });
}

fn fresh() -> reqwest::ClientBuilder {
    reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().redirect(reqwest::redirect::Policy::none())
}

#[test]
#[ignore = "measures processor time"]
fn a_fresh_check_costs_at_most_a_quarter_more_than_a_bare_request() {
    let server = Server::answers(server::ok(&"x".repeat(2_000)));
    // A bare client with these features needs a TLS configuration too, although it never uses it.
    let client = fresh().tls_backend_preconfigured(empty_tls());
    compare("plain http", probes::get(&server.url("/")), client);
}

fn empty_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

#[test]
#[ignore = "measures processor time"]
fn a_fresh_check_over_tls_costs_at_most_a_quarter_more_than_a_bare_request() {
    let authority = Authority::new();
    let server = Server::tls(authority.leaf(&["good.test"]).config(), |conn: &mut ScriptedConnection| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    let address = (Ipv4Addr::LOCALHOST, server.port()).into();
    let mut probe = probes::get(&server.https("good.test", "/"));
    probe.transport.tls.ca_file = Some(authority.ca_file());
    probe.transport.address = Some(address);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    compare("https", probe, fresh().tls_backend_preconfigured(tls).resolve("good.test", address));
}

/// The peak memory of a run of the binary, in KiB.
fn peak(probe: &str) -> (u64, String) {
    let run = Run::new(["check", "--format", "ndjson"]).config(probe);
    let mut child = run.command().spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(text) = fs::read_to_string(&status)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            peak = peak.max(line.split_whitespace().nth(1).unwrap().parse().unwrap());
        }
        if child.try_wait().unwrap().is_some() {
            let output = child.wait_with_output().unwrap();
            return (peak, String::from_utf8_lossy(&output.stdout).into_owned());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "measures memory"]
fn one_check_against_what_never_ends_stays_under_64_mebibytes() {
    let bomb = bombs::gzip(1024);
    let bomb = server::answer(200, &[("content-encoding", "gzip")], bomb);
    let escapes = "\\%25".repeat(390 * 1024 / 4);
    let escapes = server::answer(500, &[("x-escapes", &escapes)], "");
    let servers = [
        ("a header of 390 KiB of escapes", Server::answers(escapes)),
        (
            "endless body",
            Server::start(|conn| {
                conn.request();
                conn.send("HTTP/1.1 200 OK\r\n\r\n");
                conn.send_forever("0123456789abcdef".repeat(4096), Duration::ZERO);
            }),
        ),
        (
            "endless headers",
            Server::start(|conn| {
                conn.request();
                conn.send("HTTP/1.1 200 OK\r\n");
                conn.send_forever("x-filler: 0123456789abcdef\r\n".repeat(100), Duration::ZERO);
            }),
        ),
        (
            "1 GiB of gzip",
            Server::start(move |conn| {
                conn.request();
                conn.send(&bomb);
            }),
        ),
    ];
    for (what, server) in servers {
        for limit in ["1MiB", "16MiB"] {
            let (peak, said) = peak(&format!(
                "[[probe]]\nname = \"bomb\"\nurl = \"{}\"\nbody-limit = \"{limit}\"\nexpect.body-lacks = \"never\"\n\
                 headers = {{ authorization = \"Bearer a-long-and-secret-value\" }}\n",
                server.url("/")
            ));
            assert!(said.contains("\"verdict\":\"down\""), "{said}");
            println!("{what}, body-limit {limit}: {peak} KiB at most");
            assert!(peak < 64 * 1024, "{what}: {peak} KiB");
        }
    }
}

/// Keeps one processor busy until it is dropped.
struct BusyLoop(Arc<AtomicBool>);

impl BusyLoop {
    fn start() -> BusyLoop {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            let mut n = 0_u64;
            while !stopped.load(Ordering::Relaxed) {
                n = std::hint::black_box(n.wrapping_mul(31).wrapping_add(1));
            }
        });
        BusyLoop(stop)
    }
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A server that keeps nothing of its requests, unlike those of `tests/support`.
fn answering(address: Ipv4Addr) -> SocketAddr {
    let listener = Arc::new(TcpListener::bind((address, 0)).unwrap());
    for _ in 0..4 {
        let listener = Arc::clone(&listener);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut request = [0; 2048];
                if stream.read(&mut request).is_ok() {
                    let _ = stream.write_all(&server::ok("hello"));
                }
            }
        });
    }
    listener.local_addr().unwrap()
}

#[test]
#[ignore = "takes minutes"]
fn sixty_thousand_healthy_checks_beside_a_busy_processor_are_all_up() {
    const CHECKS: usize = 60_000;
    const AT_ONCE: usize = 64;
    let addresses: Vec<SocketAddr> = (1..=8).map(|n| answering(Ipv4Addr::new(127, 0, 0, n))).collect();
    let probe = |address: &SocketAddr| {
        Arc::new(Probe { timeout: Duration::from_secs(10), ..probes::get(&format!("http://{address}/")) })
    };
    let probes: Vec<Arc<Probe>> = addresses.iter().map(probe).collect();
    let engine = Arc::new(Engine::new("here", Redactor::default(), &probes).unwrap());
    let _burner = BusyLoop::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let outcomes: Vec<Outcome> = runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        let mut bad = Vec::new();
        let mut slowest = Duration::ZERO;
        for n in 0..CHECKS + AT_ONCE {
            if n >= AT_ONCE
                && let Some(outcome) = running.join_next().await
            {
                let outcome: Outcome = outcome.unwrap();
                slowest = slowest.max(outcome.timings.total);
                if outcome.verdict != Verdict::Up {
                    bad.push(outcome);
                }
            }
            if n < CHECKS {
                let (engine, check) = (Arc::clone(&engine), probes::due(&probes[n % probes.len()]));
                running.spawn(async move { engine.check(check).await });
            }
        }
        println!("{CHECKS} checks, {AT_ONCE} at once, in {:?}; the slowest took {slowest:?}", began.elapsed());
        bad
    });
    assert!(outcomes.is_empty(), "{} are not up, the first: {:?}", outcomes.len(), outcomes[0]);
}

#[test]
#[ignore = "takes a while"]
fn a_thousand_names_that_hang_do_not_hold_back_fifty_hosts() {
    let server = Server::answers(server::ok("hello"));
    let dns = Dns::start(|question| {
        if question.name.starts_with("hung") { Reply::Silence } else { Reply::address(Ipv4Addr::LOCALHOST) }
    });
    let probe = |name: &str| {
        let mut probe = probes::get(&format!("http://{name}.test:{}/", server.port()));
        probe.transport.resolver = Resolver::Udp(dns.address());
        probe.timeout = Duration::from_secs(3);
        Arc::new(probe)
    };
    let hung: Vec<Arc<Probe>> = (0..1_000).map(|n| probe(&format!("hung{n}"))).collect();
    let healthy: Vec<Arc<Probe>> = (0..50).map(|n| probe(&format!("healthy{n}"))).collect();
    let all: Vec<Arc<Probe>> = hung.iter().chain(&healthy).cloned().collect();
    let engine = Arc::new(Engine::new("here", Redactor::default(), &all).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (up, slowest, down) = runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for probe in all {
            let engine = Arc::clone(&engine);
            running.spawn(async move { engine.check(probes::due(&probe)).await });
        }
        let (mut up, mut slowest, mut down) = (0, Duration::ZERO, 0);
        while let Some(outcome) = running.join_next().await {
            let outcome: Outcome = outcome.unwrap();
            if outcome.verdict == Verdict::Up {
                up += 1;
                slowest = slowest.max(outcome.timings.total);
            } else {
                assert_eq!(outcome.class(), Some(uptick::model::FailureClass::DnsTimeout), "{outcome:?}");
                down += 1;
            }
        }
        (up, slowest, down)
    });
    println!("{up} of 50 up, the slowest in {slowest:?}, beside {down} names that hang");
    assert_eq!((up, down), (50, 1_000));
    let began = Instant::now();
    runtime.shutdown_background();
    assert!(began.elapsed() < Duration::from_millis(500));
}

#[test]
#[ignore = "takes a while"]
fn the_process_ends_within_half_a_second_of_its_last_record() {
    let dns = Dns::always(Reply::Silence);
    let mut config = format!("[defaults]\nresolver = \"udp://{}\"\ntimeout = \"1s\"\n", dns.address());
    for n in 0..200 {
        config.push_str(&format!("[[probe]]\nname = \"p{n}\"\nurl = \"http://hung{n}.test/\"\n"));
    }
    let ran = Run::new(["check", "--format", "ndjson"]).config(&config).run();
    assert_eq!(ran.stdout.matches("dns_timeout").count(), 200, "{}", ran.stderr);
    println!("200 names that hang for 1 s: start to exit {:?}", ran.took);
    assert!(ran.took < Duration::from_millis(1_500), "{:?}", ran.took);
}
