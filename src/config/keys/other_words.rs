//! Other tools' names for our keys, and keys that belong elsewhere: what an unknown key may have meant.

use crate::config::keys::tables;
use crate::config::table_schema::{TableSchema, ValueType};
use crate::model::suggest;

/// Other tools' names, and our key for each.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("alerting", "alert"),
    ("allow-redirects", "redirects"),
    ("assert", "expect"),
    ("assertions", "expect"),
    ("attempts", "retries"),
    ("backoff", "delay"),
    ("basic-auth", "auth.basic"),
    ("bearer-token", "auth.bearer"),
    ("body", "body-contains"),
    ("body-excludes", "body-lacks"),
    ("ca", "tls.ca-file"),
    ("ca-cert", "tls.ca-file"),
    ("cacert", "tls.ca-file"),
    ("cert", "tls.client-cert"),
    ("cert", "certificate-days"),
    ("cert-expiry", "certificate-days"),
    ("certificate", "certificate-days"),
    ("certificate-expiry", "certificate-days"),
    ("check", "probe"),
    ("checks", "probe"),
    ("code", "expect.status"),
    ("code", "status"),
    ("command", "exec"),
    ("contains", "expect.body-contains"),
    ("content", "transfer"),
    ("content-type", "headers.content-type"),
    ("controls", "control"),
    ("cookie", "headers.cookie"),
    ("cookies", "headers.cookie"),
    ("count", "attempts"),
    ("cron", "schedule"),
    ("data", "body"),
    ("dns", "resolve"),
    ("dns", "resolver"),
    ("download", "transfer"),
    ("duration", "latency"),
    ("endpoint", "probe"),
    ("endpoint", "url"),
    ("endpoints", "probe"),
    ("events", "on"),
    ("every", "interval"),
    ("excludes", "body-lacks"),
    ("expected-status", "expect.status"),
    ("failure-threshold", "open-after"),
    ("first-byte", "processing"),
    ("follow", "redirects"),
    ("follow-location", "redirects"),
    ("follow-redirects", "redirects"),
    ("frequency", "interval"),
    ("group", "surface"),
    ("handshake", "tls"),
    ("header", "headers"),
    ("host", "url"),
    ("http1", "http-version"),
    ("http2", "http-version"),
    ("http3", "http-version"),
    ("id", "name"),
    ("insecure-skip-verify", "tls.insecure"),
    ("ip-family", "ip"),
    ("ip-protocol", "ip"),
    ("ip-version", "ip"),
    ("json-path", "expect.json"),
    ("jsonpath", "expect.json"),
    ("key", "tls.client-key"),
    ("keyword", "expect.body-contains"),
    ("labels", "tags"),
    ("latency-ms", "latency"),
    ("location", "final-url"),
    ("location", "vantage"),
    ("max", "attempts"),
    ("max-latency", "latency"),
    ("max-redirects", "redirects"),
    ("monitor", "probe"),
    ("monitors", "probe"),
    ("nameserver", "resolver"),
    ("not-contains", "body-lacks"),
    ("password", "auth.basic"),
    ("payload", "body"),
    ("period", "interval"),
    ("probes", "probe"),
    ("redirect", "final-url"),
    ("redirects", "final-url"),
    ("region", "vantage"),
    ("response-time", "latency"),
    ("retry", "retries"),
    ("schema", "json-schema"),
    ("script", "exec"),
    ("size", "max-bytes"),
    ("skip-verify", "tls.insecure"),
    ("sla", "objective"),
    ("slack", "webhook"),
    ("slo", "objective"),
    ("sni", "tls.server-name"),
    ("ssl", "tls"),
    ("ssl", "certificate-days"),
    ("ssl-days", "certificate-days"),
    ("ssl-expiry", "certificate-days"),
    ("status-code", "expect.status"),
    ("surfaces", "surface"),
    ("target", "probe"),
    ("target", "url"),
    ("targets", "probe"),
    ("tcp", "connect"),
    ("text", "body-contains"),
    ("threshold", "open-after"),
    ("time", "latency"),
    ("timeout-ms", "timeout"),
    ("timeout-seconds", "timeout"),
    ("token", "auth.bearer"),
    ("ttfb", "processing"),
    ("uri", "url"),
    ("url", "final-url"),
    ("url", "webhook"),
    ("user", "auth.basic"),
    ("user-agent", "headers.user-agent"),
    ("username", "auth.basic"),
    ("verb", "method"),
    ("verify", "tls.insecure"),
    ("verify-ssl", "tls.insecure"),
    ("wait", "delay"),
];

