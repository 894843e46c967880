//! One probe as TOML, with every default and every inherited value filled in and secrets as
//! references: what `uptick validate --explain` prints. It is a probe file's table again.

use std::fmt::Write as _;
use std::path::Path;

use super::Config;
use super::measure::show_bytes;
use super::measure::show_duration;
use super::measure::show_latency_objective;
use super::measure::show_objective;
use crate::model::Auth;
use crate::model::Body;
use crate::model::Expect;
use crate::model::FileBody;
use crate::model::FormPart;
use crate::model::HeaderExpectation;
use crate::model::HeaderRule;
use crate::model::HttpVersionWish;
use crate::model::IpFamily;
use crate::model::JsonExpectation;
use crate::model::OAuth2;
use crate::model::Part;
use crate::model::Probe;
use crate::model::Redactor;
use crate::model::Request;
use crate::model::Resolver;
use crate::model::Schedule;
use crate::model::TextRule;
use crate::model::Tls;
use crate::model::Value;
use crate::model::text::is_hidden;

/// The probe as TOML.
pub(super) fn explain(config: &Config, probe: &Probe) -> String {
    let writer = Writer { redactor: &config.redactor, folder: config.path.as_deref().and_then(Path::parent) };
    let mut lines = Lines(String::new());
    surface(&mut lines, config, probe);
    lines.0.push_str(if probe.control { "[[control]]\n" } else { "[[probe]]\n" });
    lines.set("name", &writer.text(&probe.name));
    lines.set("surface", &writer.text(&probe.surface));
    lines.set("tags", &list(probe.tags.iter().map(|tag| writer.text(tag))));
    match &probe.schedule {
        Schedule::Every(interval) => lines.set("interval", &quoted(&show_duration(*interval))),
        Schedule::Cron(cron) => lines.set("schedule", &writer.text(cron.as_str())),
    }
    lines.set("timeout", &quoted(&show_duration(probe.timeout)));
    let delay = quoted(&show_duration(probe.retries.delay));
    lines.set("retries", &format!("{{ attempts = {}, delay = {delay} }}", probe.retries.attempts));
    transport(&mut lines, &writer, probe);
    for step in &probe.steps {
        request(&mut lines, &writer, &step.request);
        expect(&mut lines, &writer, &step.expect);
    }
    lines.0
}

/// What was promised for the probe's surface, as a comment.
fn surface(lines: &mut Lines, config: &Config, probe: &Probe) {
    let Some(surface) = config.surfaces.get(&probe.surface) else { return };
    if let Some(objective) = &surface.objective {
        let _ = writeln!(lines.0, "# its surface: objective = \"{}\"", show_objective(objective));
    }
    if let Some(objective) = &surface.latency_objective {
        let _ = writeln!(lines.0, "# its surface: latency-objective = \"{}\"", show_latency_objective(objective));
    }
}

/// Lines of `key = value`.
struct Lines(String);

impl Lines {
    fn set(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key} = {value}");
    }
}

/// Writes texts: redacted, escaped, and with what would be a variable escaped too.
struct Writer<'c> {
    redactor: &'c Redactor,
    folder: Option<&'c Path>,
}

impl Writer<'_> {
    fn plain(&self, text: &str) -> String {
        self.redactor.redact(text).replace("${", "$${")
    }

    fn text(&self, text: &str) -> String {
        quoted(&self.plain(text))
    }

    /// A value with its secrets as references, not yet in quotes.
    fn reference(&self, value: &Value) -> String {
        let written = value.parts.iter().map(|part| match part {
            Part::Plain(text) => self.plain(text),
            Part::Secret { name, .. } if name.starts_with("file:") => format!("${{{name}}}"),
            Part::Secret { name, .. } => format!("${{secret:{name}}}"),
            Part::Capture(name) => format!("{{{{{name}}}}}"),
        });
        written.collect()
    }

    fn value(&self, value: &Value) -> String {
        quoted(&self.reference(value))
    }

    fn file(&self, file: &FileBody) -> String {
        let mut fields = vec![format!("path = {}", self.path(&file.path))];
        fields.extend(file.content_type.as_ref().map(|kind| format!("content-type = {}", self.text(kind))));
        table(fields.into_iter())
    }

    /// A path as it stands in the file: relative to its folder.
    fn path(&self, path: &Path) -> String {
        let relative = self.folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
        self.text(&relative.to_string_lossy())
    }
}

fn transport(lines: &mut Lines, writer: &Writer, probe: &Probe) {
    let transport = &probe.transport;
    tls(lines, writer, &transport.tls);
    let ip = match transport.ip {
        IpFamily::Any => "any",
        IpFamily::V4 => "v4",
        IpFamily::V6 => "v6",
    };
    lines.set("ip", &quoted(ip));
    if let Some(address) = transport.address {
        lines.set("address", &quoted(&address.to_string()));
    }
    let resolver = match transport.resolver {
        Resolver::System => "system".to_owned(),
        Resolver::Udp(server) => format!("udp://{server}"),
    };
    lines.set("resolver", &quoted(&resolver));
    if let Some(proxy) = &transport.proxy {
        lines.set("proxy", &writer.value(proxy));
    }
    if let Some(address) = transport.source_address {
        lines.set("source-address", &quoted(&address.to_string()));
    }
    let version = match transport.http_version {
        HttpVersionWish::Auto => "auto",
        HttpVersionWish::Http1 => "1.1",
        HttpVersionWish::Http2 => "2",
    };
    lines.set("http-version", &quoted(version));
    lines.set("connection", &quoted(if transport.reuse { "reuse" } else { "fresh" }));
}

