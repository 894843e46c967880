//! Undoes the escapes that a server may put on what it sends back: percent-encoding of any set of
//! characters, the escapes of JSON, JavaScript and Rust, the character references of HTML.
//! Each byte of the plain text remembers where it came from. It knows no secrets.

use std::ops::Range;

/// A text with its escapes undone, and where each byte of it came from.
pub(super) struct UnescapedText {
    /// The plain text.
    pub(super) bytes: Vec<u8>,
    /// Where each byte began in the original text, and last where that ends.
    from: Vec<u32>,
}

/// How many nested levels of escapes are undone: a URL inside HTML inside JSON.
const DEPTH: usize = 3;

/// One way to undo one kind of escape.
struct Decoder {
    /// A text with such escapes has at least one of these.
    marks: &'static [u8],
    /// The bytes that an escape begins with.
    starts: &'static [u8],
    /// Decodes the escape at the beginning of a text, if there is one, and returns its length.
    decode: fn(&[u8]) -> Option<(DecodedBytes, usize)>,
}

/// What one escape stands for: a character takes up to four bytes.
type DecodedBytes = ([u8; 4], usize);

const DECODERS: [Decoder; 6] = [
    Decoder { marks: b"%", starts: b"%", decode: percent },
    Decoder { marks: b"%", starts: b"%", decode: percent_again },
    Decoder { marks: b"+", starts: b"+%", decode: percent_or_plus },
    Decoder { marks: b"\\", starts: b"\\", decode: backslash },
    Decoder { marks: b"&", starts: b"&", decode: reference },
    Decoder { marks: b"\n\r", starts: b"\n\r", decode: line_break },
];

/// Visits every plain text that a text may be the unescaped form of; the text itself is not among
/// them. No more than [`DEPTH`] of them are held at a time.
pub(super) fn visit_unescaped(text: &[u8], visit: &mut impl FnMut(&UnescapedText)) {
    if !DECODERS.iter().any(|decoder| decoder.applies_to(text)) {
        return;
    }
    let Ok(length) = u32::try_from(text.len()) else { return };
    descend(&UnescapedText { bytes: text.to_vec(), from: (0..=length).collect() }, DEPTH, visit);
}

fn descend(text: &UnescapedText, depth: usize, visit: &mut impl FnMut(&UnescapedText)) {
    for decoder in &DECODERS {
        if let Some(plain) = text.undo(decoder) {
            visit(&plain);
            if depth > 1 {
                descend(&plain, depth - 1, visit);
            }
        }
    }
}

impl Decoder {
    fn applies_to(&self, text: &[u8]) -> bool {
        match *self.marks {
            [one, other] => memchr::memchr2(one, other, text).is_some(),
            [one, ..] => memchr::memchr(one, text).is_some(),
            [] => false,
        }
    }
}

impl UnescapedText {
    /// The range of the original text that a range of the plain one came from.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        self.from[range.start] as usize..self.from[range.end] as usize
    }

    /// The text with one kind of escape undone; none if it has none of that kind.
    fn undo(&self, decoder: &Decoder) -> Option<UnescapedText> {
        if !decoder.applies_to(&self.bytes) {
            return None;
        }
        let mut plain =
            UnescapedText { bytes: Vec::with_capacity(self.bytes.len()), from: Vec::with_capacity(self.from.len()) };
        let mut changed = false;
        let mut at = 0;
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            let decoded = decoder.starts.contains(&byte).then(|| (decoder.decode)(&self.bytes[at..])).flatten();
            let (bytes, length, step) = match decoded {
                Some(((bytes, length), step)) => {
                    changed = true;
                    (bytes, length, step)
                }
                None => ([byte, 0, 0, 0], 1, 1),
            };
            plain.bytes.extend_from_slice(&bytes[..length]);
            plain.from.extend(std::iter::repeat_n(self.from[at], length));
            at += step;
        }
        plain.from.push(self.from[self.bytes.len()]);
        changed.then_some(plain)
    }
}

