//! What a probe or a step sends: method, URL, headers, body, credentials.

use http::{HeaderName, Method};

use crate::config::probe::{auth, authority, body, expect, protocol_keys};
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table};
use crate::config::table_schema::{Key, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlLines, TomlWriter, key as bare_key, one_or_list, quoted, table, toml_of};
use crate::config::value::url::Target;
use crate::config::value::{header, interpolate, layers, url, url_schemes};
use crate::model::quantity::show_bytes;
use crate::model::{
    Auth, Body, FormPart, JsonText, Protocol, Request, Starttls, Value, is_secret_name, message, suggest,
};

/// Keys of one request: of a probe, of its steps, and of the defaults.
pub(crate) const REQUEST_KEYS: &[Key] = &[
    key("method", ValueType::Text, "\"GET\"", "The method."),
    key(
        "headers",
        ValueType::Map(&ValueType::Some(&ValueType::Text)),
        "{}",
        "Headers sent, by name; `[]` leaves out one that every check sends, such as `accept` or `user-agent`.",
    ),
    key("body", ValueType::Text, "", "The body as text."),
    key("json", ValueType::Json, "", "The body as JSON."),
    key("form", ValueType::Map(&ValueType::Scalar), "", "The body as form fields."),
    key(
        "file",
        ValueType::Either(&[ValueType::Text, ValueType::Table(&body::FILE)]),
        "",
        "The body as the bytes of a file, relative to the probe file.",
    ),
    key(
        "multipart",
        ValueType::Map(&ValueType::Either(&[ValueType::Scalar, ValueType::Table(&body::FILE)])),
        "",
        "The body as form fields and files (`multipart/form-data`), by name.",
    ),
    key(
        "send",
        ValueType::Text,
        "",
        "The text sent once connected over tcp:// or tls://, or as a message over ws:// or wss://; up to 64KiB.",
    ),
    key(
        "starttls",
        ValueType::Words(&["smtp", "imap", "postgres"]),
        "",
        "With tls://, the protocol in which to ask the server to start TLS, if it does not start with TLS itself.",
    ),
    key("auth", ValueType::Table(&auth::AUTH), "", "Credentials: one of its keys."),
    key(
        "redirects",
        ValueType::Either(&[ValueType::Words(&["follow", "none"]), ValueType::Integer(0, 50)]),
        "10",
        "Maximum number of redirects followed.",
    ),
    key(
        "redirects-allow-downgrade",
        ValueType::Boolean,
        "false",
        "Follow a redirect from https to http; whatever comes after it can be read and changed in transit.",
    ),
    key("body-limit", ValueType::Bytes, "\"1MiB\"", "Maximum number of body bytes read, after decoding; up to 1GiB."),
    key(
        "expect",
        ValueType::Table(&expect::EXPECT),
        "",
        "What must hold for the answer; in a journey, for that of its last step.",
    ),
    key(
        "warn",
        ValueType::Table(&expect::WARN),
        "",
        "The same keys: a rule that does not hold is a warning, and the check is still up.",
    ),
];

/// Maximum size of a text that is sent without HTTP, in bytes.
const LARGEST_SEND: usize = 64 << 10;
/// The largest body limit.
const LARGEST_BODY: u64 = 1 << 30;

