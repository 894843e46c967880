//! Whatever a server sends, every output stays well-formed: strict readers of each format find no
//! command, no markup and no line that the server injected.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::check_report::CheckReport;
use uptick::engine::Engine;
use uptick::model::{
    HeaderExpectation, HeaderRule, HttpVersionPreference, JsonExpectation, JsonPath, JsonRule, Outcome, Probe,
    Redactor, Value, Verdict,
};
use uptick::render;
use uptick::render::{CheckAnswer, CheckFormat, TerminalStyle};

use crate::support::pass::Checks;
use crate::support::run::Run;
use crate::support::server::Server;
use crate::support::tls::Authority;
use crate::support::{h2, hostile, probes, strict, tls};

/// A place in an answer where a server may put any words.
struct InjectionPoint {
    name: &'static str,
    /// Returns an answer that contains the words.
    answer: fn(&[u8]) -> Vec<u8>,
    /// Adds expectations, so that the check looks at the words.
    expect: fn(&mut Probe),
}

const PLACES: [InjectionPoint; 8] = [
    InjectionPoint {
        name: "reason",
        answer: |words| [b"HTTP/1.1 500 ", words, b"\r\ncontent-length: 0\r\n\r\n"].concat(),
        expect: |_| {},
    },
    InjectionPoint {
        name: "server header",
        answer: |words| {
            [b"HTTP/1.1 500 x\r\nserver: ", words, b"\r\nvia: ", words, b"\r\ncontent-length: 0\r\n\r\n"].concat()
        },
        expect: |_| {},
    },
    InjectionPoint {
        name: "expected header",
        answer: |words| [b"HTTP/1.1 200 x\r\nx-note: ", words, b"\r\ncontent-length: 0\r\n\r\n"].concat(),
        expect: |probe| {
            probe.steps[0].expect.headers = vec![HeaderRule {
                name: http::HeaderName::from_static("x-note"),
                rule: HeaderExpectation::Contains(Value::plain("something else")),
                optional: false,
            }];
        },
    },
    InjectionPoint { name: "body", answer: |words| [b"HTTP/1.1 500 x\r\n\r\n", words].concat(), expect: |_| {} },
    InjectionPoint {
        name: "json",
        answer: |words| {
            let text = serde_json::to_string(&String::from_utf8_lossy(words)).unwrap();
            format!("HTTP/1.1 200 x\r\n\r\n{{\"status\":{text}}}").into_bytes()
        },
        expect: |probe| {
            let rule = JsonExpectation::Equals("ok".into());
            probe.steps[0].expect.json = vec![JsonRule { path: JsonPath::new("$.status").unwrap(), rule }];
        },
    },
    InjectionPoint {
        name: "location",
        answer: |words| [b"HTTP/1.1 302 x\r\nlocation: ", words, b"\r\ncontent-length: 0\r\n\r\n"].concat(),
        expect: |probe| probe.steps[0].request.redirects = 2,
    },
    InjectionPoint {
        name: "cookie",
        answer: |words| [b"HTTP/1.1 500 x\r\nset-cookie: ", words, b"\r\ncontent-length: 0\r\n\r\n"].concat(),
        expect: |_| {},
    },
    InjectionPoint {
        name: "content encoding",
        answer: |words| [b"HTTP/1.1 200 x\r\ncontent-encoding: ", words, b"\r\n\r\nbody"].concat(),
        expect: |probe| probe.steps[0].expect.min_bytes = Some(1 << 20),
    },
];

/// A probe for every string in every place of HTTP/1.
fn asked_in_http(server: &Server) -> Vec<Probe> {
    let mut asked = Vec::new();
    for (place_at, place) in PLACES.iter().enumerate() {
        for at in 0..hostile::STRINGS.len() {
            let mut probe = probes::get(&server.url(&format!("/{place_at}/{at}")));
            probe.name = format!("{} {at}", place.name);
            (place.expect)(&mut probe);
            asked.push(probe);
        }
    }
    asked
}

fn hostile_http() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let path: Vec<usize> = request.split(['/', ' ']).filter_map(|piece| piece.parse().ok()).take(2).collect();
        let [place, at] = path[..] else { return };
        conn.send((PLACES[place].answer)(&hostile::bytes(hostile::STRINGS[at])));
    })
}

