//! probes.toml: what is accepted, and what is refused with which message.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;
use std::time::Duration;

use uptick::config;
use uptick::config::{Config, ConfigError};
use uptick::model::{Body, Captures, Probe};

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "HOST" => "x.test",
        "EMPTY" => "",
        "PIN" => "123",
        "TOKEN" => "s3cr3t-token",
        "PASSWORD" => "p\"ss w/rd&",
        "BREAK" => "a\r\nb: c",
        "TARGET" => "https://me:hunter22@x.test/?sig=0123456789",
        _ => return None,
    };
    Some(value.to_owned())
}

fn load_in(folder: &Path, text: &str) -> Result<Config, ConfigError> {
    let path = folder.join("probes.toml");
    std::fs::write(&path, text).unwrap();
    config::load(&path, &environment)
}

fn load(text: &str) -> Result<Config, ConfigError> {
    load_in(tempfile::tempdir().unwrap().path(), text)
}

#[track_caller]
fn good(text: &str) -> Config {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads one probe with these lines below its name.
#[track_caller]
fn probe(lines: &str) -> Config {
    good(&format!("[[probe]]\nname = \"a\"\n{lines}\n"))
}

#[track_caller]
fn only(config: &Config) -> &Probe {
    assert_eq!(config.probes.len(), 1);
    &config.probes[0]
}

/// The problems of a file, each as `=> line:column message (help)`; `no problem` if it is valid.
fn problems(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = load_in(folder.path(), text) else { return vec!["no problem".to_owned()] };
    let told = |problem: &config::Problem| {
        let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        let told = format!("=> {}:{} {}{help}", problem.line, problem.column, problem.message);
        told.replace(&folder.path().display().to_string(), "FOLDER")
    };
    error.problems().iter().map(told).collect()
}

/// Each case in `tests/config/refused.txt` is a file, followed by the messages it causes.
#[test]
#[cfg_attr(not(feature = "http3"), ignore = "it has HTTP/3 in it, which is a feature")]
fn every_mistake_is_told_with_its_place_its_probe_and_a_suggestion() {
    let table = std::fs::read_to_string("tests/config/refused.txt").unwrap();
    let cases: Vec<&str> = table.split("----\n").map(str::trim_end).filter(|case| !case.is_empty()).collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut now = String::new();
    for case in cases {
        let lines = case.lines().filter(|line| !line.starts_with("=> "));
        let text: Vec<&str> = lines.collect();
        now.push_str(&text.join("\n"));
        now.push('\n');
        // A heading in the table looks like a TOML comment; it must not shift the line numbers.
        let toml: Vec<&str> = text.iter().copied().filter(|line| !line.starts_with("# ")).collect();
        for problem in problems(&toml.join("\n")) {
            now.push_str(&problem);
            now.push('\n');
        }
        now.push_str("----\n");
    }
    if now != table {
        let differs = now.lines().zip(table.lines()).find(|(now, then)| now != then);
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused.txt");
        std::fs::write(&new, &now).unwrap();
        panic!("{differs:#?}\nwhat is said now stands in {}", new.display());
    }
}

#[test]
fn a_diagnostic_shows_the_line_and_marks_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        load_in(folder.path(), "[[probe]]\nname = \"home\"\nurl = \"https://x.test/\"\ntimout = \"5s\"\n").unwrap_err();
    let expected = "\
error: probe \"home\": unknown key `timout` in [[probe]]
 --> FOLDER/probes.toml:4:1
  |
4 | timout = \"5s\"
  | ^^^^^^
  |
  = help: did you mean `timeout`?";
    assert_eq!(error.to_string().replace(&folder.path().display().to_string(), "FOLDER"), expected);
    assert!(error.render(true).contains("\u{1b}["));
}

const EVERY_KEY: &str = r#"
[settings]
vantage = "${UPTICK_VANTAGE:-local}"
concurrency = 128
window = "2m"

[defaults]
interval = "1m 30s"
timeout = "20s"
headers = { user-agent = "uptick", accept = "*/*" }
expect.status = ["2xx", 304]
warn.certificate-days = 30

[surface.web]
label = "X website"
objective = "99.9% over 30d"
latency-objective = "95% under 800ms"

[incident]
open-after = 2
open-ratio = "5 of 12"
close-after = 4
join-within = "1h"

