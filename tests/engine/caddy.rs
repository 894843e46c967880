//! Debian's Caddy, which has its own implementation of HTTP/3 (quic-go).

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use uptick::model::{HttpVersion, HttpVersionPreference, Outcome, Probe, Verdict};

use crate::listening::wait_until_it_listens;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::probes;
use crate::support::server::free_port;
use crate::support::tls::Authority;

/// A Caddy that serves a greeting. It ends when it is dropped.
struct Caddy {
    child: KilledOnDrop,
    authority: Authority,
    address: SocketAddr,
    _folder: TempDir,
}

impl Caddy {
    /// Starts it with these protocols. `None`, with a note on stderr, if it is not installed.
    fn start(protocols: &str) -> Option<Caddy> {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let (certificate, key) = authority.leaf(&["good.test"]).pem_files(folder.path());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let configuration = format!(
            "{{\n admin off\n auto_https off\n skip_install_trust\n servers {{\n protocols {protocols}\n }}\n}}\n\
             https://good.test:{port} {{\n bind 127.0.0.1\n tls {certificate} {key}\n\
             header Alt-Svc `h3=\":{port}\"; ma=60`\n respond \"hello\"\n}}\n",
            port = address.port(),
            certificate = certificate.display(),
            key = key.display(),
        );
        let file = folder.path().join("Caddyfile");
        std::fs::write(&file, configuration).unwrap();
        let started = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn();
        let Ok(child) = started else {
            let _ = writeln!(std::io::stderr(), "skipped: caddy is not installed");
            return None;
        };
        let mut caddy = Caddy { child: child.into(), authority, address, _folder: folder };
        wait_until_it_listens(&mut caddy.child, address, &file.with_file_name("log"));
        Some(caddy)
    }

    fn probe(&self, version: HttpVersionPreference) -> Probe {
        let mut probe = probes::get(&format!("https://good.test:{}/", self.address.port()));
        probe.timeout = Duration::from_secs(10);
        probe.transport.address = Some(self.address);
        probe.transport.http_version = version;
        probe.transport.tls.ca_file = Some(self.authority.ca_file());
        probe
    }

    async fn check(&self, probe: Probe) -> Outcome {
        probes::check(probe).await.0
    }
}

#[tokio::test]
async fn caddy_answers_over_http3_as_over_http2() {
    let Some(caddy) = Caddy::start("h1 h2 h3") else { return };
    for (wanted, version) in
        [(HttpVersionPreference::Http3, HttpVersion::V3), (HttpVersionPreference::Http2, HttpVersion::V2)]
    {
        let outcome = caddy.check(caddy.probe(wanted)).await;
        assert_eq!(outcome.verdict, Verdict::Up, "{version:?}: {:?}", outcome.failure);
        assert_eq!((outcome.http_version, outcome.status, outcome.body_bytes), (Some(version), Some(200), 5));
        let tls = outcome.tls.expect("facts of TLS");
        assert!(tls.verified && tls.certificate.is_some(), "{tls:?}");
        assert!(outcome.http3_offered);
    }
}

#[tokio::test]
async fn what_caddy_offers_answers_and_what_it_does_not_speak_fails() {
    for (protocols, verdict) in [("h1 h2 h3", Verdict::Up), ("h1 h2", Verdict::Down)] {
        let Some(caddy) = Caddy::start(protocols) else { return };
        let mut probe = caddy.probe(HttpVersionPreference::Auto);
        probe.timeout = Duration::from_secs(3);
        probe.steps[0].expect.alt_svc = true;
        let outcome = caddy.check(probe).await;
        assert_eq!(outcome.verdict, verdict, "{protocols}: {:?}", outcome.failure);
    }
}
