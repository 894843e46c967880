//! Values of a probe as words for a POSIX shell.

use std::fmt::Write as _;

use crate::model::{Redactor, Value, ValuePart};

/// The longest command line shown, in characters.
pub(super) const COMMAND: usize = 4096;

/// Writes values as words: secrets and captures as variables, and plain text redacted before it is quoted. What is
/// around the values is ours and never redacted: a gap in a known word shows the secret that it hides.
#[derive(Clone, Copy)]
pub(crate) struct ShellWriter<'r> {
    pub(crate) redactor: &'r Redactor,
}

impl ShellWriter<'_> {
    /// A text without secrets of its own.
    pub(crate) fn plain(self, text: &str) -> String {
        self.quote(&Value::plain(text))
    }

    /// A value as one word.
    pub(crate) fn quote(self, value: &Value) -> String {
        self.word("", value, 0)
    }

    /// The same after a text of ours, such as the name of a header.
    pub(crate) fn quote_after(self, prefix: &str, value: &Value) -> String {
        self.word(prefix, value, prefix.len())
    }

    /// A URL as one word. Its scheme is one of ours.
    pub(crate) fn url(self, url: &Value) -> String {
        let scheme = match url.parts.first() {
            Some(ValuePart::Plain(text)) => text.find(':').unwrap_or_default(),
            _ => 0,
        };
        self.word("", url, scheme)
    }

    /// The word whose first `ours` bytes are ours.
    fn word(self, prefix: &str, value: &Value, mut ours: usize) -> String {
        let redacted = |text: &str, ours| self.redactor.redact_beginning(text, COMMAND, ours);
        // Plain parts that touch are one quoted piece.
        let (mut word, mut plain) = (String::new(), prefix.to_owned());
        for part in &value.parts {
            match part {
                ValuePart::Plain(text) => plain.push_str(text),
                ValuePart::Secret { name, .. } | ValuePart::Capture(name) => {
                    push_quoted(&redacted(&std::mem::take(&mut plain), std::mem::take(&mut ours)), &mut word);
                    let _ = write!(word, "\"${}\"", variable(name));
                }
            }
        }
        push_quoted(&redacted(&plain, ours), &mut word);
        if word.is_empty() { "''".to_owned() } else { word }
    }
}

/// Adds text in quotes, with control characters in the `$'…'` of bash and zsh.
fn push_quoted(text: &str, word: &mut String) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+".contains(c);
    if text.chars().all(is_plain) {
        word.push_str(text);
    } else if text.chars().any(char::is_control) {
        let _ = write!(word, "$'");
        for character in text.chars() {
            match character {
                '\'' | '\\' => {
                    word.push('\\');
                    word.push(character);
                }
                '\n' => word.push_str("\\n"),
                '\r' => word.push_str("\\r"),
                '\t' => word.push_str("\\t"),
                control if control.is_control() => {
                    let mut bytes = [0; 4];
                    for byte in control.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(word, "\\x{byte:02x}");
                    }
                }
                other => word.push(other),
            }
        }
        word.push('\'');
    } else {
        let _ = write!(word, "'{}'", text.replace('\'', "'\\''"));
    }
}

/// The shell variable for a secret or capture.
fn variable(name: &str) -> String {
    let mut variable: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if !variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        variable.insert(0, '_');
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn every_word_is_quoted_and_a_secret_is_a_variable() {
        let redactor = Redactor::default();
        let shell = ShellWriter { redactor: &redactor };
        assert_eq!(shell.plain("https://x.test/a"), "https://x.test/a");
        assert_eq!(shell.plain("https://x.test/a?b=1&c=$(id)"), "'https://x.test/a?b=1&c=$(id)'");
        assert_eq!(shell.plain("it's"), "'it'\\''s'");
        assert_eq!(shell.plain("a\nb'c"), "$'a\\nb\\'c'");
        assert_eq!(shell.plain(""), "''");
        let token = Value::secret("API_TOKEN", "hunter22");
        assert_eq!(shell.quote_after("Bearer ", &token), "'Bearer '\"$API_TOKEN\"");
        assert_eq!(shell.quote_after("Accept: ", &Value::plain("text/html")), "'Accept: text/html'");
        assert_eq!(variable("file:/run/secrets/x"), "FILE__RUN_SECRETS_X");
        assert_eq!(variable("2fa"), "_2FA");
    }

    #[test]
    fn a_secret_is_redacted_in_values_and_not_in_the_words_around_them() {
        let secrets = ["http", "pass", "it's me", "https://x.test/hook"];
        let redactor = Redactor::new(secrets.map(Secret::new));
        let shell = ShellWriter { redactor: &redactor };
        assert_eq!(shell.quote(&Value::secret("PASSWORD", "pass")), "\"$PASSWORD\"");
        assert_eq!(shell.url(&Value::plain("http://pass.test/http")), "'http://[redacted].test/[redacted]'");
        assert_eq!(shell.url(&Value::plain("https://x.test/hook?a=1")), "'[redacted]?a=1'");
        assert_eq!(shell.quote_after("x-passage: ", &Value::plain("it's me")), "'x-passage: [redacted]'");
    }
}
