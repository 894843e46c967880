//! The fields of a monitor of Uptime Kuma that are imported, and those that can be ignored.

use serde_json::Value;

use crate::import::document::{fields, is_said, text};
use crate::import::draft::ProbeDraft;

/// Notes the fields that are not imported, except those that are in every backup and do not affect
/// the check.
pub(super) fn others(draft: &mut ProbeDraft, monitor: &Value, kind: &str) {
    let of_kind: &[&str] = match kind {
        "dns" => &["hostname", "port", "dns_resolve_server", "dns_resolve_type", "conditions"],
        "port" => &["hostname", "port"],
        "smtp" => &["hostname", "port", "smtpSecurity"],
        "keyword" => &["keyword", "invertKeyword"],
        "json-query" => &["jsonPath", "jsonPathOperator", "expectedValue"],
        "websocket-upgrade" => &["wsSubprotocol"],
        _ => &[],
    };
    for (name, value) in fields(monitor).filter(|(_, value)| is_said(value)) {
        let is_default =
            DEFAULTS.iter().any(|(known, default)| known == name && text(value).as_deref() == Some(*default));
        let is_read = READ.contains(&name.as_str()) || of_kind.contains(&name.as_str());
        if !is_read && !is_default {
            draft.field_not_carried(name, value, "uptick has no key for it");
        }
    }
}

/// Fields that are imported for monitors of any type, or that only affect Uptime Kuma itself.
const READ: [&str; 49] = [
    "id",
    "name",
    "pathName",
    "path",
    "description",
    "parent",
    "childrenIDs",
    "url",
    "method",
    "headers",
    "body",
    "httpBodyEncoding",
    "authMethod",
    "basic_auth_user",
    "basic_auth_pass",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_token_url",
    "oauth_scopes",
    "oauth_audience",
    "tlsCa",
    "tlsCert",
    "tlsKey",
    "maxretries",
    "retryInterval",
    "interval",
    "timeout",
    "weight",
    "active",
    "forceInactive",
    "type",
    "expiryNotification",
    "ignoreTls",
    "upsideDown",
    "maxredirects",
    "accepted_statuscodes",
    "accepted_statuscodes_json",
    "proxyId",
    "notificationIDList",
    "tags",
    "ipFamily",
    "dns_last_result",
    "includeSensitiveData",
    "user_id",
    "created_date",
    "screenshot",
    "maintenance",
    "cert_info",
    "humanReadableInterval",
];

/// The default values of fields.
const DEFAULTS: [(&str, &str); 16] = [
    ("packetSize", "56"),
    ("dns_resolve_type", "A"),
    ("dns_resolve_server", "1.1.1.1"),
    ("resendInterval", "0"),
    ("jsonPath", "$"),
    ("jsonPathOperator", "=="),
    ("mqttCheckType", "keyword"),
    ("oauth_auth_method", "client_secret_basic"),
    ("snmpVersion", "2c"),
    ("gamedigGivenPortOnly", "true"),
    ("retryOnlyOnStatusCodeFailure", "false"),
    ("ping_count", "1"),
    ("ping_numeric", "true"),
    ("ping_per_request_timeout", "2"),
    ("responseMaxLength", "1024"),
    ("saveErrorResponse", "true"),
];
