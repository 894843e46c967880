//! No secret leaks: twelve secrets, in every place where a probe can have one, go to servers that
//! echo them in every encoding and in every place of an answer; no output, record or file contains
//! any part of one.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::fmt::Write as _;
use std::sync::Arc;

use crate::support;
use crate::support::run::Run;
use crate::support::secrets::{assert_secret, assert_secret_in_reports, entrusted};
use crate::support::server::Server;
use crate::support::{h2, secrets, server};

/// Each place of a secret in a probe file: its name, and the lines of the probe. `{}` is the URL.
const PLACES: [(&str, &str); secrets::COUNT] = [
    ("bearer", "url = \"{}\"\nauth = { bearer = \"${S00}\" }"),
    ("basic", "url = \"{}\"\nauth = { basic = { user = \"probe\", password = \"${S01}\" } }"),
    ("authorization", "url = \"{}\"\nheaders = { authorization = \"Custom ${S02}\" }"),
    ("api-key", "url = \"{}\"\nheaders = { x-api-key = \"${S03}\" }"),
    ("cookie", "url = \"{}\"\nheaders = { cookie = \"a=1; sid=${S04}\" }"),
    ("marked-header", "url = \"{}\"\nheaders = { x-note = \"for ${secret:S05} alone\" }"),
    ("query", "url = \"{}?page=1&access_token=${S06}\""),
    ("path", "url = \"{}${secret:S07}/feed\""),
    ("text-body", "url = \"{}\"\nmethod = \"POST\"\nbody = \"hello ${secret:S08} hello\""),
    ("json-body", "url = \"{}\"\nmethod = \"POST\"\njson = { user = \"probe\", password = \"${S09}\" }"),
    ("form-body", "url = \"{}\"\nmethod = \"POST\"\nform = { user = \"probe\", password = \"${S10}\" }"),
    ("file", "url = \"{}\"\nheaders = { x-token = \"${file:secret.txt}\" }"),
];

/// Where a server puts the request into its answer.
const ECHOES: [&str; 9] = ["body", "body-late", "header", "cookie", "reason", "location", "json", "expected", "goaway"];

/// A server that echoes the whole request in this place of its answer, in this encoding.
fn echoing(place: &'static str, encoding: usize) -> Server {
    Server::start(move |conn| {
        if place == "goaway" {
            conn.send(h2::settings());
            // The headers are compressed and cannot be echoed, so the server sends all secrets
            // itself.
            let Some(_) = h2::read_request(conn) else { return };
            let words = (0..secrets::COUNT).map(secrets::secret).collect::<String>();
            conn.send(h2::goaway(0, h2::INTERNAL_ERROR, words.as_bytes()));
            return;
        }
        let request = conn.request();
        let (name, mut echo) = secrets::encodings(&request).swap_remove(encoding);
        if place == "location" && name == "json" {
            // By the URL standard, every backslash in a Location becomes a slash, so that a JSON
            // escape cannot be undone there.
            echo.clone_from(&request);
        }
        let line: Vec<u8> = echo.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
        conn.send(match place {
            "body" => server::answer(500, &[], &echo),
            // The echo is placed and repeated so that it crosses any boundary at which a body might
            // be cut.
            "body-late" => {
                server::answer(500, &[], [vec![b'.'; 4_096 - echo.len() / 2 % 4_000], echo.repeat(40)].concat())
            }
            "header" => in_head("500 x", &["server: ", "via: ", "location: ", "retry-after: "], &line),
            "cookie" => in_head("500 x", &["set-cookie: echo="], &line),
            "reason" => in_head("500 ", &[], &line),
            "location" if request.starts_with(b"GET /else") => server::answer(500, &[], &echo),
            "location" => in_head("302 x", &["location: /else/"], &line),
            "json" => {
                let value = serde_json::to_string(&String::from_utf8_lossy(&echo)).unwrap();
                server::answer(200, &[], format!("{{\"status\":{value}}}"))
            }
            _ => in_head("200 x", &["x-echo: "], &line),
        });
    })
}

