//! What must hold of an answer, as TOML.

use std::fmt::Write as _;

use super::super::measure::{show_bytes, show_duration};
use super::write::{Lines, Writer, key, list, quoted, table, toml_of};
use crate::model::{Assets, Expect, HeaderExpectation, HeaderRule, JsonExpectation, TextRule};

/// Every expectation.
pub(super) fn expect(lines: &mut Lines, writer: &Writer, expect: &Expect) {
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
    if let Some(assets) = &expect.assets {
        assets_of(lines, writer, assets);
    }
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

fn assets_of(lines: &mut Lines, writer: &Writer, assets: &Assets) {
    lines.set("expect.assets.select", &writer.text(assets.select.as_str()));
    lines.set("expect.assets.limit", &assets.limit.to_string());
    lines.set("expect.assets.at-least", &assets.at_least.to_string());
    lines.set("expect.assets.hosts", &list(assets.hosts.iter().map(|host| writer.text(host.as_str()))));
    lines.set("expect.assets.body-limit", &quoted(&show_bytes(assets.body_limit)));
}