[[control]]
name = "internet"
url = "https://www.example.com/"
address = "127.0.0.1:8443"

[[probe]]
name = "home"
surface = "web"
url = "https://${HOST}/?api_key=${TOKEN}&a=1"
tags = ["critical"]
interval = "1m"
timeout = "10s"
retries = { attempts = 2, delay = "500ms" }
method = "POST"
headers = { Accept = "text/html", x-many = ["a", "b"], cookie = "sid=${TOKEN}; theme=dark" }
json = { list = [1, 2.5, true, "${HOST} \"quoted\""], password = "${PASSWORD}", "b c" = { d = "$${X}" } }
auth.basic = { user = "probe", password = "${PASSWORD}" }
redirects = 3
redirects-allow-downgrade = true
tls = { server-name = "x.test", min-version = "1.3", insecure = false, ca-file = "ca.pem", crl-file = "crl.pem", client-cert = "client.pem", client-key = "client.key" }
ip = "v4"
resolver = "udp://1.1.1.1:53"
proxy = "http://u:${secret:TOKEN}@proxy.test:3128"
source-address = "127.0.0.1"
http-version = "1.1"
connection = "reuse"
body-limit = "64KiB"

[probe.expect]
body-contains = "<title"
body-lacks = ["{{title}}", "error"]
body-matches = '\bok\b'
body-not-matches = ["a{3}"]
header = { content-type = "text/html", x-a = { absent = true }, x-b = { contains = "x", matches = "y", not-matches = ["z"], optional = true } }
json = [
    { path = "$.items", min-length = 1, max-length = 9 },
    { path = "$.status", equals = "ok" },
    { path = "$.status", not-equals = { a = [1] } },
    { path = "$.name", contains = "x", matches = "^x" },
    { path = "$.n", min = 1, max = 2.5, exists = true },
]
latency = { total = "2s", resolve = "1s", connect = "1s", tls = "1s", processing = "800ms", transfer = "1s" }
certificate-days = 14
final-url = "https://x.test/"
http-version = ["1.1", "2"]
tls-version = "1.3"
secure = true
min-bytes = 10
max-bytes = "64KiB"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
json-schema = "x.schema.json"
"#;

const JOURNEYS: &str = r#"
include = ["probes.d/*.toml"]

[settings]
heartbeat = "https://hc.test/${TOKEN}"
second-resolver = "udp://1.1.1.1:53"

[network]
deny = ["link-local", "metadata"]

[session.login]
lifetime = "5m"
timeout = "5s"
http-version = "2"
headers = { x-from = "uptick" }

  [[session.login.step]]
  name = "page"
  url = "https://x.test/login"
  capture.csrf = { matches = 'name="csrf" value="([^"]+)"' }
  capture.link = { select = "a.next", attribute = "href" }

  [[session.login.step]]
  method = "POST"
  url = "https://x.test/login"
  form = { csrf = "{{csrf}}", user = "probe", password = "${PASSWORD}" }
  capture = { token = { json = "$.token" }, id = { header = "x-id" }, sid = { cookie = "sid" } }
  expect.status = 201

[[alert]]
name = "ops"
on = ["open", "close", "flapping", "certificate-expiring", "slo-burn"]
surfaces = ["app"]
webhook = "${TARGETS:-https://hooks.test/a}"
headers = { x-token = "${TOKEN}" }
template = "json"
retries = 1
timeout = "5s"
repeat = "1h"

[[alert]]
name = "pager"
template = "pagerduty"
routing-key = "${TOKEN}"

[[alert]]
name = "script"
exec = ["/usr/bin/logger", "uptick"]

[[probe]]
name = "timeline"
surface = "app"
session = "login"
schedule = "*/5 * * * * Europe/Berlin"
maintenance = [
    { from = 2026-12-01T22:00:00+01:00, to = 2026-12-02T04:00:00+01:00 },
    { schedule = "0 3 * * SUN Europe/Berlin", for = "2h" },
]
addresses = "all"
addresses-up = 2
headers = { authorization = "Bearer {{token}}" }
expect.json = { path = "$.items", min-length = 1 }

  [[probe.step]]
  name = "home"
  url = "https://x.test/home/{{id}}"
  auth.oauth2 = { token-url = "https://auth.test/token", client-id = "probe", client-secret = "${TOKEN}", scopes = ["read", "write"], audience = "api" }
  expect.assets = { select = "img", limit = 5, hosts = ["*.cdn.test"], body-limit = "64KiB", at-least = 2 }
  expect.alt-svc = false

  [[probe.step]]
  name = "timeline"
  method = "POST"
  url = "https://x.test/timeline?after={{sid}}"
  json = { token = "{{token}}", "q" = "{{unknown" }

