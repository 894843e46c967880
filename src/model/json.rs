//! A JSON document (RFC 8259) as it was written: each value remembers where it stands, numbers
//! keep their digits, and the memory it takes is a small multiple of the text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Decimal;

/// How deep values may be nested.
const DEPTH: usize = 512;

/// Up to how many members an object's names are compared one with another.
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
struct Entry {
    kind: JsonKind,
    /// Whether it is the name of a member, whose value is the next entry.
    is_name: bool,
    /// Whether a later member of the same object has the same name, and counts instead.
    is_shadowed: bool,
    start: u32,
    end: u32,
    /// The entry after this one and all that is in it.
    after: u32,
}

/// A document that was read.
#[derive(Debug)]
pub(crate) struct JsonDocument<'t> {
    text: &'t str,
    entries: Vec<Entry>,
}

/// One value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonNode<'d> {
    document: &'d JsonDocument<'d>,
    at: u32,
}

impl<'t> JsonDocument<'t> {
    /// Reads a text as one JSON value.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn read(text: &'t str) -> Result<JsonDocument<'t>, JsonError> {
        let mut reader = Reader { text, at: 0, entries: Vec::new(), open: Vec::new() };
        match reader.read() {
            Ok(()) => Ok(JsonDocument { text, entries: reader.entries }),
            Err(reason) => {
                let before = &text.as_bytes()[..reader.at.min(text.len())];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
                Err(JsonError { reason, line, column })
            }
        }
    }

    /// The value as a whole.
    pub(crate) fn root(&self) -> JsonNode<'_> {
        JsonNode { document: self, at: 0 }
    }
}

impl<'d> JsonNode<'d> {
    fn entry(self) -> &'d Entry {
        &self.document.entries[self.at as usize]
    }

    /// What kind of value it is.
    pub(crate) fn kind(self) -> JsonKind {
        self.entry().kind
    }

    /// The value as it is written in the document.
    pub(crate) fn source(self) -> &'d str {
        let entry = self.entry();
        &self.document.text[entry.start as usize..entry.end as usize]
    }

    /// The text of a string.
    pub(crate) fn text(self) -> Option<Cow<'d, str>> {
        (self.kind() == JsonKind::String).then(|| unescape(self.source()))
    }

    /// The value of a number.
    pub(crate) fn number(self) -> Option<Decimal<'d>> {
        (self.kind() == JsonKind::Number).then(|| Decimal::of(self.source()))
    }

    /// What a list or an object holds; nothing for other kinds. Of several members with one name
    /// the last counts.
    pub(crate) fn children(self) -> impl Iterator<Item = JsonNode<'d>> {
        self.slots().map(|(_, node)| node)
    }

    /// The members of an object, by name.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'d, str>, JsonNode<'d>)> {
        self.slots().filter_map(|(name, node)| Some((unescape(name?), node)))
    }

    /// The member with this name.
    pub(crate) fn member(self, name: &str) -> Option<JsonNode<'d>> {
        self.slots().find(|(raw, _)| raw.is_some_and(|raw| is_named(raw, name))).map(|(_, node)| node)
    }

    /// The values it holds, with the names of members as they are written.
    fn slots(self) -> impl Iterator<Item = (Option<&'d str>, JsonNode<'d>)> {
        let (document, end) = (self.document, self.entry().after);
        let is_container = matches!(self.kind(), JsonKind::Array | JsonKind::Object);
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            while is_container && at < end {
                let entry = &document.entries[at as usize];
                let value = if entry.is_name { at + 1 } else { at };
                at = document.entries[value as usize].after;
                if !entry.is_shadowed {
                    let name = entry.is_name.then(|| &document.text[entry.start as usize..entry.end as usize]);
                    return Some((name, JsonNode { document, at: value }));
                }
            }
            None
        })
    }

    /// It and every value in it at any depth, in the order of the text.
    pub(crate) fn descendants(self) -> impl Iterator<Item = JsonNode<'d>> {
        let (document, end) = (self.document, self.entry().after);
        let mut at = self.at;
        std::iter::from_fn(move || {
            while at < end {
                let entry = &document.entries[at as usize];
                if entry.is_shadowed {
                    at = document.entries[at as usize + 1].after;
                    continue;
                }
                at += 1;
                if !entry.is_name {
                    return Some(JsonNode { document, at: at - 1 });
                }
            }
            None
        })
    }

    /// How many values are in it, itself and the names of members among them.
    pub(crate) fn entries_within(self) -> u64 {
        u64::from(self.entry().after - self.at)
    }

    /// How many characters a string has, elements an array, members an object.
    pub(crate) fn length(self) -> Option<u64> {
        match self.kind() {
            JsonKind::String => self.text().map(|text| text.chars().count() as u64),
            JsonKind::Array | JsonKind::Object => Some(self.slots().count() as u64),
            _ => None,
        }
    }

    /// Whether two values are equal: numbers by value, objects whatever the order of members.
    pub(crate) fn equals(self, other: JsonNode<'_>) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        match self.kind() {
            JsonKind::Null => true,
            JsonKind::Boolean => self.source() == other.source(),
            JsonKind::Number => self.number() == other.number(),
            JsonKind::String => self.text() == other.text(),
            JsonKind::Array => {
                let (mut ours, mut others) = (self.children(), other.children());
                loop {
                    match (ours.next(), others.next()) {
                        (None, None) => return true,
                        (Some(one), Some(other)) if one.equals(other) => {}
                        _ => return false,
                    }
                }
            }
            JsonKind::Object => {
                let sorted = |node: JsonNode<'_>| {
                    let mut names: Vec<(String, u32)> =
                        node.members().map(|(name, value)| (name.into_owned(), value.at)).collect();
                    names.sort_unstable();
                    names
                };
                let (ours, others) = (sorted(self), sorted(other));
                ours.len() == others.len()
                    && ours.iter().zip(&others).all(|((one, at), (name, other_at))| {
                        one == name && JsonNode { at: *at, ..self }.equals(JsonNode { at: *other_at, ..other })
                    })
            }
        }
    }
}

