//! HAR, a recording of a browser or a proxy, as probes: one for each document and each API call.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::Value;

use crate::config::toml_text::quoted;
use crate::import::browser;
use crate::import::document::{elements, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedRequest, has_header};
use crate::import::secrets::{Secrets, is_secret};
use crate::import::template::literal;

/// A probe for each request that has a response, except for the files of a page.
pub(crate) fn probes(har: &Value, secrets: &mut Secrets) -> Vec<ProbeDraft> {
    let entries = elements(&har["log"]["entries"]);
    let mut drafts: Vec<ProbeDraft> = Vec::new();
    let mut seen = BTreeSet::new();
    // Targets of redirects: the probe of the first request follows them.
    let mut redirected = BTreeSet::new();
    let (mut files, mut others) = (0_u64, 0_u64);
    for entry in entries {
        let (request, response) = (&entry["request"], &entry["response"]);
        let url = request["url"].as_str().unwrap_or_default();
        let method = request["method"].as_str().unwrap_or("GET").to_ascii_uppercase();
        if is_socket(entry, url) {
            // A proxy records the request that became a WebSocket with the scheme of HTTP.
            let url = url.strip_prefix("http").map_or_else(|| url.to_owned(), |rest| format!("ws{rest}"));
            if seen.insert((method, url.clone(), String::new())) {
                drafts.push(socket(entry, &url, secrets));
            }
            continue;
        }
        if !url.starts_with("http://") && !url.starts_with("https://") || method == "OPTIONS" || method == "CONNECT" {
            others += 1;
            continue;
        }
        let target = response["redirectURL"].as_str().filter(|target| !target.is_empty());
        let target = target.and_then(|target| url::Url::parse(url).ok()?.join(target).ok());
        redirected.extend(target.map(|target| target.to_string()));
        let body = request["postData"]["text"].as_str().unwrap_or_default();
        let is_target = redirected.contains(url) && method == "GET";
        if is_target || !seen.insert((method.clone(), url.to_owned(), body.to_owned())) {
            continue;
        }
        if is_file_of_page(entry) {
            files += 1;
            continue;
        }
        drafts.push(draft(request, response, &method, url, secrets));
    }
    if let Some(first) = drafts.first_mut() {
        if files > 0 {
            first.not_carried(
                &format!("images, scripts, styles and fonts ({files})"),
                "`expect.assets = { limit = 20 }` of a page asks for what it links to",
            );
        }
        if others > 0 {
            first.not_carried(
                &format!("entries of other kinds ({others})"),
                "other schemes, preflight requests, tunnels",
            );
        }
    }
    drafts
}

fn is_socket(entry: &Value, url: &str) -> bool {
    let mut headers = elements(&entry["request"]["headers"]).iter();
    let is_upgrade = |header: &Value| {
        let has = |field: &str, word| header[field].as_str().is_some_and(|text| text.eq_ignore_ascii_case(word));
        has("name", "upgrade") && has("value", "websocket")
    };
    url.starts_with("wss://")
        || url.starts_with("ws://")
        || entry["_resourceType"] == "websocket"
        || is_said(&entry["_webSocketMessages"])
        || headers.any(is_upgrade)
}

/// A WebSocket with the first text that was sent over it.
fn socket(entry: &Value, url: &str, secrets: &mut Secrets) -> ProbeDraft {
    let url = literal(url);
    let mut draft = ProbeDraft::new(&request::name_of(&url));
    let headers = elements(&entry["request"]["headers"]).iter();
    let headers =
        headers.filter_map(|header| Some((header["name"].as_str()?.to_owned(), literal(&text(&header["value"])?))));
    // Its handshake has headers of its own.
    let is_offer = |name: &str| name.eq_ignore_ascii_case("sec-websocket-protocol");
    let is_own = |name: &str| browser::is_noise(name) || name.eq_ignore_ascii_case("host");
    let headers = headers.filter(|(name, _)| is_offer(name) || !is_own(name));
    let headers = headers.collect();
    let messages = elements(&entry["_webSocketMessages"]);
    let sent = messages.iter().find(|message| message["type"] == "send" && message["opcode"] == 1);
    let body = sent.and_then(|message| message["data"].as_str()).map(literal);
    request::set(&mut draft, secrets, ImportedRequest { method: None, url, headers, body });
    if messages.len() > usize::from(draft.get("send").is_some()) {
        draft.not_carried("its other messages", "see `expect.message-contains`, which is about the first message");
    }
    draft
}

/// Whether an entry is an image, a script, a style or a font, which the page's own probe can check.
fn is_file_of_page(entry: &Value) -> bool {
    const TYPES: [&str; 11] = [
        "image",
        "script",
        "stylesheet",
        "font",
        "media",
        "manifest",
        "ping",
        "beacon",
        "prefetch",
        "texttrack",
        "csp-violation-report",
    ];
    if let Some(kind) = entry["_resourceType"].as_str() {
        return TYPES.contains(&kind);
    }
    let kind = entry["response"]["content"]["mimeType"].as_str().unwrap_or_default().to_ascii_lowercase();
    let is_file = kind.starts_with("image/")
        || kind.starts_with("font/")
        || kind.starts_with("video/")
        || kind.starts_with("audio/");
    is_file || ["javascript", "text/css", "font-woff", "x-font", "wasm"].iter().any(|word| kind.contains(word))
}

