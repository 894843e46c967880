//! The `tls_config` of a module of `blackbox_exporter` as keys of a probe.

use serde_json::Value;

use crate::config::toml_text::quoted;
use crate::import::document::{fields, is_said};
use crate::import::draft::ProbeDraft;
use crate::import::template::literal;

/// Sets what a `tls_config` of a module says.
pub(super) fn set(draft: &mut ProbeDraft, value: &Value) {
    for (key, value) in fields(value).filter(|(_, value)| is_said(value)) {
        let word = literal(value.as_str().unwrap_or_default());
        match key.as_str() {
            "insecure_skip_verify" => draft.set("tls.insecure", "true"),
            "ca_file" => file(draft, "tls.ca-file", &word),
            "cert_file" => file(draft, "tls.client-cert", &word),
            "key_file" => file(draft, "tls.client-key", &word),
            "server_name" => draft.set_text("tls.server-name", &word),
            "min_version" if word == "TLS13" => draft.set("tls.min-version", "\"1.3\""),
            "min_version" => {}
            other => draft.not_carried(&format!("`tls_config.{other}`"), "uptick has no key for it"),
        }
    }
}

/// A file that is not on this machine would make the whole file invalid here.
fn file(draft: &mut ProbeDraft, key: &str, path: &str) {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        draft.set_text(key, path);
    } else {
        draft.not_carried(&format!("{key} = {}", quoted(path)), "the file is not here");
    }
}