fn tls(lines: &mut Lines, writer: &Writer, tls: &Tls) {
    let files = [("ca-file", &tls.ca_file), ("client-cert", &tls.client_cert), ("client-key", &tls.client_key)];
    for (key, file) in files {
        if let Some(file) = file {
            lines.set(&format!("tls.{key}"), &writer.path(file));
        }
    }
    if let Some(name) = &tls.server_name {
        lines.set("tls.server-name", &writer.text(name));
    }
    lines.set("tls.min-version", &quoted(tls.min_version.name()));
    lines.set("tls.insecure", if tls.insecure { "true" } else { "false" });
}

fn request(lines: &mut Lines, writer: &Writer, request: &Request) {
    lines.set("method", &quoted(request.method.as_str()));
    lines.set("url", &writer.value(&request.url));
    headers(lines, writer, request);
    match &request.body {
        Body::Empty => {}
        Body::Text(text) => lines.set("body", &writer.value(text)),
        Body::Json(json) => match serde_json::from_str(&writer.reference(json)) {
            Ok(json) => lines.set("json", &toml_of(&json)),
            Err(_) => lines.set("body", &writer.value(json)),
        },
        Body::Form(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} = {}", key(name), writer.value(value)));
            lines.set("form", &table(fields));
        }
        Body::File(file) => lines.set("file", &writer.file(file)),
        Body::Multipart(parts) => {
            let parts = parts.iter().map(|(name, part)| match part {
                FormPart::Text(text) => format!("{} = {}", key(name), writer.value(text)),
                FormPart::File(file) => format!("{} = {}", key(name), writer.file(file)),
            });
            lines.set("multipart", &table(parts));
        }
    }
    match &request.auth {
        None => {}
        Some(Auth::Bearer(token)) => lines.set("auth.bearer", &writer.value(token)),
        Some(Auth::Basic { user, password }) => {
            let fields = [format!("user = {}", writer.value(user)), format!("password = {}", writer.value(password))];
            lines.set("auth.basic", &table(fields.into_iter()));
        }
        Some(Auth::OAuth2(client)) => lines.set("auth.oauth2", &oauth2(writer, client)),
    }
    match request.redirects {
        0 => lines.set("redirects", "\"none\""),
        redirects => lines.set("redirects", &redirects.to_string()),
    }
    lines.set("body-limit", &quoted(&show_bytes(request.body_limit)));
}

fn oauth2(writer: &Writer, client: &OAuth2) -> String {
    let mut fields = vec![
        format!("token-url = {}", writer.value(&client.token_url)),
        format!("client-id = {}", writer.value(&client.client_id)),
        format!("client-secret = {}", writer.value(&client.client_secret)),
        format!("scopes = {}", list(client.scopes.iter().map(|scope| writer.text(scope)))),
    ];
    fields.extend(client.audience.as_ref().map(|audience| format!("audience = {}", writer.text(audience))));
    table(fields.into_iter())
}

/// The headers; one that is sent several times is a list.
fn headers(lines: &mut Lines, writer: &Writer, request: &Request) {
    let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    let fields = names.into_iter().map(|name| {
        let values = request.headers.iter().filter(|(other, _)| other == name);
        format!("{} = {}", key(name), one_or_list(values.map(|(_, value)| writer.value(value))))
    });
    lines.set("headers", &table(fields));
}

fn expect(lines: &mut Lines, writer: &Writer, expect: &Expect) {
    let statuses = expect.status.iter().map(|set| {
        let text = set.to_string();
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text } else { quoted(&text) }
    });
    lines.set("expect.status", &list(statuses));
    for name in ["body-contains", "body-lacks", "body-matches", "body-not-matches"] {
        let rules: Vec<String> = expect.body.iter().filter_map(|rule| text_of(writer, rule, name)).collect();
        if !rules.is_empty() {
            lines.set(&format!("expect.{name}"), &list(rules.into_iter()));
        }
    }
    header_rules(lines, writer, expect);
    json_rules(lines, writer, expect);
    for (phase, limit) in &expect.latency {
        let phase = phase.map_or("total", crate::model::Phase::name);
        lines.set(&format!("expect.latency.{phase}"), &quoted(&show_duration(*limit)));
    }
    facts(lines, writer, expect);
}

