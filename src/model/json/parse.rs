//! The grammar of JSON (RFC 8259): where each value of a text stands, or what is wrong with it.

use std::borrow::Cow;
use std::collections::HashSet;

/// How deep values may be nested.
const DEPTH: usize = 512;

/// Up to this many members, an object's names are compared pair by pair.
const FEW: usize = 8;

/// Why a text is not a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// What is wrong.
    pub(crate) reason: &'static str,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column in characters, from 1.
    pub(crate) column: usize,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at line {} column {}", self.reason, self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// What kind of value a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number, with its digits as written.
    Number,
    /// A text.
    String,
    /// A list of values.
    Array,
    /// Values by name.
    Object,
}

/// One value or one name of a member, in the order of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) kind: JsonKind,
    /// Whether it is the name of a member, whose value is the next entry.
    pub(super) is_name: bool,
    /// Whether a later member of the same object has the same name, and counts instead.
    pub(super) is_shadowed: bool,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The entry after this one and all that is in it.
    pub(super) after: u32,
}

/// The values of a text, in its order.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, JsonError> {
    let mut parser = Parser { text, at: 0, entries: Vec::new(), open: Vec::new() };
    match parser.read() {
        Ok(()) => Ok(parser.entries),
        Err(reason) => {
            let before = &text.as_bytes()[..parser.at.min(text.len())];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
            Err(JsonError { reason, line, column })
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    entries: Vec<Entry>,
    /// The arrays and objects that are not closed yet.
    open: Vec<usize>,
}

impl Parser<'_> {
    fn read(&mut self) -> Result<(), &'static str> {
        if u32::try_from(self.text.len()).is_err() {
            return Err("a document of more than 4 GiB");
        }
        self.value()?;
        while let Some(&open) = self.open.last() {
            let is_object = self.entries[open].kind == JsonKind::Object;
            let is_first = open + 1 == self.entries.len();
            let close = if is_object { b'}' } else { b']' };
            match self.peek() {
                Some(byte) if byte == close => {
                    self.at += 1;
                    self.close(open);
                    continue;
                }
                Some(b',') if !is_first => self.at += 1,
                Some(_) if is_first => {}
                Some(_) => return Err(if is_object { "expected `,` or `}`" } else { "expected `,` or `]`" }),
                None => return Err("the document ends within an array or object"),
            }
            if is_object {
                if self.peek() != Some(b'"') {
                    return Err("expected the name of a member");
                }
                self.string(true)?;
                if self.peek() != Some(b':') {
                    return Err("expected `:`");
                }
                self.at += 1;
            }
            self.value()?;
        }
        if self.peek().is_some() { Err("more than one value") } else { Ok(()) }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Reads a value; of an array or object only its beginning.
    fn value(&mut self) -> Result<(), &'static str> {
        let start = self.peek().map(|byte| (byte, self.at));
        match start {
            None => Err("expected a value, and the document ends"),
            Some((b'"', _)) => self.string(false),
            Some((b'[' | b'{', _)) if self.open.len() == DEPTH => Err("values nested deeper than 512"),
            Some((byte @ (b'[' | b'{'), at)) => {
                self.at += 1;
                self.open.push(self.entries.len());
                let kind = if byte == b'[' { JsonKind::Array } else { JsonKind::Object };
                self.entry(kind, at);
                Ok(())
            }
            Some((b't', at)) => self.word("true", JsonKind::Boolean, at),
            Some((b'f', at)) => self.word("false", JsonKind::Boolean, at),
            Some((b'n', at)) => self.word("null", JsonKind::Null, at),
            Some((b'-' | b'0'..=b'9', at)) => {
                self.number()?;
                self.entry(JsonKind::Number, at);
                Ok(())
            }
            Some(_) => Err("expected a value"),
        }
    }

    fn word(&mut self, word: &str, kind: JsonKind, start: usize) -> Result<(), &'static str> {
        if !self.text[start..].starts_with(word) {
            return Err("expected a value");
        }
        self.at += word.len();
        self.entry(kind, start);
        Ok(())
    }

    fn number(&mut self) -> Result<(), &'static str> {
        let bytes = self.text.as_bytes();
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        if bytes[self.at] == b'-' {
            self.at += 1;
        }
        let begins_with_zero = bytes.get(self.at) == Some(&b'0');
        let digits = |reader: &mut Self| {
            let start = reader.at;
            while is_digit(reader.at) {
                reader.at += 1;
            }
            if reader.at == start { Err("expected a digit") } else { Ok(reader.at - start) }
        };
        if digits(self)? > 1 && begins_with_zero {
            return Err("a number with a leading zero");
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            digits(self)?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            digits(self)?;
        }
        Ok(())
    }

    fn string(&mut self, is_name: bool) -> Result<(), &'static str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                None => return Err("the document ends within a string"),
                Some(b'"') => break,
                Some(b'\\') => match bytes.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') => {
                        let digits = bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
                        if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err("expected four hexadecimal digits after \\u");
                        }
                        self.at += 6;
                    }
                    _ => return Err("an unknown escape in a string"),
                },
                Some(0..0x20) => return Err("a control character in a string"),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.entry(JsonKind::String, start);
        if is_name && let Some(name) = self.entries.last_mut() {
            name.is_name = true;
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "the text is shorter than 4 GiB, and no entry is without text")]
    fn entry(&mut self, kind: JsonKind, start: usize) {
        let after = self.entries.len() as u32 + 1;
        let (start, end) = (start as u32, self.at as u32);
        self.entries.push(Entry { kind, is_name: false, is_shadowed: false, start, end, after });
    }

    #[allow(clippy::cast_possible_truncation, reason = "the text is shorter than 4 GiB, and no entry is without text")]
    fn close(&mut self, open: usize) {
        self.open.pop();
        let after = self.entries.len() as u32;
        self.entries[open].end = self.at as u32;
        self.entries[open].after = after;
        if self.entries[open].kind == JsonKind::Object {
            self.shadow(open);
        }
    }

    /// Marks the members of an object that a later one with the same name replaces.
    fn shadow(&mut self, object: usize) {
        let end = self.entries[object].after as usize;
        let mut names = Vec::new();
        let mut at = object + 1;
        while at < end {
            names.push(at);
            at = self.entries[at + 1].after as usize;
        }
        let raw = |at: usize| &self.text[self.entries[at].start as usize..self.entries[at].end as usize];
        let mut shadowed = Vec::new();
        if names.len() <= FEW {
            for (place, name) in names.iter().enumerate() {
                if names[place + 1..].iter().any(|later| unescape(raw(*later)) == unescape(raw(*name))) {
                    shadowed.push(*name);
                }
            }
        } else {
            let mut seen: HashSet<Cow<'_, str>> = HashSet::with_capacity(names.len());
            shadowed.extend(names.iter().rev().filter(|name| !seen.insert(unescape(raw(**name)))));
        }
        for name in shadowed {
            self.entries[name].is_shadowed = true;
        }
    }
}

/// The text between a string's quotes with its escapes undone. An unpaired surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    let inner = &raw[1..raw.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let kind = escape.as_bytes().first().copied().unwrap_or_default();
        rest = escape.get(1..).unwrap_or_default();
        match kind {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => {
                let first = unit(rest);
                rest = rest.get(4..).unwrap_or_default();
                let second = rest.strip_prefix("\\u").map(unit).filter(|unit| (0xdc00..0xe000).contains(unit));
                match (first, second) {
                    (0xd800..0xdc00, Some(second)) => {
                        rest = rest.get(6..).unwrap_or_default();
                        let pair = char::decode_utf16([first, second]).next().and_then(Result::ok);
                        text.push(pair.unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => text.push(char::from(other)),
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Four hexadecimal digits.
fn unit(digits: &str) -> u16 {
    digits.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok()).unwrap_or_default()
}
