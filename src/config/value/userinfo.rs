//! The userinfo of a URL: `user:password@`, split off and turned into credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Span;
use crate::config::value::interpolate;
use crate::config::value::interpolate::TextUse;
use crate::model::{Auth, Captures, Secret, Value, ValuePart};

/// Splits `https://user:password@host/` into its userinfo and the rest, variables not yet
/// filled in.
pub(super) fn split_userinfo(raw: &str) -> Option<(&str, String)> {
    let (scheme, rest) = raw.split_once("://")?;
    if scheme.rfind("${").is_some_and(|open| !scheme[open..].contains('}')) {
        return None;
    }
    let authority = &rest[..outside_braces(rest, &['/', '?', '#']).unwrap_or(rest.len())];
    let at = authority.rfind('@')?;
    Some((&authority[..at], format!("{scheme}://{}", &rest[at + 1..])))
}

/// The first of some characters that is not inside `${…}`.
fn outside_braces(text: &str, wanted: &[char]) -> Option<usize> {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' if text[..at].ends_with('$') => inside = true,
            '}' => inside = false,
            _ if !inside && wanted.contains(&character) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Basic credentials from userinfo, which is percent-encoded.
pub(super) fn credentials(reader: &mut ConfigReader, userinfo: &str, span: &Span) -> Option<Auth> {
    let (user, password) = match outside_braces(userinfo, &[':']) {
        Some(at) => (&userinfo[..at], &userinfo[at + 1..]),
        None => (userinfo, ""),
    };
    let user = decoded(interpolate::fill_text(reader, user, span, TextUse::Variable)?);
    let password = decoded(interpolate::fill_text(reader, password, span, TextUse::Secret("password"))?);
    Some(basic(reader, user, password))
}

/// Basic credentials, with the pair known to the redactor, also as it is sent: where the password is too short to be
/// searched, its base64 is all that can be redacted.
pub(crate) fn basic(reader: &mut ConfigReader, user: Value, password: Value) -> Auth {
    let captures = Captures::new();
    if let (Ok(user), Ok(password)) = (user.fill(&captures), password.fill(&captures)) {
        let pair = format!("{user}:{password}");
        reader.keep_secret(&pair);
        reader.keep_secret(&STANDARD.encode(&pair));
    }
    Auth::Basic { user, password }
}

/// A value from a URL, its percent-encoding undone.
fn decoded(value: Value) -> Value {
    let parts = value.parts.into_iter().map(|part| match part {
        ValuePart::Plain(text) => ValuePart::Plain(decode(&text)),
        ValuePart::Secret { name, value } => ValuePart::Secret { name, value: Secret::new(&decode(value.reveal())) },
        ValuePart::Capture(name) => ValuePart::Capture(name),
    });
    Value { parts: parts.collect() }
}

/// A part of a value as it is written in the userinfo of a URL.
pub(crate) fn encoded(part: ValuePart) -> ValuePart {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    match part {
        ValuePart::Plain(text) => ValuePart::Plain(encode(&text)),
        ValuePart::Secret { name, value } => ValuePart::Secret { name, value: Secret::new(&encode(value.reveal())) },
        ValuePart::Capture(name) => ValuePart::Capture(name),
    }
}

/// A text of a URL, its percent-encoding undone.
pub(super) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_is_split_off_with_its_variables() {
        let split = |raw| split_userinfo(raw).map(|(userinfo, rest)| (userinfo.to_owned(), rest));
        let expected = Some(("u:${PW:-a/b}".to_owned(), "https://x.test/a@b".to_owned()));
        assert_eq!(split("https://u:${PW:-a/b}@x.test/a@b"), expected);
        assert_eq!(split("https://x.test/a@b"), None);
        assert_eq!(split("${BASE:-https://u@x.test}/a"), None);
    }
}