fn text_of(writer: &Writer, rule: &TextRule, wanted: &str) -> Option<String> {
    let (name, text) = match rule {
        TextRule::Contains(value) => ("body-contains", writer.value(value)),
        TextRule::Lacks(value) => ("body-lacks", writer.value(value)),
        TextRule::Matches(pattern) => ("body-matches", writer.text(pattern.as_str())),
        TextRule::NotMatches(pattern) => ("body-not-matches", writer.text(pattern.as_str())),
    };
    (name == wanted).then_some(text)
}

fn header_rules(lines: &mut Lines, writer: &Writer, expect: &Expect) {
    let mut names: Vec<&str> = expect.headers.iter().map(|rule| rule.name.as_str()).collect();
    names.dedup();
    for name in names {
        let rules: Vec<&HeaderRule> = expect.headers.iter().filter(|rule| rule.name.as_str() == name).collect();
        let mut fields = Vec::new();
        for word in ["contains", "matches", "not-matches"] {
            let said: Vec<String> = rules.iter().filter_map(|rule| header_text(writer, &rule.rule, word)).collect();
            fields.extend((!said.is_empty()).then(|| format!("{word} = {}", list(said.into_iter()))));
        }
        for rule in &rules {
            match rule.rule {
                HeaderExpectation::Absent => fields.push("absent = true".to_owned()),
                HeaderExpectation::Present => fields.push("absent = false".to_owned()),
                _ => {}
            }
        }
        if rules.iter().any(|rule| rule.optional) {
            fields.push("optional = true".to_owned());
        }
        lines.set(&format!("expect.header.{}", key(name)), &table(fields.into_iter()));
    }
}

fn header_text(writer: &Writer, rule: &HeaderExpectation, wanted: &str) -> Option<String> {
    let (word, text) = match rule {
        HeaderExpectation::Contains(value) => ("contains", writer.value(value)),
        HeaderExpectation::Matches(pattern) => ("matches", writer.text(pattern.as_str())),
        HeaderExpectation::NotMatches(pattern) => ("not-matches", writer.text(pattern.as_str())),
        HeaderExpectation::Absent | HeaderExpectation::Present => return None,
    };
    (word == wanted).then_some(text)
}

fn json_rules(lines: &mut Lines, writer: &Writer, expect: &Expect) {
    if expect.json.is_empty() {
        return;
    }
    let rules = expect.json.iter().map(|rule| {
        let (name, value) = match &rule.rule {
            JsonExpectation::Exists(exists) => ("exists", exists.to_string()),
            JsonExpectation::Equals(value) => ("equals", toml_of(value)),
            JsonExpectation::NotEquals(value) => ("not-equals", toml_of(value)),
            JsonExpectation::Contains(value) => ("contains", toml_of(value)),
            JsonExpectation::Matches(pattern) => ("matches", writer.text(pattern.as_str())),
            JsonExpectation::MinLength(length) => ("min-length", length.to_string()),
            JsonExpectation::MaxLength(length) => ("max-length", length.to_string()),
            JsonExpectation::Min(number) => ("min", format!("{number:?}")),
            JsonExpectation::Max(number) => ("max", format!("{number:?}")),
        };
        format!("{{ path = {}, {name} = {value} }}", writer.text(rule.path.as_str()))
    });
    lines.set("expect.json", &list(rules));
}

fn facts(lines: &mut Lines, writer: &Writer, expect: &Expect) {
    if let Some(days) = expect.certificate_days {
        lines.set("expect.certificate-days", &days.to_string());
    }
    if let Some(url) = &expect.final_url {
        lines.set("expect.final-url", &writer.value(url));
    }
    if !expect.http_version.is_empty() {
        let versions = expect.http_version.iter().map(|version| quoted(version.name()));
        lines.set("expect.http-version", &list(versions));
    }
    if !expect.tls_version.is_empty() {
        let versions = expect.tls_version.iter().map(|version| quoted(version.name()));
        lines.set("expect.tls-version", &list(versions));
    }
    if let Some(secure) = expect.secure {
        lines.set("expect.secure", &secure.to_string());
    }
    for (name, size) in [("min-bytes", expect.min_bytes), ("max-bytes", expect.max_bytes)] {
        if let Some(size) = size {
            lines.set(&format!("expect.{name}"), &quoted(&show_bytes(size)));
        }
    }
    if let Some(hash) = expect.sha256 {
        let digits = hash.iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        lines.set("expect.sha256", &quoted(&digits));
    }
}

/// A basic string of TOML, without a character that a terminal would act on.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_hidden(character) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn one_or_list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if let [one] = items.as_slice() { one.clone() } else { list(items.into_iter()) }
}

fn table(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

/// A JSON value as TOML, its texts already fit for a probe file. JSON's null has no TOML, and none comes out of a probe file.
fn toml_of(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Null => "\"\"".to_owned(),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => json.to_string(),
        serde_json::Value::String(text) => quoted(text),
        serde_json::Value::Array(elements) => list(elements.iter().map(toml_of)),
        serde_json::Value::Object(fields) => {
            table(fields.iter().map(|(name, value)| format!("{} = {}", key(name), toml_of(value))))
        }
    }
}
