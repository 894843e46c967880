//! The forms of strings in the probe file, for editors: a pattern and examples by key.
//!
//! A pattern accepts everything that the reader accepts, and more: it rejects what cannot be meant, such as a duration
//! without a unit, and accepts any text with a variable in it.

use serde_json::{Map, Value, json};

/// The form of the text at a key.
pub(crate) struct TextForm {
    pub(crate) pattern: &'static str,
    pub(crate) examples: &'static [&'static str],
}

/// A duration: `1m 30s`, `2 hours`, `PT30S`, `01:30:00`.
pub(crate) const DURATION: TextForm = TextForm {
    pattern: r"^\s*\+?(P|p|[0-9][0-9.,\s]*:[0-9]|[0-9.,\s]*[0-9][0-9.,\s]*(n|u|µ|μ|m|s|h|d|w))|\$\{",
    examples: &["30s", "500ms", "1m 30s"],
};

/// A size: `1MiB`, `64 KiB`, `512`.
pub(crate) const SIZE: TextForm =
    TextForm { pattern: r"^\s*[0-9]+\s*([kKMG]i?B|B)?\s*$|\$\{", examples: &["64KiB", "1MiB"] };

/// A date with time and offset.
pub(crate) const INSTANT: TextForm =
    TextForm { pattern: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}|\$\{", examples: &["2026-12-01T22:00:00+01:00"] };

const URL: TextForm = TextForm {
    pattern: r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]|\$\{|\{",
    examples: &["https://example.com/health", "tls://mail.example.com:993"],
};

const METHOD: TextForm =
    TextForm { pattern: r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$|\$\{", examples: &["GET", "HEAD", "POST"] };

const STATUS: TextForm = TextForm {
    pattern: r"^\s*([1-5](xx|XX)|[1-9][0-9]{2}\s*(-\s*[1-9][0-9]{2}\s*)?)$|\$\{",
    examples: &["2xx", "200-299"],
};

const SCHEDULE: TextForm =
    TextForm { pattern: r"^\s*(@[a-z]+|\S+(\s+\S+){4})|\$\{", examples: &["*/5 * * * * Europe/Berlin", "@hourly"] };

const RESOLVER: TextForm = TextForm { pattern: r"^(system|[a-z]+://)|\$\{", examples: &["system", "udp://1.1.1.1:53"] };

const SHA256: TextForm = TextForm { pattern: r"^[0-9A-Fa-f]{64}$|\$\{", examples: &[] };

const JSON_PATH: TextForm = TextForm { pattern: r"^\$", examples: &["$.status", "$.items[0].id"] };

/// The form of a string by the table and the key it belongs to.
pub(crate) fn of(table: &str, key: &str) -> Option<&'static TextForm> {
    const OBJECTIVE: TextForm = TextForm { pattern: r"%\s*over\s|\$\{", examples: &["99.9% over 30d"] };
    const LATENCY_OBJECTIVE: TextForm = TextForm { pattern: r"%\s*under\s|\$\{", examples: &["95% under 800ms"] };
    const RATIO: TextForm = TextForm { pattern: r"^\s*[0-9]+\s*of\s*[0-9]+\s*$|\$\{", examples: &["4 of 10"] };
    Some(match (table, key) {
        (_, "url" | "token-url" | "webhook" | "heartbeat" | "proxy") => &URL,
        (_, "method") => &METHOD,
        (_, "status") => &STATUS,
        (_, "schedule") => &SCHEDULE,
        (_, "resolver" | "second-resolver") => &RESOLVER,
        (_, "sha256") => &SHA256,
        ("expect.json", "path") => &JSON_PATH,
        (_, "objective") => &OBJECTIVE,
        (_, "latency-objective") => &LATENCY_OBJECTIVE,
        (_, "open-ratio") => &RATIO,
        _ => return None,
    })
}

/// The schema of a string of this form.
pub(crate) fn schema(form: &TextForm) -> Value {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("pattern".to_owned(), json!(form.pattern));
    if !form.examples.is_empty() {
        schema.insert("examples".to_owned(), json!(form.examples));
    }
    Value::Object(schema)
}
