//! A JSON document from a probe file, which a node of an answer is compared with.

use std::fmt;

use super::JsonDocument;

/// The text of a JSON document. Its numbers keep all digits that they were written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// A text that is known to be JSON.
    pub(crate) fn new(text: String) -> JsonText {
        JsonText(text)
    }

    /// A text that may be JSON.
    pub(crate) fn read(text: &str) -> Option<JsonText> {
        JsonDocument::read(text).is_ok().then(|| JsonText(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<serde_json::Value> for JsonText {
    fn from(value: serde_json::Value) -> JsonText {
        JsonText(value.to_string())
    }
}

impl From<&str> for JsonText {
    fn from(text: &str) -> JsonText {
        serde_json::Value::from(text).into()
    }
}

impl From<i64> for JsonText {
    fn from(number: i64) -> JsonText {
        serde_json::Value::from(number).into()
    }
}