[[probe]]
name = "upload {region} {n}"
surface = "app"
url = "https://{region}.x.test/upload"
method = "POST"
headers = { x-region = "{region}" }
multipart = { note = "n{n}", picture = { path = "picture.png", content-type = "image/png" } }
matrix = { region = ["us-east", "us-west"], n = [1, 2] }

[[probe]]
name = "put"
surface = "app"
url = "https://x.test/put"
method = "PUT"
file = "picture.png"

[[probe]]
name = "post"
surface = "app"
url = "https://x.test/post"
method = "POST"
body = "text"
auth.bearer = "${TOKEN}"

[[probe]]
name = "form"
surface = "app"
url = "https://x.test/form"
method = "POST"
form = { a = "b", n = 1, yes = true }

[[probe]]
name = "port"
surface = "app"
url = "tcp://x.test:6379"
send = "PING ${TOKEN}\r\n"
expect.body-contains = "+PONG"
expect.min-bytes = 5

[[probe]]
name = "zone"
surface = "app"
url = "dns://ns.x.test:5353/X.test.?type=mx"
expect.answer = { contains = "mx1", equals = ["10 mx1.x.test.", "20 mx2.x.test."], count = 2, min-count = 1 }
expect.rcode = "NOERROR"
expect.ttl = { min = "1m", max = "1d" }
expect.authoritative = true

[[probe]]
name = "socket"
surface = "app"
url = "wss://X.test/socket?a=b"
headers = { authorization = "Bearer ${TOKEN}" }
send = '{"type":"ping"}'
expect.message-contains = "pong"
expect.message-json = { path = "$.type", equals = "pong" }
expect.subprotocol = "graphql-ws"

[[probe]]
name = "health"
surface = "app"
url = "grpcs://X.test:50051/shop.Cart"
auth.bearer = "${TOKEN}"
expect.grpc-status = ["OK", 12]

[[probe]]
name = "local"
surface = "app"
url = "http://app.test/health"
address = "unix:/run/app.sock"

[[probe]]
name = "out"
surface = "app"
url = "https://x.test/"
proxy = "environment"
source-interface = "eth1"
auth.digest = { user = "probe", password = "${PASSWORD}" }

[[probe]]
name = "signed"
surface = "app"
url = "https://x.test/"
auth.aws-sigv4 = { access-key = "AKIDEXAMPLE", secret-key = "${TOKEN}", session-token = "${PASSWORD}", region = "eu-central-1", service = "execute-api" }

[[probe]]
name = "certificate"
surface = "app"
url = "tls://X.test:587"
starttls = "smtp"
tls.min-version = "1.3"
tls.alpn = ["smtp"]
expect = { certificate-days = 14, certificate-issuer = "Let's Encrypt", certificate-names = ["x.test", "www.x.test"] }
"#;

