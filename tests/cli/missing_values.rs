//! Unset variables and unreadable secret files: only what uses them fails.

use crate::origin::healthy;
use crate::support::run::{Ran, Run};
use crate::support::server::Server;

/// A probe without secrets, and others that each lack something.
fn config(server: &Server) -> String {
    let url = server.url("/");
    format!(
        r#"
[settings]
vantage = "here"
[[probe]]
name = "home"
url = "{url}"
[[probe]]
name = "api"
surface = "app"
tags = ["slow"]
url = "${{BASE_URL}}/health"
auth.bearer = "${{secret:API_TOKEN}}"
[[probe]]
name = "empty"
url = "{url}"
auth.bearer = "${{secret:EMPTY}}"
[[probe]]
name = "file"
url = "{url}"
auth.bearer = "${{file:/nonexistent/token}}"
[session.login]
[[session.login.step]]
url = "{url}"
form = {{ password = "${{PASSWORD}}" }}
[[probe]]
name = "me"
session = "login"
url = "{url}"
[[alert]]
name = "chat"
webhook = "${{CHAT_URL}}"
"#
    )
}

fn run(server: &Server, arguments: &[&str]) -> Ran {
    Run::new(arguments).config(&config(server)).env("EMPTY", "").run()
}

#[test]
fn a_probe_is_asked_without_what_the_others_lack() {
    let server = healthy();
    run(&server, &["check", "home"]).expect_code(0);
    assert_eq!(server.connections(), 1);
    run(&server, &["check", "--surface", "default", "home", "-q"]).expect_code(0);
    run(&server, &["validate", "--explain", "home"]).expect_code(0);
    run(&server, &["check", &server.url("/x"), "-c", "probes.toml"]).expect_code(0);
}

#[test]
fn what_is_asked_needs_what_it_uses_and_nothing_is_probed_without() {
    let server = healthy();
    for (asked, lacks) in [
        (&["check", "api"][..], &["BASE_URL", "API_TOKEN"][..]),
        (&["check", "--tag", "slow"], &["BASE_URL"]),
        (&["check", "empty"], &["${secret:EMPTY} is empty"]),
        (&["check", "file"], &["/nonexistent/token"]),
        (&["check", "home", "me"], &["PASSWORD"]),
        (&["check", "home", "--record"], &["CHAT_URL"]),
        (&["check"], &["BASE_URL", "API_TOKEN", "EMPTY", "PASSWORD"]),
        (&["watch", "home", "--for", "1s"], &["CHAT_URL"]),
        (&["validate", "--explain", "api"], &["API_TOKEN"]),
    ] {
        let ran = run(&server, asked);
        ran.expect_code(2);
        for word in lacks {
            assert!(ran.stderr.contains(word), "{asked:?}: {}", ran.stderr);
        }
        assert!(ran.stderr.contains("probes.toml:"), "it says where: {}", ran.stderr);
    }
    assert_eq!(server.connections(), 0);
    let named = run(&server, &["check", "api"]);
    assert!(!named.stderr.contains("PASSWORD") && !named.stderr.contains("CHAT_URL"), "{}", named.stderr);
}

#[test]
fn validate_lists_what_is_not_there_once_each_and_strict_refuses_it() {
    let server = healthy();
    let ran = run(&server, &["validate"]);
    ran.expect_code(0);
    for word in ["BASE_URL", "API_TOKEN", "EMPTY", "/nonexistent/token", "PASSWORD", "CHAT_URL"] {
        assert_eq!(ran.stdout.matches(word).count(), 1, "{word}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("  app      api "), "also the probe whose URL is not known is listed: {}", ran.stdout);
    run(&server, &["validate", "--strict"]).expect_code(2);
    run(&server, &["validate", "--strict", "home"]).expect_code(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_report_needs_none_of_them() {
    let server = healthy();
    let recorded = Run::new(["check", "--record", "-q"])
        .config(&format!("[[probe]]\nname = \"home\"\nurl = \"{}\"\n", server.url("/")))
        .run();
    recorded.expect_code(0);
    let journal = recorded.folder.path().join("uptick-journal");
    let journal = journal.to_string_lossy();
    let ran = run(&server, &["report", &journal]);
    ran.expect_code(0);
    run(&server, &["report", &journal, "--tag", "slow"]).expect_code(3);
    run(&server, &["report", &journal, "--surface", "app"]).expect_code(3);
}

#[test]
fn other_mistakes_of_a_file_are_errors_for_everyone_and_told_with_what_is_not_there() {
    let server = healthy();
    let broken = config(&server) + "[[probe]]\nname = \"typo\"\nurll = \"http://x.test\"\n";
    let ran = Run::new(["check", "home"]).config(&broken).run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("`urll`") && ran.stderr.contains("API_TOKEN"), "{}", ran.stderr);
}
