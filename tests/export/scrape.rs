//! The metrics that a watch serves: accepted by Prometheus' own checker, scraped by Prometheus
//! itself, and served by a server that no client can block.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::export::scrape::{Scrape, Source};
use uptick::model::{Outcome, Probe, Shard};

use crate::files::python;
use crate::programs::{Program, raw, skip, try_get};
use crate::support::PATIENCE;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::run::Run;
use crate::support::server::{Server, find, ok};

/// An outcome of a probe: up without a class, otherwise down or unknown by its class.
fn outcome(probe: &str, class: Option<&str>) -> Outcome {
    let verdict = match class {
        None => "up",
        Some("control_failed") => "unknown",
        Some(_) => "down",
    };
    let failure =
        class.map(|class| serde_json::json!({"class": class, "phase": "connect", "message": "no", "step": null}));
    serde_json::from_value(serde_json::json!({
        "probe": probe, "surface": "web", "vantage": "here", "scheduled_at": Timestamp::now(), "started_at": Timestamp::now(),
        "lag_us": 120, "verdict": verdict, "failure": failure,
        "timings_us": {"resolve": null, "connect": 95, "tls": null, "processing": 800, "transfer": 70, "total": 1000},
        "attempts": 1, "status": if class.is_none() { Some(200) } else { None }, "http_version": null,
        "remote": "127.0.0.1:9", "tls": null, "redirects": [], "body_bytes": 5,
    }))
    .unwrap()
}

async fn serving(outcomes: &[Outcome]) -> Scrape {
    serving_shard(None, outcomes).await
}

async fn serving_shard(shard: Option<Shard>, outcomes: &[Outcome]) -> Scrape {
    let source = Source { vantage: "here".to_owned(), shard };
    let scrape = Scrape::listen("127.0.0.1:0".parse().unwrap(), &[], source, 5).await.unwrap();
    for outcome in outcomes {
        scrape.outcome(outcome);
    }
    scrape
}

