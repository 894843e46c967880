//! What a probe or a step sends: method, URL, headers, body, credentials.

use http::HeaderName;
use http::HeaderValue;
use http::Method;

use super::interpolate;
use super::interpolate::Use;
use super::layers;
use super::layers::Layers;
use super::reader::Reader;
use super::shape::nearest;
use super::tree::Entry;
use super::tree::Item;
use super::tree::Node;
use super::tree::Table;
use super::url;
use crate::model::Auth;
use crate::model::Body;
use crate::model::Captures;
use crate::model::Part;
use crate::model::Request;
use crate::model::Secret;
use crate::model::Value;
use crate::model::is_secret_name;

/// Redirects followed unless the file says otherwise.
pub(super) const REDIRECTS: u32 = 10;
/// Bytes of a body read unless the file says otherwise.
pub(super) const BODY_LIMIT: u64 = 1 << 20;
/// The largest body limit.
const LARGEST_BODY: u64 = 1 << 30;
/// The keys that say what the body is; one excludes the others.
pub(super) const BODY_KEYS: [&str; 3] = ["body", "json", "form"];
/// Headers that frame the message: they are the prober's to set.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "upgrade"];

/// Reads a request. `own` has the URL; the layers have everything else.
pub(super) fn request(reader: &mut Reader, own: &Table, layers: &Layers) -> Option<Request> {
    let target = own.get("url").and_then(|node| url::target(reader, "url", node, url::WEB, Use::Open));
    let method = match layers.get("method") {
        Some(node) => method(reader, node),
        None => Some(Method::GET),
    };
    let headers = headers(reader, &layers.inner("headers"));
    let body = body(reader, layers);
    let auth = auth(reader, layers, target.as_ref().and_then(|target| target.auth.clone()), &headers);
    let redirects = match layers.get("redirects") {
        Some(node) => redirects(reader, node),
        None => Some(REDIRECTS),
    };
    let body_limit = match layers.get("body-limit") {
        Some(node) => layers::bytes(reader, "body-limit", node, 1..=LARGEST_BODY),
        None => Some(BODY_LIMIT),
    };
    let (url, method, body) = (target?.url, method?, body?);
    if method == Method::TRACE && !matches!(body, Body::Empty) {
        reader.problem(&own.place, "a TRACE request has no body");
    }
    Some(Request { method, url, headers, body, auth, redirects: redirects?, body_limit: body_limit? })
}

fn method(reader: &mut Reader, node: &Node) -> Option<Method> {
    const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let text = interpolate::plain(reader, node)?;
    let upper = text.to_ascii_uppercase();
    if text != upper {
        let help =
            if COMMON.contains(&upper.as_str()) { Some(upper.as_str()) } else { nearest(&upper, COMMON.into_iter()) };
        let message = "`method` is not in capital letters";
        match help {
            Some(help) => reader.advise(&node.place, message, format!("did you mean \"{help}\"?")),
            None => reader.problem(&node.place, message),
        }
        return None;
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT) => reader.problem(&node.place, "`method` CONNECT opens a tunnel and asks nothing"),
        Ok(method) => return Some(method),
        Err(_) => reader.problem(&node.place, "`method` is not a method: it has letters, digits and hyphens"),
    }
    None
}

/// The headers, the defaults' first; names are the same whatever their case.
fn headers(reader: &mut Reader, layers: &Layers) -> Vec<(HeaderName, Value)> {
    let mut headers: Vec<(HeaderName, Value)> = Vec::new();
    for entry in layers.entries(str::eq_ignore_ascii_case) {
        let Some(name) = header_name(reader, entry) else { continue };
        if headers.iter().any(|(other, _)| *other == name) {
            reader.problem(&entry.key_place, format!("the header {name} is given twice"));
            continue;
        }
        for node in entry.node.one_or_more() {
            let usage = if is_secret_name(name.as_str()) { Use::Secret(name.as_str()) } else { Use::Open };
            let Some(value) = interpolate::fill(reader, node, usage) else { continue };
            if is_header_value(reader, node, &format!("the header {name}"), &value) {
                headers.push((name.clone(), value));
            }
        }
    }
    headers
}

pub(super) fn header_name(reader: &mut Reader, entry: &Entry) -> Option<HeaderName> {
    match HeaderName::from_bytes(entry.key.as_bytes()) {
        Ok(name) if FRAMING.contains(&name.as_str()) => {
            reader.problem(&entry.key_place, format!("the header {name} is set by the prober itself"));
            None
        }
        Ok(name) => Some(name),
        Err(_) => {
            let message = format!("`{}` is not the name of a header: it has letters, digits and hyphens", entry.key);
            reader.problem(&entry.key_place, message);
            None
        }
    }
}

/// Whether a value can be sent in a header; what captures will hold is not known yet.
pub(super) fn is_header_value(reader: &mut Reader, node: &Node, what: &str, value: &Value) -> bool {
    let text = stand_in(value);
    if HeaderValue::from_bytes(text.as_bytes()).is_ok() {
        return true;
    }
    let problem = if text.contains(['\r', '\n']) { "a line break" } else { "a control character" };
    reader.problem(&node.place, format!("{what} has {problem} in its value"));
    false
}

/// The text of a value with a word in the place of each capture.
fn stand_in(value: &Value) -> String {
    let captures: Captures = value.captures().map(|name| (name.to_owned(), "capture".to_owned())).collect();
    value.fill(&captures).unwrap_or_default()
}

