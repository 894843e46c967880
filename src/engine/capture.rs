//! Values taken out of an answer for later steps. Each is treated as a secret from then on.

use serde_json::Value as Json;

use crate::model::{Capture, CaptureFrom, FailureClass};

use super::body::Body;
use super::cookies::Jar;
use super::fault::Fault;
use super::html;
use super::step_result::Page;

/// The longest value captured, in bytes.
const LIMIT: usize = 16 * 1024;

/// Whether a capture looks into the body.
pub(super) fn needs_body(captures: &[Capture]) -> bool {
    captures.iter().any(|capture| !matches!(capture.from, CaptureFrom::Header(_) | CaptureFrom::Cookie(_)))
}

/// Takes all values, by name.
///
/// # Errors
/// The first that is not there, or is too long.
pub(super) fn take(captures: &[Capture], page: &Page, body: &Body, jar: &Jar) -> Result<Vec<(String, String)>, Fault> {
    let text = if needs_body(captures) { String::from_utf8_lossy(&body.bytes) } else { "".into() };
    let mut taken = Vec::with_capacity(captures.len());
    for Capture { name, from } in captures {
        let value = find(from, page, &text, jar);
        let value = value.ok_or_else(|| failed(format!("{name}: {}", missing(from, body.cut))))?;
        if value.len() > LIMIT {
            return Err(failed(format!("{name}: the value has {} bytes, more than the {LIMIT} kept", value.len())));
        }
        taken.push((name.clone(), value));
    }
    Ok(taken)
}

fn failed(message: String) -> Fault {
    Fault::new(FailureClass::CaptureFailed, None, message)
}

fn find(from: &CaptureFrom, page: &Page, text: &str, jar: &Jar) -> Option<String> {
    match from {
        CaptureFrom::Json(path) => {
            let document: Json = serde_json::from_str(text).ok()?;
            match path.find(&document).first()? {
                Json::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }
        }
        CaptureFrom::Matches(pattern) => pattern.capture(text).map(str::to_owned),
        CaptureFrom::Header(name) => {
            page.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        }
        CaptureFrom::Cookie(name) => jar.value(name).map(str::to_owned),
        CaptureFrom::Select { selector, attribute } => html::first(text, selector, attribute.as_deref()),
    }
}

fn missing(from: &CaptureFrom, cut: bool) -> String {
    let what = match from {
        CaptureFrom::Json(path) => format!("{} finds nothing in the body", path.as_str()),
        CaptureFrom::Matches(pattern) => format!("{} is not found in the body", pattern.as_str()),
        CaptureFrom::Header(name) => return format!("there is no header {name}"),
        CaptureFrom::Cookie(name) => return format!("there is no cookie {name}"),
        CaptureFrom::Select { selector, attribute: None } => format!("{} finds no element", selector.as_str()),
        CaptureFrom::Select { selector, attribute: Some(attribute) } => {
            format!("{} finds no element with {attribute}", selector.as_str())
        }
    };
    if cut { format!("{what}, as far as it was read") } else { what }
}