/// Line breaks and the blanks after them, which mean nothing in wrapped base64.
#[expect(clippy::unnecessary_wraps, reason = "a decoder like the others, which may decline")]
fn line_break(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let breaks = text.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let blanks = text[breaks..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some((([0; 4], 0), breaks + blanks))
}

/// `%2F`
fn percent(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let [b'%', high, low, ..] = *text else { return None };
    Some((([hex(high)? * 16 + hex(low)?, 0, 0, 0], 1), 3))
}

/// `%25252F`: what was escaped at every hop of a chain of redirects.
fn percent_again(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    if text.first() != Some(&b'%') {
        return None;
    }
    let mut skipped = 0;
    while text.get(1 + skipped..3 + skipped) == Some(b"25") && text.get(3 + skipped).is_some_and(u8::is_ascii_hexdigit)
    {
        skipped += 2;
    }
    let [high, low] = *text.get(1 + skipped..3 + skipped)? else { return None };
    Some((([hex(high)? * 16 + hex(low)?, 0, 0, 0], 1), 3 + skipped))
}

/// `%2F`, and `+` for a blank, as forms write it.
fn percent_or_plus(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    if text.first() == Some(&b'+') { Some((([b' ', 0, 0, 0], 1), 1)) } else { percent(text) }
}

/// `\"`, `\n`, `\x2f`, `\u002f`, `\ud83d\ude00`, `\u{2f}`
fn backslash(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let [b'\\', kind, ..] = *text else { return None };
    let plain = |byte: u8| Some((([byte, 0, 0, 0], 1), 2));
    match kind {
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'b' => plain(8),
        b'f' => plain(12),
        b'x' => {
            let [_, _, high, low, ..] = *text else { return None };
            Some((([hex(high)? * 16 + hex(low)?, 0, 0, 0], 1), 4))
        }
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(10).position(|&byte| byte == b'}')?;
            let number = u32::from_str_radix(std::str::from_utf8(&text[3..end]).ok()?, 16).ok()?;
            Some((unescaped(char::from_u32(number)?), end + 1))
        }
        b'u' => utf16(text),
        other if other.is_ascii_punctuation() => plain(other),
        _ => None,
    }
}

fn utf16(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((unescaped(character), 6));
    }
    let character = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((unescaped(character), 12))
}

/// `&amp;`, `&#47;`, `&#x2f;`
fn reference(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    const LONGEST: usize = 12;
    const NAMED: [(&[u8], char); 6] =
        [(b"amp", '&'), (b"lt", '<'), (b"gt", '>'), (b"quot", '"'), (b"apos", '\''), (b"nbsp", '\u{a0}')];
    let rest = text.strip_prefix(b"&")?;
    let end = rest.iter().take(LONGEST).position(|&byte| byte == b';')?;
    let name = &rest[..end];
    let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    let character = named.or_else(|| numbered(name))?;
    Some((unescaped(character), end + 2))
}

/// `#47`, `#x2f`
fn numbered(name: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    char::from_u32(number.ok()?)
}

fn unescaped(character: char) -> DecodedBytes {
    let mut bytes = [0; 4];
    let length = character.encode_utf8(&mut bytes).len();
    (bytes, length)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of an escaped text that stand for these words.
    fn hides(escaped: &str, words: &str) -> Vec<String> {
        let mut found = Vec::new();
        visit_unescaped(escaped.as_bytes(), &mut |plain| {
            let at = plain.bytes.windows(words.len()).position(|window| window == words.as_bytes());
            found.extend(at.map(|at| escaped[plain.place(at..at + words.len())].to_owned()));
        });
        found
    }

    #[test]
    fn each_kind_of_escape_is_undone_and_its_place_is_kept() {
        for (escaped, place) in [
            ("x=a%2Fb%3f;", "a%2Fb%3f"),
            ("x=a\\/b\\u003f;", "a\\/b\\u003f"),
            ("x=a\\x2fb\\u{3f};", "a\\x2fb\\u{3f}"),
            ("x=a&#47;b&#x3F;;", "a&#47;b&#x3F;"),
            ("x=a%5C/b%3f;", "a%5C/b%3f"),
            ("x=a%252Fb%253f;", "a%252Fb%253f"),
            ("x=a%252525252Fb%252525253f;", "a%252525252Fb%252525253f"),
            ("x=a/\r\n  b?;", "a/\r\n  b?"),
            ("x=a/\\r\\nb?;", "a/\\r\\nb?"),
        ] {
            assert!(hides(escaped, "a/b?").contains(&place.to_owned()), "{escaped}");
        }
        assert!(hides("x=a+%26+b;", "a & b").contains(&"a+%26+b".to_owned()));
        assert!(hides("x=\\ud83d\\ude00!;", "\u{1f600}!").contains(&"\\ud83d\\ude00!".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn places_are_within_the_text_and_in_order(text in "[a%2&#;x\\\\u{}+4df]{0,60}") {
            let mut wrong = false;
            visit_unescaped(text.as_bytes(), &mut |plain| {
                wrong |= plain.from.len() != plain.bytes.len() + 1;
                wrong |= !plain.from.is_sorted();
                wrong |= plain.from.last().map(|end| *end as usize) != Some(text.len());
            });
            proptest::prop_assert!(!wrong);
        }
    }
}