/// Two files that together have every key, and the files they name.
fn every_key_in(folder: &Path) -> [Config; 2] {
    std::fs::write(folder.join("x.schema.json"), "{\"type\": \"object\"}").unwrap();
    for file in ["ca.pem", "crl.pem", "client.pem", "client.key"] {
        std::fs::write(folder.join(file), "").unwrap();
    }
    std::fs::write(folder.join("picture.png"), b"\x89PNG").unwrap();
    std::fs::create_dir_all(folder.join("probes.d")).unwrap();
    let included = "[[probe]]\nname = \"included\"\nsurface = \"app\"\nurl = \"https://y.test/\"\n";
    std::fs::write(folder.join("probes.d/team.toml"), included).unwrap();
    [EVERY_KEY, JOURNEYS].map(|text| load_in(folder, text).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn every_key_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let [config, _] = every_key_in(folder.path());
    assert_eq!(config.settings.vantage, "local");
    assert_eq!(config.settings.concurrency, 128);
    assert_eq!(config.settings.window, Duration::from_mins(2));
    assert_eq!(config.surfaces.keys().collect::<Vec<_>>(), ["web"]);
    assert_eq!(config.incident.open_of.get(), 12);
    assert_eq!(config.probes.iter().map(|probe| probe.control).collect::<Vec<_>>(), [true, false]);
    assert_eq!(config.probes[0].schedule.shortest(), Duration::from_secs(90));
    let probe = &config.probes[1];
    let headers: Vec<String> =
        probe.steps[0].request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let expected =
        ["user-agent: uptick", "accept: text/html", "x-many: a", "x-many: b", "cookie: sid=${TOKEN}; theme=dark"];
    assert_eq!(headers, expected);
    assert!(probe.steps[0].request.redirects_allow_downgrade);
    assert_eq!(probe.steps[0].expect.json.len(), 9);
    assert_eq!(probe.steps[0].expect.latency.len(), 6);
    assert_eq!(probe.steps[0].expect.status.len(), 2);
    assert_eq!(probe.transport.tls.ca_file.as_deref(), Some(folder.path().join("ca.pem").as_path()));
    assert_eq!(probe.transport.tls.crl_file.as_deref(), Some(folder.path().join("crl.pem").as_path()));
}

#[test]
fn every_key_of_journeys_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let [_, config] = every_key_in(folder.path());
    let names: Vec<&str> = config.probes.iter().map(|probe| probe.name.as_str()).collect();
    let uploads = ["upload us-east 1", "upload us-east 2", "upload us-west 1", "upload us-west 2"];
    assert_eq!(
        names,
        [
            &["timeline"],
            &uploads[..],
            &[
                "put",
                "post",
                "form",
                "port",
                "zone",
                "socket",
                "health",
                "local",
                "out",
                "signed",
                "certificate",
                "included"
            ]
        ]
        .concat()
    );
    let timeline = &config.probes[0];
    let steps: Vec<Option<&str>> = timeline.steps.iter().map(|step| step.name.as_deref()).collect();
    assert_eq!(steps, [Some("home"), Some("timeline")]);
    // The expectations of the probe apply to the last step, its headers to every step.
    assert_eq!(timeline.steps.iter().map(|step| step.expect.json.len()).collect::<Vec<_>>(), [0, 1]);
    assert!(timeline.steps[0].expect.assets.is_some());
    assert_eq!(timeline.steps[1].request.headers[0].1.to_string(), "Bearer {{token}}");
    let session = timeline.session.as_ref().unwrap();
    assert_eq!(session.name, "login");
    assert_eq!(session.steps.iter().map(|step| step.captures.len()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(session.lifetime, Duration::from_mins(5));
    assert!(timeline.is_in_maintenance("2026-12-01T23:00:00Z".parse().unwrap()));
    assert!(!timeline.is_in_maintenance("2026-12-03T23:00:00Z".parse().unwrap()));
    assert!(timeline.transport.deny.metadata && session.transport.deny.link_local && !timeline.transport.deny.private);
    assert_eq!(config.probes[3].steps[0].request.url.to_string(), "https://us-west.x.test/upload");
    assert_eq!(config.probes[3].steps[0].request.headers[0].1.to_string(), "us-west");
    assert_eq!(config.alerts.len(), 3);
    assert_eq!(config.heartbeat.unwrap().to_string(), "https://hc.test/${TOKEN}");
    assert_eq!(config.redactor.redact("s3cr3t-token"), "[redacted]");
}

#[test]
fn what_is_explained_is_a_probe_file_and_says_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut explained_probes = 0;
    for config in every_key_in(folder.path()) {
        for probe in &config.probes {
            let explained = config::explain(&config, probe);
            assert!(!explained.contains("s3cr3t") && !explained.contains("p\\\"ss"), "{explained}");
            // A file with only controls has no probes, so a control is loaded again as a probe.
            let file = explained.replace("[[control]]", "[[probe]]");
            let again = load_in(folder.path(), &file).unwrap_or_else(|error| panic!("{error}\n{explained}"));
            let explained_again = config::explain(&again, only(&again));
            let is_comment = |line: &&str| line.starts_with('#');
            let without_comments: Vec<&str> = file.lines().filter(|line| !is_comment(line)).collect();
            assert_eq!(explained_again, without_comments.join("\n") + "\n");
            explained_probes += 1;
        }
    }
    assert_eq!(explained_probes, 19);
}

#[test]
fn every_key_of_the_table_is_in_the_files_of_every_key() {
    let schema = config::schema();
    let files = [EVERY_KEY, JOURNEYS].concat();
    let words: Vec<&str> = files.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    for (title, table) in schema["$defs"].as_object().unwrap() {
        for key in table["properties"].as_object().unwrap().keys() {
            assert!(words.contains(&key.as_str()), "{title}: {key} is in neither file");
        }
    }
}

#[test]
fn an_included_file_is_named_in_its_diagnostics() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("probes.d")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("probes.d").join(name), text).unwrap();
    write("a.toml", "[[probe]]\nname = \"a\"\nurl = \"https://x.test/\"\n[settings]\n");
    write("b.toml", "[defaults]\ntimeout = \"2s\"\n[[probe]]\nname = \"a\"\nurl = \"x\"\ntimout = 1\n");
    write("c.toml", "[[probe\n");
    write(".hidden.toml", "nonsense");
    write("d.txt", "nonsense");
    let error = load_in(folder.path(), "include = \"probes.d/*.toml\"\n").unwrap_err();
    let told: Vec<String> = error
        .problems()
        .iter()
        .map(|problem| {
            let file = problem.file.as_ref().unwrap().strip_prefix(folder.path()).unwrap().display().to_string();
            format!("{file}:{}:{} {}", problem.line, problem.column, problem.message)
        })
        .collect();
    let path = folder.path().join("probes.d/a.toml").display().to_string();
    let expected = [
        "probes.d/a.toml:4:2 unknown key `settings` in an included file".to_owned(),
        format!("probes.d/b.toml:4:8 the name \"a\" is already used by the probe in {path}, line 1"),
        "probes.d/b.toml:5:7 probe \"a\": `url` has no scheme".to_owned(),
        "probes.d/b.toml:6:1 probe \"a\": unknown key `timout` in [[probe]]".to_owned(),
        "probes.d/c.toml:1:8 this is not TOML: unclosed array table, expected `]]`".to_owned(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_files_of_every_team_are_read_in_the_order_of_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    for team in ["web", "app", "app/ios"] {
        std::fs::create_dir_all(folder.path().join("teams").join(team)).unwrap();
        let text = format!("[[probe]]\nname = \"{team}\"\nurl = \"https://x.test/\"\n");
        std::fs::write(folder.path().join("teams").join(team).join("probes.toml"), text).unwrap();
    }
    let names = |pattern: &str| -> Vec<String> {
        let text = format!("include = \"{pattern}\"\n[[probe]]\nname = \"own\"\nurl = \"https://x.test/\"\n");
        let config = load_in(folder.path(), &text).unwrap_or_else(|error| panic!("{error}"));
        let unmatched = config.warnings.iter().map(String::as_str);
        config.probes.iter().map(|probe| probe.name.as_str()).chain(unmatched).map(str::to_owned).collect()
    };
    assert_eq!(names("teams/*/probes.toml"), ["own", "app", "web"]);
    // The pattern also matches the file that contains it, which is not loaded again.
    assert_eq!(names("**/probes.toml"), ["own", "app/ios", "app", "web"]);
    assert_eq!(names("team/*/probes.toml"), ["own", "no file matches include = \"team/*/probes.toml\""]);
}

#[test]
fn the_defaults_of_an_included_file_are_laid_over_the_first_files() {
    let folder = tempfile::tempdir().unwrap();
    let team =
        "[defaults]\ninterval = \"1m\"\nheaders.x-team = \"b\"\n[[probe]]\nname = \"b\"\nurl = \"https://x.test/\"\n";
    std::fs::write(folder.path().join("team.toml"), team).unwrap();
    let first = "include = \"team.toml\"\n[defaults]\ninterval = \"2m\"\ntags = [\"all\"]\nheaders.x-all = \"a\"\n[[probe]]\nname = \"a\"\nurl = \"https://x.test/\"\n";
    let config = load_in(folder.path(), first).unwrap_or_else(|error| panic!("{error}"));
    let headers = |probe: &Probe| probe.steps[0].request.headers.len();
    assert_eq!(config.probes[0].schedule.shortest(), Duration::from_mins(2));
    assert_eq!(config.probes[1].schedule.shortest(), Duration::from_mins(1));
    assert_eq!((headers(&config.probes[0]), headers(&config.probes[1])), (1, 2));
    assert_eq!(config.probes[1].tags, ["all"]);
}

#[test]
fn a_number_past_64_bits_is_sent_and_compared_with_all_its_digits() {
    let lines = "url = \"https://x.test/\"\nmethod = \"POST\"\njson = { a = 18446744073709551617, b = [-1e400, 0x1_0000_0000_0000_0000] }\n\
                 expect.json = { path = \"$.a\", equals = 18446744073709551617, min = 9007199254740993, max = 1e400 }\n";
    let config = probe(lines);
    let step = &only(&config).steps[0];
    let Body::Json(json) = &step.request.body else { panic!("a body of JSON") };
    assert_eq!(json.to_string(), "{\"a\":18446744073709551617,\"b\":[-1e400,18446744073709551616]}");
    let rules: Vec<String> = step.expect.json.iter().map(|rule| format!("{:?}", rule.rule)).collect();
    assert_eq!(
        rules,
        [
            "Equals(JsonText(\"18446744073709551617\"))",
            "Min(JsonText(\"9007199254740993\"))",
            "Max(JsonText(\"1e400\"))"
        ]
    );
    let explained = config::explain(&config, only(&config));
    assert!(explained.contains("equals = 18446744073709551617"), "{explained}");
    assert!(
        explained.contains("json = { a = 18446744073709551617, b = [-1e400, 18446744073709551616] }"),
        "{explained}"
    );
}

#[test]
fn a_secret_is_one_by_its_mark_its_file_or_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "file-secret\n").unwrap();
    let text = r#"
