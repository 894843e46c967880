//! Which keys apply to which scheme. A probe's own key that means nothing for its URL is rejected: readers would take
//! it for checked. One of `[defaults]` applies to the probes that it suits.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Node, Table};
use crate::model::Protocol::{Dns, Grpc, Http, Tcp, Tls, WebSocket};
use crate::model::{DnsExpect, Expect, Protocol, Shared, message};

const ALL: &[Protocol] = &Protocol::ALL;
/// Protocols that may use TLS.
const WITH_TLS: &[Protocol] = &[Http, WebSocket, Grpc, Tls];
/// Protocols that begin with an HTTP request.
const WITH_HEADERS: &[Protocol] = &[Http, WebSocket, Grpc];
/// Protocols that run over more than one version of HTTP.
const SEVERAL_VERSIONS: &[Protocol] = &[Http, WebSocket];
/// Protocols that connect to the target.
const CONNECTED: &[Protocol] = &[Http, WebSocket, Grpc, Tls, Tcp];
/// Protocols whose answer is text.
const WITH_BODY: &[Protocol] = &[Http, Tls, Tcp];

/// The keys of a request, its transport and its expectations, with the protocols that each applies to.
const KEYS: &[(&str, &[Protocol])] = &[
    ("method", &[Http]),
    ("headers", WITH_HEADERS),
    ("body", &[Http]),
    ("json", &[Http]),
    ("form", &[Http]),
    ("file", &[Http]),
    ("multipart", &[Http]),
    ("send", &[WebSocket, Tls, Tcp]),
    ("starttls", &[Tls]),
    ("auth", WITH_HEADERS),
    ("redirects", &[Http]),
    ("redirects-allow-downgrade", &[Http]),
    ("body-limit", &[Http, WebSocket, Tls, Tcp]),
    ("expect", ALL),
    ("warn", ALL),
    ("capture", &[Http]),
    ("tls.alpn", &[Tls]),
    ("tls", WITH_TLS),
    ("ip", ALL),
    ("addresses", CONNECTED),
    ("addresses-up", CONNECTED),
    ("address", ALL),
    ("resolver", ALL),
    ("proxy", CONNECTED),
    ("source-address", ALL),
    ("source-interface", ALL),
    ("http-version", SEVERAL_VERSIONS),
    ("connection", &[Http]),
    ("expect.status", &[Http]),
    ("expect.body-contains", WITH_BODY),
    ("expect.body-lacks", WITH_BODY),
    ("expect.body-matches", WITH_BODY),
    ("expect.body-not-matches", WITH_BODY),
    ("expect.header", &[Http]),
    ("expect.json", &[Http]),
    ("expect.json-schema", &[Http]),
    ("expect.assets", &[Http]),
    ("expect.latency", ALL),
    ("expect.certificate-days", WITH_TLS),
    ("expect.certificate-issuer", WITH_TLS),
    ("expect.certificate-names", WITH_TLS),
    ("expect.message-contains", &[WebSocket]),
    ("expect.message-json", &[WebSocket]),
    ("expect.subprotocol", &[WebSocket]),
    ("expect.grpc-status", &[Grpc]),
    ("expect.answer", &[Dns]),
    ("expect.rcode", &[Dns]),
    ("expect.ttl", &[Dns]),
    ("expect.authoritative", &[Dns]),
    ("expect.final-url", &[Http]),
    ("expect.http-version", SEVERAL_VERSIONS),
    ("expect.tls-version", WITH_TLS),
    ("expect.alt-svc", &[Http]),
    ("expect.secure", &[Http]),
    ("expect.min-bytes", WITH_BODY),
    ("expect.max-bytes", &[Http]),
    ("expect.sha256", &[Http]),
];

