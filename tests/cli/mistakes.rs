//! Typical mistakes of a newcomer: each is refused before any request is sent, and the message
//! names what to write instead.

use std::fs;

use crate::support::run::{Ran, Run};

/// A probe named `a` with these lines.
fn probe(lines: &str) -> String {
    format!("[[probe]]\nname = \"a\"\nurl = \"http://127.0.0.1:9/\"\n{lines}\n")
}

/// Lines of a probe, and the words that the message must contain.
const KEYS: &[(&str, &[&str])] = &[
    ("intervall = \"10s\"", &["intervall", "interval"]),
    ("timout = \"5s\"", &["timout", "did you mean `timeout`"]),
    ("status = 200", &["status", "expect.status"]),
    ("body-contains = \"x\"", &["body-contains", "expect.body-contains"]),
    ("contains = \"x\"", &["contains", "expect.body-contains"]),
    ("insecure = true", &["insecure", "tls.insecure"]),
    ("verify = false", &["verify", "tls.insecure"]),
    ("follow = false", &["follow", "redirects"]),
    ("follow_redirects = false", &["follow_redirects", "redirects"]),
    ("user-agent = \"x\"", &["user-agent", "headers.user-agent"]),
    ("header = { a = \"b\" }", &["header", "headers"]),
    ("basic-auth = { user = \"a\", password = \"b\" }", &["basic-auth", "auth"]),
    ("expect.code = 200", &["code", "did you mean `status`"]),
    ("expect.body = \"ok\"", &["body", "body-contains"]),
    ("expect.contains = \"ok\"", &["contains", "body-contains"]),
    ("expect.regex = \"ok\"", &["regex", "body-matches"]),
    ("expect.cert-days = 14", &["cert-days", "certificate-days"]),
    ("expect.response-time = \"500ms\"", &["response-time", "latency"]),
    ("max-redirects = 3", &["max-redirects", "redirects"]),
    ("retry = 3", &["retry", "retries"]),
    ("group = \"web\"", &["group", "surface"]),
    ("enabled = false", &["enabled"]),
    ("every = \"30s\"", &["every", "interval"]),
    ("data = \"a=1\"", &["data", "body"]),
    ("tag = \"x\"", &["tag", "tags"]),
    // Values.
    ("interval = 30", &["add the unit: \"30s\""]),
    ("interval = \"30\"", &["30s"]),
    ("interval = \"1 minute 30\"", &["\"1m 30s\""]),
    ("interval = \"5 parsecs\"", &["parsecs", "\"30s\""]),
    ("interval = \"*/5 * * * *\"", &["schedule"]),
    ("timeout = \"60s\"", &["interval"]),
    ("timeout = \"-5s\"", &["-5s"]),
    ("body-limit = \"1 megabyte\"", &["1MiB"]),
    ("method = \"get me\"", &["get me", "GET"]),
    ("expect.status = \"200 OK\"", &["200 OK", "2xx"]),
    ("expect.status = \"9xx\"", &["9xx"]),
    ("expect.status = true", &["true", "200"]),
    ("expect.latency = \"500ms\"", &["{ total = \"500ms\" }"]),
    ("expect.latency = 500", &["{ total = \"500ms\" }"]),
    ("expect.json = \"$.status == ok\"", &["path", "equals"]),
    ("expect.json = [{ path = \"status\", equals = \"ok\" }]", &["$.status"]),
    ("expect.body-matches = \"(?=x)\"", &["look", "body-"]),
    ("expect.assets = { select = \"img[[\" }", &["img[[", "is not a CSS selector"]),
    ("headers = [\"X-A: b\"]", &["headers", "{ x-name = \"value\" }"]),
    ("headers = \"X-A: b\"", &["headers", "{ x-name = \"value\" }"]),
    ("auth = \"user:password\"", &["basic"]),
    ("redirects = true", &["write redirects = \"follow\""]),
    ("redirects = false", &["write redirects = \"none\""]),
    ("headers.expect = 100", &["add quotes: \"100\""]),
    ("headers.auth = true", &["add quotes: \"true\""]),
    ("ip = 4", &["\"v4\""]),
    ("tls.min-version = 1.2", &["\"1.2\""]),
    ("http-version = 2", &["\"2\""]),
    ("schedule = \"every 5 minutes\"", &["*/5 * * * *"]),
    ("tls.ca-file = \"nope.pem\"", &["nope.pem"]),
    ("address = \"127.0.0.1\"", &["127.0.0.1:"]),
    // Words and conventions of other tools.
    ("expect.status_code = 200", &["did you mean `status`"]),
    ("expect.not-contains = \"x\"", &["did you mean `body-lacks`"]),
    ("expect.json = { status = \"ok\" }", &["{ path = \"$.status\", equals = … }"]),
    ("expect.jsonpath = \"$.a\"", &["did you mean `json`"]),
    ("expect.latency = { p95 = \"500ms\" }", &["latency-objective = \"95% under 800ms\""]),
    ("expect.latency = { ttfb = \"500ms\" }", &["did you mean `processing`"]),
    ("expect.latency = { dns = \"5ms\" }", &["did you mean `resolve`"]),
    ("expect.latency.total = 500", &["\"500ms\""]),
    ("expect.max-latency = \"1s\"", &["did you mean `latency`"]),
    ("expect.certificate-days = \"14\"", &["without quotes: 14"]),
    ("expect.certificate-days = \"14d\"", &["without quotes: 14"]),
    ("expect.certificate_expiry = 14", &["certificate-days"]),
    ("expect.ssl-days = 14", &["certificate-days"]),
    ("expect.tls-version = \"TLSv1.3\"", &["did you mean \"1.3\""]),
    ("expect.tls-version = 1.3", &["write \"1.3\""]),
    ("expect.http-version = \"HTTP/2\"", &["did you mean \"2\""]),
    ("expect.json-schema = { type = \"object\" }", &["into a file"]),
    ("expect.schema = \"a.json\"", &["did you mean `json-schema`"]),
    ("expect.redirect = \"http://x.test/\"", &["did you mean `final-url`"]),
    ("expect.url = \"http://x.test/\"", &["did you mean `final-url`"]),
    ("expect = \"200\"", &["write expect = { status = 200 }"]),
    ("interval = 0.5", &["\"500ms\""]),
    ("timeout = 5000", &["add the unit: \"5000ms\" or \"5000s\""]),
    ("keyword = \"ok\"", &["did you mean `expect.body-contains`"]),
    ("basic_auth = { user = \"a\", password = \"b\" }", &["did you mean `auth.basic`"]),
    ("[[monitor]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["did you mean `probe`"]),
    ("[[endpoints]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["did you mean `probe`"]),
    ("timeoutSeconds = 5", &["did you mean `timeout`"]),
    ("bodyLimit = 5", &["did you mean `body-limit`"]),
    ("verb = \"GET\"", &["did you mean `method`"]),
    ("headers.x-a = \"${ENV.TOKEN}\"", &["write ${TOKEN}"]),
    ("body = { a = 1 }", &["`json` is a body of JSON"]),
    ("params = { a = \"b\" }", &["`url` has it"]),
    ("port = 8080", &["`url` has it"]),
    ("type = \"http\"", &["the scheme of `url`"]),
    ("description = \"x\"", &["write a comment"]),
    ("enabled = true", &["comment it out"]),
    ("alerts = [\"hook\"]", &["[[alert]]", "surfaces"]),
    ("labels = [\"a\"]", &["did you mean `tags`"]),
    ("tags = { env = \"prod\" }", &["write tags = [\"name\"]"]),
    ("slo = \"99.9%\"", &["`objective` belongs in a [surface.NAME]"]),
    ("threshold = 3", &["`open-after` belongs in [incident]"]),
    ("region = \"eu\"", &["`vantage` belongs in [settings]"]),
    ("auth.basic = \"a:b\"", &["{ user = \"…\", password = \"${secret:NAME}\" }"]),
    ("auth.token = \"abcd\"", &["did you mean `bearer`"]),
    ("username = \"a\"", &["did you mean `auth.basic`"]),
    ("allow_redirects = false", &["did you mean `redirects`"]),
    ("redirects = \"yes\"", &["did you mean \"follow\""]),
    ("retries = \"3\"", &["without quotes: 3"]),
    ("retries = { count = 3 }", &["did you mean `attempts`"]),
    ("tls.verify = false", &["did you mean `insecure`"]),
    ("tls.ca = \"x.pem\"", &["did you mean `ca-file`"]),
    ("tls.cert = \"x.pem\"", &["did you mean `client-cert`"]),
    ("tls.key = \"x.pem\"", &["did you mean `client-key`"]),
    ("tls.sni = \"x\"", &["did you mean `server-name`"]),
    ("tls.insecure = \"yes\"", &["write insecure = true"]),
    ("tls.min-version = \"TLS1.2\"", &["did you mean \"1.2\""]),
    ("proxy = \"127.0.0.1:3128\"", &["did you mean http://127.0.0.1:3128"]),
    ("proxy = \"env\"", &["did you mean \"environment\""]),
    ("ip-version = 4", &["did you mean `ip`"]),
    ("dns = \"8.8.8.8\"", &["did you mean `resolver`"]),
    ("http2 = true", &["did you mean `http-version`"]),
    ("address = \"x.test\"", &["add the port: \"x.test:443\""]),
    ("address = \"http://1.2.3.4:80\"", &["write it as \"1.2.3.4:80\""]),
    ("source-address = \"eth0\"", &["`source-interface`"]),
    ("source-interface = \"10.0.0.1\"", &["`source-address`"]),
    ("maintenance = { from = 2026-01-01T00:00:00Z }", &["[[probe.maintenance]]"]),
    ("session = { name = \"x\" }", &["[session.NAME]"]),
    ("matrix = [\"eu\"]", &["write matrix = { region = [\"eu\", \"us\"] }"]),
    ("matrix.region = \"eu\"", &["write a list: [\"eu\"]"]),
    ("connection = \"keep-alive\"", &["did you mean \"reuse\""]),
    ("interval = \"30s\";", &["leave the `;` at its end out"]),
    ("headers = { x: \"b\" }", &["write `=` in a table"]),
];

/// Whole files, and the words that the message must contain.
const FILES: &[(&str, &[&str])] = &[
    ("", &["empty", "[[probe]]"]),
    ("# nothing yet\n", &["no probes", "[[probe]]"]),
    ("probes:\n  - name: a\n    url: http://x.test\n", &["YAML", "TOML"]),
    ("{\"probes\": [{\"name\": \"a\"}]}", &["JSON", "TOML"]),
    ("[probe]\nname = \"a\"\nurl = \"http://x.test\"\n", &["[[probe]]", "two brackets"]),
    ("[[probes]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["probes", "[[probe]]"]),
    ("[[check]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["check", "[[probe]]"]),
    ("[[probe]]\nurl = \"http://x.test\"\n", &["name"]),
    ("[[probe]]\nname = \"a\"\n", &["url"]),
    ("[[probe]]\nname = a\nurl = \"http://x.test\"\n", &["\"a\""]),
    ("[[probe]]\nname = 'a\"\nurl = \"http://x.test\"\n", &["quote"]),
    ("[[probe]]\nname: \"a\"\n", &["TOML writes name ="]),
    ("[[probe]]\nname = \"a\"\nurl = \"x.test\"\n", &["https://x.test"]),
    ("[[probe]]\nname = \"a\"\nurl = \"htp://x.test\"\n", &["http"]),
    ("[[probe]]\nname = \"a\"\nurl = \"$BASE_URL\"\n", &["${BASE_URL}"]),
    ("[[probe]]\nname = \"a\"\nurl = \"https://*.x.test/\"\n", &["has a host with `*`", "write one name"]),
    ("[[probe]]\nname = \"a\"\nurl = \"https://x..test/\"\n", &["nothing before a dot"]),
    ("[[probe]]\nname = \"a\"\nurl = \"http://x.test:99999\"\n", &["99999", "65535"]),
    (
        "[[probe]]\nname = \"a\"\nurl = \"http://x.test/\"\n[[probe]]\nname = \"a\"\nurl = \"http://y.test/\"\n",
        &["line 1"],
    ),
    ("interval = \"10s\"\n[[probe]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["interval", "defaults.interval"]),
    ("[default]\ninterval = \"10s\"\n", &["default", "did you mean `defaults`"]),
    ("[surface.web]\nobjective = 99.9\n[[probe]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["\"99.9% over 30d\""]),
    ("https://x.test/\nhttps://y.test/\n", &["list of URLs", "@FILE"]),
    ("probe \"a\" {\n  url = \"http://x.test\"\n}\n", &["HCL", "TOML"]),
    ("[probe home]\nurl = \"http://x.test\"\n", &["[[probe]]", "name = \"home\""]),
    ("[[probe]]\rname = \"a\"\rurl = \"http://x.test\"\r", &["carriage return"]),
    ("[[settings]]\nvantage = \"a\"\n[[probe]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["[settings]"]),
    ("[surface]\nlabel = \"a\"\n[[probe]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["[surface.NAME]"]),
    ("[[alert]]\nname = \"a\"\nurl = \"http://x.test\"\n", &["did you mean `webhook`"]),
    ("[[alert]]\nname = \"a\"\nexec = \"notify.sh down\"\n", &["[\"program\", \"argument\"]"]),
    ("[[alert]]\nname = \"a\"\nwebhook = \"http://x.test\"\non = \"down\"\n", &["did you mean \"open\""]),
    ("[settings]\nlog-level = \"debug\"\n", &["`-v` prints more"]),
    (
        "[surface.web]\nobjective = \"99.9\"\n[[probe]]\nname = \"a\"\nurl = \"http://x.test\"\n",
        &["\"99.9% over 30d\""],
    ),
];

/// Command lines for a file with the probes `home` and `search`, and the words that the message
/// must contain.
const COMMANDS: &[(&[&str], &[&str])] = &[
    (&["chekc"], &["check"]),
    (&["chec"], &["check"]),
    (&["check", "hoem"], &["\"home\""]),
    (&["check", "--surfce", "web"], &["--surface"]),
    (&["check", "--surface", "wbe"], &["web"]),
    (&["check", "--format", "jsn"], &["json"]),
    (&["check", "--format", "xml"], &["junit"]),
    (&["check", "--output", "json", "--format"], &["--format"]),
    (&["check", "-c", "nope.toml"], &["nope.toml"]),
    (&["check", "-c", "."], &["directory"]),
    (&["check", "-c", "binary.toml"], &["binary.toml", "not text"]),
    (&["check", "--count", "0"], &["--count"]),
    (&["check", "--every", "5"], &["30s"]),
    (&["check", "--every", "5 s 3"], &["--every"]),
    (&["check", "http://"], &["http://"]),
    (&["check", "ftp://x.test"], &["ftp", "http"]),
    (&["check", "http://x.test:port/"], &["port"]),
    (&["check", "http://127.0.0.1:9", "-H", "no colon"], &["name: value"]),
    (&["check", "http://127.0.0.1:9", "-d", "@nope.json"], &["nope.json"]),
    (&["check", "http://127.0.0.1:9", "--json", "{oops"], &["JSON"]),
    (&["check", "http://127.0.0.1:9", "-m", "fast"], &["-m", "30s"]),
    (&["check", "http://127.0.0.1:9", "--expect-status", "OK"], &["200"]),
    (&["check", "http://127.0.0.1:9", "--expect-latency", "fast"], &["total < 800ms"]),
    (&["check", "http://127.0.0.1:9", "--expect-json", "status = ok"], &["$.status == \"ok\""]),
    (&["check", "http://127.0.0.1:9", "--resolve", "x.test"], &["HOST:PORT:ADDRESS"]),
    (&["check", "http://127.0.0.1:9", "--set", "expect.status"], &["KEY=VALUE"]),
    (&["check", "http://127.0.0.1:9", "--set", "expect.statu=200"], &["status"]),
    (&["check", "http://127.0.0.1:9", "--cacert", "nope.pem"], &["nope.pem"]),
    (&["check", "http://127.0.0.1:9", "-x", "nonsense://p"], &["proxy"]),
    (&["check", "http://127.0.0.1:9", "-s"], &["-s"]),
    (&["check", "http://127.0.0.1:9", "-o"], &["--output"]),
    (&["check", "--fail-on", "p95 > 1"], &["p95 > 800ms"]),
    (&["check", "--fail-on", "availability < 99%"], &["failed > 1%"]),
    (&["check", "--baseline", "nope"], &["nope"]),
    (&["check", "http://127.0.0.1:9", "--fail"], &["every status but 2xx fails"]),
    (&["check", "http://127.0.0.1:9", "--compressed"], &["leave it out"]),
    (&["check", "http://127.0.0.1:9", "-F", "a=b"], &["multipart"]),
    (&["check", "http://127.0.0.1:9", "-T", "a"], &["-X PUT -d @FILE"]),
    (&["check", "http://127.0.0.1:9", "-w", "%{http_code}"], &["--format json"]),
    (&["check", "http://127.0.0.1:9", "--retry", "3"], &["--set retries=3"]),
    (&["check", "http://127.0.0.1:9", "--connect-timeout", "5"], &["connect < 5s"]),
    (&["check", "http://127.0.0.1:9", "--bearer", "abcd"], &["Authorization: Bearer"]),
    (&["check", "http://127.0.0.1:9", "--status", "200"], &["--expect-status"]),
    (&["check", "http://127.0.0.1:9", "--interval", "5s"], &["--every"]),
    (&["check", "http://127.0.0.1:9", "-n", "5"], &["--count"]),
    (&["check", "http://127.0.0.1:9", "--count", "many"], &["a whole number"]),
    (&["check", "http://127.0.0.1:9", "--expect-header", "content-type=json"], &["'content-type: json'"]),
    (&["check", "http://127.0.0.1:9", "--expect-latency", "p95 < 800ms"], &["--fail-on 'p95 > 800ms'"]),
    (&["check", "http://127.0.0.1:9", "--expect-latency", "ttfb < 800ms"], &["processing"]),
    (&["check", "http://127.0.0.1:9", "--insecure=true"], &["--insecure"]),
    (&["check", "htp://x.test"], &["did you mean http://"]),
    (&["check", "ping://x.test"], &["tcp://HOST:PORT"]),
    (&["check", "redis://x.test:6379"], &["tcp://HOST:PORT"]),
    (&["check", "http+unix://x"], &["address = \"unix:/PATH\""]),
    (&["check", "unix:/run/x.sock"], &["--set address=unix:/run/x.sock"]),
    (&["check", "tcp:x.test:5432"], &["did you mean tcp://x.test:5432"]),
    (&["check", "dns://1.1.1.1"], &["dns://1.1.1.1/NAME?type=A"]),
    (&["check", ""], &["a target is empty", "variable"]),
    (&["check", "//x.test/a"], &["https://x.test/a"]),
    (&["check", "./urls"], &["@./urls"]),
    (&["check", "x.test:65536"], &["x.test:65536", "1 to 65535"]),
    (&["check", "localhost:http"], &["localhost:http", "1 to 65535"]),
    (&["check", "[::1]:99999"], &["[::1]:99999", "1 to 65535"]),
    (&["check", "fe80::1%eth0"], &["[fe80::1] --set source-interface=eth0"]),
    (&["check", "http://[fe80::1%25eth0]/"], &["source-interface = \"eth0\""]),
    (&["check", "http://${HOST}/"], &["has a host with `$`", "in double quotes"]),
    (&["check", "https://$HOST:8443"], &["has a host with `$`", "in double quotes"]),
    (&["check", "https://<host>/"], &["has a host with `<`"]),
    (&["check", "tcp://*:443"], &["has a host with `*`", "write one name"]),
    (&["check", "-H", "http://127.0.0.1:9"], &["-H: this is a URL, not a header", "without an option"]),
    (&["check", "-c", "5", "http://127.0.0.1:9"], &["the probe file 5 does not exist", "--count N"]),
    (&["check", "-t", "3", "http://127.0.0.1:9"], &["-m 3s"]),
    (&["version"], &["uptick --version"]),
    (&["check", "https:x.test"], &["did you mean https://x.test"]),
    (&["check", "http//x.test"], &["did you mean http://x.test"]),
    (&["check", "\"http://x.test\""], &["quote"]),
    (&["check", "1.2.3"], &["1.2.3 is not an IPv4 address", "192.0.2.7"]),
    (&["check", "999.1.1.1:80/a"], &["999.1.1.1:80/a is not an IPv4 address"]),
    (&["check", "GET", "http://127.0.0.1:9"], &["-X GET"]),
    (&["check", "http://127.0.0.1:9", "a=b"], &["-d 'name=value'"]),
    (&["check", "http://127.0.0.1:9", "token=a.b"], &["-d 'name=value'"]),
    (&["check", "http://127.0.0.1:9", "X-Token:abc"], &["-H 'name: value'"]),
    (&["check", "http://127.0.0.1:9", "-H", "@headers.txt"], &["-H @headers.txt:3: this is not a header"]),
    (&["check", "http://127.0.0.1:9", "-H", "@"], &["-H: a file must follow @"]),
    (&["check", "http://127.0.0.1:9", "-z", "10s"], &["--for TIME"]),
    (&["check", "http://127.0.0.1:9", "--vus", "10"], &["no load generator"]),
    (&["check", "http://127.0.0.1:9", "--timout", "5"], &["--timeout"]),
    (&["check", "http://127.0.0.1:9", "--for", "10"], &["its unit is missing"]),
    (&["check", "urls.txt"], &["@urls.txt"]),
    (&["check", "@"], &["a file must follow @"]),
    (&["check", "@list.txt"], &["a URL has a space", "one target per line", "%20"]),
    (&["check", "user:pass@x.test"], &["-u USER:PASSWORD"]),
    (&["check", "https:user:pass@x.test"], &["-u USER:PASSWORD"]),
    (&["check", "web"], &["--surface web"]),
    (&["check", "prod"], &["--tag prod"]),
    (&["check", "--surface", "prod"], &["--tag prod"]),
    (&["check", "--tag", "web"], &["--surface web"]),
    (&["check", "--probe", "home"], &["uptick check home"]),
    (&["check", "--dry-run"], &["uptick validate"]),
    (&["watch", "--every", "5s"], &["--set interval=5s"]),
    (&["watch", "--port", "9115"], &["--listen 127.0.0.1:9115"]),
    (&["watch", "--jitter", "10%"], &["0.1 is a tenth"]),
    (&["report", "--last", "24h"], &["--since 24h"]),
    (&["report", "--since", "2025-03-10"], &["--from"]),
    (&["report", "--tz", "berlin"], &["Europe/Berlin"]),
    (&["report", "--timezone", "UTC"], &["--tz"]),
    (&["report", "--json"], &["--format json"]),
    (&["init", "--force"], &["never replaced"]),
    (&["init", "example"], &["ends in .toml"]),
    (&["compact", "--before", "7d"], &["--hourly-after"]),
    (&["version"], &["--version"]),
    (&["-c", "probes.toml", "check"], &["after the command"]),
    (&["report", "nope-journal"], &["no journal at nope-journal"]),
    (&["report", "--since", "yesterday"], &["--since", "24h"]),
    (&["report", "--from", "soon"], &["--from", "22:20"]),
    (&["run"], &["check"]),
    (&["status"], &["report"]),
    (&["test"], &["check"]),
    (&["validate", "--explain", "hoem"], &["\"home\""]),
    (&["import", "nope.yml"], &["nope.yml"]),
    (&["init", "probes.toml"], &["probes.toml"]),
    (&["watch", "--listen", "9115"], &["127.0.0.1:9115"]),
    (&["watch", "--interval", "5s"], &["interval"]),
    (&["schema", "probe"], &["probes"]),
    (&["completions", "tcsh"], &["bash"]),
    (&["check", "home", "--otlp", "http://collector.test:4318"], &["--otlp=http://collector.test:4318", "would check"]),
];

/// Why a message does not help; `None` if it does.
fn complaint(what: &str, ran: &Ran, words: &[&str]) -> Option<String> {
    let said = &ran.stderr;
    let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
    let is_refused = ran.code() == 2 && ran.stdout.is_empty();
    (!is_refused || !missing.is_empty())
        .then(|| format!("### {what}\nstatus {}, does not say {missing:?}:\n{said}{}", ran.code(), ran.stdout))
}

#[test]
fn every_typical_mistake_is_refused_with_the_right_form() {
    let mut complaints = Vec::new();
    let mut asked = 0;
    for (lines, words) in KEYS {
        let ran = Run::new(["validate", "--strict"]).config(&probe(lines)).run();
        complaints.extend(complaint(lines, &ran, words));
        asked += 1;
    }
    for (text, words) in FILES {
        let ran = Run::new(["validate"]).config(text).run();
        complaints.extend(complaint(text, &ran, words));
        asked += 1;
    }
    let file = "[[probe]]\nname = \"home\"\nsurface = \"web\"\ntags = [\"prod\"]\nurl = \"http://127.0.0.1:9/\"\n\
                [[probe]]\nname = \"search\"\nsurface = \"web\"\nurl = \"http://127.0.0.1:9/\"\n";
    for (arguments, words) in COMMANDS {
        let run = Run::new(*arguments).config(file);
        fs::write(run.folder().join("binary.toml"), [0x7f, b'E', b'L', b'F', 2, 1, 0, 0xff]).unwrap();
        fs::write(run.folder().join("list.txt"), "# mine\nhttp://127.0.0.1:9/ # the first\n").unwrap();
        fs::write(run.folder().join("headers.txt"), "X-One: 1\r\n\r\nX-Two\r\n").unwrap();
        complaints.extend(complaint(&arguments.join(" "), &run.run(), words));
        asked += 1;
    }
    assert!(asked >= 50, "{asked} mistakes");
    assert!(complaints.is_empty(), "{} of {asked}:\n\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn a_check_that_is_not_recorded_leaves_no_trace_of_its_alerts() {
    let config = probe("[[alert]]\nname = \"hook\"\nwebhook = \"http://127.0.0.1:9/\"\n");
    let ran = Run::new(["check", "--count", "5", "-q"]).config(&config).run();
    ran.expect_code(1);
    assert!(!ran.folder.path().join("uptick-journal").exists());
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let told = Run::new(["check", "-v"]).config(&config).run();
    assert!(told.stderr.contains("--record"), "{}", told.stderr);
}

#[test]
fn a_percentage_is_printed_as_it_was_meant() {
    let config = format!("[surface.default]\nobjective = \"99.9% over 30d\"\n{}", probe(""));
    let run = Run::new(["check", "--record", "-q"]).config(&config).run();
    let folder = run.folder.path().to_path_buf();
    let mut report = std::process::Command::new(crate::support::run::binary());
    let report = report.args(["report", "--format", "json"]).current_dir(&folder).output().unwrap();
    let text = String::from_utf8(report.stdout).unwrap();
    assert!(text.contains("\"objective\": 0.999,"), "{text}");
}