[[probe]]
name = "a"
url = "https://${HOST}/?token=${TOKEN}&page=1"
headers = { x-api-key = "${TOKEN}", x-open = "${HOST}", x-marked = "${secret:HOST}", x-file = "${file:token}" }
form = { user = "probe", password = "${PASSWORD}" }
"#;
    let config = load_in(folder.path(), text).unwrap_or_else(|error| panic!("{error}"));
    let request = &only(&config).steps[0].request;
    assert_eq!(request.url.to_string(), "https://x.test/?token=${TOKEN}&page=1");
    let headers: Vec<String> = request.headers.iter().map(|(_, value)| value.to_string()).collect();
    assert_eq!(headers, ["${TOKEN}", "x.test", "${HOST}", "${file:token}"]);
    let filled: Vec<String> = request.headers.iter().map(|(_, value)| value.fill(&Captures::new()).unwrap()).collect();
    assert_eq!(filled, ["s3cr3t-token", "x.test", "x.test", "file-secret"]);
    for secret in ["s3cr3t-token", "file-secret", "p\"ss w/rd&", "p%22ss%20w%2Frd%26"] {
        assert_eq!(config.redactor.redact(&format!("<{secret}>")), "<[redacted]>");
    }
    assert_eq!(config.redactor.redact("probe page=1"), "probe page=1");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert!(!format!("{config:?}").contains("s3cr3t"));
}

