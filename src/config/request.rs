//! What a probe or a step sends: method, URL, headers, body, credentials.

use http::{HeaderName, HeaderValue, Method};

use super::interpolate::Use;
use super::layers::Layers;
use super::reader::Reader;
use super::shape::nearest;
use super::tree::{Entry, Item, Node, Table};
use super::{auth, authority, body, interpolate, layers, url};
use crate::model::{Body, Captures, Request, Value, is_secret_name};

/// The largest body limit.
const LARGEST_BODY: u64 = 1 << 30;
/// Headers that frame the message: they are the prober's to set.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "upgrade"];

/// Reads a request. `own` has the URL; the layers have everything else.
pub(super) fn request(reader: &mut Reader, own: &Table, layers: &Layers) -> Option<Request> {
    let target = own.get("url").and_then(|node| url::target(reader, "url", node, url::WEB, Use::Open));
    let method = match layers.get("method") {
        Some(node) => method(reader, node),
        None => Some(Method::GET),
    };
    let mut headers = headers(reader, &layers.inner("headers"));
    let body = body::body(reader, layers);
    let auth = auth::auth(reader, layers, target.as_ref().and_then(|target| target.auth.clone()), &mut headers);
    let redirects = match layers.get("redirects") {
        Some(node) => redirects(reader, node),
        None => Some(Request::REDIRECTS),
    };
    let body_limit = match layers.get("body-limit") {
        Some(node) => layers::bytes(reader, "body-limit", node, 1..=LARGEST_BODY),
        None => Some(Request::BODY_LIMIT),
    };
    let (url, method, body) = (target?.url, method?, body?);
    authority::check(reader, layers, &url, &headers);
    if method == Method::TRACE && !matches!(body, Body::Empty) {
        reader.problem(&own.place, "a TRACE request has no body");
    }
    Some(Request { method, url, headers, body, auth, redirects: redirects?, body_limit: body_limit? })
}

/// Reads what a request takes from the defaults, for its problems alone.
pub(super) fn defaults(reader: &mut Reader, layers: &Layers) {
    request(reader, &Table::empty(), layers);
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
pub(super) fn stand_in(value: &Value) -> String {
    let captures: Captures = value.captures().map(|name| (name.to_owned(), "capture".to_owned())).collect();
    value.fill(&captures).unwrap_or_default()
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
            _ => Some(Request::REDIRECTS),
        },
        _ => layers::integer(node),
    }
}
