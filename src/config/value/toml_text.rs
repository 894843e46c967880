//! Values as TOML: what `validate --explain` prints.

use std::fmt::Write as _;
use std::path::Path;

use crate::model::text::is_hidden;
use crate::model::{FileBody, JsonDocument, JsonKind, JsonNode, JsonText, Redactor, Value, ValuePart};

/// Lines of `key = value`.
pub(crate) struct TomlLines(pub(crate) String);

impl TomlLines {
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key} = {value}");
    }
}

/// Writes texts: redacted, and escaped, including what would be a variable.
pub(crate) struct TomlWriter<'c> {
    pub(crate) redactor: &'c Redactor,
    pub(crate) folder: Option<&'c Path>,
}

impl TomlWriter<'_> {
    pub(crate) fn plain(&self, text: &str) -> String {
        self.redactor.redact(text).replace("${", "$${")
    }

    pub(crate) fn text(&self, text: &str) -> String {
        quoted(&self.plain(text))
    }

    /// A value with its secrets as references, without quotes.
    pub(crate) fn reference(&self, value: &Value) -> String {
        let written = value.parts.iter().map(|part| match part {
            ValuePart::Plain(text) => self.plain(text),
            ValuePart::Secret { name, .. } if name.starts_with("file:") => format!("${{{name}}}"),
            ValuePart::Secret { name, .. } => format!("${{secret:{name}}}"),
            ValuePart::Capture(name) => format!("{{{{{name}}}}}"),
        });
        written.collect()
    }

    pub(crate) fn value(&self, value: &Value) -> String {
        quoted(&self.reference(value))
    }

    pub(crate) fn file(&self, file: &FileBody) -> String {
        let mut fields = vec![format!("path = {}", self.path(&file.path))];
        fields.extend(file.content_type.as_ref().map(|kind| format!("content-type = {}", self.text(kind))));
        table(fields.into_iter())
    }

    /// A path relative to the folder of the file.
    pub(crate) fn path(&self, path: &Path) -> String {
        let relative = self.folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
        self.text(&relative.to_string_lossy())
    }
}

/// A TOML basic string, without any character that a terminal would act on.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_hidden(character) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A key, in quotes if it needs them.
pub(crate) fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

pub(crate) fn one_or_list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if let [one] = items.as_slice() { one.clone() } else { list(items.into_iter()) }
}

pub(crate) fn table(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

/// A JSON value as TOML, its texts already escaped for a probe file. TOML has no null, and a probe file never yields
/// one.
pub(crate) fn toml_of(json: &JsonText) -> String {
    JsonDocument::read(json.as_str()).map(|document| toml_of_node(document.root())).unwrap_or_default()
}

fn toml_of_node(node: JsonNode<'_>) -> String {
    match node.kind() {
        JsonKind::Null => "\"\"".to_owned(),
        JsonKind::Boolean | JsonKind::Number => node.source().to_owned(),
        JsonKind::String => quoted(&node.text().unwrap_or_default()),
        JsonKind::Array => list(node.children().map(toml_of_node)),
        JsonKind::Object => {
            table(node.members().map(|(name, value)| format!("{} = {}", key(&name), toml_of_node(value))))
        }
    }
}