/// An answer whose status line, or each of whose headers, ends with these words.
fn in_head(status: &str, headers: &[&str], words: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status}").into_bytes();
    if headers.is_empty() {
        answer.extend_from_slice(words);
    }
    for header in headers {
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(header.as_bytes());
        answer.extend_from_slice(words);
    }
    answer.extend_from_slice(b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    answer
}

fn echoes() -> Vec<(String, Server)> {
    let count = secrets::encodings(b"").len();
    let pairs = ECHOES.into_iter().flat_map(|place| (0..count).map(move |encoding| (place, encoding)));
    pairs.map(|(place, encoding)| (format!("{place}-{encoding}"), echoing(place, encoding))).collect()
}

/// A probe for every place of a secret and every server.
fn probe_file(echoes: &[(String, Server)]) -> String {
    let mut file = "[defaults]\ninterval = \"60s\"\ntimeout = \"10s\"\n".to_owned();
    for (echo, server) in echoes {
        for (place, lines) in PLACES {
            let lines = lines.replace("{}", &server.url("/"));
            let _ = write!(file, "\n[[probe]]\nname = \"{place} {echo}\"\n{lines}\n");
            if echo.starts_with("json") {
                file.push_str("expect.json = [{ path = \"$.status\", equals = \"ok\" }]\n");
            } else if echo.starts_with("expected") {
                file.push_str("expect.header = { x-echo = \"something else\" }\n");
            } else if echo.starts_with("goaway") {
                file.push_str("http-version = \"2\"\n");
            }
        }
    }
    file
}

#[test]
fn no_output_of_a_check_has_a_secret_that_a_server_gives_back() {
    let echoes = echoes();
    let sink = Server::start(|conn| {
        conn.request();
        conn.send("HTTP/1.1 204 x\r\n\r\n");
    });
    let formats = ["json", "ndjson", "junit", "tap", "github", "nagios", "prometheus", "markdown"];
    let outputs: Vec<String> = formats.iter().map(|format| format!("--format={format}=out.{format}")).collect();
    let (remote_write, otlp) = (format!("--remote-write={}", sink.url("/write")), format!("--otlp={}", sink.url("")));
    let mut arguments = vec!["check", "-vv", "--record", "--format=human", "--color=always", &remote_write, &otlp];
    arguments.extend(outputs.iter().map(String::as_str));
    let file = probe_file(&echoes);
    let run = entrusted(Run::new(arguments)).config(&file).env("GITHUB_STEP_SUMMARY", "summary.md");
    let ran = run.run();
    ran.expect_code(1);

    // The servers received every secret and sent it back.
    let sent: Vec<u8> = echoes.iter().flat_map(|(_, server)| server.requests()).flatten().collect();
    assert!(secrets::found_in(&sent).len() >= secrets::COUNT, "the servers get the secrets");
    let document = std::fs::read_to_string(ran.folder.path().join("out.json")).unwrap();
    assert_eq!(document.matches("\"scheduled_at\"").count(), echoes.len() * PLACES.len());
    assert!(document.contains("[redacted]"), "what comes back is redacted, and not left out");

    assert_secret(&ran);
    for request in sink.requests() {
        assert_eq!(secrets::found_in(&request), Vec::<String>::new(), "an export");
    }
    let journal = ran.folder.path().join("uptick-journal");
    assert!(journal.is_dir(), "it is recorded");
    assert_secret_in_reports(journal.to_str().unwrap(), &file);
}

#[test]
fn no_other_command_shows_a_secret() {
    let echoes: Vec<_> = echoes().into_iter().take(2).collect();
    let file = probe_file(&echoes);
    for (place, _) in PLACES {
        let name = format!("{place} {}", echoes[0].0);
        assert_secret(&entrusted(Run::new(["validate", "--explain", &name])).config(&file).run());
    }
    assert_secret(&entrusted(Run::new(["validate", "-vv"])).config(&file).run());
    let unknown = entrusted(Run::new(["check", "no such probe"])).config(&file).run();
    unknown.expect_code(2);
    assert_secret(&unknown);
}

