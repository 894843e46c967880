//! A file as it came in, and its text as JSON or YAML.

use serde_json::Value;

use crate::import::error::ImportError;

/// A file to import.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// What messages call it: its path, or `standard input`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl InputFile {
    /// Its text without the byte order mark that some programs begin a file with.
    pub(crate) fn content(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }
}

/// The document of a file of JSON.
pub(crate) fn json(file: &InputFile) -> Result<Value, ImportError> {
    serde_json::from_str(file.content()).map_err(|error| {
        let told = error.to_string();
        let message = told.rsplit_once(" at line ").map_or(told.as_str(), |(message, _)| message);
        let (line, column) = (error.line() as u64, error.column().max(1) as u64);
        ImportError::at(&file.name, line, column, &format!("this is not JSON: {message}"))
    })
}

/// The documents of a file of YAML, anchors and merge keys filled in. Its nodes and aliases are bounded by
/// the parser.
pub(crate) fn yaml(file: &InputFile) -> Result<Vec<Value>, ImportError> {
    // Bytes are no text: they stay encoded, and whoever reads them is told what they are.
    let text = file.content().replace("!!binary ", &format!("!!str {BINARY}"));
    serde_saphyr::from_multiple(&text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let told = error.without_snippet().to_string();
        let message = told.lines().next().unwrap_or_default();
        let message = message.split_once(" at line ").map_or(message, |(message, _)| message);
        ImportError::at(&file.name, line, column, &format!("this YAML cannot be read: {message}"))
    })
}

/// What a text begins with that stood in YAML as bytes, in base64.
pub(crate) const BINARY: &str = "binary:";

/// A text of a document; numbers and booleans are text where text is wanted.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// The elements of a list; one value alone is a list of one, and null is none.
pub(crate) fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(elements) => elements,
        one => std::slice::from_ref(one),
    }
}

/// The fields of a table.
pub(crate) fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Whether a field says something: null, false, and what is empty say nothing.
pub(crate) fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}
