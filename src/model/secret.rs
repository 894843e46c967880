//! Secrets: a type that cannot be printed, and text values that may hold one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Shown in place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// The shortest secret that can be redacted without shredding the rest of the text, in bytes.
pub(crate) const SHORTEST_SECRET: usize = 4;

/// A secret value. It has no `Display`, and `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret value.
    #[must_use]
    pub fn new(value: &str) -> Secret {
        Secret(Arc::from(value))
    }

    /// The value itself, for the wire and for nothing else.
    #[must_use]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Values captured by earlier steps of a journey, by name.
pub type Captures = BTreeMap<String, String>;

/// A capture that has no value: the step that captures it has not run, or no step captures it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no earlier step captured a value for {name}")]
pub struct MissingCapture {
    /// The name of the capture.
    pub name: String,
}

/// A piece of a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValuePart {
    /// Text as it is.
    Plain(String),
    /// A secret, and the name it is shown by.
    Secret {
        /// The variable or key it came from, as in `${name}`.
        name: String,
        /// What it is.
        value: Secret,
    },
    /// A value that an earlier step captures, as in `{{name}}`.
    Capture(String),
}

/// A text from the probe file, with its variables filled in. Its `Display` shows secrets as
/// `${NAME}` and captures as `{{name}}`; only [`Value::fill`] gives the real text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// The pieces, in order.
    pub parts: Vec<ValuePart>,
}

impl Value {
    /// A text without secrets or captures.
    #[must_use]
    pub fn plain(text: &str) -> Value {
        Value { parts: vec![ValuePart::Plain(text.to_owned())] }
    }

    /// A text that is a secret as a whole, shown as `${name}`.
    #[must_use]
    pub fn secret(name: &str, value: &str) -> Value {
        Value { parts: vec![ValuePart::Secret { name: name.to_owned(), value: Secret::new(value) }] }
    }

    /// The real text, for the wire.
    ///
    /// # Errors
    /// A capture that has no value.
    pub fn fill(&self, captures: &Captures) -> Result<String, MissingCapture> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                ValuePart::Plain(plain) => text.push_str(plain),
                ValuePart::Secret { value, .. } => text.push_str(value.reveal()),
                ValuePart::Capture(name) => {
                    text.push_str(captures.get(name).ok_or_else(|| MissingCapture { name: name.clone() })?);
                }
            }
        }
        Ok(text)
    }

    /// The secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.parts.iter().filter_map(|part| match part {
            ValuePart::Secret { value, .. } => Some(value),
            ValuePart::Plain(_) | ValuePart::Capture(_) => None,
        })
    }

    /// The names of the captures in it.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            ValuePart::Capture(name) => Some(name.as_str()),
            ValuePart::Plain(_) | ValuePart::Secret { .. } => None,
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                ValuePart::Plain(plain) => f.write_str(plain)?,
                ValuePart::Secret { name, .. } => write!(f, "${{{name}}}")?,
                ValuePart::Capture(name) => write!(f, "{{{{{name}}}}}")?,
            }
        }
        Ok(())
    }
}

/// Whether a header, form field or query parameter of this name holds a secret: its name contains key, token, secret,
/// password or sig, or it is a credential header.
#[must_use]
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        || ["key", "token", "secret", "password", "sig"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let value = Value::secret("TOKEN", "hunter22hunter22");
        assert_eq!(format!("{value}"), "${TOKEN}");
        assert!(!format!("{value:?}").contains("hunter22"));
        assert_eq!(value.fill(&Captures::new()), Ok("hunter22hunter22".to_owned()));
    }

    #[test]
    fn a_missing_capture_is_named() {
        let value = Value { parts: vec![ValuePart::Plain("Bearer ".into()), ValuePart::Capture("token".into())] };
        assert_eq!(value.to_string(), "Bearer {{token}}");
        assert_eq!(value.fill(&Captures::new()), Err(MissingCapture { name: "token".to_owned() }));
    }
}
