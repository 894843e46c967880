//! Evaluates a path on a document and counts the steps.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::query::{Comparison, Expression, Matching, Operand, Query, Selector, Test, compile};
use crate::model::{Decimal, JsonKind, JsonNode};

/// Maximum number of steps of one path on any document: visiting a node is one.
const STEPS: u64 = 1_000_000;

/// Additional steps for each value in the document, so that a path that takes linear time always finishes.
const STEPS_FOR_A_VALUE: u64 = 20;

/// Cost in steps of a pattern taken from the document: it is compiled each time.
const COMPILING: u64 = 2_000;

/// A path takes more steps on this document than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManySteps;

impl std::fmt::Display for TooManySteps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the path takes too many steps on this document")
    }
}

impl std::error::Error for TooManySteps {}

/// The nodes that a path finds.
pub(super) fn find<'d>(query: &Query, root: JsonNode<'d>) -> Result<Vec<JsonNode<'d>>, TooManySteps> {
    let values = root.entries_within();
    Evaluation { root, left: STEPS + STEPS_FOR_A_VALUE * values }.query(query, root)
}

struct Evaluation<'d> {
    root: JsonNode<'d>,
    /// How many steps are left.
    left: u64,
}

/// A value that is compared.
enum Compared<'d, 'q> {
    Nothing,
    Node(JsonNode<'d>),
    Null,
    Boolean(bool),
    Number(Decimal<'q>),
    Text(&'q str),
    Count(u64),
}

type Counted<T> = Result<T, TooManySteps>;

impl<'d> Evaluation<'d> {
    fn spend(&mut self, steps: u64) -> Counted<()> {
        self.left = self.left.checked_sub(steps).ok_or(TooManySteps)?;
        Ok(())
    }

    fn query(&mut self, query: &Query, current: JsonNode<'d>) -> Counted<Vec<JsonNode<'d>>> {
        let mut nodes = vec![if query.is_from_root { self.root } else { current }];
        for segment in &query.segments {
            let mut found = Vec::new();
            for node in nodes {
                if segment.is_descendant {
                    for inner in node.descendants() {
                        self.select(&segment.selectors, inner, &mut found)?;
                    }
                } else {
                    self.select(&segment.selectors, node, &mut found)?;
                }
            }
            nodes = found;
        }
        Ok(nodes)
    }

    fn select(&mut self, selectors: &[Selector], node: JsonNode<'d>, found: &mut Vec<JsonNode<'d>>) -> Counted<()> {
        for selector in selectors {
            self.spend(1)?;
            match selector {
                Selector::Name(name) => {
                    if node.kind() == JsonKind::Object {
                        self.spend(node.children().count() as u64)?;
                        found.extend(node.member(name));
                    }
                }
                Selector::Wildcard => {
                    for child in node.children() {
                        self.spend(1)?;
                        found.push(child);
                    }
                }
                Selector::Index(index) => {
                    if node.kind() == JsonKind::Array {
                        let length = self.length_of(node)?;
                        let index = if *index < 0 { index + length } else { *index };
                        let index = usize::try_from(index).ok();
                        found.extend(index.and_then(|index| node.children().nth(index)));
                    }
                }
                Selector::Slice { start, end, step } => self.slice(node, (*start, *end, *step), found)?,
                Selector::Filter(test) => {
                    for child in node.children() {
                        self.spend(1)?;
                        if self.holds(test, child)? {
                            found.push(child);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Length of an array; its elements have to be counted.
    fn length_of(&mut self, array: JsonNode<'d>) -> Counted<i64> {
        let length = array.children().count();
        self.spend(length as u64)?;
        Ok(i64::try_from(length).unwrap_or(i64::MAX))
    }

    /// RFC 9535 section 2.3.4.2.2.
    fn slice(
        &mut self,
        node: JsonNode<'d>,
        (start, end, step): (Option<i64>, Option<i64>, i64),
        found: &mut Vec<JsonNode<'d>>,
    ) -> Counted<()> {
        if node.kind() != JsonKind::Array || step == 0 {
            return Ok(());
        }
        let length = self.length_of(node)?;
        let children: Vec<JsonNode<'d>> = node.children().collect();
        let normal = |index: i64| if index < 0 { index + length } else { index };
        let (first, last) = if step > 0 {
            (normal(start.unwrap_or(0)).clamp(0, length), normal(end.unwrap_or(length)).clamp(0, length))
        } else {
            let start = start.map_or(length - 1, normal);
            (start.clamp(-1, length - 1), end.map_or(-1, normal).clamp(-1, length - 1))
        };
        let mut at = first;
        while if step > 0 { at < last } else { at > last } {
            found.extend(usize::try_from(at).ok().and_then(|at| children.get(at).copied()));
            at = at.saturating_add(step);
        }
        Ok(())
    }

    fn holds(&mut self, test: &Test, node: JsonNode<'d>) -> Counted<bool> {
        self.spend(1)?;
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.holds(test, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.holds(test, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => Ok(!self.holds(test, node)?),
            Test::Exists(query) => Ok(!self.query(query, node)?.is_empty()),
            Test::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left, node)?, self.operand(right, node)?);
                self.spend(cost(&left).min(cost(&right)))?;
                Ok(match comparison {
                    Comparison::Equal => are_equal(&left, &right),
                    Comparison::NotEqual => !are_equal(&left, &right),
                    Comparison::Less => order(&left, &right) == Some(Ordering::Less),
                    Comparison::Greater => order(&left, &right) == Some(Ordering::Greater),
                    Comparison::LessOrEqual => order(&left, &right) == Some(Ordering::Less) || are_equal(&left, &right),
                    Comparison::GreaterOrEqual => {
                        order(&left, &right) == Some(Ordering::Greater) || are_equal(&left, &right)
                    }
                })
            }
            Test::Matches(matching) => self.matches(matching, node),
        }
    }

    fn matches(&mut self, matching: &Matching, node: JsonNode<'d>) -> Counted<bool> {
        let text = self.operand(&matching.text, node)?;
        let Some(text) = text_of(&text) else { return Ok(false) };
        self.spend(text.len() as u64 / 10)?;
        match &matching.pattern {
            Expression::Compiled(pattern) => Ok(pattern.is_match(&text)),
            Expression::Found(operand) => {
                self.spend(COMPILING)?;
                let pattern = self.operand(operand, node)?;
                let pattern = text_of(&pattern).filter(|pattern| pattern.len() <= 1000);
                let pattern = pattern.and_then(|pattern| compile(&pattern, matching.is_whole).ok());
                Ok(pattern.is_some_and(|pattern| pattern.is_match(&text)))
            }
        }
    }

    fn operand<'q>(&mut self, operand: &'q Operand, node: JsonNode<'d>) -> Counted<Compared<'d, 'q>> {
        Ok(match operand {
            Operand::Null => Compared::Null,
            Operand::Boolean(value) => Compared::Boolean(*value),
            Operand::Number(text) => Compared::Number(Decimal::of(text)),
            Operand::Text(text) => Compared::Text(text),
            Operand::Node(query) => {
                self.query(query, node)?.first().map_or(Compared::Nothing, |node| Compared::Node(*node))
            }
            Operand::Count(query) => Compared::Count(self.query(query, node)?.len() as u64),
            Operand::Value(query) => match self.query(query, node)?[..] {
                [node] => Compared::Node(node),
                _ => Compared::Nothing,
            },
            Operand::Length(operand) => {
                let value = self.operand(operand, node)?;
                self.spend(cost(&value))?;
                let length = match &value {
                    Compared::Node(node) => node.length(),
                    Compared::Text(text) => Some(text.chars().count() as u64),
                    _ => None,
                };
                length.map_or(Compared::Nothing, Compared::Count)
            }
        })
    }
}

/// The cost in steps of reading a whole value.
fn cost(value: &Compared<'_, '_>) -> u64 {
    match value {
        Compared::Node(node) => 1 + node.source().len() as u64 / 20,
        _ => 1,
    }
}

fn text_of<'d>(value: &Compared<'d, 'd>) -> Option<Cow<'d, str>> {
    match value {
        Compared::Node(node) => node.text(),
        Compared::Text(text) => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

fn are_equal(left: &Compared<'_, '_>, right: &Compared<'_, '_>) -> bool {
    match (left, right) {
        (Compared::Nothing, Compared::Nothing) | (Compared::Null, Compared::Null) => true,
        (Compared::Node(one), Compared::Node(other)) => one.equals(*other),
        (Compared::Boolean(one), Compared::Boolean(other)) => one == other,
        (Compared::Count(one), Compared::Count(other)) => one == other,
        (Compared::Node(node), Compared::Null) | (Compared::Null, Compared::Node(node)) => {
            node.kind() == JsonKind::Null
        }
        (Compared::Node(node), Compared::Boolean(value)) | (Compared::Boolean(value), Compared::Node(node)) => {
            node.kind() == JsonKind::Boolean && (node.source() == "true") == *value
        }
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// The order of two numbers or two texts; other values have none.
fn order(left: &Compared<'_, '_>, right: &Compared<'_, '_>) -> Option<Ordering> {
    let (left_count, right_count) = (count_of(left), count_of(right));
    if let (Some(one), Some(other)) = (number_of(left, &left_count), number_of(right, &right_count)) {
        return Some(one.cmp(&other));
    }
    Some(text_of(left)?.cmp(&text_of(right)?))
}

/// The digits of a count.
fn count_of(value: &Compared<'_, '_>) -> String {
    if let Compared::Count(count) = value { count.to_string() } else { String::new() }
}

fn number_of<'v>(value: &Compared<'v, 'v>, count: &'v str) -> Option<Decimal<'v>> {
    match value {
        Compared::Node(node) => node.number(),
        Compared::Number(number) => Some(number.clone()),
        Compared::Count(_) => Some(Decimal::of(count)),
        _ => None,
    }
}
