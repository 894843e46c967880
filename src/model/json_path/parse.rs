//! The grammar of RFC 9535, with advice for what people write who know another dialect.

use super::query::{Comparison, Expression, Matching, Operand, Query, Segment, Selector, Test, compile};
use crate::model::{JsonDocument, JsonKind};

/// How deep parentheses, brackets and functions may be nested.
const DEPTH: usize = 32;

/// The largest integer that a path may hold (RFC 7493 section 2.2).
const LARGEST: i64 = (1 << 53) - 1;

/// Reads a path from `$` to its end.
pub(super) fn path(source: &str) -> Result<Query, String> {
    let mut parser = Parser { source, at: 0, depth: 0 };
    let parsed =
        parser.path().and_then(|query| if parser.at == source.len() { Ok(query) } else { Err(parser.left_over()) });
    parsed.map_err(|reason| {
        let position = source[..parser.at.min(source.len())].chars().count();
        format!("at position {position}, {reason}")
    })
}

struct Parser<'s> {
    source: &'s str,
    /// In bytes, always between characters.
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, String>;

impl<'s> Parser<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes a text, if it is next.
    fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn want(&mut self, text: &str) -> Parsed<()> {
        if self.take(text) { Ok(()) } else { Err(format!("`{text}` is missing")) }
    }

    fn blanks(&mut self) {
        self.at = self.source.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Goes one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH {
            return Err(format!("it is nested deeper than {DEPTH}"));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn path(&mut self) -> Parsed<Query> {
        if !self.take("$") {
            return Err("`$` is missing, with which a path starts".to_owned());
        }
        Ok(Query { is_from_root: true, segments: self.segments()? })
    }

    /// What is wrong where a path should have ended.
    fn left_over(&self) -> String {
        let rest = self.rest();
        let written = &self.source[..self.at];
        if rest.starts_with('-') {
            let start = written.rfind(['.', ']']).map_or(0, |at| at + 1);
            let name = &self.source[start..];
            let end = name.find(['.', '[']).unwrap_or(name.len());
            return format!("a name with `-` is written between brackets: `['{}']`", &name[..end]);
        }
        if rest.starts_with('(') {
            let start = written.rfind('.').map_or(0, |at| at + 1);
            return advice_on_method(&written[start..]);
        }
        if ["==", "!=", "<", ">", "=", " "].iter().any(|mark| rest.starts_with(mark)) {
            return "the path ends here; a rule is a key beside it, such as `equals` or `min`".to_owned();
        }
        format!("`{}` is unexpected", rest.chars().next().unwrap_or_default())
    }

    fn segments(&mut self) -> Parsed<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blanks();
            let is_descendant = self.take("..");
            if self.peek() == Some('[') {
                let selectors = self.nested(Self::bracketed)?;
                segments.push(Segment { is_descendant, selectors });
            } else if is_descendant || self.take(".") {
                let selector = if self.take("*") { Selector::Wildcard } else { Selector::Name(self.short_name()?) };
                segments.push(Segment { is_descendant, selectors: vec![selector] });
            } else {
                self.at = before;
                return Ok(segments);
            }
        }
    }

    /// The name after a dot.
    fn short_name(&mut self) -> Parsed<String> {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Err("a name is missing after `.`".to_owned()) };
        if !is_first(first) {
            return Err(match first {
                '0'..='9' => "a number stands between brackets: `[0]`".to_owned(),
                '"' | '\'' => "a quoted name stands between brackets: `['name']`".to_owned(),
                _ => "a name is missing after `.`".to_owned(),
            });
        }
        let end = rest.find(|c: char| !is_first(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// `[…]`
    fn bracketed(&mut self) -> Parsed<Vec<Selector>> {
        self.want("[")?;
        let mut selectors = Vec::new();
        loop {
            self.blanks();
            selectors.push(self.selector()?);
            self.blanks();
            if self.take("]") {
                return Ok(selectors);
            }
            if !self.take(",") {
                return Err("`,` or `]` is missing".to_owned());
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.peek() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('"' | '\'') => self.string().map(Selector::Name),
            Some('?') => {
                self.at += 1;
                self.blanks();
                self.nested(Self::any).map(Selector::Filter)
            }
            Some(':' | '-' | '0'..='9') => self.index_or_slice(),
            Some('(') => Err("a script is not part of the standard: a filter is `[?@.price < 10]`".to_owned()),
            Some(c) if c.is_alphabetic() => Err("a name between brackets is quoted: `['name']`".to_owned()),
            _ => Err("a name, an index, `*` or `?` is missing".to_owned()),
        }
    }

    fn index_or_slice(&mut self) -> Parsed<Selector> {
        let start = self.integer()?;
        self.blanks();
        if !self.take(":") {
            return start.map(Selector::Index).ok_or_else(|| "an index is missing".to_owned());
        }
        self.blanks();
        let end = self.integer()?;
        self.blanks();
        let mut step = None;
        if self.take(":") {
            self.blanks();
            step = self.integer()?;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn integer(&mut self) -> Parsed<Option<i64>> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let text = &rest[..rest.len() - digits.len() + length];
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<i64>().ok().filter(|number| number.abs() <= LARGEST);
        let is_canonical = text == "0" || !digits.starts_with('0');
        match number.filter(|_| is_canonical && length > 0) {
            Some(number) => {
                self.at += text.len();
                Ok(Some(number))
            }
            None => Err(format!("`{text}` is not an index")),
        }
    }

    /// A text between single or double quotes.
    fn string(&mut self) -> Parsed<String> {
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

    /// Tests of which one must hold.
    fn any(&mut self) -> Parsed<Test> {
        let mut tests = vec![self.all()?];
        while self.operator("||") {
            tests.push(self.all()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Any(tests) })
    }

    /// Tests that must all hold.
    fn all(&mut self) -> Parsed<Test> {
        let mut tests = vec![self.test()?];
        while self.operator("&&") {
            tests.push(self.test()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    fn operator(&mut self, operator: &str) -> bool {
        let before = self.at;
        self.blanks();
        let is_next = self.take(operator);
        if is_next {
            self.blanks();
        } else {
            self.at = before;
        }
        is_next
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.take("!") {
            self.blanks();
            let is_group = self.peek() == Some('(');
            let test = if is_group { self.nested(Self::group)? } else { self.simple_test()? };
            if matches!(test, Test::Compare(..)) && !is_group {
                return Err("`!` must come before a path, a function or parentheses".to_owned());
            }
            return Ok(Test::Not(Box::new(test)));
        }
        if self.peek() == Some('(') { self.nested(Self::group) } else { self.simple_test() }
    }

    fn group(&mut self) -> Parsed<Test> {
        self.want("(")?;
        self.blanks();
        let test = self.any()?;
        self.blanks();
        self.want(")")?;
        Ok(test)
    }

    /// A comparison, a path that must find something, or `match(…)` or `search(…)`.
    fn simple_test(&mut self) -> Parsed<Test> {
        for (name, is_whole) in [("match(", true), ("search(", false)] {
            if self.take(name) {
                let test = self.nested(|parser| parser.matching(is_whole))?;
                return Ok(Test::Matches(test));
            }
        }
        let begin = self.at;
        if matches!(self.peek(), Some('@' | '$')) {
            let query = self.query()?;
            let path = &self.source[begin..self.at];
            return match self.comparison()? {
                None => Ok(Test::Exists(query)),
                Some(comparison) => {
                    let left = singular(query, path)?;
                    Ok(Test::Compare(left, comparison, self.operand()?))
                }
            };
        }
        let left = self.operand()?;
        match self.comparison()? {
            Some(comparison) => Ok(Test::Compare(left, comparison, self.operand()?)),
            None => Err("a comparison is missing: `==`, `!=`, `<`, `<=`, `>` or `>=`".to_owned()),
        }
    }

    fn comparison(&mut self) -> Parsed<Option<Comparison>> {
        let before = self.at;
        self.blanks();
        let known = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (text, comparison) in known {
            if self.take(text) {
                if self.peek() == Some('=') {
                    return Err(format!("`{text}` is the comparison, without another `=`"));
                }
                self.blanks();
                return Ok(Some(comparison));
            }
        }
        if self.rest().starts_with("=~") {
            return Err("`=~` is not part of the standard: write `search(@.name, 'pattern')`".to_owned());
        }
        if self.rest().starts_with('=') {
            return Err("values are compared with `==`".to_owned());
        }
        for (word, symbol) in [("and ", "&&"), ("or ", "||"), ("in ", "==")] {
            if self.rest().starts_with(word) {
                return Err(format!("`{}` is not part of the standard: write `{symbol}`", word.trim()));
            }
        }
        if self.rest().starts_with('(') {
            let written = &self.source[..self.at];
            return Err(advice_on_method(&written[written.rfind('.').map_or(0, |at| at + 1)..]));
        }
        self.at = before;
        Ok(None)
    }

    /// A path within a filter.
    fn query(&mut self) -> Parsed<Query> {
        let is_from_root = self.take("$");
        if !is_from_root && !self.take("@") {
            return Err("a path within a filter begins with `@` or `$`".to_owned());
        }
        self.nested(|parser| Ok(Query { is_from_root, segments: parser.segments()? }))
    }

    fn operand(&mut self) -> Parsed<Operand> {
        for (text, operand) in
            [("null", Operand::Null), ("true", Operand::Boolean(true)), ("false", Operand::Boolean(false))]
        {
            let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            if self.rest().strip_prefix(text).is_some_and(is_word) {
                self.at += text.len();
                return Ok(operand);
            }
        }
        match self.peek() {
            Some('"' | '\'') => self.string().map(Operand::Text),
            Some('-' | '0'..='9') => self.number(),
            Some('@' | '$') => {
                let begin = self.at;
                let query = self.query()?;
                singular(query, &self.source[begin..self.at])
            }
            Some(c) if c.is_ascii_alphabetic() => self.nested(Self::function),
            _ => Err("a value to compare is missing: a path, a number, a quoted text, true, false or null".to_owned()),
        }
    }

    fn number(&mut self) -> Parsed<Operand> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let text = &rest[..rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())];
        let is_number = JsonDocument::read(text).is_ok_and(|document| document.root().kind() == JsonKind::Number);
        if !is_number {
            return Err(format!("`{text}` is not a number as JSON writes it"));
        }
        self.at += text.len();
        Ok(Operand::Number(text.to_owned()))
    }

    fn function(&mut self) -> Parsed<Operand> {
        let rest = self.rest();
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
        if !rest[name.len()..].starts_with('(') {
            return Err(format!("`{name}` is not a value: a text is quoted, a path begins with `@`"));
        }
        if !matches!(name, "length" | "count" | "value") {
            let known = "length, count, value, match and search";
            return Err(match name {
                "match" | "search" => format!("`{name}` is a test of its own and is not compared"),
                _ => format!("there is no function `{name}`: they are {known}"),
            });
        }
        self.at += name.len() + 1;
        self.blanks();
        let operand = match name {
            "length" => Operand::Length(Box::new(self.operand()?)),
            "count" => Operand::Count(self.query()?),
            _ => Operand::Value(self.query()?),
        };
        self.blanks();
        self.want(")")?;
        Ok(operand)
    }

    /// The arguments of `match(…)` or `search(…)`.
    fn matching(&mut self, is_whole: bool) -> Parsed<Matching> {
        self.blanks();
        let text = self.operand()?;
        self.blanks();
        self.want(",")?;
        self.blanks();
        let pattern = match self.operand()? {
            Operand::Text(pattern) => {
                let compiled = compile(&pattern, is_whole);
                Expression::Compiled(compiled.map_err(|_| format!("`{pattern}` is not a pattern"))?)
            }
            other => Expression::Found(other),
        };
        self.blanks();
        self.want(")")?;
        Ok(Matching { text, pattern, is_whole })
    }
}

/// A path as something to compare, which finds one node at most.
fn singular(query: Query, path: &str) -> Parsed<Operand> {
    if query.is_singular() {
        return Ok(Operand::Node(query));
    }
    Err(format!("`{path}` may find several nodes: compare `count({path})` or `value({path})`"))
}

/// What to write instead of a method of another dialect.
fn advice_on_method(name: &str) -> String {
    match name {
        "length" | "size" | "count" => format!(
            "`{name}` is not a method: in a filter write `length(@.items)`, and for a rule give the path the key \
             `min-length` or `max-length`"
        ),
        _ => format!("`{name}` is not a method: a filter has the functions length, count, value, match and search"),
    }
}
