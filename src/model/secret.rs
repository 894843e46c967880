//! Secrets: a type that cannot be printed, text values that may hold one, and the redaction
//! that keeps every encoding of them out of what a server echoes back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::SafeText;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// The shortest secret that can be redacted without shredding the rest of the text, in bytes.
pub const SHORTEST_SECRET: usize = 4;

/// A secret value. It has no `Display`, and `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a value into keeping.
    #[must_use]
    pub fn new(value: &str) -> Secret {
        Secret(Arc::from(value))
    }

    /// The value itself, for the wire and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
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

/// A piece of a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
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
    pub parts: Vec<Part>,
}

impl Value {
    /// A text without secrets or captures.
    #[must_use]
    pub fn plain(text: &str) -> Value {
        Value { parts: vec![Part::Plain(text.to_owned())] }
    }

    /// A text that is a secret as a whole, shown as `${name}`.
    #[must_use]
    pub fn secret(name: &str, value: &str) -> Value {
        Value { parts: vec![Part::Secret { name: name.to_owned(), value: Secret::new(value) }] }
    }

    /// The real text, for the wire.
    ///
    /// # Errors
    /// The name of a capture that has no value.
    pub fn fill(&self, captures: &Captures) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Secret { value, .. } => text.push_str(value.reveal()),
                Part::Capture(name) => text.push_str(captures.get(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(text)
    }

    /// The secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret { value, .. } => Some(value),
            Part::Plain(_) | Part::Capture(_) => None,
        })
    }

    /// The names of the captures in it.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            Part::Plain(_) | Part::Secret { .. } => None,
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Plain(plain) => f.write_str(plain)?,
                Part::Secret { name, .. } => write!(f, "${{{name}}}")?,
                Part::Capture(name) => write!(f, "{{{{{name}}}}}")?,
            }
        }
        Ok(())
    }
}

/// Whether a header, form field or query parameter of this name holds a secret:
/// its name has key, token, secret, password or sig in it, or it is a credential header.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        || ["key", "token", "secret", "password", "sig"].iter().any(|word| name.contains(word))
}

/// Finds every encoding of every secret in a text. This is the one way from what a server
/// says to [`SafeText`].
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    automaton: Option<Arc<AhoCorasick>>,
    secrets: Arc<[Secret]>,
}

impl Redactor {
    /// A redactor of these secrets. Values shorter than [`SHORTEST_SECRET`] bytes are left out:
    /// the configuration refuses them.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Redactor {
        let secrets: Arc<[Secret]> =
            secrets.into_iter().filter(|secret| secret.reveal().len() >= SHORTEST_SECRET).collect();
        let mut forms: Vec<String> = secrets.iter().flat_map(|secret| encodings(secret.reveal())).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        let automaton = if forms.is_empty() {
            None
        } else {
            // Longest first: where one secret is part of another, the longer one goes as a whole.
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms).ok().map(Arc::new)
        };
        Redactor { automaton, secrets }
    }

    /// The same with more secrets, for values that were captured during a check.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Redactor {
        Redactor::new(self.secrets.iter().cloned().chain(more))
    }

    /// The text without secrets, not yet clean for a terminal.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        match &self.automaton {
            Some(automaton) => automaton.replace_all(text, &vec![REDACTED; automaton.patterns_len()]),
            None => text.to_owned(),
        }
    }

    /// Text from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean(&self, text: &str, limit: usize) -> SafeText {
        SafeText::clean(&self.redact(text), limit)
    }

    /// Bytes from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean_bytes(&self, bytes: &[u8], limit: usize) -> SafeText {
        match &self.automaton {
            Some(automaton) => {
                let redacted = automaton.replace_all_bytes(bytes, &vec![REDACTED.as_bytes(); automaton.patterns_len()]);
                SafeText::clean_bytes(&redacted, limit)
            }
            None => SafeText::clean_bytes(bytes, limit),
        }
    }

    /// A message of ours that quotes something from outside.
    #[must_use]
    pub fn message(&self, text: &str) -> SafeText {
        self.clean(text, super::text::MESSAGE_LIMIT)
    }

    /// A URL without its userinfo, its fragment and the values of secret query parameters.
    #[must_use]
    pub fn url(&self, url: &Url) -> SafeText {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
            let pairs: Vec<(String, String)> = url
                .query_pairs()
                .map(|(name, value)| {
                    let value = if is_secret_name(&name) { "redacted".into() } else { value };
                    (name.into_owned(), value.into_owned())
                })
                .collect();
            shown.query_pairs_mut().clear().extend_pairs(pairs);
        }
        self.clean(shown.as_str(), super::text::MESSAGE_LIMIT)
    }
}