/// Reads a request. `own` has the URL; everything else comes from the layers.
pub(crate) fn request(reader: &mut ConfigReader, own: &Table, layers: &Layers) -> Option<Request> {
    let target = own.get("url").and_then(|node| url::target(reader, "url", node, url_schemes::TARGETS, TextUse::Open));
    let method = match layers.get("method") {
        Some(node) => method(reader, node),
        None => Some(Method::GET),
    };
    let (mut headers, omitted_headers) = headers(reader, &layers.inner("headers"));
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
    let send = match layers.get("send") {
        Some(node) => Some(send(reader, node)?),
        None => None,
    };
    let starttls = layers.get("starttls").and_then(|node| starttls(reader, node));
    let Target { url, auth: in_url } = target?;
    let shown = url.to_string();
    let protocol = Protocol::of_url(&shown);
    protocol_keys::check(reader, own, &shown);
    if let (Protocol::Dns, Some(node)) = (protocol, layers.get("address"))
        && matches!(&node.item, Item::Text(text) if text.starts_with("unix:"))
    {
        reader.problem(&node.span, "a name server is not asked over a Unix socket");
    }
    if in_url.is_some() && !protocol_keys::belongs("auth", protocol) {
        reader.problem(&own.span, "`url` has credentials, and nothing that is sent there carries them");
    }
    if let (Some(Auth::Digest { .. } | Auth::AwsSigV4(_)), Some(node)) = (&auth, layers.get("auth"))
        && protocol != Protocol::Http
    {
        let message = "`auth.digest` and `auth.aws-sigv4` are for http:// and https:// URLs";
        reader.advise(&node.span, message, "use `auth.basic` or `auth.bearer`");
    }
    let (method, body) = (method?, body?);
    authority::check(reader, layers, &url, &headers);
    if method == Method::TRACE && !matches!(body, Body::Empty) {
        reader.problem(&own.span, "a TRACE request has no body");
    }
    Some(Request {
        protocol,
        method,
        url,
        headers,
        omitted_headers,
        body,
        send,
        starttls,
        auth,
        redirects: redirects?,
        redirects_allow_downgrade: layers.get("redirects-allow-downgrade").and_then(layers::boolean).unwrap_or(false),
        body_limit: body_limit?,
    })
}

/// Reads what a request takes from the defaults, only to report its problems.
pub(crate) fn defaults(reader: &mut ConfigReader, layers: &Layers) {
    request(reader, &Table::empty(), layers);
}

fn send(reader: &mut ConfigReader, node: &Node) -> Option<Value> {
    let text = interpolate::fill(reader, node, TextUse::Open)?;
    if text.to_string().len() > LARGEST_SEND {
        reader.problem(&node.span, "`send` is larger than 64KiB");
        return None;
    }
    Some(text)
}

fn starttls(reader: &mut ConfigReader, node: &Node) -> Option<Starttls> {
    let word = layers::word(reader, "starttls", node, &Starttls::ALL.map(Starttls::name))?;
    Starttls::ALL.into_iter().find(|starttls| starttls.name() == word)
}

fn method(reader: &mut ConfigReader, node: &Node) -> Option<Method> {
    const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let text = interpolate::plain(reader, node)?;
    let upper = text.to_ascii_uppercase();
    if text != upper {
        let help = if COMMON.contains(&upper.as_str()) {
            Some(upper.as_str())
        } else {
            suggest::nearest(&upper, COMMON.into_iter())
        };
        let message = "`method` must be in capital letters";
        match help {
            Some(help) => reader.advise(&node.span, message, message!("did you mean \"{help}\"?")),
            None => reader.advise(&node.span, message, "write it as \"GET\" or \"POST\""),
        }
        return None;
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT) => reader.problem(&node.span, "`method` CONNECT opens a tunnel and sends no request"),
        Ok(method) => return Some(method),
        Err(_) => reader.problem(&node.span, "`method` is not a method: it has letters, digits and hyphens"),
    }
    None
}

/// The headers, the defaults' first, and those that are left out; names are compared in any case.
fn headers(reader: &mut ConfigReader, layers: &Layers) -> (Vec<(HeaderName, Value)>, Vec<HeaderName>) {
    let (mut headers, mut omitted): (Vec<(HeaderName, Value)>, _) = (Vec::new(), Vec::new());
    for entry in layers.entries(str::eq_ignore_ascii_case) {
        let Some(name) = header::name(reader, entry) else { continue };
        if headers.iter().any(|(other, _)| *other == name) {
            reader.problem(&entry.key_span, message!("the header {name} is given twice"));
            continue;
        }
        if entry.node.one_or_more().is_empty() {
            if name == http::header::HOST {
                reader.problem(&entry.key_span, "the header host cannot be left out: every request has it");
            }
            omitted.push(name.clone());
        }
        for node in entry.node.one_or_more() {
            let usage = if is_secret_name(name.as_str()) { TextUse::Secret(name.as_str()) } else { TextUse::Open };
            let Some(value) = interpolate::fill(reader, node, usage) else { continue };
            if header::is_value(reader, node, &format!("the header {name}"), &value) {
                headers.push((name.clone(), value));
            }
        }
    }
    (headers, omitted)
}