#[test]
fn basic_credentials_are_known_as_the_pair_that_is_sent() {
    // base64 of probe:s3cr3t-token
    let config = probe("url = \"https://x.test/\"\nauth.basic = { user = \"probe\", password = \"${TOKEN}\" }");
    assert!(!config.redactor.redact("Basic cHJvYmU6czNjcjN0LXRva2Vu").contains("czNjcjN0"));
    assert!(!config.redactor.redact("Basic cHJvYmU6czNjcjN0LXRva2Vu").contains("cHJvYmU"));
}

#[test]
fn a_secret_in_the_open_is_kept_secret_and_warned_of() {
    let config =
        probe("url = \"https://x.test/?key=abcdefgh&sort_key=id\"\nheaders.authorization = \"Bearer hunter22\"");
    let request = &only(&config).steps[0].request;
    assert_eq!(request.url.to_string(), "https://x.test/?key=${KEY}&sort_key=id");
    assert_eq!(request.headers[0].1.to_string(), "Bearer ${AUTHORIZATION}");
    assert_eq!(config.redactor.redact("abcdefgh hunter22"), "[redacted] [redacted]");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    assert!(!config.warnings.concat().contains("hunter22"));
}

#[test]
fn a_url_out_of_a_variable_gives_up_its_credentials_and_its_secrets() {
    let config = probe("url = \"${TARGET}\"");
    let request = &only(&config).steps[0].request;
    assert!(request.auth.is_some());
    assert_eq!(only(&config).shown_url(), "https://x.test/?sig=${SIG}");
    assert_eq!(config.redactor.redact("hunter22 0123456789"), "[redacted] [redacted]");
}

