//! Expectations for the answer of a name server.

use std::time::Duration;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node};
use crate::config::table_schema::{TableSchema, ValueType, key, list_of};
use crate::config::value::layers::Layers;
use crate::config::value::matcher::{text, texts};
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, quoted};
use crate::config::value::{interpolate, layers};
use crate::model::quantity::show_duration;
use crate::model::{DnsExpect, MessageText, message, suggest};

pub(crate) const ANSWER: TableSchema = TableSchema {
    title: "expect.answer",
    groups: &[&[
        key(
            "contains",
            ValueType::OneOrMore(&ValueType::Text),
            "",
            "The data of some record contain each of these texts.",
        ),
        key(
            "equals",
            ValueType::OneOrMore(&ValueType::Text),
            "",
            "The data of the records are these and no others, in any order.",
        ),
        key("count", ValueType::Integer(0, 1_000), "", "Number of records in the answer."),
        key("min-count", ValueType::Integer(1, 1_000), "", "Minimum number of records in the answer."),
    ]],
    required: &[],
};

pub(crate) const TTL: TableSchema = TableSchema {
    title: "expect.ttl",
    groups: &[&[
        key("min", ValueType::Duration, "", "Every record may be cached for at least this long."),
        key("max", ValueType::Duration, "", "Every record may be cached for at most this long."),
    ]],
    required: &[],
};

pub(crate) const RCODES: &[&str] =
    &["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "NOTAUTH", "NOTZONE"];

/// Reads the expectations.
pub(crate) fn expect(reader: &mut ConfigReader, layers: &Layers) -> DnsExpect {
    let mut expect = DnsExpect::default();
    match layers.get("answer") {
        Some(node) if matches!(node.item, Item::Text(_)) => expect.contains.extend(text(reader, "answer", node)),
        Some(_) => {
            let answer = layers.inner("answer");
            expect.contains = texts(reader, &answer, "contains");
            expect.equals = texts(reader, &answer, "equals");
            expect.count = answer.get("count").and_then(layers::integer);
            expect.min_count = answer.get("min-count").and_then(layers::integer);
        }
        None => {}
    }
    for node in layers.get("rcode").map(Node::one_or_more).unwrap_or_default() {
        expect.rcode.extend(rcode(reader, node));
    }
    let ttl = layers.inner("ttl");
    let mut limit = |key: &str| {
        let range = Duration::ZERO..=Duration::from_hours(24 * 365);
        ttl.get(key).and_then(|node| layers::duration(reader, key, node, range))
    };
    (expect.min_ttl, expect.max_ttl) = (limit("min"), limit("max"));
    if let (Some(min), Some(max), Some(node)) = (expect.min_ttl, expect.max_ttl, ttl.get("min"))
        && min > max
    {
        reader.problem(&node.span, "`min` is larger than `max`: no time can be both");
    }
    expect.authoritative = layers.get("authoritative").and_then(layers::boolean);
    expect
}

/// A response code by its name, in any case.
fn rcode(reader: &mut ConfigReader, node: &Node) -> Option<&'static str> {
    let text = interpolate::plain(reader, node)?.to_ascii_uppercase();
    let known = RCODES.iter().find(|code| **code == text);
    if known.is_none() {
        let message = MessageText::ours(format!("`rcode` must be {}", list_of(RCODES)));
        match suggest::nearest(&text, RCODES.iter().copied()) {
            Some(near) => reader.advise(&node.span, message, message!("did you mean \"{near}\"?")),
            None => reader.problem(&node.span, message),
        }
    }
    known.copied()
}

/// The expectations, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, of: &str, expect: &DnsExpect) {
    for (key, values) in [("contains", &expect.contains), ("equals", &expect.equals)] {
        if !values.is_empty() {
            lines.set(&format!("{of}.answer.{key}"), &list(values.iter().map(|value| writer.value(value))));
        }
    }
    for (key, count) in [("count", expect.count), ("min-count", expect.min_count)] {
        if let Some(count) = count {
            lines.set(&format!("{of}.answer.{key}"), &count.to_string());
        }
    }
    if !expect.rcode.is_empty() {
        lines.set(&format!("{of}.rcode"), &list(expect.rcode.iter().map(|code| quoted(code))));
    }
    for (key, time) in [("min", expect.min_ttl), ("max", expect.max_ttl)] {
        if let Some(time) = time {
            lines.set(&format!("{of}.ttl.{key}"), &quoted(&show_duration(time)));
        }
    }
    if let Some(authoritative) = expect.authoritative {
        lines.set(&format!("{of}.authoritative"), &authoritative.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_may_be_expected_is_known_by_its_number() {
        let known: Vec<&str> = DnsExpect::CODES.iter().map(|(name, _)| *name).collect();
        assert_eq!(known, RCODES);
    }
}
