//! The tables of what must hold of an answer.

use super::{Shape, TableShape, key};

pub(in crate::config) const EXPECT: TableShape = TableShape {
    title: "expect",
    groups: &[&[
        key(
            "status",
            Shape::OneOrMore(&Shape::Either(&[Shape::Integer(100, 999), Shape::Text])),
            "[\"2xx\"]",
            "Status codes: numbers, classes `\"2xx\"`, ranges `\"200-299\"`.",
        ),
        key("body-contains", Shape::OneOrMore(&Shape::Text), "", "The body has each of these texts."),
        key("body-lacks", Shape::OneOrMore(&Shape::Text), "", "The body has none of these texts."),
        key("body-matches", Shape::OneOrMore(&Shape::Text), "", "Each of these patterns is found in the body."),
        key("body-not-matches", Shape::OneOrMore(&Shape::Text), "", "None of these patterns is found in the body."),
        key(
            "header",
            Shape::Map(&Shape::Either(&[Shape::Text, Shape::Table(&HEADER)])),
            "",
            "Headers by name: a text that a value contains, or a table of rules.",
        ),
        key("json", Shape::OneOrMore(&Shape::Table(&JSON)), "", "Rules for the body as JSON."),
        key("assets", Shape::Table(&ASSETS), "", "The files that the page links to load too."),
        key("latency", Shape::Table(&LATENCY), "", "The most time each phase may take."),
        key(
            "certificate-days",
            Shape::Integer(0, 3_650),
            "",
            "The certificate is valid for at least this many days more.",
        ),
        key("final-url", Shape::Text, "", "The URL that answered, after all redirects."),
        key(
            "http-version",
            Shape::OneOrMore(&Shape::Words(&["1.0", "1.1", "2"])),
            "",
            "The HTTP version is one of these.",
        ),
        key("tls-version", Shape::OneOrMore(&Shape::Words(&["1.2", "1.3"])), "", "The TLS version is one of these."),
        key("secure", Shape::Boolean, "", "Whether the last hop was https."),
        key("min-bytes", Shape::Bytes, "", "The body has at least this many bytes."),
        key("max-bytes", Shape::Bytes, "", "The body has at most this many bytes."),
        key("sha256", Shape::Text, "", "The SHA-256 of the body, hexadecimal."),
    ]],
    required: &[],
};

pub(in crate::config) const HEADER: TableShape = TableShape {
    title: "expect.header.NAME",
    groups: &[&[
        key("contains", Shape::OneOrMore(&Shape::Text), "", "A value has this text in it."),
        key("matches", Shape::OneOrMore(&Shape::Text), "", "A value matches this pattern."),
        key("not-matches", Shape::OneOrMore(&Shape::Text), "", "No value matches this pattern."),
        key("absent", Shape::Boolean, "", "The header is not sent; with `false`, it is sent."),
        key("optional", Shape::Boolean, "false", "A missing header is fine."),
    ]],
    required: &[],
};

pub(in crate::config) const JSON: TableShape = TableShape {
    title: "expect.json",
    groups: &[&[
        key("path", Shape::Text, "", "The JSON path (RFC 9535) of the nodes that the rules are about."),
        key("exists", Shape::Boolean, "true", "Something is found, or nothing."),
        key("equals", Shape::Json, "", "Every node equals this."),
        key("not-equals", Shape::Json, "", "No node equals this."),
        key("contains", Shape::Json, "", "Every node is a text or a list with this in it."),
        key("matches", Shape::Text, "", "Every node is a text that matches this pattern."),
        key("min-length", Shape::Integer(0, i64::MAX), "", "Every node is a list, table or text at least this long."),
        key("max-length", Shape::Integer(0, i64::MAX), "", "Every node is a list, table or text at most this long."),
        key("min", Shape::Number, "", "Every node is a number of at least this."),
        key("max", Shape::Number, "", "Every node is a number of at most this."),
    ]],
    required: &["path"],
};

pub(in crate::config) const LATENCY: TableShape = TableShape {
    title: "expect.latency",
    groups: &[&[
        key("total", Shape::Duration, "", "From the start of the check to its verdict."),
        key("resolve", Shape::Duration, "", "Looking the name up."),
        key("connect", Shape::Duration, "", "The TCP handshake."),
        key("tls", Shape::Duration, "", "The TLS handshake."),
        key("processing", Shape::Duration, "", "From the connection to the complete response head."),
        key("transfer", Shape::Duration, "", "Reading the body."),
    ]],
    required: &[],
};

pub(in crate::config) const ASSETS: TableShape = TableShape {
    title: "expect.assets",
    groups: &[&[
        key(
            "select",
            Shape::Text,
            "\"img, script, link[rel=stylesheet]\"",
            "The elements whose links are loaded, as a CSS selector.",
        ),
        key("limit", Shape::Integer(1, 200), "20", "The most that are loaded, the first of the page."),
        key("at-least", Shape::Integer(0, 200), "1", "The fewest that the page must link to."),
        key(
            "hosts",
            Shape::Some(&Shape::Text),
            "[]",
            "Hosts asked beside the page's own: `\"cdn.example.com\"`, `\"*.example.com\"`, `\"*\"`.",
        ),
        key("body-limit", Shape::Bytes, "\"1MiB\"", "The most of each that is read; up to 1GiB."),
    ]],
    required: &[],
};
