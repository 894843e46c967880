//! probes.toml: what is accepted, what is refused, and how it is said.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;
use std::time::Duration;

use uptick::config;
use uptick::config::Config;
use uptick::config::ConfigError;
use uptick::model::Captures;
use uptick::model::Probe;

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

/// One probe with these lines below its name.
#[track_caller]
fn probe(lines: &str) -> Config {
    good(&format!("[[probe]]\nname = \"a\"\n{lines}\n"))
}

#[track_caller]
fn only(config: &Config) -> &Probe {
    assert_eq!(config.probes.len(), 1);
    &config.probes[0]
}

/// The problems as `line:column message (help)`.
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

/// `tests/config/refused.txt` is the table: a file, and below it what is said of it.
#[test]
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
        // A heading of the table is a comment of TOML, and must not move the lines.
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
tls = { server-name = "x.test", min-version = "1.3", insecure = false, ca-file = "ca.pem", client-cert = "client.pem", client-key = "client.key" }
ip = "v4"
address = "127.0.0.1:8443"
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
"#;

fn every_key_in(folder: &Path) -> Config {
    for file in ["ca.pem", "client.pem", "client.key"] {
        std::fs::write(folder.join(file), "").unwrap();
    }
    load_in(folder, EVERY_KEY).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_key_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = every_key_in(folder.path());
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
    assert_eq!(probe.steps[0].expect.json.len(), 9);
    assert_eq!(probe.steps[0].expect.latency.len(), 6);
    assert_eq!(probe.steps[0].expect.status.len(), 2);
    assert_eq!(probe.transport.tls.ca_file.as_deref(), Some(folder.path().join("ca.pem").as_path()));
}

#[test]
fn what_is_explained_is_a_probe_file_and_says_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = every_key_in(folder.path());
    for probe in &config.probes {
        let explained = config::explain(&config, probe);
        assert!(!explained.contains("s3cr3t") && !explained.contains("p\\\"ss"), "{explained}");
        let file = explained
            .replace("[[control]]", "[[probe]]")
            .replace("name = \"internet\"\nsurface = \"control\"", "name = \"internet\"\nsurface = \"web\"");
        let again = load_in(folder.path(), &file).unwrap_or_else(|error| panic!("{error}\n{explained}"));
        let probe_again = only(&again);
        let explained_again = config::explain(&again, probe_again);
        let without_comments =
            |text: &str| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        assert_eq!(without_comments(&explained_again), without_comments(&file));
    }
}

#[test]
fn every_key_of_the_table_is_in_the_file_of_every_key() {
    let schema = config::schema();
    for (title, table) in schema["$defs"].as_object().unwrap() {
        for key in table["properties"].as_object().unwrap().keys() {
            let elsewhere = ["body", "form", "bearer"].contains(&key.as_str());
            assert!(elsewhere || EVERY_KEY.contains(key.as_str()), "{title}: {key} is not in EVERY_KEY");
        }
    }
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
