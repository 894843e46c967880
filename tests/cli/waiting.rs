//! `--wait`, `watch` without a file, and `--save`: from a deployment to a first look, and from
//! there to a file.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::live::recorded;
use crate::origin::{healthy, refusing};
use crate::support::run::Run;
use crate::support::server;
use crate::support::server::Server;

/// A service that answers 503 to the first `after` requests and is up from then on.
fn coming_up(after: usize) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |conn| {
        conn.request();
        let is_up = asked.fetch_add(1, Ordering::SeqCst) >= after;
        conn.send(if is_up { server::ok("up") } else { server::answer(503, &[], "not yet") });
    })
}

#[test]
fn a_wait_ends_when_all_is_up_and_the_pass_after_it_is_the_one_that_counts() {
    let server = coming_up(3);
    let ran =
        Run::new(["check", &server.url("/"), "--wait", "60s", "--every", "10ms", "--count", "1", "--record"]).run();
    ran.expect_code(0);
    // Three failed, one was up and ended the wait, and one was the check that counts.
    assert_eq!(server.connections(), 5);
    assert_eq!(recorded(ran.folder.path()), [1, 1, 0, 0, 0], "what was waited for is no outage");
    assert!(!ran.stderr.contains("not up"), "{}", ran.stderr);
}

#[test]
fn one_pass_counts_after_a_wait_whatever_the_interval_of_the_wait() {
    let server = coming_up(2);
    let ran = Run::new(["check", &server.url("/"), "--wait", "60s", "--every", "10ms"]).run();
    ran.expect_code(0);
    assert_eq!(server.connections(), 4, "{}", ran.stdout);
    assert!(!ran.stderr.contains("Ctrl-C"), "{}", ran.stderr);
}

#[test]
fn a_wait_that_is_over_says_what_is_still_wrong_and_since_when() {
    let ran = Run::new(["check", &refusing(), "--wait", "200ms", "--every", "20ms", "--count", "1"]).run();
    ran.expect_code(1);
    assert!(ran.stderr.contains("not up after 200 ms: "), "{}", ran.stderr);
    assert!(ran.stderr.contains(" since ") && ran.stderr.contains("(connect_refused)"), "{}", ran.stderr);
    let proxy = format!("127.0.0.1:{}", server::refusing_port());
    let arguments = ["check", "http://x.test/", "-x", &proxy, "--wait", "100ms", "--every", "20ms", "--count", "1"];
    let unknown = Run::new(arguments).run();
    unknown.expect_code(3);
    assert!(unknown.stderr.contains("(proxy_refused)"), "{}", unknown.stderr);
}

#[test]
fn a_url_is_watched_without_a_file_and_reported_from_its_journal() {
    let server = healthy();
    let run = Run::new(["watch", &server.url("/"), "--for", "300ms", "--set", "interval=100ms", "-m", "50ms"]);
    let ran = run.run();
    ran.expect_code(0);
    assert!(server.connections() >= 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("watching 1 probe from vantage local, recorded in uptick-journal"), "{}", ran.stderr);
    let folder = ran.folder.path();
    assert!(recorded(folder)[0] >= 2);
    let report = std::process::Command::new(crate::support::run::binary());
    let mut report = report;
    // `report` finds the journal in the folder where it was written.
    let report = report.arg("report").current_dir(folder).output().unwrap();
    assert_eq!(report.status.code(), Some(0), "{}", String::from_utf8_lossy(&report.stdout));
    let unrecorded =
        Run::new(["watch", &server.url("/"), "--for", "300ms", "--set", "interval=100ms", "-m", "50ms", "--no-record"])
            .run();
    unrecorded.expect_code(0);
    assert!(!unrecorded.folder.path().join("uptick-journal").exists());
    assert!(unrecorded.stderr.contains("not recorded"), "{}", unrecorded.stderr);
}

#[test]
fn a_report_without_a_journal_says_how_to_make_one() {
    let ran = Run::new(["report"]).run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("no journal at uptick-journal; record one with"), "{}", ran.stderr);
}

#[test]
fn times_of_the_day_are_in_utc_where_that_is_asked_for() {
    let arguments = ["check", &refusing(), "--wait", "100ms", "--every", "20ms", "--count", "1"];
    let at = |arguments: &[&str]| Run::new(arguments.iter().copied()).env("TZ", "Asia/Kathmandu").run().stderr;
    let (local, utc) = (at(&arguments), at(&[&arguments[..], &["--utc"]].concat()));
    assert!(utc.contains(" UTC (connect_refused)") && !local.contains("UTC"), "{utc}{local}");
}

#[test]
fn a_name_takes_the_place_of_the_host_where_it_is_connected_to() {
    let server = healthy();
    let port = server.port();
    let to = format!("shop.test:{port}:localhost:{port}");
    let ran = Run::new(["check", &format!("http://shop.test:{port}/"), "--connect-to", &to, "-4"]).run();
    ran.expect_code(0);
}

#[test]
fn what_is_saved_keeps_the_references_that_were_typed() {
    let server = healthy();
    let header = "x-api-key: ${secret:SHOP_KEY}";
    let arguments = ["check", &server.url("/"), "-H", header, "-u", "me:${secret:SHOP_PASSWORD}", "--save", "api"];
    let run = Run::new(arguments).env("SHOP_KEY", "s3cret-key").env("SHOP_PASSWORD", "s3cret-word");
    let ran = run.run();
    ran.expect_code(0);
    let text = fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap();
    for reference in ["${secret:SHOP_KEY}", "${secret:SHOP_PASSWORD}"] {
        assert!(text.contains(reference), "{reference}: {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}
