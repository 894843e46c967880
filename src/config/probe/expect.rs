//! Expectations for an answer.

mod explain;

use std::time::Duration;

use crate::config::probe::json_rules::{self, JSON};
use crate::config::probe::{assets, dns, header_rules};
use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::tree::{Item, Node};
use crate::config::table_schema::{Key, TableSchema, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::{interpolate, layers, matcher, url, url_schemes};
use crate::model::{
    Expect, GrpcStatus, HttpVersion, JsonSchema, Pattern, Phase, Protocol, Shared, StatusSet, TextRule, TlsVersion,
    Value, message, suggest,
};

pub(crate) use explain::explain;

/// The type of an expected status.
const STATUS: ValueType = ValueType::OneOrMore(&ValueType::Either(&[ValueType::Integer(100, 999), ValueType::Text]));
const STATUS_MEANING: &str = "Status codes: numbers, classes `\"2xx\"`, ranges `\"200-299\"`.";

pub(crate) const EXPECT: TableSchema = TableSchema {
    title: "expect",
    groups: &[&[key("status", STATUS, "[\"2xx\"]", STATUS_MEANING)], ANSWER_KEYS],
    required: &[],
};

/// The keys of `expect` again: what is not met is a warning.
pub(crate) const WARN: TableSchema =
    TableSchema { title: "warn", groups: &[&[key("status", STATUS, "", STATUS_MEANING)], ANSWER_KEYS], required: &[] };

/// Expectations beside the status.
const ANSWER_KEYS: &[Key] = &[
    key("body-contains", ValueType::OneOrMore(&ValueType::Text), "", "The body contains each of these texts."),
    key("body-lacks", ValueType::OneOrMore(&ValueType::Text), "", "The body contains none of these texts."),
    key("body-matches", ValueType::OneOrMore(&ValueType::Text), "", "Each of these patterns is found in the body."),
    key("body-not-matches", ValueType::OneOrMore(&ValueType::Text), "", "None of these patterns is found in the body."),
    key(
        "header",
        ValueType::Map(&ValueType::Either(&[ValueType::Text, ValueType::Table(&header_rules::HEADER)])),
        "",
        "Headers by name: a text that a value contains, or a table of rules.",
    ),
    key("json", ValueType::OneOrMore(&ValueType::Table(&JSON)), "", "Rules for the body as JSON."),
    key("json-schema", ValueType::Text, "", "The JSON Schema of the body: a file, relative to the probe file."),
    key("assets", ValueType::Table(&assets::ASSETS), "", "The files that the page links to load too."),
    key("latency", ValueType::Table(&LATENCY), "", "Maximum time of each phase."),
    key(
        "certificate-days",
        ValueType::Integer(0, 3_650),
        "",
        "The certificate is valid for at least this many more days.",
    ),
    key(
        "certificate-issuer",
        ValueType::OneOrMore(&ValueType::Text),
        "",
        "The issuer of the certificate contains each of these texts.",
    ),
    key(
        "certificate-names",
        ValueType::OneOrMore(&ValueType::Text),
        "",
        "The certificate is for each of these host names or addresses.",
    ),
    key(
        "message-contains",
        ValueType::OneOrMore(&ValueType::Text),
        "",
        "The first message of a WebSocket contains each of these texts.",
    ),
    key(
        "message-json",
        ValueType::OneOrMore(&ValueType::Table(&JSON)),
        "",
        "Rules for the first message of a WebSocket as JSON.",
    ),
    key("subprotocol", ValueType::Text, "", "The subprotocol that a WebSocket is offered and must choose."),
    key(
        "grpc-status",
        ValueType::OneOrMore(&ValueType::Either(&[ValueType::Integer(0, 16), ValueType::Text])),
        "",
        "The status of a gRPC call is one of these, numbers or names; OK by default.",
    ),
    key(
        "answer",
        ValueType::Either(&[ValueType::Text, ValueType::Table(&dns::ANSWER)]),
        "",
        "The records that a name server answers with: a text that one contains, or a table of rules.",
    ),
    key(
        "rcode",
        ValueType::OneOrMore(&ValueType::Words(dns::RCODES)),
        "\"NOERROR\", with a record",
        "The code of a name server's response is one of these.",
    ),
    key("ttl", ValueType::Table(&dns::TTL), "", "How long the records may be cached."),
    key("authoritative", ValueType::Boolean, "", "Whether the name server is authoritative for the zone."),
    key("final-url", ValueType::Text, "", "The URL that answered, after all redirects."),
    key(
        "http-version",
        ValueType::OneOrMore(&ValueType::Words(&["1.0", "1.1", "2", "3"])),
        "",
        "The HTTP version is one of these.",
    ),
    key(
        "tls-version",
        ValueType::OneOrMore(&ValueType::Words(&["1.2", "1.3"])),
        "",
        "The TLS version is one of these.",
    ),
    key(
        "alt-svc",
        ValueType::Boolean,
        "",
        "The answer offers at least one service by `alt-svc`, and each of them answers too.",
    ),
    key("secure", ValueType::Boolean, "", "Whether the last hop was https."),
    key("min-bytes", ValueType::Bytes, "", "The body has at least this many bytes."),
    key("max-bytes", ValueType::Bytes, "", "The body has at most this many bytes."),
    key("sha256", ValueType::Text, "", "The SHA-256 of the body, hexadecimal."),
];

pub(crate) const LATENCY: TableSchema = TableSchema {
    title: "expect.latency",
    groups: &[&[
        key("total", ValueType::Duration, "", "From the start of the check to its verdict."),
        key("resolve", ValueType::Duration, "", "Looking the name up."),
        key("connect", ValueType::Duration, "", "The TCP handshake."),
        key("tls", ValueType::Duration, "", "The TLS handshake."),
        key("processing", ValueType::Duration, "", "From the connection to the complete response head."),
        key("transfer", ValueType::Duration, "", "Reading the body."),
    ]],
    required: &[],
};

/// Maximum body size that can be expected: the largest that is read.
const LARGEST_BODY: u64 = 1 << 30;

/// Reads the expectations; keys that no layer sets keep their defaults.
pub(crate) fn expect(reader: &mut ConfigReader, layers: &Layers) -> Expect {
    read(reader, &layers.inner("expect"), Expect::default())
}

/// Shares the expectations that come from the defaults alone: most probes have no others.
pub(crate) fn shared(reader: &mut ConfigReader, layers: &Layers, protocol: Protocol, expect: Expect) -> Shared<Expect> {
    let is_own = layers.own("expect").is_some() || !reader.matrix.is_empty() || !reader.captures.is_empty();
    if is_own {
        return expect.into();
    }
    let key = (layers.inner("expect").places(), protocol);
    reader.common_expectations.entry(key).or_insert_with(|| expect.into()).clone()
}

/// Reads the `warn` rules; there are none by default.
pub(crate) fn warn(reader: &mut ConfigReader, layers: &Layers) -> Option<Expect> {
    let warn = layers.inner("warn");
    (!warn.is_empty()).then(|| read(reader, &warn, Expect::clone(&Expect::nothing())))
}

fn read(reader: &mut ConfigReader, layers: &Layers, mut expect: Expect) -> Expect {
    if let Some(node) = layers.get("status") {
        expect.status = node.one_or_more().iter().filter_map(|node| status(reader, node)).collect();
    }
    expect.body = body(reader, layers);
    for entry in layers.inner("header").entries(str::eq_ignore_ascii_case) {
        expect.headers.extend(header_rules::read(reader, entry));
    }
    if let Some(node) = layers.get("json") {
        expect.json = node.one_or_more().iter().flat_map(|node| json_rules::read(reader, node)).collect();
    }
    expect.latency = latency(reader, &layers.inner("latency"));
    expect.certificate_days = layers.get("certificate-days").and_then(layers::integer);
    expect.certificate_issuer = matcher::texts(reader, layers, "certificate-issuer");
    expect.certificate_names = matcher::texts(reader, layers, "certificate-names");
    expect.message = matcher::texts(reader, layers, "message-contains").into_iter().map(TextRule::Contains).collect();
    if let Some(node) = layers.get("message-json") {
        expect.message_json = node.one_or_more().iter().flat_map(|node| json_rules::read(reader, node)).collect();
    }
    expect.subprotocol = layers.get("subprotocol").and_then(|node| subprotocol(reader, node));
    if let Some(node) = layers.get("grpc-status") {
        expect.grpc_status = node.one_or_more().iter().filter_map(|node| grpc_status(reader, node)).collect();
    }
    expect.dns = dns::expect(reader, layers);
    expect.final_url = layers
        .get("final-url")
        .and_then(|node| url::target(reader, "final-url", node, url_schemes::WEB, TextUse::Expectation))
        .map(|target| target.url);
    expect.http_version = words(reader, layers, "http-version", &HTTP_VERSIONS);
    expect.tls_version = words(reader, layers, "tls-version", &TLS_VERSIONS);
    expect.alt_svc = layers.get("alt-svc").and_then(layers::boolean).unwrap_or(false);
    expect.secure = layers.get("secure").and_then(layers::boolean);
    expect.min_bytes = size(reader, layers, "min-bytes");
    expect.max_bytes = size(reader, layers, "max-bytes");
    if let (Some(min), Some(max), Some(node)) = (expect.min_bytes, expect.max_bytes, layers.get("min-bytes"))
        && min > max
    {
        reader.problem(&node.span, "`min-bytes` is larger than `max-bytes`: no body can be both");
    }
    if layers.get("assets").is_some() {
        expect.assets = assets::assets(reader, &layers.inner("assets"));
    }
    expect.json_schema = layers.get("json-schema").and_then(|node| json_schema(reader, node));
    expect.sha256 = layers.get("sha256").and_then(|node| sha256(reader, node));
    expect
}

const HTTP_VERSIONS: [(&str, HttpVersion); 4] =
    [("1.0", HttpVersion::V1_0), ("1.1", HttpVersion::V1_1), ("2", HttpVersion::V2), ("3", HttpVersion::V3)];
const TLS_VERSIONS: [(&str, TlsVersion); 2] = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

fn words<T: Copy>(reader: &mut ConfigReader, layers: &Layers, key: &str, words: &[(&str, T)]) -> Vec<T> {
    let Some(node) = layers.get(key) else { return Vec::new() };
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for node in node.one_or_more() {
        if let Some(word) = layers::word(reader, key, node, &names) {
            found.extend(words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value));
        }
    }
    found
}