fn draft(request: &Value, response: &Value, method: &str, url: &str, secrets: &mut Secrets) -> ProbeDraft {
    let url = literal(&with_query(url, elements(&request["queryString"])));
    let mut draft = ProbeDraft::new(&request::name_of(&url));
    let mut noise = Vec::new();
    let mut headers: Vec<(String, String)> = Vec::new();
    for header in elements(&request["headers"]) {
        let (Some(name), Some(value)) = (header["name"].as_str(), text(&header["value"])) else { continue };
        let is_own = name.starts_with(':') || name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("referer");
        if is_own || browser::is_noise(name) {
            noise.push(name.to_ascii_lowercase());
        } else {
            headers.push((name.to_owned(), literal(&value)));
        }
    }
    // An export without headers may still have the cookies.
    if !has_header(&headers, "cookie") {
        let cookies = elements(&request["cookies"]).iter();
        let cookies =
            cookies.filter_map(|cookie| Some(format!("{}={}", cookie["name"].as_str()?, cookie["value"].as_str()?)));
        let cookies: Vec<String> = cookies.collect();
        if !cookies.is_empty() {
            headers.push(("cookie".to_owned(), literal(&cookies.join("; "))));
        }
    }
    noise.retain(|name| !name.starts_with(':') && name != "host");
    let post = &request["postData"];
    let body = if is_of_parts(post) {
        // Each check makes its own boundary.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        set_parts(&mut draft, post, secrets);
        None
    } else {
        body(&mut draft, post)
    };
    let has_type = has_header(&headers, "content-type");
    if let Some(kind) = post["mimeType"].as_str().filter(|kind| body.is_some() && !has_type && !kind.is_empty()) {
        headers.push(("content-type".to_owned(), literal(kind)));
    }
    let streams = response["content"]["mimeType"].as_str().is_some_and(|kind| kind.starts_with("text/event-stream"));
    if streams {
        draft.left_out = Some("its answer is a stream of events, which does not end".to_owned());
    }
    let is_safe = matches!(method, "GET" | "HEAD");
    request::set(&mut draft, secrets, ImportedRequest { method: Some(method.to_owned()), url, headers, body });
    expectations(&mut draft, response, method);
    if !is_safe {
        draft.remark(&format!("each check sends {method} again: think of what it changes"));
    }
    if !noise.is_empty() {
        draft.remark(&format!("left out, as a browser adds them: {}", noise.join(", ")));
    }
    draft
}

/// A URL with its query, which some tools record only separately.
fn with_query(url: &str, query: &[Value]) -> String {
    let pairs = query.iter().filter_map(|pair| Some((pair["name"].as_str()?, pair["value"].as_str()?)));
    let pairs: Vec<_> = pairs.filter(|(name, value)| !name.is_empty() || !value.is_empty()).collect();
    match url::Url::parse(url) {
        Ok(mut whole) if whole.query().is_none() && !pairs.is_empty() => {
            whole.query_pairs_mut().extend_pairs(pairs);
            whole.into()
        }
        _ => url.to_owned(),
    }
}

/// Whether the body is a multipart form that is recorded as fields, not as text.
fn is_of_parts(post: &Value) -> bool {
    let is_multipart =
        post["mimeType"].as_str().is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
    is_multipart && post["text"].as_str().is_none_or(str::is_empty) && !elements(&post["params"]).is_empty()
}

/// Sets the fields of a multipart form. The recording does not contain the files.
fn set_parts(draft: &mut ProbeDraft, post: &Value, secrets: &mut Secrets) {
    let mut parts = Vec::new();
    for field in elements(&post["params"]) {
        let Some(name) = field["name"].as_str() else { continue };
        if field["fileName"].is_string() {
            draft.not_carried(&format!("the file of the field {name}"), "write `multipart.NAME = { path = FILE }`");
            continue;
        }
        let value = literal(field["value"].as_str().unwrap_or_default());
        let value = if is_secret(name) { secrets.reference(&draft.name, name, &value) } else { value };
        parts.push((name.to_owned(), quoted(&value)));
    }
    draft.set_parts(parts);
}

/// The request body: its text, or its fields as a form. `None` if there is none.
fn body(draft: &mut ProbeDraft, post: &Value) -> Option<String> {
    if let Some(text) = post["text"].as_str().filter(|text| !text.is_empty()) {
        if post["encoding"] != "base64" {
            return Some(literal(text));
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        if decoded.is_none() {
            draft.not_carried("the body", "it is binary: write it to a file, and `file = { path = FILE }`");
        }
        return decoded.map(|text| literal(&text));
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let fields = elements(&post["params"]);
    for field in fields {
        form.append_pair(field["name"].as_str()?, field["value"].as_str().unwrap_or_default());
    }
    (!fields.is_empty()).then(|| literal(&form.finish()))
}

/// Expects the recorded response.
fn expectations(draft: &mut ProbeDraft, response: &Value, method: &str) {
    let status = response["status"].as_u64().unwrap_or(0);
    let kind = response["content"]["mimeType"].as_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match status {
        0 => draft.remark("it had no answer when it was recorded"),
        // A cached response, including one to a conditional request: the probe sends no condition.
        200..=299 | 304 => {
            if kind.contains('/')
                && kind != "x-unknown"
                && kind != "application/x-unknown"
                && method != "HEAD"
                && status == 200
            {
                draft.set("expect.header", format!("{{ content-type = {} }}", quoted(&literal(&kind))));
            }
        }
        300..=399 => {}
        408 | 429 | 500.. => {
            draft.remark(&format!(
                "{status} was the answer when it was recorded: a failure of the server, which is not expected"
            ));
        }
        other => {
            draft.set("expect.status", other.to_string());
            draft.remark(&format!("{other} was the answer when it was recorded"));
        }
    }
}
