//! A pull parser for one line of JSON. A report reads a million of them, and a general deserialiser
//! spends most of its time on cases that cannot occur in a line. It accepts any JSON object, with
//! members in any order and any whitespace; it knows nothing about windows.
//!
//! Releases are compiled for size, so functions that are called for every byte or member are marked
//! `#[inline]`.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::error::LineError;

/// A text and the position up to which it is read.
pub(super) struct Json<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Json<'l> {
    pub(super) const fn new(text: &'l str) -> Json<'l> {
        Json { text, at: 0 }
    }

    /// Reads an object: calls `member` with the name of each member, to read its value.
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
            self.member(&mut member)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Reads the rest of an object up to the end of the text, which has no closing brace: each
    /// member with the comma before it.
    #[inline]
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Json<'l>, &str) -> Result<(), LineError>,
    ) -> Result<(), LineError> {
        while self.take(b',') {
            self.member(&mut member)?;
        }
        self.end()
    }

    #[inline]
    fn member(
        &mut self,
        member: &mut impl FnMut(&mut Json<'l>, &str) -> Result<(), LineError>,
    ) -> Result<(), LineError> {
        if let Some(name) = self.plain()? {
            self.expect(b':')?;
            member(self, name)
        } else {
            let name = self.escaped()?;
            self.expect(b':')?;
            member(self, &name)
        }
    }

    /// Whether an array starts here.
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

    /// Reads a string and passes it to `take`: directly from the line, or unescaped. Returning it
    /// would be slower: the processor stalls when one of the two variants is copied through memory.
    #[inline]
    pub(super) fn word<R>(&mut self, take: impl FnOnce(&str) -> R) -> Result<R, LineError> {
        match self.plain()? {
            Some(word) => Ok(take(word)),
            None => self.escaped().map(|word| take(&word)),
        }
    }

    /// Reads a string as a value.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'l, str>, LineError> {
        match self.plain()? {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.escaped().map(Cow::Owned),
        }
    }

    /// Reads a string without escapes. `None` if it has some: then only its opening quote is read.
    #[inline]
    fn plain(&mut self) -> Result<Option<&'l str>, LineError> {
        self.expect(b'"')?;
        let begin = self.at;
        let end = self.stretch(begin);
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(self.text.get(begin..end))
            }
            Some(_) => Ok(None),
            None => Err(LineError::Corrupt),
        }
    }

    /// Reads the rest of a string after its opening quote.
    #[cold]
    fn escaped(&mut self) -> Result<String, LineError> {
        let begin = self.at;
        let mut end = self.stretch(begin);
        while self.text.as_bytes().get(end) == Some(&b'\\') {
            end = self.stretch(end + 2);
        }
        self.at = end + 1;
        // A text that ends before the closing quote has no such range.
        let quoted = self.text.get(begin..=end).ok_or(LineError::Corrupt)?;
        serde_json::from_str(&format!("\"{quoted}")).map_err(|_| LineError::Corrupt)
    }

    /// The offset of the next quote or backslash from `from` on, or the end of the text if there is
    /// none. Names and most words are short, so a loop finds them before a search for long texts
    /// would be set up.
    #[inline]
    fn stretch(&self, from: usize) -> usize {
        const SHORT: usize = 24;
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        for (at, byte) in rest.iter().take(SHORT).enumerate() {
            if matches!(byte, b'"' | b'\\') {
                return from + at;
            }
        }
        from + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())
    }

    /// Reads a whole number that fits into 64 bits.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, LineError> {
        self.blanks();
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (mut number, mut length) = (0_u64, 0);
        for byte in rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            // A number that wraps has at least twenty digits, and is parsed again below.
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        let digits = &self.text[self.at..self.at + length];
        self.at += length;
        match length {
            1..=19 => Ok(number),
            20 => digits.parse().map_err(|_| LineError::Corrupt),
            _ => Err(LineError::Corrupt),
        }
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

    /// Skips a value of any kind.
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

    /// An error unless the whole text is read.
    #[inline]
    fn end(&mut self) -> Result<(), LineError> {
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
    fn every_number_of_64_bits_is_read_and_none_beyond() {
        for number in [0, 9, 999_999_999_999_999_999, 9_999_999_999_999_999_999, u64::MAX] {
            assert_eq!(read(&format!("{{\"a\":{number}}}")), Ok(vec![("a".to_owned(), number)]));
        }
        for beyond in ["18446744073709551616", "99999999999999999999", "100000000000000000000"] {
            assert_eq!(read(&format!("{{\"a\":{beyond}}}")), Err(LineError::Corrupt), "{beyond}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in ["", "[", "{", "{\"a\":1", "{\"a\":-1}", "{\"a\":1}}", "{\"a\\", "{\"list\":[1,]}"] {
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