/// The same secrets in a file with a mistake: the message quotes no secret, and no request is sent.
#[test]
fn no_mistake_in_the_file_shows_a_secret() {
    let server = Server::answers(server::ok("hello"));
    for (place, lines) in PLACES {
        for mistake in
            ["timout = \"1s\"", "interval = \"1s\"\ntimeout = \"5s\"", "expect.body-matches = \"(\"", "method = 7"]
        {
            let lines = lines.replace("{}", &server.url("/"));
            let file = format!("[[probe]]\nname = \"{place}\"\n{lines}\n{mistake}\n");
            let ran = entrusted(Run::new(["check"])).config(&file).run();
            ran.expect_code(2);
            assert_secret(&ran);
        }
    }
    assert_eq!(server.connections(), 0, "nothing is sent");
}

/// A redirect to another scheme, host or port carries no secret.
#[test]
fn a_redirect_to_another_origin_takes_no_secret_along() {
    let authority = support::tls::Authority::new();
    let dns = support::dns::Dns::always(support::dns::Reply::address(std::net::Ipv4Addr::LOCALHOST));
    let target = Arc::new(Server::answers(server::ok("hello")));
    let secure = Arc::new(Server::tls(authority.leaf(&["name.test"]).config(), |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    }));
    let targets = [
        ("port", format!("http://name.test:{}/", target.port())),
        ("host", format!("http://other.test:{}/", target.port())),
        ("scheme", format!("https://name.test:{}/", secure.port())),
    ];
    for status in [302, 307] {
        for (what, to) in &targets {
            let to = to.clone();
            let first = Server::start(move |conn| {
                conn.request();
                conn.send(server::answer(status, &[("location", &to)], ""));
            });
            let mut file = format!(
                "[defaults]\ninterval = \"60s\"\ntimeout = \"10s\"\nresolver = \"udp://{}\"\ntls.ca-file = {:?}\n",
                dns.address(),
                authority.ca_file()
            );
            for (place, lines) in PLACES {
                let lines = lines.replace("{}", &format!("http://name.test:{}/", first.port()));
                let _ = write!(file, "\n[[probe]]\nname = \"{place}\"\n{lines}\n");
            }
            let ran = entrusted(Run::new(["check", "--format", "json"])).config(&file).run();
            assert_secret(&ran);
            let sent: Vec<u8> = first.requests().into_iter().flatten().collect();
            assert!(secrets::found_in(&sent).len() >= secrets::COUNT, "the first origin gets the secrets");
            let arrived = if *what == "scheme" { secure.requests() } else { target.requests() };
            assert!(!arrived.is_empty(), "{what}: the redirect is followed");
            let arrived: Vec<u8> = arrived.into_iter().flatten().collect();
            let text = String::from_utf8_lossy(&arrived).to_lowercase();
            assert_eq!(secrets::found_in(&arrived), Vec::<String>::new(), "{what} {status}: {text}");
            for header in ["authorization:", "cookie:", "x-api-key:", "x-token:", "x-note:", "referer:"] {
                assert!(!text.contains(header), "{what} {status}: {header} {text}");
            }
        }
    }
}

/// The password of a proxy is sent to the proxy and appears in no output.
#[test]
fn the_password_of_a_proxy_is_not_shown() {
    let proxy = Server::start(|conn| {
        let request = conn.request();
        conn.send(server::answer(407, &[("proxy-authenticate", "Basic")], request));
    });
    let file = format!(
        "[[probe]]\nname = \"behind\"\nurl = \"http://name.test/\"\nproxy = \"http://probe:${{S00}}@{}\"\n",
        proxy.address()
    );
    let run = Run::new(["check", "-vv", "--record", "--format", "json"]).config(&file);
    let ran = run.env("S00", &secrets::tame(0)).run();
    assert!(proxy.connections() > 0, "{}{}", ran.stdout, ran.stderr);
    assert_secret(&ran);
}
