//! What to write for a value of the wrong type, if its meaning is clear.

use crate::config::syntax::tree::Item;

/// What to write for a key instead of such a value. It quotes no text of the file, which may be a secret.
pub(crate) fn right_form(key: &str, value: &Item) -> Option<String> {
    let form = match (key, value) {
        ("latency", Item::Integer(ms)) => format!("{{ total = \"{ms}ms\" }}"),
        ("latency", Item::Text(limit)) if limit.len() < 20 => format!("{{ total = \"{limit}\" }}"),
        ("latency", _) => "{ total = \"500ms\" }".to_owned(),
        ("headers" | "header", _) => "{ x-name = \"value\" }".to_owned(),
        ("auth", _) => "{ basic = { user = \"…\", password = \"${secret:NAME}\" } }, or { bearer = … }".to_owned(),
        ("json", _) => "[{ path = \"$.status\", equals = \"ok\" }]".to_owned(),
        ("status", _) => "200, \"2xx\" or [\"2xx\", 304]".to_owned(),
        ("tls", _) => "{ insecure = true }, or another of its keys".to_owned(),
        ("assets", _) => "{ select = \"img, script\" }".to_owned(),
        ("objective", Item::Integer(_) | Item::Float(_)) => "\"99.9% over 30d\"".to_owned(),
        ("latency-objective", Item::Integer(_) | Item::Float(_)) => "\"95% under 800ms\"".to_owned(),
        ("form" | "multipart", _) => "{ name = \"value\" }".to_owned(),
        ("body", Item::Table(_) | Item::List(_)) => return Some("`json` is a body of JSON".to_owned()),
        ("basic" | "digest", _) => "{ user = \"…\", password = \"${secret:NAME}\" }".to_owned(),
        ("expect", _) => "{ status = 200 }, or another of its keys".to_owned(),
        ("warn", _) => "{ latency = { total = \"2s\" } }, or another of its keys".to_owned(),
        ("tags" | "surfaces", Item::Table(_)) => "[\"name\"]".to_owned(),
        ("matrix", _) => "{ region = [\"eu\", \"us\"] }".to_owned(),
        ("redirects", Item::Boolean(true)) => "\"follow\"".to_owned(),
        ("proxy", Item::Boolean(true)) => "\"environment\", or \"http://proxy.example.com:3128\"".to_owned(),
        ("redirects" | "proxy", Item::Boolean(false)) => "\"none\"".to_owned(),
        ("timeout", Item::Table(_)) => {
            return Some(
                "it is one time for the whole check; expect.latency limits a phase: { connect = \"2s\" }".to_owned(),
            );
        }
        ("json-schema", Item::Table(_)) => {
            return Some("write the schema into a file, and its path here: json-schema = \"schema.json\"".to_owned());
        }
        ("exec", _) => "[\"program\", \"argument\"]".to_owned(),
        ("session", Item::Table(_)) => {
            return Some("describe it as [session.NAME], and name it here: session = \"NAME\"".to_owned());
        }
        ("maintenance", _) => return Some("write each window as [[probe.maintenance]]".to_owned()),
        ("step", _) => return Some("write each step as [[probe.step]]".to_owned()),
        ("capture", _) => "{ token = { json = \"$.token\" } }".to_owned(),
        _ => return None,
    };
    Some(format!("write {key} = {form}"))
}