fn size(reader: &mut ConfigReader, layers: &Layers, key: &str) -> Option<u64> {
    layers.get(key).and_then(|node| layers::bytes(reader, key, node, 0..=LARGEST_BODY))
}

fn status(reader: &mut ConfigReader, node: &Node) -> Option<StatusSet> {
    if let Item::Integer(_) = node.item {
        return layers::integer(node).map(|code: u16| StatusSet(code..=code));
    }
    let text = interpolate::plain(reader, node)?;
    let set = StatusSet::parse(&text);
    if set.is_none() {
        let message = "`status` is not a status code, a class or a range";
        let several = message!("write a list: [200, \"3xx\"]");
        let one = message!("write it as 200, \"2xx\" or \"200-299\"");
        reader.advise(&node.span, message, if text.contains(',') { several } else { one });
    }
    set
}

fn body(reader: &mut ConfigReader, layers: &Layers) -> Vec<TextRule> {
    let mut rules = Vec::new();
    for (key, rule) in [("body-contains", TextRule::Contains as fn(Value) -> TextRule), ("body-lacks", TextRule::Lacks)]
    {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            rules.extend(matcher::text(reader, key, node).map(rule));
        }
    }
    let patterns =
        [("body-matches", TextRule::Matches as fn(Pattern) -> TextRule), ("body-not-matches", TextRule::NotMatches)];
    for (key, rule) in patterns {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            rules.extend(matcher::pattern(reader, key, node).map(rule));
        }
    }
    rules
}

