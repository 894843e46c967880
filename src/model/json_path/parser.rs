//! The state of parsing a JSON path, and what every part of the grammar needs.

/// How deep parentheses, brackets and functions may be nested.
const DEPTH: usize = 32;

/// A path that is being read.
pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    /// In bytes, always between characters.
    pub(super) at: usize,
    depth: usize,
}

/// What was read, or what is wrong.
pub(super) type Parsed<T> = Result<T, String>;

impl<'s> Parser<'s> {
    pub(super) const fn new(source: &'s str) -> Parser<'s> {
        Parser { source, at: 0, depth: 0 }
    }

    pub(super) fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Consumes `text` if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    pub(super) fn want(&mut self, text: &str) -> Parsed<()> {
        if self.take(text) { Ok(()) } else { Err(format!("`{text}` is missing")) }
    }

    pub(super) fn blanks(&mut self) {
        self.at = self.source.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Goes one level deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH {
            return Err(format!("it is nested deeper than {DEPTH}"));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// A text between single or double quotes.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let quote = self.peek().unwrap_or_default();
        self.at += quote.len_utf8();
        let mut text = String::new();
        loop {
            let Some(character) = self.peek() else { return Err("the closing quote is missing".to_owned()) };
            self.at += character.len_utf8();
            match character {
                c if c == quote => return Ok(text),
                '\\' => text.push(self.escape(quote)?),
                c if c < ' ' => return Err("a control character in a quoted text is written as an escape".to_owned()),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Parsed<char> {
        let Some(kind) = self.peek() else { return Err("the closing quote is missing".to_owned()) };
        self.at += kind.len_utf8();
        match kind {
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            '/' | '\\' => Ok(kind),
            'u' => {
                let first = self.unit()?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) && self.take("\\u") {
                    units.push(self.unit()?);
                }
                let character = char::decode_utf16(units).next().and_then(Result::ok);
                character.ok_or_else(|| "half of a surrogate pair is not a character".to_owned())
            }
            c if c == quote => Ok(c),
            _ => Err(format!("`\\{kind}` is not an escape")),
        }
    }

    fn unit(&mut self) -> Parsed<u16> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += if unit.is_some() { 4 } else { 0 };
        unit.ok_or_else(|| "four hexadecimal digits are missing after `\\u`".to_owned())
    }
}

/// What to write instead of a method of another dialect.
pub(super) fn advice_on_method(name: &str) -> String {
    match name {
        "length" | "size" | "count" => format!(
            "`{name}` is not a method: in a filter write `length(@.items)`, and for a rule give the path the key \
             `min-length` or `max-length`"
        ),
        _ => format!("`{name}` is not a method: a filter has the functions length, count, value, match and search"),
    }
}