#[test]
fn no_diagnostic_shows_a_secret() {
    let text = r#"
[[probe]]
name = "a"
url = "https://me:hunter22@x.test/?api_key=abcdefgh" # a comment
timout = "5s"
headers = { authorization = "Bearer zyxwvuts", "a b" = "${TOKEN}" }
auth = { basic = { user = "u", password = "qwertyui" }, baerer = "x" }
form = { password = "asdfghjk", b = [] }
"#;
    let error = load(text).unwrap_err();
    assert!(error.problems().len() >= 5, "{error}");
    let shown = error.to_string() + &error.render(true) + &format!("{error:?}");
    for secret in ["hunter22", "abcdefgh", "zyxwvuts", "qwertyui", "asdfghjk", "s3cr3t-token"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_mistake_of_syntax_beside_a_secret_does_not_show_it() {
    let error = load("[[probe]]\nname = \"a\"\nheaders = { authorization = \"Bearer zyxwvuts, x = 1 }\n").unwrap_err();
    assert!(!error.to_string().contains("zyxwvuts"), "{error}");
}

#[test]
fn a_variable_in_the_form_of_a_shell_is_text_and_is_warned_of() {
    let config = probe(
        "url = \"https://x.test/?at=%HOST%&a=$TOKEN\"\n\
         headers = { x-a = \"$(HOST) $UNSET $5\", authorization = \"Bearer $TOKEN\" }",
    );
    let expected = [
        "`%HOST%` is used as text; write ${HOST} for the variable HOST",
        "`$TOKEN` is used as text; write ${TOKEN} for the variable TOKEN",
        "`$(HOST)` is used as text; write ${HOST} for the variable HOST",
        "`$TOKEN` is used as text; write ${secret:TOKEN} for the variable TOKEN",
    ];
    for warning in expected {
        assert!(config.warnings.iter().any(|said| said.ends_with(warning)), "{warning}: {:#?}", config.warnings);
    }
    assert!(
        !config.warnings.iter().any(|said| said.contains("UNSET") || said.contains("$5")),
        "{:#?}",
        config.warnings
    );
}

#[test]
fn a_value_cannot_rewrite_the_file() {
    let config = probe("url = \"https://x.test/\"\njson = { password = \"${PASSWORD}\" }");
    let uptick::model::Body::Json(json) = &only(&config).steps[0].request.body else { panic!("a JSON body") };
    assert_eq!(json.fill(&Captures::new()).unwrap(), r#"{"password":"p\"ss w/rd&"}"#);
}

#[test]
fn defaults_are_laid_under_a_probe_key_by_key() {
    let config = good(
        r#"
[defaults]
headers = { Accept = "a", x-default = "d" }
tls.min-version = "1.3"
body = "default"
expect = { status = 204, header = { x-a = "1" }, latency.total = "1s" }
[[probe]]
name = "a"
url = "https://x.test/"
headers = { accept = "b" }
json = [1]
tls.server-name = "y.test"
expect = { header.x-b = "2", latency.tls = "2s" }
"#,
    );
    let probe = only(&config);
    let explained = config::explain(&config, probe);
    for line in [
        "headers = { x-default = \"d\", accept = \"b\" }",
        "json = [1]",
        "tls.server-name = \"y.test\"",
        "tls.min-version = \"1.3\"",
        "expect.status = [204]",
        "expect.header.x-a = { contains = [\"1\"] }",
        "expect.header.x-b = { contains = [\"2\"] }",
        "expect.latency.total = \"1s\"",
        "expect.latency.tls = \"2s\"",
    ] {
        assert!(explained.lines().any(|explained| explained == line), "{line} is not in\n{explained}");
    }
    assert!(!explained.contains("body ="), "{explained}");
}

#[test]
fn what_is_legal_and_probably_not_meant_is_warned_of() {
    let warnings = |lines: &str| probe(&format!("url = \"https://x.test/\"\n{lines}")).warnings.join("\n");
    assert!(warnings("tls.insecure = true").contains("accepts any certificate"));
    assert!(warnings("expect.status = 301").contains("redirects are followed"));
    assert!(warnings("expect.status = 301\nredirects = \"none\"").is_empty());
    assert!(warnings("expect.latency.total = \"30s\"").contains("not shorter than `timeout`"));
    let longer =
        "probe \"a\": one check may take 31s, longer than its interval of 30s: checks due in between are missed";
    assert_eq!(warnings("timeout = \"10s\"\nretries = { attempts = 2, delay = \"500ms\" }"), longer);
    assert_eq!(warnings("timeout = \"10s\"\nretries = { attempts = 2, delay = \"0ms\" }"), "");
    // A session is set up before the clock of the check starts, and once more if it is refused.
    let session = "[session.s]\ntimeout = \"11s\"\n[[session.s.step]]\nurl = \"https://x.test/\"\n";
    let waits = good(&format!("{session}[[probe]]\nname = \"a\"\nsession = \"s\"\nurl = \"https://x.test/\"\n"));
    assert_eq!(waits.warnings, [longer]);
    let config = good("[surface.web]\n[[probe]]\nname = \"a\"\nurl = \"https://x.test/\"\nsurface = \"wbe\"\n");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    assert!(config.warnings[0].ends_with("did you mean \"web\"?"));
}

#[test]
fn a_short_interval_lowers_the_default_timeout() {
    let config = probe("url = \"https://x.test/\"\ninterval = \"2s\"");
    assert_eq!(only(&config).timeout, Duration::from_secs(2));
}

#[test]
fn the_nearest_file_upward_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    let file = folder.path().join("a/probes.toml");
    std::fs::write(&file, "").unwrap();
    assert_eq!(config::find(&deep), Some(file));
}

#[test]
fn what_cannot_be_read_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| config::load(path, &environment).unwrap_err().to_string();
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(said(&fifo).ends_with("fifo is not a regular file"));
    assert!(said(folder.path()).ends_with("is a directory, not a file"));
    assert!(said(&folder.path().join("absent.toml")).ends_with("absent.toml does not exist"));
}

#[test]
fn ten_thousand_probes_are_read() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..10_000 {
        let _ = write!(text, "[[probe]]\nname = \"p{number}\"\nurl = \"https://x.test/{number}\"\n");
    }
    assert_eq!(good(&text).probes.len(), 10_000);
    // Ten thousand problems are found too: one in each probe, next to a secret.
    let wrong = text.replace("url = ", "headers.authorization = \"Bearer abcdefgh\"\ntimout = \"1s\"\nurl = ");
    let error = load(&wrong).unwrap_err();
    assert_eq!(error.problems().len(), 10_000);
    assert!(error.to_string().ends_with("error: and 9900 more problems"));
}

