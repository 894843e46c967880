//! Filters of JSON paths, from `?` on: tests, comparisons and functions.

use super::parser::{Parsed, Parser, advice_on_method};
use super::query::{Comparison, Expression, Matching, Operand, Query, Test, compile};
use crate::model::{JsonDocument, JsonKind};

impl Parser<'_> {
    /// Tests of which one must hold.
    pub(super) fn any(&mut self) -> Parsed<Test> {
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