/// The forms in which a value may come back: as it is, URL-encoded (both hexadecimal cases,
/// both spellings of a space), JSON-escaped, and inside base64 at each of its three alignments.
fn encodings(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    let strict = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let path = path_encoded(value);
    for encoded in [strict, form, path] {
        forms.push(lower_hex(&encoded));
        forms.push(encoded);
    }
    if let Ok(json) = serde_json::to_string(value) {
        forms.push(json[1..json.len() - 1].to_owned());
        forms.push(json[1..json.len() - 1].replace('/', "\\/"));
    }
    forms.push(value.escape_debug().to_string());
    for alignment in 0..3 {
        forms.extend(base64_at(value.as_bytes(), alignment));
    }
    forms.sort_unstable();
    forms.dedup();
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    forms
}

/// The value as the `url` crate writes it into a path or query: most punctuation stays.
fn path_encoded(value: &str) -> String {
    const SET: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'`')
        .add(b'{')
        .add(b'}');
    percent_encoding::utf8_percent_encode(value, SET).to_string()
}

fn lower_hex(encoded: &str) -> String {
    let mut lower = String::with_capacity(encoded.len());
    let mut hex_digits = 0;
    for character in encoded.chars() {
        lower.push(if hex_digits > 0 { character.to_ascii_lowercase() } else { character });
        hex_digits = if character == '%' { 2 } else { hex_digits.max(1) - 1 };
    }
    lower
}

/// The characters of base64 that depend on nothing but the value, where the value stands
/// `alignment` bytes after a multiple of three: the first and last characters mix with neighbours.
fn base64_at(value: &[u8], alignment: usize) -> Vec<String> {
    let mut padded = vec![0u8; alignment];
    padded.extend_from_slice(value);
    // One unknown byte reaches into the first two characters, two reach into the first three.
    let first = [0, 2, 3][alignment];
    let end = padded.len() * 8 / 6;
    [&STANDARD_NO_PAD as &dyn ErasedEngine, &URL_SAFE_NO_PAD]
        .iter()
        .filter_map(|engine| engine.text(&padded).get(first..end).map(str::to_owned))
        .filter(|text| text.len() >= 6)
        .collect()
}

/// `base64::Engine` is not object-safe; this is the one method needed here.
trait ErasedEngine {
    fn text(&self, bytes: &[u8]) -> String;
}

impl<E: base64::Engine> ErasedEngine for E {
    fn text(&self, bytes: &[u8]) -> String {
        self.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

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
        let value = Value { parts: vec![Part::Plain("Bearer ".into()), Part::Capture("token".into())] };
        assert_eq!(value.to_string(), "Bearer {{token}}");
        assert_eq!(value.fill(&Captures::new()), Err("token".to_owned()));
    }

    #[test]
    fn a_url_loses_its_userinfo_and_its_secret_parameters() {
        let url = Url::parse("https://u:pw@x.test/p?a=1&api_key=abcd#f").expect("a URL");
        assert_eq!(Redactor::default().url(&url).as_str(), "https://x.test/p?a=1&api_key=redacted");
    }

    proptest::proptest! {
        #[test]
        fn no_encoding_of_a_secret_survives(secret in "[ -~äß\"\\\\/+&=]{6,24}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let redactor = Redactor::new([Secret::new(&secret)]);
            let base64 = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            let url_safe = URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}"));
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::to_string(&secret).expect("a string serialises");
            let all = format!("{before}{secret}{after} {base64} {url_safe} {encoded} {json}");
            let redacted = redactor.redact(&all);
            proptest::prop_assert!(!redacted.contains(&secret));
            proptest::prop_assert!(!redacted.contains(&encoded));
            proptest::prop_assert!(!redacted.contains(&json[1..json.len() - 1]));
            proptest::prop_assert!(!redacted.contains(&base64));
            proptest::prop_assert!(!redacted.contains(&url_safe));
        }
    }
}