#[test]
fn the_probe_files_of_the_repository_are_read() {
    let config = config::load(Path::new("probes.toml"), &|_| None).unwrap_or_else(|error| panic!("{error}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let surfaces: Vec<&String> = config.surfaces.keys().collect();
    assert_eq!(surfaces, ["app", "web"]);
    assert!(config.probes.iter().any(|probe| probe.control));
    let template = load(config::TEMPLATE).unwrap_or_else(|error| panic!("{error}"));
    assert!(template.warnings.is_empty(), "{:?}", template.warnings);
}

#[test]
fn the_reference_in_the_documentation_is_that_of_the_key_table() {
    let page = std::fs::read_to_string("docs/probes.md").unwrap();
    let reference = config::reference();
    if !page.ends_with(&reference) {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference.md");
        std::fs::write(&new, &reference).unwrap();
        panic!("docs/probes.md does not end in the reference; it stands in {}", new.display());
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probes.toml");
        std::fs::write(&path, &bytes).unwrap();
        let told = config::load(&path, &environment).map_or_else(|error| error.to_string(), |_| String::new());
        proptest::prop_assert!(!told.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn no_damage_to_a_good_file_panics(at in 0usize..EVERY_KEY.len(), length in 0usize..40, text in "[\\[\\]{}=\"'a-z$#0-9.\n-]{0,12}") {
        let mut bytes = EVERY_KEY.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, text.bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probes.toml");
        std::fs::write(&path, &bytes).unwrap();
        let told = config::load(&path, &environment).map_or_else(|error| error.to_string(), |_| String::new());
        proptest::prop_assert!(!told.contains("s3cr3t-token"));
    }
}
