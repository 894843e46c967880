//! Whatever a backend does to an exporter, a check has its verdict, its exit status and its record,
//! and what did not arrive is reported.

use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use prost::Message as _;

use crate::support::run::Run;
use crate::support::server::{Server, answer, ok, refusing_port};
use crate::support::tls::Authority;

const EXPORTERS: [&str; 2] = ["--remote-write", "--otlp"];

/// Backends by their behaviour, each with the expected message; `None` if it accepts everything.
fn backends() -> Vec<(&'static str, Option<Server>, Option<&'static str>)> {
    let silent = Server::start(|conn| {
        conn.request();
        conn.stall();
    });
    let dripping = Server::start(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nx: ");
        conn.send_forever("y", Duration::from_millis(100));
    });
    let endless = Server::start(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
        conn.send_forever(vec![0; 65_536], Duration::ZERO);
    });
    let resetting = Server::start(|conn| {
        conn.request();
        conn.reset();
    });
    let lost = Some("did not arrive");
    vec![
        ("dead", None, lost),
        ("silent", Some(silent), lost),
        ("dripping", Some(dripping), lost),
        ("resetting", Some(resetting), lost),
        ("another protocol", Some(Server::answers("SSH-2.0-OpenSSH_9.2\r\n")), lost),
        ("refusing", Some(Server::answers(answer(403, &[], "no tenant \u{1b}[31mhere"))), Some("no tenant")),
        ("overloaded", Some(Server::answers(answer(429, &[("retry-after", "86400")], ""))), lost),
        ("endless", Some(endless), None),
        ("lying", Some(Server::answers(answer(200, &[], "taken, not kept"))), None),
    ]
}

/// A check of a target that is up, recorded and exported to a backend.
#[track_caller]
fn check(exporter: &str, backend: &str, base: &str, told: Option<&str>) {
    let origin = Server::answers(ok("fine"));
    let config = format!("[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"{}\"\n", origin.url("/"));
    let url = if exporter == "--otlp" { base.to_owned() } else { format!("{base}/api/v1/write") };
    let ran = Run::new(["check", "--record", &format!("{exporter}={url}")]).config(&config).run();
    let case = format!("{exporter} to one that is {backend}");
    assert_eq!(ran.status.code(), Some(0), "{case}: {}", ran.stderr);
    assert!(ran.stdout.contains("UP"), "{case}: {}", ran.stdout);
    match told {
        Some(told) => assert!(ran.stderr.contains("warning") && ran.stderr.contains(told), "{case}: {}", ran.stderr),
        None => assert_eq!(ran.stderr, "", "{case}"),
    }
    assert!(!ran.stderr.contains('\u{1b}'), "{case}: {:?}", ran.stderr);
    let journal = ran.folder.path().join("uptick-journal").display().to_string();
    let table = Run::new(["export", "--csv", "--since=1d", &journal]).run();
    let row = table.expect_code(0).stdout.lines().nth(1).unwrap_or_default().to_owned();
    assert!(row.starts_with("local,home,web,false,") && row.contains("Z,1,1,0,0,0,0,,1,"), "{case}: {row}");
}

#[test]
fn a_check_is_judged_and_recorded_whatever_its_backend_does() {
    let backends = backends();
    // Some take the ten seconds that the end of a run waits, so they run in parallel.
    thread::scope(|scope| {
        for (backend, server, told) in &backends {
            for exporter in EXPORTERS {
                scope.spawn(move || {
                    let dead = || format!("http://127.0.0.1:{}", refusing_port());
                    let base = server.as_ref().map_or_else(dead, |server| server.url(""));
                    check(exporter, backend, &base, *told);
                });
            }
        }
    });
}

#[test]
fn a_collector_that_throws_data_points_away_is_named_at_the_end_of_a_check() {
    let partial = ExportMetricsPartialSuccess { rejected_data_points: 7, error_message: "no histograms".to_owned() };
    let body = ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let server = Server::answers(answer(200, &[], body));
    check("--otlp", "partial", &server.url(""), Some("7 data points rejected: no histograms"));
}

#[test]
fn a_backend_with_a_private_authority_is_trusted_by_the_hosts_store_alone() {
    let (ours, other) = (Authority::new(), Authority::new());
    for exporter in EXPORTERS {
        let backend = Server::tls(ours.leaf(&["localhost"]).config(), |conn| {
            conn.request();
            conn.send(answer(200, &[], ""));
        });
        let origin = Server::answers(ok("fine"));
        for (authority, arrives) in [(&ours, true), (&other, false)] {
            let before = backend.requests().len();
            let write = format!("{exporter}={}", backend.https("localhost", ""));
            let ran = Run::new(["check", &origin.url("/"), &write])
                .env("SSL_CERT_FILE", &authority.ca_file().display().to_string())
                .run();
            assert_eq!(ran.status.code(), Some(0), "{exporter}: {}", ran.stderr);
            let said = if arrives { ran.stderr.is_empty() } else { ran.stderr.contains("invalid peer certificate") };
            assert!(said, "{exporter}, {arrives}: {}", ran.stderr);
            assert_eq!(backend.requests().len() > before, arrives, "{exporter}");
        }
    }
}

#[test]
fn a_watch_goes_on_while_every_backend_hangs() {
    let origin = Server::answers(ok("fine"));
    let silent = Server::start(|conn| {
        conn.request();
        conn.stall();
    });
    let config = format!(
        "[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"{}\"\ninterval = \"1s\"\ntimeout = \"900ms\"\n",
        origin.url("/")
    );
    let write = format!("--remote-write={}", silent.url("/api/v1/write"));
    let otlp = format!("--otlp={}", silent.url(""));
    let ran = Run::new(["watch", "--for=4s", "--listen=127.0.0.1:0", &write, &otlp]).config(&config).run();
    assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
    let journal = ran.folder.path().join("uptick-journal").display().to_string();
    let table = Run::new(["export", "--csv", "--since=1d", &journal]).run();
    let mut reader = csv::Reader::from_reader(table.expect_code(0).stdout.as_bytes());
    let [mut due, mut up] = [0; 2];
    for row in reader.records() {
        let row = row.unwrap();
        due += row[6].parse::<u64>().unwrap();
        up += row[7].parse::<u64>().unwrap();
    }
    // A busy machine may miss one check; a backend must not cost any.
    assert!((3..=5).contains(&due) && up >= 2, "{due} due, {up} up:\n{}", table.stdout);
    for exporter in ["remote write", "otlp"] {
        assert!(ran.stderr.contains(exporter) && ran.stderr.contains("did not arrive"), "{}", ran.stderr);
    }
    assert!(silent.connections() >= 2, "both were tried");
}
