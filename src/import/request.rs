//! A request of another tool as keys of a draft: its URL, headers and body, with secrets replaced
//! by variables.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::config::toml_text::{key, list, quoted, table, toml_of};
use crate::import::credential::{holds_credential, is_key};
use crate::import::draft::ProbeDraft;
use crate::import::secrets::{Secrets, is_secret};
use crate::import::template;
use crate::model::Protocol;

/// A request of another tool. All texts are templates.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportedRequest {
    pub(crate) method: Option<String>,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
}

/// Headers that frame the message or that uptick sets itself.
const OWN_HEADERS: [&str; 7] =
    ["content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade", "keep-alive", "te"];

/// Host and path of a URL: what a probe is called by.
pub(crate) fn name_of(url: &str) -> String {
    let url = template::without_defaults(url);
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    template::unescaped(format!("{host}{path}").trim_end_matches('/')).replace("${", "{")
}

/// Sets the keys of the request.
pub(crate) fn set(draft: &mut ProbeDraft, secrets: &mut Secrets, request: ImportedRequest) {
    let owner = draft.name.clone();
    let ImportedRequest { method, url, headers, body } = request;
    let protocol = Protocol::of_url(&url);
    if protocol != Protocol::Http {
        set_url(draft, secrets, &owner, &url);
        let (subprotocols, headers): (Vec<_>, Vec<_>) =
            headers.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
        subprotocols.iter().for_each(|(_, names)| set_subprotocol(draft, names));
        if matches!(protocol, Protocol::WebSocket | Protocol::Grpc) {
            set_headers(draft, secrets, &owner, &headers, None);
        }
        match body.filter(|body| !body.is_empty()) {
            Some(body) if matches!(protocol, Protocol::WebSocket | Protocol::Tls | Protocol::Tcp) => {
                let body = without_secret_text(secrets, &owner, &body, "message");
                draft.set_text("send", &body);
            }
            Some(_) => draft.not_carried("the body", "nothing is sent there but the question"),
            None => {}
        }
        return;
    }
    if let Some(method) = method.filter(|method| method != "GET" || body.is_some()) {
        draft.set_text("method", &method);
    }
    set_url(draft, secrets, &owner, &url);
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type = content_type.map(|(_, value)| value.clone());
    let implied = body.and_then(|body| set_body(draft, secrets, &owner, &body, content_type.as_deref()));
    set_headers(draft, secrets, &owner, &headers, implied);
}

/// What a WebSocket is offered beside HTTP's headers.
fn set_subprotocol(draft: &mut ProbeDraft, names: &str) {
    if names.contains(',') {
        draft.not_carried(&format!("the subprotocols {names}"), "`expect.subprotocol` offers one");
    } else {
        draft.set_text("expect.subprotocol", names.trim());
    }
}

/// Sets a body whose type the prober sets too. Returns that type.
fn set_body(
    draft: &mut ProbeDraft,
    secrets: &mut Secrets,
    owner: &str,
    body: &str,
    content_type: Option<&str>,
) -> Option<&'static str> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let media_type = content_type.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let media_type = media_type.as_deref();
    if media_type.is_some_and(|kind| kind == JSON || kind.ends_with("+json"))
        && let Ok(json) = serde_json::from_str::<Value>(body)
        && !json.is_null()
        && is_toml(&json)
    {
        draft.set("json", toml_of(&without_secrets(secrets, owner, json, None).into()));
        return Some(JSON);
    }
    if media_type == Some(FORM)
        && let Some(fields) = form_fields(body)
    {
        let fields = fields.into_iter().map(|(name, value)| {
            let is_secret = is_secret(&name) || holds_credential(&value);
            let value = if is_secret { secrets.reference(owner, &name, &value) } else { value };
            format!("{} = {}", key(&name), quoted(&value))
        });
        let fields = table(fields.collect::<Vec<_>>().into_iter());
        draft.set("form", fields);
        return Some(FORM);
    }
    let body = without_secret_text(secrets, owner, body, "body");
    draft.set_text("body", &body);
    None
}

