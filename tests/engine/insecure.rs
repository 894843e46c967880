//! `tls.insecure` is conspicuous: every output that says that a target is up also says that any
//! certificate was accepted.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use crate::support::run::Run;
use crate::support::server;
use crate::support::server::Server;
use crate::support::tls::Authority;
use uptick::render::{CheckFormat, ReportFormat};

/// A server with a certificate for another name, and a probe that accepts it.
fn believed(more: &str) -> (Server, String) {
    let server = Server::tls(Authority::new().leaf(&["other.test"]).config(), |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    let url = server.https("good.test", "/");
    let address = server.address();
    (server, format!("[[probe]]\nname = \"staging\"\nurl = \"{url}\"\naddress = \"{address}\"\n{more}"))
}

fn is_loud(text: &str) -> bool {
    text.lines().any(|line| line.to_lowercase().contains("insecure"))
}

#[test]
fn every_format_of_a_check_and_of_a_report_says_it() {
    let (_server, file) = believed("tls.insecure = true\n");
    for format in CheckFormat::ALL {
        let ran = Run::new(["check", "--format", format.name()]).config(&file).run();
        assert!(is_loud(&ran.expect_code(0).stdout), "{}: {}", format.name(), ran.stdout);
    }
    let ran = Run::new(["check", "--record"]).config(&file).run();
    for format in ReportFormat::ALL.into_iter().filter(|format| !format.is_folder()) {
        let journal = ran.folder.path().join("uptick-journal");
        let told = Run::new(["report", "--format", format.name(), journal.to_str().unwrap()]).run();
        assert!(told.stdout.contains("default"), "{}: {}{}", format.name(), told.stdout, told.stderr);
        assert!(is_loud(&told.stdout), "{}: {}", format.name(), told.stdout);
    }
}

#[test]
fn a_watch_says_it_as_it_begins_with_each_outcome_and_at_its_end() {
    let (_server, file) = believed("tls.insecure = true\ninterval = \"100ms\"\ntimeout = \"100ms\"\n");
    let ran = Run::new(["watch", "--for", "1s", "-v"]).config(&file).run();
    assert!(is_loud(&ran.stdout), "{}", ran.stdout);
    let said: Vec<&str> = ran.stderr.lines().filter(|line| is_loud(line)).collect();
    assert!(said[0].starts_with("warning: probe \"staging\": `tls.insecure` accepts any certificate"), "{said:?}");
    assert!(said.iter().any(|line| line.contains("INSECURE TLS: any certificate is accepted")), "{said:?}");
}

#[test]
fn nobody_cries_wolf() {
    let server = Server::answers(server::ok("hello"));
    let file = format!("[[probe]]\nname = \"plain\"\nurl = \"{}\"\n", server.url("/"));
    for format in CheckFormat::ALL.into_iter().filter(|format| *format != CheckFormat::Prometheus) {
        let ran = Run::new(["check", "--format", format.name()]).config(&file).run();
        let told = ran.expect_code(0).stdout.replace("\"insecure\": false", "").replace("\"insecure\":false", "");
        assert!(!is_loud(&told), "{}: {}", format.name(), ran.stdout);
    }
    let ran = Run::new(["check", "--record"]).config(&file).run();
    let journal = ran.folder.path().join("uptick-journal");
    for format in ReportFormat::ALL.into_iter().filter(|format| *format != ReportFormat::Csv && !format.is_folder()) {
        let told = Run::new(["report", "--format", format.name(), journal.to_str().unwrap()]).run();
        assert!(!is_loud(&told.stdout), "{}: {}", format.name(), told.stdout);
    }
    for (path, bytes) in ran.files() {
        assert!(!is_loud(&String::from_utf8_lossy(&bytes)), "{}", path.display());
    }
}