/// What to write instead of a key, if another key has its meaning.
const INSTEAD: &[(&str, Protocol, &str)] = &[
    ("body", Tcp, "`send` is the text that is sent"),
    ("body", Tls, "`send` is the text that is sent"),
    ("tls", Tcp, "a connection with TLS needs a tls:// URL"),
    ("tls.alpn", Http, "what is offered there follows from `http-version`"),
    ("tls.alpn", WebSocket, "what is offered there follows from `http-version`"),
    ("tls.alpn", Grpc, "HTTP/2 is what is offered there"),
    ("starttls", Tcp, "a connection with TLS needs a tls:// URL"),
    ("expect.certificate-days", Tcp, "a connection with TLS needs a tls:// URL"),
    ("expect.certificate-issuer", Tcp, "a connection with TLS needs a tls:// URL"),
    ("expect.certificate-names", Tcp, "a connection with TLS needs a tls:// URL"),
    ("expect.tls-version", Tcp, "a connection with TLS needs a tls:// URL"),
    ("expect.status", Dns, "`expect.rcode` is the code of a name server's response"),
    ("expect.body-contains", Dns, "`expect.answer` is about the records of the answer"),
    ("body", WebSocket, "`send` is the text that is sent"),
    ("json", WebSocket, "`send` is the text that is sent"),
    ("expect.status", WebSocket, "an answer without the upgrade is a failure anyway"),
    ("expect.status", Grpc, "`expect.grpc-status` is the status of the call"),
    ("expect.body-contains", WebSocket, "`expect.message-contains` is about the first message"),
    ("expect.json", WebSocket, "`expect.message-json` is about the first message"),
    ("send", Grpc, "only the question to the health service is sent"),
    ("send", Http, "`body` is the text that is sent"),
    ("starttls", Http, "`starttls` needs a tls:// URL"),
];

/// Prefixes of the expectations that decide how long a connection without HTTP is read: they cannot be ignored.
const WAITED_FOR: &[&str] = &["body-", "min-bytes", "message-", "subprotocol"];

/// Whether a key, as `expect.status` or `tls.ca-file`, applies to a protocol. Keys that are not in the table apply to
/// all.
pub(crate) fn belongs(key: &str, protocol: Protocol) -> bool {
    if protocol != Http
        && key.strip_prefix("warn.").is_some_and(|key| WAITED_FOR.iter().any(|waited| key.starts_with(waited)))
    {
        return false;
    }
    // `warn` has the keys of `expect`.
    let expected = key.strip_prefix("warn.").map(|rest| format!("expect.{rest}"));
    let key = expected.as_deref().unwrap_or(key);
    let holds = |known: &str| {
        let rest = key.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || (known != "expect" && rest.starts_with('.')))
    };
    KEYS.iter().find(|(known, _)| holds(known)).is_none_or(|(_, protocols)| protocols.contains(&protocol))
}

/// Rejects the keys of a probe or a step that do not apply to its URL.
pub(crate) fn check(reader: &mut ConfigReader, own: &Table, url: &str) {
    let protocol = Protocol::of_url(url);
    let scheme = url.split_once("://").map_or("http", |(scheme, _)| scheme);
    let keys = own.entries.iter().map(|entry| (entry.key.clone(), entry));
    // Keys inside a table that does not apply are reported with the table.
    let inner = ["tls", "expect", "warn"].into_iter().filter(|name| belongs(name, protocol)).flat_map(|name| {
        let table = own.get(name).and_then(Node::as_table);
        let entries = table.into_iter().flat_map(|table| &table.entries);
        entries.map(move |entry| (format!("{name}.{}", entry.key), entry))
    });
    let mut told = Vec::new();
    for (key, entry) in keys.chain(inner) {
        // One option of the command line may set several keys.
        if belongs(&key, protocol) || told.contains(&&entry.key_span) {
            continue;
        }
        let message = message!("`{key}` does not belong to {scheme}:// URLs");
        let expected = key.strip_prefix("warn.").map(|rest| format!("expect.{rest}"));
        let wanted = expected.as_deref().unwrap_or(&key);
        let is_waited_for = expected.as_deref().is_some_and(|expected| belongs(expected, protocol));
        let instead = INSTEAD.iter().find(|(known, of, _)| *known == wanted && *of == protocol);
        let help = match instead {
            Some((_, _, help)) => (*help).to_owned(),
            None if is_waited_for => {
                format!("put it into `expect`: a text that is waited for over {scheme}:// must come")
            }
            None => format!("leave it out; what {scheme}:// can expect: {}", expectations(protocol)),
        };
        reader.advise(&entry.key_span, message, help);
        told.push(&entry.key_span);
    }
}

