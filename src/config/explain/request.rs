//! What is sent, and what is taken out of the answer, as TOML.

use super::super::measure::show_bytes;
use super::write::{Lines, Writer, key, list, one_or_list, quoted, table, toml_of};
use crate::model::{Auth, Body, Capture, CaptureFrom, FormPart, OAuth2, Request};

/// The request.
pub(super) fn request(lines: &mut Lines, writer: &Writer, request: &Request) {
    lines.set("method", &quoted(request.method.as_str()));
    lines.set("url", &writer.value(&request.url));
    headers(lines, writer, request);
    match &request.body {
        Body::Empty => {}
        Body::Text(text) => lines.set("body", &writer.value(text)),
        Body::Json(json) => match serde_json::from_str(&writer.reference(json)) {
            Ok(json) => lines.set("json", &toml_of(&json)),
            Err(_) => lines.set("body", &writer.value(json)),
        },
        Body::Form(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} = {}", key(name), writer.value(value)));
            lines.set("form", &table(fields));
        }
        Body::File(file) => lines.set("file", &writer.file(file)),
        Body::Multipart(parts) => {
            let parts = parts.iter().map(|(name, part)| match part {
                FormPart::Text(text) => format!("{} = {}", key(name), writer.value(text)),
                FormPart::File(file) => format!("{} = {}", key(name), writer.file(file)),
            });
            lines.set("multipart", &table(parts));
        }
    }
    match &request.auth {
        None => {}
        Some(Auth::Bearer(token)) => lines.set("auth.bearer", &writer.value(token)),
        Some(Auth::Basic { user, password }) => {
            let fields = [format!("user = {}", writer.value(user)), format!("password = {}", writer.value(password))];
            lines.set("auth.basic", &table(fields.into_iter()));
        }
        Some(Auth::OAuth2(client)) => lines.set("auth.oauth2", &oauth2(writer, client)),
    }
    match request.redirects {
        0 => lines.set("redirects", "\"none\""),
        redirects => lines.set("redirects", &redirects.to_string()),
    }
    lines.set("body-limit", &quoted(&show_bytes(request.body_limit)));
}

fn oauth2(writer: &Writer, client: &OAuth2) -> String {
    let mut fields = vec![
        format!("token-url = {}", writer.value(&client.token_url)),
        format!("client-id = {}", writer.value(&client.client_id)),
        format!("client-secret = {}", writer.value(&client.client_secret)),
        format!("scopes = {}", list(client.scopes.iter().map(|scope| writer.text(scope)))),
    ];
    fields.extend(client.audience.as_ref().map(|audience| format!("audience = {}", writer.text(audience))));
    table(fields.into_iter())
}

/// The headers; one that is sent several times is a list.
fn headers(lines: &mut Lines, writer: &Writer, request: &Request) {
    let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    let fields = names.into_iter().map(|name| {
        let values = request.headers.iter().filter(|(other, _)| other == name);
        format!("{} = {}", key(name), one_or_list(values.map(|(_, value)| writer.value(value))))
    });
    lines.set("headers", &table(fields));
}

/// Where a captured value stands.
pub(super) fn capture(lines: &mut Lines, writer: &Writer, capture: &Capture) {
    let mut fields = Vec::new();
    match &capture.from {
        CaptureFrom::Json(path) => fields.push(format!("json = {}", writer.text(path.as_str()))),
        CaptureFrom::Matches(pattern) => fields.push(format!("matches = {}", writer.text(pattern.as_str()))),
        CaptureFrom::Header(name) => fields.push(format!("header = {}", quoted(name.as_str()))),
        CaptureFrom::Cookie(name) => fields.push(format!("cookie = {}", writer.text(name))),
        CaptureFrom::Select { selector, attribute } => {
            fields.push(format!("select = {}", writer.text(selector.as_str())));
            fields.extend(attribute.as_ref().map(|attribute| format!("attribute = {}", writer.text(attribute))));
        }
    }
    lines.set(&format!("capture.{}", key(&capture.name)), &table(fields.into_iter()));
}