/// Other tools' names that have no key here, by the table they occur in, and what to do instead.
const WITHOUT_KEY: &[(&str, &[&str], &str)] = &[
    ("url", &["description", "comment", "notes", "note"], "write a comment: # …"),
    (
        "url",
        &["port", "path", "query", "params", "query-params", "hostname", "scheme"],
        "`url` has it: \"https://example.com:8443/health?full=1\"",
    ),
    (
        "url",
        &["type", "kind", "protocol", "prober", "module"],
        "the scheme of `url` says what is checked: http, https, ws, wss, grpc, grpcs, tls, tcp or dns",
    ),
    (
        "url",
        &["enabled", "disabled", "skip", "paused", "active"],
        "to leave a probe out, comment it out: a comment starts with `#`",
    ),
    (
        "url",
        &["alert", "alerts", "notify", "notification", "notifications", "contacts", "severity"],
        "an [[alert]] says which `surfaces` send it",
    ),
    ("url", &["jitter"], "`uptick watch --jitter 0.1` sets it"),
    ("total", PERCENTILES, MANY_CHECKS),
    ("latency", PERCENTILES, MANY_CHECKS),
    ("concurrency", &["journal", "storage", "database"], "`--journal` or UPTICK_JOURNAL sets it"),
    ("concurrency", &["log-level", "loglevel", "verbose", "debug"], "`-v` prints more, `-vv` everything"),
];

const PERCENTILES: &[&str] = &["p50", "p90", "p95", "p99", "average", "mean"];
const MANY_CHECKS: &str =
    "a check has one time; `latency-objective = \"95% under 800ms\"` of a [surface.NAME] is about many";

pub(crate) fn suggestion(unknown: &str, schema: &TableSchema) -> Option<String> {
    let kebab = kebab(unknown);
    if schema.key(&kebab).is_some() {
        return Some(format!("did you mean `{kebab}`?"));
    }
    if let Some(key) = schema.keys().find(|key| is_other_number(key.name, &kebab)) {
        return Some(format!("did you mean `{}`?", key.name));
    }
    let inner = schema.keys().find_map(|key| match &key.value_type {
        ValueType::Table(table) => table.key(&kebab).map(|found| (key.name, found.name)),
        _ => None,
    });
    if let Some(ours) = translated(&kebab, schema).filter(|_| inner.is_none() || schema.title != tables::AUTH.title) {
        return Some(format!("did you mean `{ours}`?"));
    }
    if let Some((table, found)) = inner {
        return Some(format!("did you mean `{table}.{found}`?"));
    }
    if schema.title == tables::JSON.title {
        return Some(format!(
            "a rule names its path: {{ path = \"$.{}\", equals = … }}",
            kebab.trim_start_matches("$.")
        ));
    }
    let is_meant = |(key, words, _): &&(&str, &[&str], &str)| schema.key(key).is_some() && words.contains(&&*kebab);
    if let Some((_, _, instead)) = WITHOUT_KEY.iter().find(is_meant) {
        return Some((*instead).to_owned());
    }
    let of_another_table =
        OTHER_WORDS.iter().filter(|(other, _)| *other == kebab).find_map(|(_, ours)| owning_table(ours));
    if let Some(home) = owning_table(&kebab).or(of_another_table) {
        return Some(home);
    }
    suggest::nearest(&kebab, schema.keys().map(|key| key.name)).map(|near| format!("did you mean `{near}`?"))
}

/// Whether one word is the plural of the other.
fn is_other_number(one: &str, other: &str) -> bool {
    one.strip_suffix('s') == Some(other) || other.strip_suffix('s') == Some(one)
}

/// Rewrites `bodyLimit` and `body_limit` as `body-limit`.
fn kebab(word: &str) -> String {
    let mut kebab = String::with_capacity(word.len() + 4);
    let mut was_lower = false;
    for character in word.chars() {
        if character.is_ascii_uppercase() && was_lower {
            kebab.push('-');
        }
        was_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
        kebab.push(if character == '_' { '-' } else { character.to_ascii_lowercase() });
    }
    kebab
}