/// Replaces a text by a variable if it names a secret, because the secret may be anywhere in it.
fn without_secret_text(secrets: &mut Secrets, owner: &str, text: &str, field: &str) -> String {
    let names_secret = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(is_secret);
    if names_secret || holds_credential(text) { secrets.reference(owner, field, text) } else { text.to_owned() }
}

/// Whether TOML can represent a value: it has no null, and its numbers have 64 bits.
fn is_toml(json: &Value) -> bool {
    match json {
        Value::Null => false,
        Value::Number(number) => number.is_i64() || number.as_f64().is_some_and(|number| number.fract() != 0.0),
        Value::Array(elements) => elements.iter().all(is_toml),
        Value::Object(fields) => fields.values().all(is_toml),
        Value::Bool(_) | Value::String(_) => true,
    }
}

fn without_secrets(secrets: &mut Secrets, owner: &str, json: Value, field: Option<&str>) -> Value {
    match json {
        Value::String(text) => match field.filter(|field| is_secret(field) || holds_credential(&text)) {
            Some(field) => Value::String(secrets.reference(owner, field, &text)),
            None => Value::String(text),
        },
        Value::Array(elements) => {
            elements.into_iter().map(|element| without_secrets(secrets, owner, element, field)).collect()
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = without_secrets(secrets, owner, value, Some(&name));
                (name, value)
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}

/// The fields of a form. `None` if a name occurs more than once.
fn form_fields(body: &str) -> Option<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in body.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decoded(name), decoded(value));
        if name.is_empty() || fields.iter().any(|(known, _)| *known == name) {
            return None;
        }
        fields.push((name, value));
    }
    (!fields.is_empty()).then_some(fields)
}

/// A part of a form as a template: decoded characters are text.
fn decoded(part: &str) -> String {
    if template::has_variable(part) {
        return part.to_owned();
    }
    let text = template::unescaped(part).replace('+', " ");
    template::literal(&percent_decode_str(&text).decode_utf8_lossy())
}

fn set_headers(
    draft: &mut ProbeDraft,
    secrets: &mut Secrets,
    owner: &str,
    headers: &[(String, String)],
    implied: Option<&str>,
) {
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    let mut own = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let is_implied = name == "content-type" && implied.is_some_and(|implied| value.eq_ignore_ascii_case(implied));
        if OWN_HEADERS.contains(&name.as_str()) {
            own.push(name);
            continue;
        }
        if is_implied || name.starts_with(':') {
            continue;
        }
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            draft.not_carried(&format!("the header `{name}`"), "HTTP has no header of such a name");
            continue;
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            draft.not_carried(&format!("the header {name}"), "its value has a line break or a control character");
            continue;
        }
        if name == "authorization" && set_basic(draft, secrets, owner, value) {
            continue;
        }
        let is_secret = is_secret(&name) || holds_credential(value);
        let value = if is_secret { secrets.reference(owner, &name, value) } else { value.clone() };
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => named.push((name, vec![value])),
        }
    }
    if !own.is_empty() {
        draft.remark(&format!("left out, as every check sends its own: {}", own.join(", ")));
    }
    for (name, values) in named {
        draft.set_texts(&format!("headers.{}", key(&name)), &values);
    }
}

/// Converts a header of HTTP basic authentication to user and password. Returns `false` if it is
/// none.
fn set_basic(draft: &mut ProbeDraft, secrets: &mut Secrets, owner: &str, value: &str) -> bool {
    use base64::Engine as _;
    let Some(encoded) = value.strip_prefix("Basic ") else { return false };
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok();
    let Some(pair) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let Some((user, password)) = pair.split_once(':') else { return false };
    set_basic_auth(draft, secrets, owner, &template::literal(user), &template::literal(password));
    true
}

