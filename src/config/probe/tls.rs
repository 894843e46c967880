//! TLS settings: trusted certificates, client certificate, versions.

use std::net::IpAddr;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, quoted};
use crate::config::value::{interpolate, layers};
use crate::model::{Tls, TlsVersion, message};

pub(crate) const TLS: TableSchema = TableSchema {
    title: "tls",
    groups: &[&[
        key(
            "ca-file",
            ValueType::Text,
            "the system's",
            "Trust these certificates (PEM) and no others; relative to the probe file.",
        ),
        key(
            "crl-file",
            ValueType::Text,
            "",
            "Refuse the certificates on these revocation lists (PEM); without it revocation is not checked.",
        ),
        key("client-cert", ValueType::Text, "", "The client certificate chain (PEM)."),
        key("client-key", ValueType::Text, "", "The key of the client certificate (PEM)."),
        key("server-name", ValueType::Text, "the URL's host", "The name in SNI and in the certificate."),
        key(
            "alpn",
            ValueType::OneOrMore(&ValueType::Text),
            "",
            "The protocols offered in TLS (ALPN) to a tls:// URL: `\"postgresql\"`, `[\"imap\"]`.",
        ),
        key("min-version", ValueType::Words(&["1.2", "1.3"]), "\"1.2\"", "The lowest TLS version accepted."),
        key("insecure", ValueType::Boolean, "false", "Accept any certificate. Every output says so."),
    ]],
    required: &[],
};

/// Reads the settings of TLS.
pub(crate) fn read(reader: &mut ConfigReader, layers: &Layers) -> Tls {
    let text = |key: &str| match &layers.get(key)?.item {
        Item::Text(text) => Some(text),
        _ => None,
    };
    let is_one_file = text("client-cert") == text("client-key");
    let mut file = |key: &str| layers.get(key).and_then(|node| layers::file(reader, key, node));
    let (ca_file, crl_file) = (file("ca-file"), file("crl-file"));
    let client_cert = file("client-cert");
    // One file may hold both, and is missing once.
    let client_key = if is_one_file { client_cert.clone() } else { file("client-key") };
    for (key, other) in [("client-cert", "client-key"), ("client-key", "client-cert")] {
        if let (Some(node), None) = (layers.get(key), layers.get(other)) {
            reader.problem(&node.span, message!("`tls.{key}` needs `tls.{other}` beside it"));
        }
    }
    let insecure = layers.get("insecure").and_then(layers::boolean).unwrap_or(false);
    if insecure {
        reader.warn("`tls.insecure` accepts any certificate");
        for (key, file) in [("ca-file", &ca_file), ("crl-file", &crl_file)] {
            if let (Some(_), Some(node)) = (file, layers.get(key)) {
                reader.problem(&node.span, message!("`tls.{key}` cannot be used with `tls.insecure`"));
            }
        }
    }
    Tls {
        ca_file,
        crl_file,
        client_cert,
        client_key,
        server_name: layers.get("server-name").and_then(|node| server_name(reader, node)),
        alpn: alpn(reader, layers),
        min_version: match layers
            .get("min-version")
            .and_then(|node| layers::word(reader, "min-version", node, &["1.2", "1.3"]))
        {
            Some("1.3") => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        },
        insecure,
    }
}

/// Maximum length of an ALPN protocol name, and of all of them together, in bytes (RFC 7301 section 3.1).
const ALPN_NAME: usize = 255;
const ALPN_LIST: usize = 4096;

fn alpn(reader: &mut ConfigReader, layers: &Layers) -> Vec<String> {
    let nodes = layers.get("alpn").map(Node::one_or_more).unwrap_or_default();
    let mut names = Vec::new();
    for node in nodes {
        let Some(name) = interpolate::plain(reader, node) else { continue };
        if name.is_empty() || name.len() > ALPN_NAME {
            reader.problem(&node.span, message!("`alpn` must be a name of 1 to {ALPN_NAME} bytes"));
        } else if names.iter().map(String::len).sum::<usize>() + name.len() > ALPN_LIST {
            reader.problem(&node.span, message!("the names of `alpn` have more than {ALPN_LIST} bytes together"));
        } else {
            names.push(name);
        }
    }
    names
}

fn server_name(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    if text.parse::<IpAddr>().is_ok() || is_host_name(&text) {
        return Some(text);
    }
    reader.problem(&node.span, "`server-name` is not a host name or an address");
    None
}

/// Whether a text is a host name, as used in certificates and `address`.
pub(crate) fn is_host_name(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    text.len() <= 253
        && labels.into_iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// The settings as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, tls: &Tls) {
    let files = [
        ("ca-file", &tls.ca_file),
        ("crl-file", &tls.crl_file),
        ("client-cert", &tls.client_cert),
        ("client-key", &tls.client_key),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            lines.set(&format!("tls.{key}"), &writer.path(file));
        }
    }
    if let Some(name) = &tls.server_name {
        lines.set("tls.server-name", &writer.text(name));
    }
    if !tls.alpn.is_empty() {
        lines.set("tls.alpn", &list(tls.alpn.iter().map(|name| writer.text(name))));
    }
    lines.set("tls.min-version", &quoted(tls.min_version.name()));
    lines.set("tls.insecure", if tls.insecure { "true" } else { "false" });
}
