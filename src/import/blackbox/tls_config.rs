//! The `tls_config` of a module of `blackbox_exporter` as keys of a probe.

use serde_json::Value;

use crate::import::document::{fields, is_said};
use crate::import::draft::ProbeDraft;
use crate::import::template::literal;

/// Sets the keys of a `tls_config`.
pub(super) fn set(draft: &mut ProbeDraft, value: &Value) {
    for (key, value) in fields(value).filter(|(_, value)| is_said(value)) {
        let word = literal(value.as_str().unwrap_or_default());
        match key.as_str() {
            "insecure_skip_verify" => draft.set("tls.insecure", "true"),
            "ca_file" => draft.set_file("tls.ca-file", &word),
            "cert_file" => draft.set_file("tls.client-cert", &word),
            "key_file" => draft.set_file("tls.client-key", &word),
            "server_name" => draft.set_text("tls.server-name", &word),
            "min_version" if word == "TLS13" => draft.set("tls.min-version", "\"1.3\""),
            "min_version" if word == "TLS12" => {}
            "min_version" => draft.field_not_carried(key, value, "nothing older than TLS 1.2 is supported"),
            other => draft.field_not_carried(&format!("tls_config.{other}"), value, "uptick has no key for it"),
        }
    }
}
