//! An input file, and its content parsed as JSON or YAML.

use serde_json::Value;
use serde_json::error::Category;
use serde_saphyr::Error as YamlError;

use crate::import::error::ImportError;

/// A file to import.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Its name in messages: its path, or `standard input`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl InputFile {
    /// Its text without a byte order mark.
    pub(crate) fn content(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }
}

/// Parses a JSON file.
pub(crate) fn json(file: &InputFile) -> Result<Value, ImportError> {
    serde_json::from_str(file.content()).map_err(|error| {
        let told = error.to_string();
        let message = match error.classify() {
            Category::Eof => "it ends before it is complete",
            _ => told.rsplit_once(" at line ").map_or(told.as_str(), |(message, _)| message),
        };
        let (line, column) = (error.line() as u64, error.column().max(1) as u64);
        ImportError::at(&file.name, line, column, &format!("this is not JSON: {message}"))
    })
}

/// Parses the documents of a YAML file, with anchors and merge keys resolved. The parser limits the
/// number of nodes and aliases.
pub(crate) fn yaml(file: &InputFile) -> Result<Vec<Value>, ImportError> {
    // Binary values stay encoded and get a prefix, so that importers recognize them.
    let text = file.content().replace("!!binary ", &format!("!!str {BINARY}"));
    serde_saphyr::from_multiple(&text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let why = if is_template(file.content(), line) {
            "it is a template with `{{ … }}`: give what it is rendered to, as `helm template` prints it".to_owned()
        } else {
            let text = usize::try_from(line).ok().and_then(|line| file.content().lines().nth(line.saturating_sub(1)));
            why_not(error.without_snippet(), text.unwrap_or_default())
        };
        ImportError::at(&file.name, line, column, &format!("this YAML cannot be read: {why}"))
    })
}

/// Whether a line, or the one before it, has an expression of a template.
fn is_template(text: &str, line: u64) -> bool {
    let before = usize::try_from(line.saturating_sub(2)).unwrap_or_default();
    text.lines().skip(before).take(2).any(|line| line.contains("{{") || line.contains("{%"))
}

/// What is wrong with a YAML text, for its author, where the error is in this line. The parser's own words about its
/// limits and options help only its callers.
fn why_not(error: &YamlError, line: &str) -> String {
    match error {
        YamlError::AliasError { error, .. } => why_not(error, line),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` occurs twice"),
        YamlError::DuplicateMappingKey { .. } => "a key occurs twice".to_owned(),
        YamlError::RecursiveReferencesRequireWeakTypes { .. } => "an alias refers to what it is part of".to_owned(),
        YamlError::Budget { .. }
        | YamlError::AliasReplayCounterOverflow { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => {
            "it is nested too deep, or holds or repeats too much".to_owned()
        }
        other => instead_of(line).unwrap_or_else(|| {
            let text = other.to_string();
            let message = text.lines().next().unwrap_or_default();
            message.split_once(" at line ").map_or(message, |(message, _)| message).to_owned()
        }),
    }
}

/// What to write instead of a line that is not YAML, if its mistake is a usual one.
fn instead_of(line: &str) -> Option<String> {
    let content = line.trim_start();
    if line[..line.len() - content.len()].contains('\t') {
        return Some("it is indented with a tab: write spaces".to_owned());
    }
    let item = content.trim_start_matches("- ");
    let value =
        item.split_once(": ").filter(|(key, _)| is_plain_key(key)).map_or(item, |(_, value)| value.trim_start());
    let first = value.chars().next()?;
    let goes_on = |close| value.split_once(close).is_some_and(|(_, rest): (&str, &str)| !rest.trim().is_empty());
    let is_indicator = match first {
        '@' | '`' | '%' => true,
        '[' => goes_on(']'),
        '{' => goes_on('}'),
        _ => false,
    };
    if is_indicator {
        return Some(format!("a text that begins with `{first}` needs quotes"));
    }
    let is_quoted = matches!(first, '"' | '\'');
    (!is_quoted && value.contains(": ")).then(|| "a text with `: ` in it needs quotes".to_owned())
}

fn is_plain_key(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte))
}

/// The prefix of a text that was binary in YAML, in base64.
pub(crate) const BINARY: &str = "binary:";

/// A scalar as text; numbers and booleans are converted. `None` for lists, tables and null.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// The elements of a list. A single value is a list of one, and null is an empty list.
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

/// Whether a field has a meaningful value: not null, not false and not empty.
pub(crate) fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}