/// The expectations without those that do not apply to a protocol: the defaults have them for others.
pub(crate) fn only_of(mut expect: Expect, protocol: Protocol) -> Expect {
    if protocol == Http {
        (expect.message, expect.message_json, expect.subprotocol) = (Vec::new(), Vec::new(), None);
        return Expect { dns: DnsExpect::default(), ..expect };
    }
    let lacks = |key: &str| !belongs(&format!("expect.{key}"), protocol);
    if lacks("body-contains") {
        expect.body.clear();
    }
    if lacks("certificate-days") {
        (expect.certificate_days, expect.certificate_issuer) = (None, Vec::new());
        (expect.certificate_names, expect.tls_version) = (Vec::new(), Vec::new());
    }
    Expect {
        min_bytes: expect.min_bytes.filter(|_| !lacks("min-bytes")),
        body: expect.body,
        latency: expect.latency,
        certificate_days: expect.certificate_days,
        certificate_issuer: expect.certificate_issuer,
        certificate_names: expect.certificate_names,
        tls_version: expect.tls_version,
        dns: if protocol == Dns { expect.dns } else { DnsExpect::default() },
        message: if protocol == WebSocket { expect.message } else { Vec::new() },
        message_json: if protocol == WebSocket { expect.message_json } else { Vec::new() },
        subprotocol: expect.subprotocol.filter(|_| protocol == WebSocket),
        http_version: if protocol == WebSocket { expect.http_version } else { Vec::new() },
        grpc_status: expect.grpc_status,
        ..Expect::default()
    }
}

/// The same for `warn`.
pub(crate) fn warnings_of(warn: Option<Expect>, protocol: Protocol) -> Shared<Expect> {
    let Some(warn) = warn else { return Expect::nothing() };
    let warn = only_of(warn, protocol);
    if protocol == Http {
        return warn.into();
    }
    let nothing = Expect::default();
    let warn = Expect {
        body: nothing.body,
        min_bytes: None,
        message: nothing.message,
        message_json: nothing.message_json,
        subprotocol: None,
        ..warn
    };
    warn.into()
}

/// Lines of `key = value` without those that do not apply to a protocol.
pub(crate) fn lines_of(lines: &str, protocol: Protocol) -> String {
    let key = |line: &str| line.split_once(" = ").map_or("", |(key, _)| key).to_owned();
    lines.split_inclusive('\n').filter(|line| belongs(&key(line), protocol)).collect()
}

/// The expectations that a protocol can have.
fn expectations(protocol: Protocol) -> String {
    let names = KEYS.iter().filter(|(_, protocols)| protocols.contains(&protocol));
    let names: Vec<&str> = names.filter_map(|(key, _)| key.strip_prefix("expect.")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::probe::{request, transport};
    use crate::config::table_schema::{Key, ValueType};

    #[test]
    fn every_key_says_which_protocols_it_is_for() {
        let mut keys = vec!["capture".to_owned(), "tls.alpn".to_owned()];
        for Key { name, value_type, .. } in request::REQUEST_KEYS.iter().chain(transport::TRANSPORT_KEYS) {
            keys.push((*name).to_owned());
            if let ("expect", ValueType::Table(expect)) = (*name, value_type) {
                keys.extend(expect.keys().map(|key| format!("expect.{}", key.name)));
            }
        }
        let mut known: Vec<String> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
        keys.sort();
        known.sort();
        assert_eq!(keys, known);
    }

    #[test]
    fn what_is_within_a_table_belongs_where_the_table_does() {
        assert!(belongs("tls.ca-file", Tls) && !belongs("tls.ca-file", Tcp));
        assert!(belongs("tls.alpn", Tls) && !belongs("tls.alpn", Http));
        assert!(belongs("expect.header.x", Http) && !belongs("expect.header.x", Tcp));
        assert!(belongs("timeout", Tcp) && belongs("name", Tls));
    }
}
