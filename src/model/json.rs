//! A JSON document (RFC 8259) as it was written: each value remembers where it stands, numbers
//! keep their digits, and the memory it takes is a small multiple of the text.

mod parse;

use std::borrow::Cow;

use super::Decimal;

use parse::{Entry, JsonError, unescape};

pub(crate) use parse::JsonKind;

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
        Ok(JsonDocument { text, entries: parse::entries(text)? })
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

    /// The elements of an array or the members of an object; nothing for other kinds. Of several members with one name
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

    /// The value itself and every value inside it, at any depth, in text order.
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

    /// Number of values in it, counting itself and member names.
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

/// Whether a string, as it is written, has this text.
fn is_named(raw: &str, name: &str) -> bool {
    let inner = &raw[1..raw.len() - 1];
    inner == name || inner.contains('\\') && unescape(raw) == name
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
