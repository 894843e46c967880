//! The credentials of a module of `blackbox_exporter`.

use serde_json::Value;

use crate::config::toml_text::quoted;
use crate::import::document::{elements, fields, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedOAuth2};
use crate::import::secrets::Secrets;
use crate::import::template::literal;

/// Sets one key of a module that has credentials.
pub(super) fn set(draft: &mut ProbeDraft, secrets: &mut Secrets, key: &str, value: &Value) {
    let owner = draft.name.clone();
    match key {
        "basic_auth" => basic(draft, secrets, value),
        "authorization" => {
            let kind = value["type"].as_str().unwrap_or("Bearer");
            let reference = secret(draft, secrets, value, "credentials", "token");
            draft.set_text("headers.authorization", &format!("{kind} {reference}"));
            draft.others_not_carried("authorization.", value, &["type", "credentials", "credentials_file"]);
        }
        "bearer_token" => {
            let token = secrets.reference(&owner, "token", &literal(value.as_str().unwrap_or_default()));
            draft.set_text("auth.bearer", &token);
        }
        "bearer_token_file" => {
            let token = of_file(draft, secrets, value.as_str().unwrap_or_default(), "token");
            draft.set_text("auth.bearer", &token);
        }
        _ => oauth2(draft, secrets, value),
    }
}

fn basic(draft: &mut ProbeDraft, secrets: &mut Secrets, value: &Value) {
    let user = match value["username_file"].as_str() {
        Some(path) => of_file(draft, secrets, path, "user"),
        None => literal(value["username"].as_str().unwrap_or_default()),
    };
    let password = secret(draft, secrets, value, "password", "password");
    draft.others_not_carried("basic_auth.", value, &["username", "username_file", "password", "password_file"]);
    draft.set("auth.basic", format!("{{ user = {}, password = {} }}", quoted(&user), quoted(&password)));
}

/// A secret that is in the module, or in a file that the module names.
fn secret(draft: &mut ProbeDraft, secrets: &mut Secrets, table: &Value, key: &str, field: &str) -> String {
    let owner = draft.name.clone();
    match table[format!("{key}_file").as_str()].as_str() {
        Some(path) => of_file(draft, secrets, path, field),
        None => secrets.reference(&owner, field, &literal(table[key].as_str().unwrap_or_default())),
    }
}

/// A reference to the text of a file if it can be read here, otherwise a variable.
pub(super) fn of_file(draft: &mut ProbeDraft, secrets: &mut Secrets, path: &str, field: &str) -> String {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) && path.starts_with('/') {
        return format!("${{file:{path}}}");
    }
    draft.remark(&format!(
        "`{field}` stood in the file {path}, which is not here; where it is, write \"$${{file:{path}}}\""
    ));
    // The path distinguishes it from other secrets, as its value would.
    secrets.reference(&draft.name, field, &format!("file {path}"))
}

/// The supported fields of `oauth2`.
const OAUTH2: [&str; 6] =
    ["client_id", "client_secret", "client_secret_file", "token_url", "scopes", "endpoint_params"];

fn oauth2(draft: &mut ProbeDraft, secrets: &mut Secrets, value: &Value) {
    let get = |key: &str| literal(value[key].as_str().unwrap_or_default());
    let oauth2 = ImportedOAuth2 {
        token_url: get("token_url"),
        client_id: get("client_id"),
        client_secret: secret(draft, secrets, value, "client_secret", "client_secret"),
        scopes: elements(&value["scopes"]).iter().filter_map(text).map(|scope| literal(&scope)).collect(),
        audience: value["endpoint_params"]["audience"].as_str().map(literal),
    };
    request::set_oauth2(draft, &oauth2);
    for (name, parameter) in fields(&value["endpoint_params"]) {
        match (name.as_str(), parameter.as_str()) {
            ("grant_type", Some("client_credentials")) | ("audience", Some(_)) => {}
            _ => draft.field_not_carried(&format!("endpoint_params.{name}"), parameter, "uptick has no key for it"),
        }
    }
    draft.others_not_carried("oauth2.", value, &OAUTH2);
}
