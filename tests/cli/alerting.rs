//! Alerts and the heartbeat, from runs as cron starts them.

use std::process::Command;
use std::time::Duration;

use crate::support::run::Run;

/// A configuration whose one probe is down, and whose alert appends its event to a file.
const DOWN: &str = r#"
[[probe]]
name = "home"
surface = "web"
url = "http://127.0.0.1:9/"

[[alert]]
name = "pager"
on = "open"
exec = ["sh", "-c", "echo \"$UPTICK_EVENT\" >> told"]
"#;

fn ran(command: &mut Command) -> i32 {
    let output = command.output().unwrap();
    output.status.code().unwrap()
}

#[test]
fn an_incident_is_told_once_across_runs() {
    let run = Run::new(["check", "--record", "-q", "--count", "4", "--allow-exec"]).config(DOWN);
    assert_eq!(ran(&mut run.command()), 1);
    let told = std::fs::read_to_string(run.folder().join("told")).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(told.trim(), "open");
    assert_eq!(ran(&mut run.command()), 1);
    let again = std::fs::read_to_string(run.folder().join("told")).unwrap();
    assert_eq!(again, told, "the second run finds it told");
}

#[test]
fn an_alert_that_fails_is_a_warning_and_changes_no_status() {
    let broken = DOWN.replace(r#"["sh", "-c", "echo \"$UPTICK_EVENT\" >> told"]"#, r#"["/nonexistent/program"]"#);
    let run = Run::new(["check", "--record", "--count", "4"]).env("UPTICK_ALLOW_EXEC", "1").config(&broken);
    let ran = run.run();
    ran.expect_code(1);
    let stderr = &ran.stderr;
    assert!(stderr.contains("warning:") && stderr.contains("pager"), "{stderr}");
}

#[test]
fn the_heartbeat_says_how_the_pass_ended() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut request = [0; 1_024];
        let n = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..n]).into_owned()
    });
    let config = format!(
        "[settings]\nheartbeat = \"http://{address}/ping/1\"\n\n\
         [[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"http://127.0.0.1:9/\"\n"
    );
    Run::new(["check", "-q"]).config(&config).run().expect_code(1);
    let request = heard.join().unwrap();
    assert!(request.starts_with("POST /ping/1/fail ") || request.starts_with("GET /ping/1/fail "), "{request}");
}

#[test]
fn a_program_of_the_probe_file_runs_only_where_somebody_allowed_it() {
    for command in [&["check", "--record"][..], &["check"], &["watch", "--for", "1s"]] {
        for forbidden in [None, Some("0"), Some(""), Some("false")] {
            let mut run = Run::new(command).config(DOWN);
            if let Some(value) = forbidden {
                run = run.env("UPTICK_ALLOW_EXEC", value);
            }
            let ran = run.run();
            ran.expect_code(2);
            for named in ["\"pager\"", "probes.toml", "--allow-exec", "UPTICK_ALLOW_EXEC=1"] {
                assert!(ran.stderr.contains(named), "{named}: {}", ran.stderr);
            }
            assert!(!ran.folder.path().join("uptick-journal").exists(), "nothing was probed");
        }
    }
    Run::new(["validate"]).config(DOWN).run().expect_code(0);
}

#[test]
fn a_webhook_in_a_denied_network_is_not_called() {
    let server = crate::origin::healthy();
    let hook = format!("[[alert]]\nname = \"hook\"\nwebhook = \"{}\"\nretries = 0\n", server.url("/hook"));
    let heartbeat = format!("[settings]\nheartbeat = \"{}\"\n", server.url("/beat"));
    let config = heartbeat
        + "[network]\ndeny = [\"private\"]\n[incident]\nopen-after = 1\n"
        + &hook
        + &DOWN[..DOWN.find("[[alert]]").unwrap()];
    let ran = Run::new(["check", "--record", "--count", "4"]).config(&config).run();
    assert!(ran.stderr.contains("network.deny"), "{}", ran.stderr);
    assert_eq!(server.connections(), 0);
}

#[test]
fn webhooks_use_the_proxy_of_the_environment_only_where_the_file_says_so() {
    for (network, through_proxy) in [("", false), ("[network]\nproxy = \"environment\"\n", true)] {
        let (server, proxy) = (crate::origin::healthy(), crate::origin::healthy());
        let heartbeat = format!("[settings]\nheartbeat = \"{}\"\n", server.url("/beat"));
        let config = heartbeat + network + &DOWN[..DOWN.find("[[alert]]").unwrap()];
        let proxy_url = proxy.url("");
        let mut run = Run::new(["check", "-q"]).config(&config);
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
            run = run.env(name, &proxy_url);
        }
        run.run().expect_code(1);
        assert_eq!((server.connections() > 0, proxy.connections() > 0), (!through_proxy, through_proxy), "{network}");
    }
}
