//! The escapes a server may put on what it sends back, undone: percent-encoding of any set of
//! characters, the escapes of JSON, JavaScript and Rust, the character references of HTML.
//! Each byte of the plain text remembers where it came from. It knows no secrets.

/// A text with its escapes undone, and where each byte of it came from.
pub(super) struct UnescapedText {
    /// The plain text.
    pub(super) bytes: Vec<u8>,
    /// Where each byte began in the text as it came, and at last where that ends.
    from: Vec<usize>,
}

/// How many escapes deep a text is looked into: a URL inside HTML inside JSON.
const DEPTH: usize = 3;

/// One way to undo one kind of escape: the bytes that stand at the beginning of a text, if they
/// are an escape, and how long it is.
type Decoder = fn(&[u8]) -> Option<(DecodedBytes, usize)>;

/// What one escape stands for: a character takes up to four bytes.
type DecodedBytes = ([u8; 4], usize);

const DECODERS: [(u8, Decoder); 5] =
    [(b'%', percent), (b'%', percent_again), (b'+', percent_or_plus), (b'\\', backslash), (b'&', reference)];

/// Every plain text that a text may be the unescaped form of; the text itself is not among them.
pub(super) fn unescape_all(text: &[u8]) -> Vec<UnescapedText> {
    let mut all: Vec<UnescapedText> = Vec::new();
    let mut begin = 0;
    for depth in 0..DEPTH {
        let end = all.len();
        let mut found = Vec::new();
        if depth == 0 {
            let as_it_came = UnescapedText { bytes: text.to_vec(), from: (0..=text.len()).collect() };
            found.extend(DECODERS.iter().filter_map(|way| as_it_came.undo(way)));
        }
        for plain in &all[begin..end] {
            found.extend(DECODERS.iter().filter_map(|way| plain.undo(way)));
        }
        begin = end;
        all.extend(found);
    }
    all
}

impl UnescapedText {
    /// The place in the text as it came of a range of the plain one.
    pub(super) fn place(&self, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.from[range.start]..self.from[range.end]
    }

    /// The text with one kind of escape undone; none where there is none of that kind.
    fn undo(&self, (mark, undo): &(u8, Decoder)) -> Option<UnescapedText> {
        if !self.bytes.contains(mark) {
            return None;
        }
        let mut plain =
            UnescapedText { bytes: Vec::with_capacity(self.bytes.len()), from: Vec::with_capacity(self.from.len()) };
        let mut changed = false;
        let mut at = 0;
        while at < self.bytes.len() {
            let (bytes, length, step) = match undo(&self.bytes[at..]) {
                Some(((bytes, length), step)) => {
                    changed = true;
                    (bytes, length, step)
                }
                None => ([self.bytes[at], 0, 0, 0], 1, 1),
            };
            plain.bytes.extend_from_slice(&bytes[..length]);
            plain.from.extend(std::iter::repeat_n(self.from[at], length));
            at += step;
        }
        plain.from.push(self.from[self.bytes.len()]);
        changed.then_some(plain)
    }
}

/// `%2F`
fn percent(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let [b'%', high, low, ..] = *text else { return None };
    Some((([hex(high)? * 16 + hex(low)?, 0, 0, 0], 1), 3))
}

/// `%25252F`: what was escaped at every hop of a chain of redirects.
fn percent_again(text: &[u8]) -> Option<(DecodedBytes, usize)> {
    let mut skipped = 0;
    while text.get(1 + skipped..3 + skipped) == Some(b"25") && text.get(3 + skipped).is_some_and(u8::is_ascii_hexdigit)
    {
        skipped += 2;
    }
    let [high, low] = *text.get(1 + skipped..3 + skipped).filter(|_| text[0] == b'%')? else { return None };
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

    /// Whether an escaped text hides these words, and where it says they stand.
    fn hides(escaped: &str, words: &str) -> Vec<String> {
        let found = unescape_all(escaped.as_bytes()).into_iter().filter_map(|plain| {
            let at = plain.bytes.windows(words.len()).position(|window| window == words.as_bytes())?;
            Some(escaped[plain.place(at..at + words.len())].to_owned())
        });
        found.collect()
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
        ] {
            assert!(hides(escaped, "a/b?").contains(&place.to_owned()), "{escaped}");
        }
        assert!(hides("x=a+%26+b;", "a & b").contains(&"a+%26+b".to_owned()));
        assert!(hides("x=\\ud83d\\ude00!;", "\u{1f600}!").contains(&"\\ud83d\\ude00!".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn places_are_within_the_text_and_in_order(text in "[a%2&#;x\\\\u{}+4df]{0,60}") {
            for plain in unescape_all(text.as_bytes()) {
                proptest::prop_assert_eq!(plain.from.len(), plain.bytes.len() + 1);
                proptest::prop_assert!(plain.from.is_sorted());
                proptest::prop_assert_eq!(plain.from.last(), Some(&text.len()));
            }
        }
    }
}