#[track_caller]
fn assert_clean(metrics: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = promtool.spawn() else { return skip("promtool") };
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_is_clean_whatever_a_probe_is_called() {
    let names = ["home", "a \"quoted\" \\ name\nof two lines", "\u{1b}[31mred\u{202e}", "ünïcødé", &"long".repeat(200)];
    let outcomes: Vec<Outcome> = names.iter().map(|name| outcome(name, None)).collect();
    let scrape = serving(&outcomes).await;
    let metrics = try_get(scrape.address(), "/metrics").unwrap();
    assert_clean(&metrics);
    assert_eq!(metrics.matches("probe_success{").count(), names.len());
    assert!(!metrics.contains('\u{1b}'));
    let longest = metrics.lines().map(str::len).max().unwrap();
    assert!(longest < 1_000, "{longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_as_fresh_as_the_last_check_and_an_unknown_one_has_no_success() {
    let scrape = serving(&[outcome("home", None), outcome("home", Some("connect_refused"))]).await;
    let metrics = || try_get(scrape.address(), "/metrics").unwrap();
    let labels = "probe=\"home\",surface=\"web\",vantage=\"here\"";
    for line in [
        format!("probe_success{{{labels}}} 0"),
        format!("uptick_checks_total{{{labels},verdict=\"up\"}} 1"),
        format!("uptick_checks_total{{{labels},verdict=\"down\"}} 1"),
        format!("uptick_failures_total{{class=\"connect_refused\",{labels}}} 1"),
        format!("uptick_check_duration_seconds_count{{{labels}}} 1"),
        format!("uptick_check_lag_seconds_count{{{labels}}} 2"),
    ] {
        assert!(metrics().lines().any(|found| found == line), "{line}\n{}", metrics());
    }
    // What did not happen is left out, never zero.
    assert!(!metrics().contains("phase=\"tls\"") && !metrics().contains("probe_http_status_code"));
    scrape.outcome(&outcome("home", Some("control_failed")));
    let after = metrics();
    assert!(!after.contains("probe_success"), "{after}");
    assert!(after.contains(&format!("uptick_checks_total{{{labels},verdict=\"unknown\"}} 1")), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_gone_from_the_configuration_has_no_last_check_and_keeps_its_counts() {
    let scrape = serving(&[outcome("old", None), outcome("kept", None)]).await;
    let config = uptick::config::from_urls(&["http://x.test/".to_owned()]).unwrap();
    let mut kept = uptick::model::Probe::clone(&config.probes[0]);
    kept.name = "kept".to_owned();
    scrape.set_probes(&[Arc::new(kept)]);
    // Its last check ends after the probe was removed.
    scrape.outcome(&outcome("old", None));
    let metrics = try_get(scrape.address(), "/metrics").unwrap();
    assert!(
        metrics.contains("probe_success{probe=\"kept\"") && !metrics.contains("probe_success{probe=\"old\""),
        "{metrics}"
    );
    assert!(
        metrics.contains("uptick_checks_total{probe=\"old\",surface=\"web\",vantage=\"here\",verdict=\"up\"} 2"),
        "{metrics}"
    );
}

fn probe(name: &str) -> Arc<Probe> {
    Arc::new(Probe::plain(name, "web", "https://user:hunter22@shop.test/?q=1", Duration::from_secs(30)))
}

/// A response in a format and a coding: its head, and its decoded body.
fn fetch(scrape: &Scrape, path: &str, accept: &str, coding: &str) -> (String, Vec<u8>) {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\naccept-encoding: {coding}\r\n\r\n");
    let answer = raw(scrape.address(), request.as_bytes()).unwrap();
    let head = find(&answer, b"\r\n\r\n").unwrap();
    let (head, body) = (String::from_utf8_lossy(&answer[..head]).into_owned(), answer[head + 4..].to_vec());
    if !head.contains("content-encoding: gzip") {
        return (head, body);
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
    (head, plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_failure_is_an_increase_since_every_class_that_can_occur_begins_with_zero() {
    let scrape = serving(&[]).await;
    scrape.set_probes(&[probe("home")]);
    let metrics = || try_get(scrape.address(), "/metrics").unwrap();
    let labels = "probe=\"home\",surface=\"web\",vantage=\"here\"";
    let line = |name: &str, label: &str, value: u8| match label {
        "" => format!("{name}{{{labels}}} {value}\n"),
        label if label < "probe" => format!("{name}{{{label},{labels}}} {value}\n"),
        label => format!("{name}{{{labels},{label}}} {value}\n"),
    };
    for zero in [
        line("uptick_checks_total", "verdict=\"down\"", 0),
        line("uptick_failures_total", "class=\"tls_cert_expired\"", 0),
        line("uptick_failures_total", "class=\"response_timeout\"", 0),
        line("uptick_check_duration_seconds_count", "", 0),
    ] {
        assert!(metrics().contains(&zero), "{zero}\n{}", metrics());
    }
    assert!(!metrics().contains("class=\"grpc_status\"") && !metrics().contains("probe_success{"), "{}", metrics());
    scrape.outcome(&outcome("home", Some("response_timeout")));
    let after = metrics();
    assert!(after.contains(&line("uptick_failures_total", "class=\"response_timeout\"", 1)), "{after}");
    assert_eq!(after.matches("class=\"response_timeout\"").count(), 1, "{after}");
    assert!(after.contains("uptick_probe_info{probe=\"home\",surface=\"web\",url=\"https://shop.test/?q=1\",vantage"));
    assert!(!after.contains("hunter22"));
    assert_clean(&after);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_compressed_for_who_takes_it_and_says_the_same() {
    let scrape = serving(&[outcome("home", None)]).await;
    scrape.set_probes(&[probe("home")]);
    for accept in ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"] {
        let (plain_head, plain) = fetch(&scrape, "/metrics", accept, "identity");
        let (head, body) = fetch(&scrape, "/metrics", accept, "gzip");
        assert!(head.contains("content-encoding: gzip") && !plain_head.contains("content-encoding"), "{head}");
        assert_eq!(plain, body, "{accept}");
        assert!(head.contains("vary: accept, accept-encoding"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_metrics_are_read_by_the_client_library_and_say_since_when_they_count() {
    let before = Timestamp::now();
    let scrape = serving(&[outcome("home", None), outcome("home", Some("connect_refused"))]).await;
    scrape.set_probes(&[probe("home")]);
    let (head, body) = fetch(&scrape, "/metrics", "application/openmetrics-text;version=1.0.0", "identity");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    let text = String::from_utf8(body.clone()).unwrap();
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE uptick_checks counter\n"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out"), body).unwrap();
    let Some(read) = python("prometheus_client", "open_metrics.py", &[], folder.path()) else { return };
    let samples: Vec<(String, String, std::collections::BTreeMap<String, String>, f64)> =
        serde_json::from_str(&read).unwrap();
    let of = |name: &str, label: (&str, &str)| {
        let found = samples.iter().find(|(_, of, labels, _)| of == name && labels[label.0] == label.1);
        found.unwrap_or_else(|| panic!("no {name} {label:?} in {samples:#?}"))
    };
    assert_eq!(of("uptick_checks_total", ("verdict", "down")).3, 1.0);
    assert_eq!(of("uptick_failures_total", ("class", "connect_refused")).0, "counter");
    assert_eq!(of("uptick_check_duration_seconds_count", ("probe", "home")).0, "histogram");
    assert_eq!(of("uptick_build_info", ("vantage", "here")).0, "info");
    for (name, label) in
        [("uptick_checks_created", ("verdict", "up")), ("uptick_check_lag_seconds_created", ("probe", "home"))]
    {
        let created = of(name, label).3;
        let since = created - before.as_duration().as_secs_f64();
        assert!((-0.001..60.0).contains(&since), "{name}: {since}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_says_since_when_counters_and_histograms_count() {
    let scrape = serving(&[outcome("home", None)]).await;
    let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let (_, body) = fetch(&scrape, "/metrics", accept, "identity");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out"), body).unwrap();
    let Some(read) = python("google.protobuf", "exposition.py", &[], folder.path()) else { return };
    let metrics: Vec<(String, f64, f64)> = serde_json::from_str(&read).unwrap();
    let now = Timestamp::now().as_duration().as_secs_f64();
    for (name, value) in [("uptick_checks_total", 1.0), ("uptick_check_duration_seconds", 1.0)] {
        let (_, found, created) = metrics.iter().find(|(of, ..)| of == name).unwrap();
        assert_eq!(*found, value, "{name}");
        assert!((now - created).abs() < 60.0, "{name}: {created}");
    }
    assert!(metrics.iter().any(|(name, _, created)| name == "probe_success" && *created == 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_probe_is_served_by_its_name_and_nothing_that_is_not_configured() {
    let scrape = serving(&[]).await;
    scrape.set_probes(&[probe("home page"), probe("login")]);
    scrape.outcome(&outcome("home page", None));
    scrape.outcome(&outcome("login", Some("connect_refused")));
    let of = |target: &str| {
        let (head, body) = fetch(&scrape, &format!("/probe{target}"), "text/plain", "identity");
        (head.split(' ').nth(1).unwrap().to_owned(), String::from_utf8(body).unwrap())
    };
    let (status, metrics) = of("?module=http_2xx&target=home%20page");
    assert_eq!(status, "200");
    assert!(metrics.contains("probe_success{probe=\"home page\"") && !metrics.contains("login"), "{metrics}");
    assert!(metrics.contains("uptick_probe_info{probe=\"home page\""), "{metrics}");
    assert_clean(&metrics);
    for (target, status) in
        [("?target=https://evil.test/", "404"), ("?target=", "404"), ("", "400"), ("?x=home", "400")]
    {
        let (found, said) = of(target);
        assert_eq!(found, status, "{target}: {said}");
        assert!(!said.contains("evil.test"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shard_is_a_label_of_what_every_shard_has() {
    let scrape = serving_shard(Shard::new(2, 4).ok(), &[outcome("home", None)]).await;
    let control = Probe { control: true, ..Probe::clone(&probe("internet")) };
    scrape.set_probes(&[probe("home"), Arc::new(control)]);
    let metrics = try_get(scrape.address(), "/metrics").unwrap();
    assert!(metrics.contains("uptick_checks_total{probe=\"internet\",shard=\"2/4\",surface=\"control\""), "{metrics}");
    assert!(metrics.contains("uptick_build_info{shard=\"2/4\",vantage=\"here\""), "{metrics}");
    assert!(metrics.contains("probe_success{probe=\"home\",surface=\"web\",vantage=\"here\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sees_the_first_failure_as_an_increase() {
    let scrape = serving(&[]).await;
    scrape.set_probes(&[probe("home")]);
    let Some(prometheus) = Program::prometheus(&[scrape.address()]) else { return };
    let failures = "uptick_failures_total{class=\"response_timeout\"}";
    assert_eq!(prometheus.number(failures), 0.0);
    scrape.outcome(&outcome("home", Some("response_timeout")));
    prometheus.wait(|| prometheus.number(failures) == 1.0, "the failure");
    assert!(prometheus.number(&format!("increase({failures}[1m])")) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_native_histograms_by_protobuf() {
    let outcomes: Vec<Outcome> = (0..40).map(|_| outcome("home", None)).collect();
    let scrape = serving(&outcomes).await;
    let Some(prometheus) = Program::prometheus(&[scrape.address()]) else { return };
    assert_eq!(prometheus.number("histogram_count(uptick_check_duration_seconds{probe=\"home\"})"), 40.0);
    let median = prometheus.number("histogram_quantile(0.5, uptick_check_duration_seconds)");
    assert!((median - 0.001).abs() < 0.000_03, "{median}");
    assert_eq!(prometheus.number("probe_success"), 1.0);
    assert_eq!(prometheus.number("uptick_checks_total{verdict=\"up\"}"), 40.0);
    assert_eq!(prometheus.number("up{job=\"uptick\"}"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_serves_what_it_counts() {
    let origin = Server::answers(ok("fine"));
    let config = format!(
        "[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"{}\"\ninterval = \"1s\"\ntimeout = \"900ms\"\n",
        origin.url("/")
    );
    let run = Run::new(["watch", "--no-record", "--listen=127.0.0.1:0"]).config(&config);
    let mut child = KilledOnDrop::from(run.command().spawn().unwrap());
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    let mut byte = [0];
    while !said.ends_with("/metrics\n") && stderr.read(&mut byte).unwrap() == 1 {
        said.push(char::from(byte[0]));
    }
    let address = said.trim().rsplit_once("http://").unwrap().1.trim_end_matches("/metrics").parse().unwrap();
    let start = std::time::Instant::now();
    let metrics = loop {
        let metrics = try_get(address, "/metrics").unwrap();
        if metrics.contains("probe_success") {
            break metrics;
        }
        assert!(start.elapsed() < PATIENCE, "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    drop(child);
    assert_clean(&metrics);
    assert!(
        metrics.contains("probe_http_status_code{probe=\"home\",surface=\"web\",vantage=\"local\"} 200"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_get_of_metrics_is_answered() {
    let scrape = serving(&[]).await;
    let status = |request: &str| {
        let request = format!("{request} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let answer = raw(scrape.address(), request.as_bytes()).unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(status("GET /metrics"), "200");
    assert_eq!(status("HEAD /metrics"), "200");
    assert_eq!(status("GET /metrics?x=1"), "200");
    assert_eq!(status("GET /"), "200");
    assert_eq!(status("GET /etc/passwd"), "404");
    assert_eq!(status("GET /probe?target=home"), "404");
    assert_eq!(status("POST /metrics"), "405");
    let refused = raw(scrape.address(), b"PUT /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(find(&refused, b"allow: GET, HEAD\r\n").is_some(), "{}", String::from_utf8_lossy(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_its_half_after_the_request_is_answered() {
    let scrape = serving(&[outcome("home", None)]).await;
    let mut client = TcpStream::connect(scrape.address()).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_name_leads_here_reads_nothing() {
    let scrape = serving(&[outcome("home", None)]).await;
    let answer = |head: &str| {
        let answer = raw(scrape.address(), format!("{head}\r\n\r\n").as_bytes()).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    for head in ["GET /metrics HTTP/1.1\r\nhost: evil.test", "GET http://evil.test/metrics HTTP/1.1\r\nhost: localhost"]
    {
        let refused = answer(head);
        assert!(refused.starts_with("HTTP/1.1 421 ") && refused.contains("--listen-host"), "{refused}");
        assert!(!refused.contains("probe_success"));
    }
    assert!(answer("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:9115").contains("probe_success"));
    assert!(answer("GET /metrics HTTP/1.0").contains("probe_success"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_can_be_read_from_elsewhere_are_warned_of() {
    for (arguments, warned) in [(&["--listen=127.0.0.1:0"][..], false), (&["--listen=0.0.0.0:0"], true)] {
        let config = "[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"http://127.0.0.1:9/\"\n";
        let fixed = ["watch", "--no-record", "--for=100ms"];
        let ran = Run::new([&fixed[..], arguments].concat()).config(config).run();
        assert_eq!(ran.stderr.contains("--listen-host"), warned, "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_hold_the_server_up() {
    let scrape = serving(&[outcome("home", None)]).await;
    let address = scrape.address();
    // More connections than there is room for, none of which sends anything.
    let mut idle: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    // The oldest one is closed for each new client, which is served at once.
    for _ in 0..100 {
        assert!(try_get(address, "/metrics").is_some_and(|metrics| metrics.contains("probe_success")));
    }
    let mut rest = Vec::new();
    idle[0].set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(idle[0].read_to_end(&mut rest).is_ok() || rest.is_empty());
    // An endless head is cut off.
    let mut endless = TcpStream::connect(address).unwrap();
    endless.set_write_timeout(Some(PATIENCE)).unwrap();
    let line = format!("x-filler: {}\r\n", "a".repeat(1_000));
    let mut sent = endless.write_all(b"GET /metrics HTTP/1.1\r\n").map(|()| 0);
    while let Ok(lines) = sent
        && lines < 100_000
    {
        sent = endless.write_all(line.as_bytes()).map(|()| lines + 1);
    }
    assert!(sent.is_err(), "a hundred megabytes of head were read");
    assert!(try_get(address, "/metrics").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_that_does_not_read_hinders_no_check_and_no_other() {
    // A response of megabytes does not fit into the buffers of a connection.
    let outcomes: Vec<Outcome> = (0..200).map(|n| outcome(&format!("probe {n}"), None)).collect();
    let scrape = serving(&outcomes).await;
    let address = scrape.address();
    let mut deaf: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in &mut deaf {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    }
    // Another client disconnects in the middle, and one announces a body that it never sends.
    let mut gone = TcpStream::connect(address).unwrap();
    gone.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    gone.read_exact(&mut [0; 100]).unwrap();
    drop(gone);
    let mut liar = TcpStream::connect(address).unwrap();
    liar.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\nabc").unwrap();
    let start = std::time::Instant::now();
    for outcome in outcomes.iter().cycle().take(1_000) {
        scrape.outcome(outcome);
    }
    assert!(start.elapsed() < PATIENCE, "checks waited {:?}", start.elapsed());
    let metrics = try_get(address, "/metrics").unwrap();
    assert!(metrics.len() > 1_000_000, "{}", metrics.len());
    let checks = "uptick_checks_total{probe=\"probe 7\",surface=\"web\",vantage=\"here\",verdict=\"up\"} 6";
    assert!(metrics.contains(checks), "what was counted meanwhile is there");
    assert_eq!(deaf.len(), 10, "they were there all the time");
}