/// A server and probes for every string in the GOAWAY frame of an HTTP/2 server.
fn hostile_http2() -> (Server, Vec<Probe>) {
    let server = Server::start(|conn| {
        conn.send(h2::settings());
        if h2::read_request(conn).is_some() {
            let words = hostile::bytes(hostile::STRINGS[conn.number() % hostile::STRINGS.len()]);
            conn.send(h2::goaway(0, h2::INTERNAL_ERROR, &words));
        }
    });
    let asked = (0..hostile::STRINGS.len()).map(|at| {
        let mut probe = probes::get(&server.url("/"));
        probe.name = format!("goaway {at}");
        probe.transport.http_version = HttpVersionPreference::Http2;
        probe
    });
    let asked = asked.collect();
    (server, asked)
}

/// Servers and probes for every string in the subject, and every ASCII string in the names, of a
/// certificate.
fn hostile_certificates() -> (Vec<Server>, Vec<Probe>, Authority) {
    let authority = Authority::new();
    let mut servers = Vec::new();
    let mut asked = Vec::new();
    for (at, words) in hostile::STRINGS.iter().enumerate() {
        let mut params = tls::leaf_params(&["other.test"]);
        params.distinguished_name.push(rcgen::DnType::CommonName, *words);
        params.distinguished_name.push(rcgen::DnType::OrganizationName, *words);
        if let Ok(name) = (*words).try_into() {
            params.subject_alt_names.push(rcgen::SanType::DnsName(name));
        }
        let server = Server::tls(authority.sign(&params).config(), |_| {});
        let mut probe = probes::get(&server.https("good.test", "/"));
        probe.name = format!("certificate {at}");
        probe.transport.address = Some(server.address());
        probe.transport.tls.ca_file = Some(authority.ca_file());
        servers.push(server);
        asked.push(probe);
    }
    (servers, asked, authority)
}

/// A pass over every string in every place.
fn hostile_pass() -> CheckReport {
    let http = hostile_http();
    let (http2, more) = hostile_http2();
    let (certificates, still_more, authority) = hostile_certificates();
    let asked: Vec<Arc<Probe>> = asked_in_http(&http).into_iter().chain(more).chain(still_more).map(Arc::new).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let engine = Engine::new("here", Redactor::default(), &asked).unwrap();
    let mut fold = Checks::new("here", &asked, Duration::from_mins(1), Timestamp::now());
    for probe in &asked {
        let outcome = runtime.block_on(engine.check(probes::due(probe)));
        assert!(!is_hidden_in(&outcome), "{outcome:?}");
        fold.record(outcome);
    }
    drop((http, http2, certificates, authority));
    fold.finish(Duration::from_secs(9), &["a warning".to_owned()])
}

fn is_hidden_in(outcome: &Outcome) -> bool {
    serde_json::to_string(outcome).unwrap().chars().any(strict::is_hidden)
}

