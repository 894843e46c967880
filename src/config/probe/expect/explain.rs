//! Expectations as TOML.

use crate::config::probe::{assets, dns, header_rules, json_rules};
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, quoted};
use crate::model::quantity::{show_bytes, show_duration};
use crate::model::text::hexadecimal;
use crate::model::{Expect, Phase, TextRule};

/// Every expectation of a table, `expect` or `warn`, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, of: &str, expect: &Expect) {
    let statuses = expect.status.iter().map(|set| {
        let text = set.to_string();
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text } else { quoted(&text) }
    });
    if !expect.status.is_empty() {
        lines.set(&format!("{of}.status"), &list(statuses));
    }
    for name in ["body-contains", "body-lacks", "body-matches", "body-not-matches"] {
        let rules: Vec<String> = expect.body.iter().filter_map(|rule| text_of(writer, rule, name)).collect();
        if !rules.is_empty() {
            lines.set(&format!("{of}.{name}"), &list(rules.into_iter()));
        }
    }
    header_rules::explain(lines, writer, &format!("{of}.header"), &expect.headers);
    json_rules::explain(lines, writer, &format!("{of}.json"), &expect.json);
    for (phase, limit) in &expect.latency {
        let phase = phase.map_or("total", Phase::name);
        lines.set(&format!("{of}.latency.{phase}"), &quoted(&show_duration(*limit)));
    }
    explain_facts(lines, writer, of, expect);
    if let Some(assets) = &expect.assets {
        assets::explain(lines, writer, of, assets);
    }
}

fn text_of(writer: &TomlWriter, rule: &TextRule, wanted: &str) -> Option<String> {
    let (name, text) = match rule {
        TextRule::Contains(value) => ("body-contains", writer.value(value)),
        TextRule::Lacks(value) => ("body-lacks", writer.value(value)),
        TextRule::Matches(pattern) => ("body-matches", writer.text(pattern.as_str())),
        TextRule::NotMatches(pattern) => ("body-not-matches", writer.text(pattern.as_str())),
    };
    (name == wanted).then_some(text)
}

fn explain_facts(lines: &mut TomlLines, writer: &TomlWriter, of: &str, expect: &Expect) {
    if let Some(days) = expect.certificate_days {
        lines.set(&format!("{of}.certificate-days"), &days.to_string());
    }
    for (name, texts) in
        [("certificate-issuer", &expect.certificate_issuer), ("certificate-names", &expect.certificate_names)]
    {
        if !texts.is_empty() {
            lines.set(&format!("{of}.{name}"), &list(texts.iter().map(|text| writer.value(text))));
        }
    }
    if let Some(schema) = &expect.json_schema {
        lines.set(&format!("{of}.json-schema"), &writer.path(schema.path()));
    }
    let messages = expect.message.iter().filter_map(|rule| text_of(writer, rule, "body-contains"));
    if !expect.message.is_empty() {
        lines.set(&format!("{of}.message-contains"), &list(messages));
    }
    json_rules::explain(lines, writer, &format!("{of}.message-json"), &expect.message_json);
    if let Some(subprotocol) = &expect.subprotocol {
        lines.set(&format!("{of}.subprotocol"), &quoted(subprotocol));
    }
    if !expect.grpc_status.is_empty() {
        let statuses = expect.grpc_status.iter().map(|status| status.0.to_string());
        lines.set(&format!("{of}.grpc-status"), &list(statuses));
    }
    dns::explain(lines, writer, of, &expect.dns);
    if let Some(url) = &expect.final_url {
        lines.set(&format!("{of}.final-url"), &writer.value(url));
    }
    if !expect.http_version.is_empty() {
        let versions = expect.http_version.iter().map(|version| quoted(version.name()));
        lines.set(&format!("{of}.http-version"), &list(versions));
    }
    if !expect.tls_version.is_empty() {
        let versions = expect.tls_version.iter().map(|version| quoted(version.name()));
        lines.set(&format!("{of}.tls-version"), &list(versions));
    }
    if expect.alt_svc {
        lines.set(&format!("{of}.alt-svc"), "true");
    }
    if let Some(secure) = expect.secure {
        lines.set(&format!("{of}.secure"), &secure.to_string());
    }
    for (name, size) in [("min-bytes", expect.min_bytes), ("max-bytes", expect.max_bytes)] {
        if let Some(size) = size {
            lines.set(&format!("{of}.{name}"), &quoted(&show_bytes(size)));
        }
    }
    if let Some(hash) = expect.sha256 {
        lines.set(&format!("{of}.sha256"), &quoted(&hexadecimal(&hash)));
    }
}