fn redirects(reader: &mut ConfigReader, node: &Node) -> Option<u32> {
    match node.item {
        Item::Text(_) => match layers::word(reader, "redirects", node, &["follow", "none"])? {
            "none" => Some(0),
            _ => Some(Request::REDIRECTS),
        },
        _ => layers::integer(node),
    }
}

/// What is sent, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, request: &Request) {
    lines.set("method", &quoted(request.method.as_str()));
    lines.set("url", &writer.value(&request.url));
    explain_headers(lines, writer, request);
    match &request.body {
        Body::Empty => {}
        Body::Text(text) => lines.set("body", &writer.value(text)),
        Body::Json(json) => match JsonText::read(&writer.reference(json)) {
            Some(json) => lines.set("json", &toml_of(&json)),
            None => lines.set("body", &writer.value(json)),
        },
        Body::Form(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} = {}", bare_key(name), writer.value(value)));
            lines.set("form", &table(fields));
        }
        Body::File(file) => lines.set("file", &writer.file(file)),
        Body::Multipart(parts) => {
            let parts = parts.iter().map(|(name, part)| match part {
                FormPart::Text(text) => format!("{} = {}", bare_key(name), writer.value(text)),
                FormPart::File(file) => format!("{} = {}", bare_key(name), writer.file(file)),
            });
            lines.set("multipart", &table(parts));
        }
    }
    if let Some(send) = &request.send {
        lines.set("send", &writer.value(send));
    }
    if let Some(starttls) = request.starttls {
        lines.set("starttls", &quoted(starttls.name()));
    }
    match &request.auth {
        None => {}
        Some(Auth::Bearer(token)) => lines.set("auth.bearer", &writer.value(token)),
        Some(Auth::AwsSigV4(aws)) => lines.set("auth.aws-sigv4", &auth::explain_aws(writer, aws)),
        Some(Auth::Digest { user, password }) => {
            let fields = [format!("user = {}", writer.value(user)), format!("password = {}", writer.value(password))];
            lines.set("auth.digest", &table(fields.into_iter()));
        }
        Some(Auth::Basic { user, password }) => {
            let fields = [format!("user = {}", writer.value(user)), format!("password = {}", writer.value(password))];
            lines.set("auth.basic", &table(fields.into_iter()));
        }
        Some(Auth::OAuth2(client)) => lines.set("auth.oauth2", &auth::explain_oauth2(writer, client)),
    }
    match request.redirects {
        0 => lines.set("redirects", "\"none\""),
        redirects => lines.set("redirects", &redirects.to_string()),
    }
    lines.set("redirects-allow-downgrade", &request.redirects_allow_downgrade.to_string());
    lines.set("body-limit", &quoted(&show_bytes(request.body_limit)));
}

/// The headers; one that is sent several times is a list.
fn explain_headers(lines: &mut TomlLines, writer: &TomlWriter, request: &Request) {
    let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    let fields = names.into_iter().map(|name| {
        let values = request.headers.iter().filter(|(other, _)| other == name);
        format!("{} = {}", bare_key(name), one_or_list(values.map(|(_, value)| writer.value(value))))
    });
    let omitted = request.omitted_headers.iter().map(|name| format!("{} = []", bare_key(name.as_str())));
    lines.set("headers", &table(fields.chain(omitted)));
}