fn rendered(format: CheckFormat, pass: &CheckReport, look: TerminalStyle) -> String {
    let mut out = Vec::new();
    format.write(&CheckAnswer { pass, style: look, workspace: Some("/workspace".as_ref()) }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_output_obeys_a_server() {
    let pass = hostile_pass();
    let probes = pass.probes.len();
    assert_eq!(probes, hostile::STRINGS.len() * (PLACES.len() + 2));
    // If the strings in a place failed no check, the test would prove nothing about that place.
    for place in PLACES.iter().map(|place| place.name).chain(["goaway", "certificate"]) {
        let of_place = |probe: &&uptick::check_report::ProbeSummary| {
            probe.probe.starts_with(place) && probe.verdict == Verdict::Down
        };
        assert!(pass.probes.iter().filter(of_place).count() >= 32, "few checks of {place} are down");
    }
    for format in CheckFormat::ALL {
        // With details, because the terminal would otherwise show only ten of the probes.
        let text = rendered(format, &pass, TerminalStyle { detail: 1, ..TerminalStyle::default() });
        match format {
            CheckFormat::Human => strict::terminal(&text),
            CheckFormat::Json => drop(strict::json(&text)),
            CheckFormat::Ndjson => assert_eq!(strict::json_lines(&text).len(), probes),
            CheckFormat::Junit => assert_eq!(strict::junit(&text), probes),
            CheckFormat::Tap => assert_eq!(strict::tap(&text), probes),
            CheckFormat::Github => drop(strict::github(&text)),
            CheckFormat::Nagios => strict::nagios(&text),
            CheckFormat::Prometheus => drop(strict::prometheus(&text)),
            CheckFormat::Markdown => strict::markdown(&text),
        }
        if matches!(format, CheckFormat::Human | CheckFormat::Json | CheckFormat::Junit | CheckFormat::Markdown) {
            assert!(text.contains("pwn"), "{} shows what the servers said", format.name());
        }
    }
    let coloured = rendered(CheckFormat::Human, &pass, TerminalStyle { colour: true, ..TerminalStyle::default() });
    strict::terminal(&coloured);
    let mut summary = Vec::new();
    render::job_summary(&pass, &mut summary).unwrap();
    strict::markdown(&String::from_utf8(summary).unwrap());
}

/// A probe file with every string in every place of HTTP/1, and with every string that may be a
/// name.
fn hostile_file(server: &Server) -> String {
    let mut file = "[defaults]\ninterval = \"60s\"\ntimeout = \"10s\"\n".to_owned();
    for (place_at, place) in PLACES.iter().enumerate() {
        for at in 0..hostile::STRINGS.len() {
            let url = server.url(&format!("/{place_at}/{at}"));
            let more = match place.name {
                "json" => "expect.json = [{ path = \"$.status\", equals = \"ok\" }]\n",
                "expected header" => "expect.header = { x-note = \"something else\" }\n",
                "content encoding" => "expect.min-bytes = 1000000\n",
                "location" => "redirects = 2\n",
                _ => "",
            };
            let _ =
                write!(file, "[[probe]]\nname = \"{} {at}\"\nsurface = \"web\"\nurl = \"{url}\"\n{more}", place.name);
        }
    }
    for (at, name) in legal_names().enumerate() {
        let url = server.url(&format!("/0/{at}"));
        let name = toml_text(name);
        let _ = write!(file, "[[probe]]\nname = {name}\nsurface = {name}\ntags = [{name}]\nurl = \"{url}\"\n");
        let _ = write!(file, "[surface.{name}]\nlabel = {name}\n");
    }
    file
}

/// The strings that the configuration accepts as a name; it refuses the others with a visible
/// message.
fn legal_names() -> impl Iterator<Item = &'static str> {
    hostile::STRINGS.into_iter().filter(|name| {
        let file = format!("[[probe]]\nname = {}\nurl = \"http://127.0.0.1:9/\"\n", toml_text(name));
        let ran = Run::new(["validate"]).config(&file).run();
        strict::assert_visible(&ran.stdout, "validate");
        strict::assert_visible(&ran.stderr, "a diagnostic");
        assert!([0, 2].contains(&ran.code()), "{}", ran.stderr);
        ran.code() == 0
    })
}

/// The text as a basic string of TOML, in quotes.
fn toml_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

#[test]
fn no_report_obeys_a_server_or_a_name() {
    let server = hostile_http();
    let file = hostile_file(&server);
    assert!(file.matches("[surface.").count() >= 8, "some of the strings may be names");
    let check =
        Run::new(["check", "-vv", "--record", "--format", "human", "--vantage", "<b>pwn</b>|`*_"]).config(&file);
    let checked = check.run();
    checked.expect_code(1);
    strict::terminal(&checked.stdout);
    strict::terminal(&checked.stderr);
    let journal = checked.folder.path().join("uptick-journal");
    for format in ["human", "json", "html", "markdown", "csv", "prometheus"] {
        let report = Run::new(["report", "-vv", "--format", format, journal.to_str().unwrap()]).config(&file).run();
        let text = &report.stdout;
        assert!(text.contains("pwn"), "{format} shows names: {text}{}", report.stderr);
        match format {
            "human" => strict::terminal(text),
            "json" => drop(strict::json(text)),
            "html" => drop(strict::html(text)),
            "markdown" => strict::markdown(text),
            "csv" => drop(strict::csv(text)),
            _ => drop(strict::prometheus(text)),
        }
        strict::terminal(&report.stderr);
    }
    for (path, bytes) in checked.files() {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            drop(strict::json_lines(&String::from_utf8(bytes).unwrap()));
        }
    }
}
