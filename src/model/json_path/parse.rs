//! The grammar of RFC 9535, with advice for people who know another dialect.

use super::parser::{Parsed, Parser, advice_on_method};
use super::query::{Query, Segment, Selector};

/// The largest integer that a path may hold (RFC 7493 section 2.2).
const LARGEST: i64 = (1 << 53) - 1;

/// Parses a path from `$` to its end.
pub(super) fn path(source: &str) -> Result<Query, String> {
    let mut parser = Parser::new(source);
    let parsed =
        parser.path().and_then(|query| if parser.at == source.len() { Ok(query) } else { Err(parser.left_over()) });
    parsed.map_err(|reason| {
        let position = source[..parser.at.min(source.len())].chars().count();
        format!("at position {position}, {reason}")
    })
}

impl Parser<'_> {
    fn path(&mut self) -> Parsed<Query> {
        if !self.take("$") {
            return Err("`$` is missing, with which a path starts".to_owned());
        }
        Ok(Query { is_from_root: true, segments: self.segments()? })
    }

    /// What is wrong with text after the end of a path.
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

    pub(super) fn segments(&mut self) -> Parsed<Vec<Segment>> {
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
}
