//! Values captured from an answer for later steps. Each is treated as a secret from then on.

use crate::engine::check::step_result::Page;
use crate::engine::expectation::{html, text};
use crate::engine::fault::Fault;
use crate::engine::host::offload;
use crate::engine::http::body::Body;
use crate::engine::http::cookies::Jar;
use crate::model::{Capture, CaptureFrom, FailureClass, JsonDocument, MessageText, message};

/// The longest value captured, in bytes.
const LIMIT: usize = 16 * 1024;

/// Whether any capture reads the body.
pub(crate) fn needs_body(captures: &[Capture]) -> bool {
    captures.iter().any(|capture| !matches!(capture.from, CaptureFrom::Header(_) | CaptureFrom::Cookie(_)))
}

/// Takes all values, by name.
///
/// # Errors
/// The first value that is missing, too long, or too costly to find.
pub(crate) async fn take(
    captures: &[Capture],
    page: &Page,
    body: &Body,
    jar: &Jar,
) -> Result<Vec<(String, String)>, Fault> {
    if body.bytes.len() <= offload::SMALL || !needs_body(captures) {
        return take_here(captures, page, body, jar);
    }
    let (captures, page, body, jar) = (captures.to_vec(), page.clone(), body.clone(), jar.clone());
    offload::run(move || take_here(&captures, &page, &body, &jar)).await
}

fn take_here(captures: &[Capture], page: &Page, body: &Body, jar: &Jar) -> Result<Vec<(String, String)>, Fault> {
    let mut taken = Vec::with_capacity(captures.len());
    for Capture { name, from } in captures {
        let value = find(from, page, body, jar).map_err(|reason| failed(message!("{name}: ").then(reason)))?;
        let value = value.ok_or_else(|| failed(message!("{name}: ").then(missing(from, body.cut))))?;
        if value.len() > LIMIT {
            return Err(failed(message!("{name}: the value has {} bytes, more than the {LIMIT} kept", value.len())));
        }
        taken.push((name.clone(), value));
    }
    Ok(taken)
}

fn failed(message: MessageText) -> Fault {
    Fault::new(FailureClass::CaptureFailed, None, message)
}

/// The value, if there is one. A JSON string is taken without its quotes, any other JSON value as
/// written.
fn find(from: &CaptureFrom, page: &Page, body: &Body, jar: &Jar) -> Result<Option<String>, MessageText> {
    match from {
        CaptureFrom::Json(path) => {
            let text = text::json(&body.bytes, &page.headers);
            let document = JsonDocument::read(&text).map_err(|error| message!("the body is not JSON: {error}"))?;
            let found = path.find(document.root()).map_err(|error| MessageText::from(error.to_string()))?;
            Ok(found.first().map(|node| node.text().unwrap_or_else(|| node.source().into()).into_owned()))
        }
        CaptureFrom::Matches(pattern) => Ok(pattern.capture(&text::of(&body.bytes, &page.headers)).map(str::to_owned)),
        CaptureFrom::Header(name) => Ok(page.headers.get(name).map(|value| text::of_header(value).into_owned())),
        CaptureFrom::Cookie(name) => Ok(jar.value(name, &page.url)),
        CaptureFrom::Select { selector, attribute } => {
            let text = text::of(&body.bytes, &page.headers);
            html::first(&text, selector, attribute.as_deref()).map_err(|error| error.to_string().into())
        }
    }
}

fn missing(from: &CaptureFrom, cut: bool) -> MessageText {
    let what = match from {
        CaptureFrom::Json(path) => message!("{} finds nothing in the body", path.as_str()),
        CaptureFrom::Matches(pattern) => message!("{} is not found in the body", pattern.as_str()),
        CaptureFrom::Header(name) => return message!("there is no header {name}"),
        CaptureFrom::Cookie(name) => return message!("there is no cookie {name}"),
        CaptureFrom::Select { selector, attribute: None } => message!("{} finds no element", selector.as_str()),
        CaptureFrom::Select { selector, attribute: Some(attribute) } => {
            message!("{} finds no element with {attribute}", selector.as_str())
        }
    };
    if cut { what.then(", as far as it was read") } else { what }
}
