//! External servers in Python packages: Google's gRPC with its health service, and Hypercorn, which
//! accepts `WebSocket`s over HTTP/2. If one is not installed, its test prints a note and is
//! skipped.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use uptick::model::{FailureClass, HttpVersion, HttpVersionPreference, Outcome, TextRule, Value, Verdict};

use crate::listening::wait_until_it_listens;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::probes;
use crate::support::server::free_port;
use crate::support::tls::Authority;

/// A server that ends when it is dropped.
struct PythonServer {
    child: KilledOnDrop,
    authority: Authority,
    ports: Vec<u16>,
    _folder: TempDir,
}

impl PythonServer {
    /// Starts a script of tests/interoperability on `ports` ports. `None`, with a note on stderr,
    /// if its packages are missing.
    fn start(packages: &str, script: &str, ports: usize) -> Option<PythonServer> {
        let known = Command::new("python3").args(["-c", &format!("import {packages}")]).stderr(Stdio::null()).status();
        if !known.is_ok_and(|status| status.success()) {
            let _ = writeln!(std::io::stderr(), "skipped: Python's {packages} is not installed");
            return None;
        }
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let (chain, key) = authority.leaf(&["good.test"]).pem_files(folder.path());
        let ports: Vec<u16> = (0..ports).map(|_| free_port()).collect();
        let log = folder.path().join("log");
        let child = Command::new("python3")
            .arg(format!("{}/tests/interoperability/{script}", env!("CARGO_MANIFEST_DIR")))
            .args(ports.iter().map(ToString::to_string))
            .args([chain, key])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut server = PythonServer { child: child.into(), authority, ports, _folder: folder };
        for port in &server.ports {
            wait_until_it_listens(&mut server.child, SocketAddr::from((Ipv4Addr::LOCALHOST, *port)), &log);
        }
        Some(server)
    }

    /// Makes a check with this scheme and path at one of the ports.
    async fn check(
        &self,
        scheme: &str,
        port: usize,
        path: &str,
        shape: impl FnOnce(&mut uptick::model::Probe),
    ) -> Outcome {
        let mut probe = probes::get(&format!("{scheme}://good.test:{}{path}", self.ports[port]));
        probe.timeout = Duration::from_secs(10);
        probe.transport.address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[port])));
        probe.transport.tls.ca_file = Some(self.authority.ca_file());
        shape(&mut probe);
        probes::check(probe).await.0
    }
}

#[tokio::test]
async fn the_health_service_of_google_s_grpc_is_judged_by_what_it_says() {
    let Some(server) = PythonServer::start("grpc, grpc_health", "health_service.py", 2) else { return };
    for (port, scheme) in ["grpc", "grpcs"].into_iter().enumerate() {
        for (service, wanted) in [
            ("", None),
            ("/shop.Cart", None),
            ("/shop.Basket", Some(FailureClass::GrpcNotServing)),
            ("/shop.Unknown", Some(FailureClass::GrpcStatus)),
        ] {
            let outcome = server.check(scheme, port, service, |_| ()).await;
            assert_eq!(outcome.class(), wanted, "{scheme} {service}: {:?}", outcome.failure);
            assert_eq!(outcome.http_version, Some(HttpVersion::V2));
        }
    }
}

#[tokio::test]
async fn hypercorn_opens_a_websocket_over_the_version_that_is_asked_for() {
    let Some(server) = PythonServer::start("hypercorn", "websocket_echo.py", 1) else { return };
    for (wanted, version, said) in [
        (HttpVersionPreference::Auto, HttpVersion::V2, "HTTP/2 ping"),
        (HttpVersionPreference::Http2, HttpVersion::V2, "HTTP/2 ping"),
        (HttpVersionPreference::Http1, HttpVersion::V1_1, "HTTP/1.1 ping"),
    ] {
        let outcome = server
            .check("wss", 0, "/socket?a=b", |probe| {
                probe.transport.http_version = wanted;
                probe.steps[0].request.send = Some(Value::plain("ping"));
                probe.steps[0].expect.subprotocol = Some("chat".to_owned());
                probe.steps[0].expect.message = vec![TextRule::Contains(Value::plain(said))];
            })
            .await;
        assert_eq!(outcome.verdict, Verdict::Up, "{wanted:?}: {:?}", outcome.failure);
        assert_eq!(outcome.http_version, Some(version), "{wanted:?}");
    }
    let refused = server.check("wss", 0, "/refused", |_| ()).await;
    assert_eq!((refused.class(), refused.code()), (Some(FailureClass::UpgradeRefused), Some(403)));
}
