//! Text that may be printed. Whatever a server, a certificate or a resolver says becomes
//! [`SafeText`] before it can reach any output, so that no output can forget it.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The longest message kept, in characters.
pub(crate) const MESSAGE_LIMIT: usize = 300;

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    bytes.iter().flat_map(digits).collect()
}

/// One line of text without control bytes, escape sequences, bidirectional overrides, zero-width characters or
/// commands of CI systems (they are shown as visible escapes), cut to a length.
///
/// There is no way to make one that is not clean: reading one back from JSON cleans it too.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[schemars(with = "String")]
pub struct SafeText(String);

impl SafeText {
    /// Cleans text from outside and cuts it to `limit` characters; a cut is marked with `…`.
    #[must_use]
    pub fn clean(text: &str, limit: usize) -> SafeText {
        let mut safe = String::with_capacity(text.len().min(limit * 4));
        let mut length = 0;
        for character in without_commands(text).chars() {
            let before = safe.len();
            push_visible(&mut safe, character);
            length += safe[before..].chars().count();
            if length > limit {
                safe.truncate(before);
                safe.push('…');
                break;
            }
        }
        SafeText(safe)
    }

    /// The same for the beginning of a text that goes on: the cut is marked in any case.
    #[must_use]
    pub(super) fn clean_beginning(text: &str, limit: usize) -> SafeText {
        let mut safe = SafeText::clean(text, limit);
        if !safe.0.ends_with('…') {
            safe.0.push('…');
        }
        safe
    }

    /// Cleans bytes from outside: what is not UTF-8 is shown as `\xNN`.
    #[must_use]
    pub fn clean_bytes(bytes: &[u8], limit: usize) -> SafeText {
        SafeText::clean(&visible_bytes(bytes, limit * 4), limit)
    }

    /// A message of ours, cleaned like any other and cut to `MESSAGE_LIMIT`.
    #[must_use]
    pub fn message(text: &str) -> SafeText {
        SafeText::clean(text, MESSAGE_LIMIT)
    }

    /// The clean text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Bytes as text, until `enough` of them are written: what is not UTF-8 becomes `\xNN`.
pub(super) fn visible_bytes(bytes: &[u8], enough: usize) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // The backslash is ours and survives cleaning.
            let _ = write!(text, "\\x{byte:02x}");
        }
        if text.len() > enough {
            break;
        }
    }
    text
}

/// The same for text of several lines: their breaks and tabs stay.
pub(crate) fn clean_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' | '\t' => safe.push(character),
            _ => push_visible(&mut safe, character),
        }
    }
    safe
}

/// Writes a character as it is, or as a visible escape if it could move the cursor,
/// reorder or hide text.
fn push_visible(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if is_hidden(character) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        }
        _ => out.push(character),
    }
}

/// Text in which no CI system finds a command in its log: `##[error]` of GitHub and Azure, `##vso[…]` of Azure and
/// `##teamcity[…]` may stand anywhere in a line, `::error::` of GitHub at its start.
fn without_commands(text: &str) -> Cow<'_, str> {
    let text = if begins_command(text) { Cow::Owned(text.replacen("::", "\\u{3a}:", 1)) } else { Cow::Borrowed(text) };
    let mut harmless = String::new();
    let mut kept = 0;
    for hash in command_hashes(&text) {
        harmless.push_str(&text[kept..hash]);
        harmless.push_str("\\u{23}");
        kept = hash + 1;
    }
    if kept == 0 {
        return text;
    }
    harmless.push_str(&text[kept..]);
    Cow::Owned(harmless)
}

/// The position of the second `#` of each command like `##[error]` or `##vso[…]` in a text.
pub(crate) fn command_hashes(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('[').filter_map(|(at, _)| {
        let before = text[..at].trim_end_matches(|character: char| character.is_ascii_alphabetic());
        before.ends_with("##").then(|| before.len() - 1)
    })
}

/// Whether a text is shown as it is: no character is hidden, and no part is a command of a CI system.
#[must_use]
pub(crate) fn is_shown_as_it_is(text: &str) -> bool {
    !text.chars().any(is_hidden) && without_commands(text) == text
}

/// Whether a line of this text is a command of GitHub Actions: `::name::` or `::name properties::`.
#[must_use]
pub(crate) fn begins_command(line: &str) -> bool {
    let command = line.trim_start().strip_prefix("::");
    command.is_some_and(|command| command.starts_with(|c: char| c.is_ascii_alphabetic()) && command.contains("::"))
}

/// Characters that a terminal or a browser acts on instead of showing them, or that are no characters.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        // The last two of each plane are no characters, and XML has no place for U+FFFE and U+FFFF.
        || u32::from(character) & 0xfffe == 0xfffe
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The longest text accepted when reading one back: the longest ever written is a cut body.
const READ_LIMIT: usize = 16 * 1024;

impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(SafeText::clean(&text, READ_LIMIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        let text = SafeText::clean("\u{1b}]0;pwn\u{7}\u{202e}gpj\u{200b}.exe\r\n::error::x", 100);
        assert_eq!(text.as_str(), "\\u{1b}]0;pwn\\u{7}\\u{202e}gpj\\u{200b}.exe\\r\\n::error::x");
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_in_hexadecimal() {
        assert_eq!(SafeText::clean_bytes(b"caf\xe9", 100).as_str(), "caf\\xe9");
    }

    #[test]
    fn a_command_of_a_ci_system_is_shown_and_not_obeyed() {
        for (text, shown) in [
            ("a ##[error]b", "a #\\u{23}[error]b"),
            ("##vso[task.setvariable x]", "#\\u{23}vso[task.setvariable x]"),
            ("###[group]##teamcity[x", "##\\u{23}[group]#\\u{23}teamcity[x"),
            ("::error::x", "\\u{3a}:error::x"),
            ("  ::error file=a::x", "  \\u{3a}:error file=a::x"),
            ("std::error::Error", "std::error::Error"),
            ("::1 refused, ::2 too", "::1 refused, ::2 too"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("## a [heading]", "## a [heading]"),
        ] {
            assert_eq!(SafeText::clean(text, 100).as_str(), shown);
        }
    }

    #[test]
    fn what_is_no_character_is_shown() {
        assert_eq!(
            SafeText::clean("\u{fffe}\u{ffff}\u{fdd0}\u{1fffe}\u{fffd}", 100).as_str(),
            "\\u{fffe}\\u{ffff}\\u{fdd0}\\u{1fffe}\u{fffd}"
        );
    }

    #[test]
    fn a_cut_is_marked() {
        assert_eq!(SafeText::clean("abcdef", 3).as_str(), "abc…");
        assert_eq!(SafeText::clean("abc", 3).as_str(), "abc");
    }

    proptest::proptest! {
        #[test]
        fn no_input_yields_a_hidden_character_or_more_than_the_limit(bytes: Vec<u8>, limit in 0usize..64) {
            let text = SafeText::clean_bytes(&bytes, limit);
            proptest::prop_assert!(!text.as_str().chars().any(is_hidden));
            proptest::prop_assert!(text.as_str().chars().count() <= limit + 1);
            let again = SafeText::clean(text.as_str(), usize::MAX / 8);
            proptest::prop_assert_eq!(again, text);
        }
    }
}