/// Whether a string as it is written has this text.
fn is_named(raw: &str, name: &str) -> bool {
    let inner = &raw[1..raw.len() - 1];
    inner == name || inner.contains('\\') && unescape(raw) == name
}

/// The text of a string that was read: between its quotes, its escapes undone. Half of a pair of
/// surrogates becomes U+FFFD.
fn unescape(raw: &str) -> Cow<'_, str> {
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

struct Reader<'t> {
    text: &'t str,
    at: usize,
    entries: Vec<Entry>,
    /// The arrays and objects that are not closed yet.
    open: Vec<usize>,
}

impl Reader<'_> {
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

    /// A value, of an array or object only its beginning.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        JsonDocument::read(text).expect_err(text).to_string()
    }

    #[test]
    fn values_are_found_as_they_are_written() {
        let text = r#" { "a" : [1, 1.10, 1e2, -0], "b\u0065" : {"c": null}, "d": "\ud83d\ude00\n\ud83d" } "#;
        let document = JsonDocument::read(text).unwrap();
        let root = document.root();
        assert_eq!(root.source(), text.trim());
        let numbers: Vec<&str> = root.member("a").unwrap().children().map(JsonNode::source).collect();
        assert_eq!(numbers, ["1", "1.10", "1e2", "-0"]);
        assert_eq!(root.member("be").unwrap().source(), r#"{"c": null}"#);
        assert_eq!(root.member("d").unwrap().text().unwrap(), "\u{1f600}\n\u{fffd}");
        assert_eq!(root.length(), Some(3));
        assert_eq!(root.descendants().count(), 9);
    }

    #[test]
    fn the_last_of_several_members_with_one_name_counts() {
        let many: String = (0..20).map(|at| format!("\"k{at}\":{at},")).collect();
        for text in [
            r#"{"a":{"x":1},"a":2}"#.to_owned(),
            r#"{"\u0061":1,"a":2}"#.to_owned(),
            format!(r#"{{{many}"a":1,"a":[3],"a":2}}"#),
        ] {
            let document = JsonDocument::read(&text).unwrap();
            assert_eq!(document.root().member("a").unwrap().source(), "2", "{text}");
            let sources: Vec<&str> = document.root().descendants().map(JsonNode::source).collect();
            assert!(!sources.contains(&"1") || text.contains("k1"), "{text}");
            assert!(!sources.contains(&"[3]"), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert_eq!(reason(""), "expected a value, and the document ends at line 1 column 1");
        assert_eq!(reason("<html>"), "expected a value at line 1 column 1");
        assert_eq!(reason("{\n \"a\": nul}"), "expected a value at line 2 column 7");
        assert_eq!(reason("{\"ä\": 01}"), "a number with a leading zero at line 1 column 9");
        for text in [
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{a:1}",
            "[1 2]",
            "1 2",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\t\"",
            "-",
            "1.",
            "1e",
            "+1",
            ".5",
            "NaN",
            "'a'",
            "[1}",
            "{\"a\":1]",
            "{\"a\":1,}",
            "\u{feff}1",
        ] {
            reason(text);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(JsonDocument::read(&nested(512)).is_ok());
        assert!(reason(&nested(513)).starts_with("values nested deeper than 512"));
        assert!(reason(&"[".repeat(1_000_000)).starts_with("values nested deeper than 512"));
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (one, other, is_equal) in [
            ("9007199254740993", "9007199254740992", false),
            ("[1, 1.0]", "[1e0,1]", true),
            ("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true),
            ("{\"a\":1}", "{\"b\":1}", false),
            ("{\"a\":1}", "{\"a\":1,\"b\":1}", false),
            ("\"\\u0061\"", "\"a\"", true),
            ("1", "\"1\"", false),
            ("[1]", "[1,2]", false),
            ("true", "false", false),
        ] {
            let (one, other) = (JsonDocument::read(one).unwrap(), JsonDocument::read(other).unwrap());
            assert_eq!(one.root().equals(other.root()), is_equal, "{one:?} {other:?}");
        }
    }
}