fn body(reader: &mut Reader, layers: &Layers) -> Option<Body> {
    let Some(entry) = layers.one_of(reader, &BODY_KEYS) else { return Some(Body::Empty) };
    match entry.key.as_str() {
        "json" => json_text(reader, &entry.node).map(Body::Json),
        "form" => form(reader, &entry.node).map(Body::Form),
        _ => interpolate::fill(reader, &entry.node, Use::Open).map(Body::Text),
    }
}

fn form(reader: &mut Reader, node: &Node) -> Option<Vec<(String, Value)>> {
    let mut fields = Vec::new();
    for entry in &node.as_table()?.entries {
        let usage = if is_secret_name(&entry.key) { Use::Secret(&entry.key) } else { Use::Open };
        let value = match &entry.node.item {
            Item::Text(_) => interpolate::fill(reader, &entry.node, usage)?,
            _ => Value::plain(&scalar(&entry.node)?),
        };
        fields.push((entry.key.clone(), value));
    }
    Some(fields)
}

fn scalar(node: &Node) -> Option<String> {
    match &node.item {
        Item::Integer(number) => Some(number.to_string()),
        Item::Float(number) => Some(number.to_string()),
        Item::Boolean(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// A value of TOML as the text of a JSON document. Variables stand in its strings alone, and
/// are escaped there; captures are escaped when they are filled in.
fn json_text(reader: &mut Reader, node: &Node) -> Option<Value> {
    let mut parts = Vec::new();
    push_json(reader, node, None, &mut parts)?;
    Some(Value { parts: interpolate::join_plain(parts) })
}

fn push_json(reader: &mut Reader, node: &Node, key: Option<&str>, parts: &mut Vec<Part>) -> Option<()> {
    match &node.item {
        Item::Text(_) => {
            let usage = key.filter(|key| is_secret_name(key)).map_or(Use::Open, Use::Secret);
            let value = interpolate::fill(reader, node, usage)?;
            parts.push(Part::Plain("\"".to_owned()));
            parts.extend(value.parts.into_iter().map(escaped));
            parts.push(Part::Plain("\"".to_owned()));
        }
        Item::List(list) => {
            parts.push(Part::Plain("[".to_owned()));
            for (at, element) in list.iter().enumerate() {
                parts.extend((at > 0).then(|| Part::Plain(",".to_owned())));
                push_json(reader, element, key, parts)?;
            }
            parts.push(Part::Plain("]".to_owned()));
        }
        Item::Table(table) => {
            parts.push(Part::Plain("{".to_owned()));
            for (at, entry) in table.entries.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                parts.push(Part::Plain(format!("{comma}\"{}\":", escape(&entry.key))));
                push_json(reader, &entry.node, Some(&entry.key), parts)?;
            }
            parts.push(Part::Plain("}".to_owned()));
        }
        Item::Float(number) if !number.is_finite() => {
            reader.problem(&node.place, "JSON has no number that is not finite");
            return None;
        }
        Item::Date(date) => parts.push(Part::Plain(format!("\"{date}\""))),
        _ => parts.push(Part::Plain(scalar(node)?)),
    }
    Some(())
}

fn escaped(part: Part) -> Part {
    match part {
        Part::Plain(text) => Part::Plain(escape(&text)),
        Part::Secret { name, value } => Part::Secret { name, value: Secret::new(&escape(value.reveal())) },
        Part::Capture(name) => Part::Capture(name),
    }
}

/// A text as it stands between the quotes of JSON.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn auth(reader: &mut Reader, layers: &Layers, in_url: Option<Auth>, headers: &[(HeaderName, Value)]) -> Option<Auth> {
    let Some(node) = layers.get("auth") else { return in_url };
    if in_url.is_some() {
        reader.problem(&node.place, "credentials stand both in the URL and in `auth`");
    }
    if headers.iter().any(|(name, _)| *name == http::header::AUTHORIZATION) {
        reader.problem(&node.place, "credentials stand both in `auth` and in the header authorization");
    }
    let table = node.as_table()?;
    let inner = Layers::new([table]);
    let Some(entry) = inner.one_of(reader, &["basic", "bearer"]) else {
        reader.problem(&node.place, "`auth` says nothing: give it `basic` or `bearer`");
        return None;
    };
    match entry.key.as_str() {
        "bearer" => {
            let token = interpolate::fill(reader, &entry.node, Use::Secret("bearer"))?;
            if token.parts.is_empty() {
                reader.problem(&entry.node.place, "`auth.bearer` is empty");
            }
            is_header_value(reader, &entry.node, "`auth.bearer`", &token).then_some(Auth::Bearer(token))
        }
        _ => basic(reader, &entry.node),
    }
}

fn basic(reader: &mut Reader, node: &Node) -> Option<Auth> {
    let table = node.as_table()?;
    let user = required(reader, table, "user", "auth.basic");
    let password = required(reader, table, "password", "auth.basic");
    let user_value = interpolate::fill(reader, user?, Use::User);
    let password = interpolate::fill(reader, password?, Use::Secret("password"));
    let user_value = user_value?;
    if stand_in(&user_value).contains(':') {
        reader.problem(&user?.place, "`user` has a colon in it, which ends the user's name in HTTP");
    }
    Some(url::basic(reader, user_value, password?))
}

/// The node of a key that must be there.
pub(super) fn required<'t>(reader: &mut Reader, table: &'t Table, key: &str, of: &str) -> Option<&'t Node> {
    let node = table.get(key);
    if node.is_none() {
        reader.problem(&table.place, format!("{of} has no `{key}`"));
    }
    node
}

fn redirects(reader: &mut Reader, node: &Node) -> Option<u32> {
    match node.item {
        Item::Text(_) => match layers::word(reader, "redirects", node, &["follow", "none"])? {
            "none" => Some(0),
            _ => Some(REDIRECTS),
        },
        _ => layers::integer(node),
    }
}