/// Our key for another tool's name, as it is written in this table.
fn translated(word: &str, schema: &TableSchema) -> Option<&'static str> {
    // `warn` has the keys of `expect`.
    let title = if schema.title == tables::WARN.title { tables::EXPECT.title } else { schema.title };
    let ours = OTHER_WORDS.iter().filter(|(other, _)| *other == word).map(|(_, ours)| *ours);
    ours.into_iter().find_map(|ours| {
        // A key of `expect` is written `expect.status` in a probe and `status` in `expect`.
        let within = ours.strip_prefix(title).and_then(|rest| rest.strip_prefix('.')).unwrap_or(ours);
        schema.key(within.split('.').next().unwrap_or(within)).map(|_| within)
    })
}

/// The table that a key belongs in.
fn owning_table(key: &str) -> Option<String> {
    let homes = [
        (&tables::DEFAULTS, "a [[probe]] or in [defaults]"),
        (&tables::PROBE, "a [[probe]]"),
        (&tables::SETTINGS, "[settings]"),
        (&tables::SURFACE, "a [surface.NAME]"),
        (&tables::INCIDENT, "[incident]"),
    ];
    let home = homes.iter().find(|(table, _)| table.key(key).is_some());
    home.map(|(_, home)| format!("`{key}` belongs in {home}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_is_told_from_another_word() {
        assert_eq!(suggestion("timout", &tables::PROBE).unwrap(), "did you mean `timeout`?");
        assert_eq!(suggestion("body_limit", &tables::PROBE).unwrap(), "did you mean `body-limit`?");
        assert_eq!(suggestion("every", &tables::PROBE).unwrap(), "did you mean `interval`?");
        assert_eq!(suggestion("status", &tables::PROBE).unwrap(), "did you mean `expect.status`?");
        assert_eq!(
            suggestion("interval", &tables::SETTINGS).unwrap(),
            "`interval` belongs in a [[probe]] or in [defaults]"
        );
        assert_eq!(suggestion("xylophone", &tables::PROBE), None);
    }

    #[test]
    fn a_word_is_translated_for_the_table_that_it_stands_in() {
        for (word, table, said) in [
            ("status_code", &tables::PROBE, "did you mean `expect.status`?"),
            ("status_code", &tables::EXPECT, "did you mean `status`?"),
            ("status_code", &tables::WARN, "did you mean `status`?"),
            ("verify", &tables::PROBE, "did you mean `tls.insecure`?"),
            ("verify", &tables::TLS, "did you mean `insecure`?"),
            ("timeoutSeconds", &tables::PROBE, "did you mean `timeout`?"),
            ("bodyLimit", &tables::PROBE, "did you mean `body-limit`?"),
            ("ttfb", &tables::LATENCY, "did you mean `processing`?"),
            ("region", &tables::PROBE, "`vantage` belongs in [settings]"),
            ("slo", &tables::PROBE, "`objective` belongs in a [surface.NAME]"),
            ("headers", &tables::EXPECT, "did you mean `header`?"),
            ("tag", &tables::PROBE, "did you mean `tags`?"),
            ("time", &tables::EXPECT, "did you mean `latency`?"),
            ("cert", &tables::EXPECT, "did you mean `certificate-days`?"),
            ("cert", &tables::PROBE, "did you mean `tls.client-cert`?"),
            ("count", &tables::RETRIES, "did you mean `attempts`?"),
            ("url", &tables::ALERT, "did you mean `webhook`?"),
            ("status", &tables::JSON, "a rule names its path: { path = \"$.status\", equals = … }"),
        ] {
            assert_eq!(suggestion(word, table).as_deref(), Some(said), "{word}");
        }
    }

    #[test]
    fn every_other_word_leads_to_a_key() {
        let all = [
            &tables::ROOT,
            &tables::PROBE,
            &tables::EXPECT,
            &tables::SETTINGS,
            &tables::SURFACE,
            &tables::INCIDENT,
            &tables::ALERT,
            &tables::RETRIES,
            &tables::LATENCY,
        ];
        for (other, ours) in OTHER_WORDS {
            let first = ours.split('.').next().unwrap();
            assert!(all.iter().any(|table| table.key(first).is_some()), "{other}: {ours}");
        }
    }
}