/// Sets user and password of HTTP basic authentication. Without a password, the user is treated as
/// a secret key.
pub(crate) fn set_basic_auth(draft: &mut ProbeDraft, secrets: &mut Secrets, owner: &str, user: &str, password: &str) {
    if password.is_empty() {
        let user = secrets.reference(owner, "key", user);
        return draft.set("auth.basic", format!("{{ user = {}, password = \"\" }}", quoted(&user)));
    }
    let password = secrets.reference(owner, "password", password);
    draft.set("auth.basic", format!("{{ user = {}, password = {} }}", quoted(user), quoted(&password)));
}

/// OAuth 2.0 client credentials of another tool; all texts are templates.
pub(crate) struct ImportedOAuth2 {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: Option<String>,
}

/// Sets OAuth 2.0 client credentials. The secret must already be a variable.
pub(crate) fn set_oauth2(draft: &mut ProbeDraft, oauth2: &ImportedOAuth2) {
    let ImportedOAuth2 { token_url, client_id, client_secret, scopes, audience } = oauth2;
    let mut fields = vec![
        format!("token-url = {}", quoted(token_url)),
        format!("client-id = {}", quoted(client_id)),
        format!("client-secret = {}", quoted(client_secret)),
    ];
    if !scopes.is_empty() {
        fields.push(format!("scopes = {}", list(scopes.iter().map(|scope| quoted(scope)))));
    }
    fields.extend(audience.iter().map(|audience| format!("audience = {}", quoted(audience))));
    draft.set("auth.oauth2", table(fields.into_iter()));
}

/// Whether a header is among `headers`, ignoring case.
pub(crate) fn has_header(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A proxy URL with its password replaced by a variable.
pub(crate) fn proxy_without_secrets(secrets: &mut Secrets, owner: &str, proxy: &str, user: Option<&str>) -> String {
    let Some((scheme, rest)) = proxy.split_once("://") else { return proxy.to_owned() };
    let rest = rest.trim_end_matches('/');
    let (userinfo, host) = rest.rsplit_once('@').map_or((user, rest), |(userinfo, host)| (Some(userinfo), host));
    match userinfo.and_then(|userinfo| userinfo.split_once(':')) {
        Some((user, password)) if !password.is_empty() => {
            let password = secrets.reference(owner, "proxy_password", password);
            format!("{scheme}://{user}:{password}@{host}")
        }
        _ => format!("{scheme}://{host}"),
    }
}

/// Sets the URL, with secrets replaced by variables.
fn set_url(draft: &mut ProbeDraft, secrets: &mut Secrets, owner: &str, url: &str) {
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    if fragment.is_some_and(|fragment| !fragment.is_empty()) {
        draft.remark("the fragment of the URL is not sent and was left out");
    }
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let base = without_userinfo(draft, secrets, owner, base);
    let mut text = without_path_keys(secrets, &base);
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value))
                if is_secret(&percent_decode_str(name).decode_utf8_lossy()) || holds_credential(value) =>
            {
                format!("{name}={}", secrets.reference(owner, name, value))
            }
            _ => pair.to_owned(),
        });
        text.push('?');
        text.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    draft.set_text("url", &text);
}

/// Moves the credentials of `https://user:password@host/` to basic authentication.
fn without_userinfo(draft: &mut ProbeDraft, secrets: &mut Secrets, owner: &str, base: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else { return base.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((userinfo, host)) = authority.rsplit_once('@') else { return base.to_owned() };
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    set_basic_auth(draft, secrets, owner, &decoded(user), &decoded(password));
    format!("{scheme}://{host}{path}")
}

/// Replaces path segments that are keys, as in the URLs of webhooks.
fn without_path_keys(secrets: &mut Secrets, base: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else { return base.to_owned() };
    let mut parts = rest.split('/');
    let host = parts.next().unwrap_or_default().to_owned();
    let short = host.split(':').next().unwrap_or_default().to_owned();
    let parts = parts.map(|part| {
        if is_key(part) && !template::has_variable(part) {
            secrets.reference(&short, "path_key", part)
        } else {
            part.to_owned()
        }
    });
    let path: String = parts.map(|part| format!("/{part}")).collect();
    format!("{scheme}://{host}{path}")
}
