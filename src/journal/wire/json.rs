//! A pull parser for one line of JSON: a report reads a million of them, and a general
//! deserialiser spends most of its time on what a line of ours cannot hold. It accepts any JSON
//! object, its members in any order and with any spaces; it knows nothing of windows.
//!
//! A release is compiled for size: `#[inline]` is on what is called for every byte or member.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::LineError;

/// What is left of a text.
pub(super) struct Json<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Json<'l> {
    pub(super) const fn new(text: &'l str) -> Json<'l> {
        Json { text, at: 0 }
    }

    /// Reads an object: `member` is called with the name of each member, and reads its value.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Json<'l>, &str) -> Result<(), LineError>,
    ) -> Result<(), LineError> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let (raw, escaped) = self.raw()?;
            self.expect(b':')?;
            let mut room = String::new();
            member(self, plain(raw, escaped, &mut room)?)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Whether an array begins here.
    #[inline]
    pub(super) fn is_array(&mut self) -> bool {
        self.blanks();
        self.text.as_bytes().get(self.at) == Some(&b'[')
    }

    /// Reads an array of whole numbers.
    #[inline]
    pub(super) fn numbers(&mut self, mut number: impl FnMut(u64) -> Result<(), LineError>) -> Result<(), LineError> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            number(self.number()?)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Reads a string and hands it on: as it stands in the line, or without its escapes. It is not
    /// returned, since one of two kinds would go through memory in pieces that the processor waits for.
    #[inline]
    pub(super) fn word<R>(&mut self, take: impl FnOnce(&str) -> R) -> Result<R, LineError> {
        let (raw, escaped) = self.raw()?;
        let mut room = String::new();
        Ok(take(plain(raw, escaped, &mut room)?))
    }

    /// Reads a string to keep.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'l, str>, LineError> {
        let (raw, escaped) = self.raw()?;
        if escaped { unescaped(raw).map(Cow::Owned) } else { Ok(Cow::Borrowed(raw)) }
    }

    /// What stands between two quotes, and whether any of it is escaped.
    #[inline]
    fn raw(&mut self) -> Result<(&'l str, bool), LineError> {
        self.expect(b'"')?;
        let begin = self.at;
        let mut end = self.stretch(begin);
        let escaped = self.text.as_bytes().get(end) == Some(&b'\\');
        while self.text.as_bytes().get(end) == Some(&b'\\') {
            end = self.stretch(end + 2);
        }
        self.at = end + 1;
        // At the end of the text there is no quote, and no such range either.
        let quoted = self.text.get(begin..=end).ok_or(LineError::Corrupt)?;
        Ok((&quoted[..quoted.len() - 1], escaped))
    }

    /// Where the next quote or backslash is, from a place on; where there is none, the end.
    fn stretch(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())
    }

    /// Reads a whole number of at most eighteen digits.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, LineError> {
        self.blanks();
        let begin = self.at;
        let mut number = 0;
        while let Some(digit @ b'0'..=b'9') = self.text.as_bytes().get(self.at) {
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
            if self.at - begin > 18 {
                return Err(LineError::Corrupt);
            }
        }
        if self.at == begin { Err(LineError::Corrupt) } else { Ok(number) }
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, LineError> {
        self.blanks();
        let rest = &self.text.as_bytes()[self.at..];
        let (value, length) = if rest.starts_with(b"true") {
            (true, 4)
        } else if rest.starts_with(b"false") {
            (false, 5)
        } else {
            return Err(LineError::Corrupt);
        };
        self.at += length;
        Ok(value)
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), LineError> {
        let rest = self.text.get(self.at..).ok_or(LineError::Corrupt)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(IgnoredAny)) => {
                self.at += values.byte_offset();
                Ok(())
            }
            _ => Err(LineError::Corrupt),
        }
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), LineError> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(LineError::Corrupt) }
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Result<(), LineError> {
        if self.take(wanted) { Ok(()) } else { Err(LineError::Corrupt) }
    }

    #[inline]
    fn take(&mut self, wanted: u8) -> bool {
        self.blanks();
        let found = self.text.as_bytes().get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
    }
}

/// What stands between two quotes, as it stands there or, in a room of its own, without its escapes.
#[inline]
fn plain<'t>(raw: &'t str, escaped: bool, room: &'t mut String) -> Result<&'t str, LineError> {
    if escaped {
        *room = unescaped(raw)?;
        Ok(room)
    } else {
        Ok(raw)
    }
}

/// What stands between two quotes without its escapes.
#[cold]
fn unescaped(raw: &str) -> Result<String, LineError> {
    serde_json::from_str(&format!("\"{raw}\"")).map_err(|_| LineError::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, u64)>, LineError> {
        let mut found = Vec::new();
        let mut json = Json::new(text);
        json.object(|json, name| {
            match name {
                "skipped" => json.skip()?,
                "list" => json.numbers(|number| {
                    found.push(("list".to_owned(), number));
                    Ok(())
                })?,
                _ => {
                    let number = json.number()?;
                    found.push((name.to_owned(), number));
                }
            }
            Ok(())
        })?;
        json.end()?;
        Ok(found)
    }

    #[test]
    fn members_come_in_any_order_with_any_spaces_and_unknown_ones_are_passed_over() {
        let text = " { \"a\" : 1 ,\"skipped\":{\"x\":[null,\"}\"]},\"\\u0062\":2, \"list\" : [ 3 , 4 ] } ";
        let found = read(text).expect("an object");
        let expected = [("a", 1), ("b", 2), ("list", 3), ("list", 4)];
        assert_eq!(found, expected.map(|(name, number)| (name.to_owned(), number)));
        assert_eq!(read("{}"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in [
            "",
            "[",
            "{",
            "{\"a\":1",
            "{\"a\":-1}",
            "{\"a\":1}}",
            "{\"a\\",
            "{\"list\":[1,]}",
            "{\"a\":9999999999999999999}",
        ] {
            assert_eq!(read(text), Err(LineError::Corrupt), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\":,a\\\\é0-9 ]{0,40}") {
            let _ = read(&text);
        }
    }
}