/// A token of a header (RFC 9110 section 5.6.2).
fn subprotocol(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_token) {
        reader.problem(&node.span, "`subprotocol` is not the name of one: it has letters, digits, `-`, `.` and `_`");
        return None;
    }
    Some(text)
}

fn grpc_status(reader: &mut ConfigReader, node: &Node) -> Option<GrpcStatus> {
    if let Item::Integer(_) = node.item {
        return layers::integer(node).map(GrpcStatus);
    }
    let text = interpolate::plain(reader, node)?;
    let status = GrpcStatus::parse(&text);
    if status.is_none() {
        let near = suggest::nearest(&text.to_ascii_uppercase(), GrpcStatus::names());
        let help = near.map_or_else(
            || "write it as 12 or \"UNIMPLEMENTED\"".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        reader.advise(&node.span, "`grpc-status` is not a status of gRPC", help);
    }
    status
}

fn latency(reader: &mut ConfigReader, layers: &Layers) -> Vec<(Option<Phase>, Duration)> {
    let phases = std::iter::once(None).chain(Phase::ALL.into_iter().map(Some));
    let mut limits = Vec::new();
    for phase in phases {
        let key = phase.map_or("total", Phase::name);
        let range = Duration::from_micros(1)..=Duration::from_hours(1);
        if let Some(limit) = layers.get(key).and_then(|node| layers::duration(reader, key, node, range)) {
            limits.push((phase, limit));
        }
    }
    limits
}

/// The schema in a file.
fn json_schema(reader: &mut ConfigReader, node: &Node) -> Option<JsonSchema> {
    let path = layers::file(reader, "json-schema", node)?;
    let text = match source::read_any_text(&path, source::LARGEST_FILE) {
        Ok(text) => text,
        Err(why) => {
            reader.problem(&node.span, message!("`json-schema`: {} {why}", path.display()));
            return None;
        }
    };
    match JsonSchema::new(&path, &text) {
        Ok(schema) => Some(schema),
        Err(why) => {
            reader.problem(
                &node.span,
                message!("`json-schema`: {} is not a schema that can be used: {why}", path.display()),
            );
            None
        }
    }
}

fn sha256(reader: &mut ConfigReader, node: &Node) -> Option<[u8; 32]> {
    let text = interpolate::plain(reader, node)?;
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let hash =
        bytes.filter(|_| text.bytes().all(|byte| byte.is_ascii_hexdigit())).and_then(|bytes| bytes.try_into().ok());
    if hash.is_none() {
        reader.problem(&node.span, "`sha256` is not 64 hexadecimal digits");
    }
    hash
}
