//! Turns a JSON Schema as written into what the library compiles: its numbers are collected, and regular expression
//! syntax that is not supported here is reported by name.

use std::convert::Infallible;

use serde_json::{Map, Value, json};

use super::super::json::{JsonKind, JsonNode};
use super::numbers::{SchemaNumbers, number_of};
use super::value::value_of;

/// Keywords that hold schemas under names that the author chooses.
const OF_SCHEMAS: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

/// Keywords that bound a number.
const BOUNDS: [&str; 4] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/// Reads a schema.
///
/// # Errors
/// What in it is not supported.
pub(super) fn read(schema: JsonNode<'_>) -> Result<(Value, SchemaNumbers), String> {
    let mut reader = SchemaReader { numbers: SchemaNumbers::shifted_by(decimals(schema))? };
    let value = reader.schema(schema)?;
    Ok((value, reader.numbers))
}

/// The most decimals of any `multipleOf`.
fn decimals(schema: JsonNode<'_>) -> i128 {
    let multiples = schema.descendants().filter_map(|node| node.member("multipleOf")?.number());
    multiples.map(|multiple| multiple.decimals()).max().unwrap_or_default()
}

struct SchemaReader {
    numbers: SchemaNumbers,
}

impl SchemaReader {
    /// A schema, or a list of them.
    fn schema(&mut self, node: JsonNode<'_>) -> Result<Value, String> {
        match node.kind() {
            JsonKind::Array => node.children().map(|schema| self.schema(schema)).collect(),
            JsonKind::Object => {
                let mut keywords = Map::new();
                for (name, value) in node.members() {
                    let read = self.keyword(&name, value)?;
                    keywords.insert(name.into_owned(), read);
                }
                self.integers(&mut keywords);
                Ok(Value::Object(keywords))
            }
            _ => Ok(plain(node)),
        }
    }

    fn keyword(&mut self, name: &str, value: JsonNode<'_>) -> Result<Value, String> {
        match (name, value.kind()) {
            ("const" | "enum", _) => value_of(value, &mut |number| self.numbers.literal(number)),
            ("default" | "examples", _) => Ok(plain(value)),
            ("multipleOf", JsonKind::Number) => self.numbers.multiple(value.source()).map(Value::Number),
            (name, JsonKind::Number) if BOUNDS.contains(&name) => self.numbers.bound(value.source()).map(Value::Number),
            ("pattern", JsonKind::String) => {
                check_pattern(&value.text().unwrap_or_default())?;
                Ok(plain(value))
            }
            (name, JsonKind::Object) if OF_SCHEMAS.contains(&name) => {
                let mut schemas = Map::new();
                for (pattern, schema) in value.members() {
                    if name == "patternProperties" {
                        check_pattern(&pattern)?;
                    }
                    let read = self.schema(schema)?;
                    schemas.insert(pattern.into_owned(), read);
                }
                Ok(Value::Object(schemas))
            }
            _ => self.schema(value),
        }
    }

    /// Rewrites the type `integer` as a number that is a multiple of the shifted one, if numbers are shifted.
    fn integers(&mut self, keywords: &mut Map<String, Value>) {
        let Some(types) = keywords.get_mut("type") else { return };
        let mut all = types.as_array().cloned().unwrap_or_else(|| vec![types.clone()]);
        if !all.contains(&json!("integer")) {
            return;
        }
        self.numbers.integer();
        let Some(one) = self.numbers.one() else { return };
        let is_any_number = all.contains(&json!("number"));
        all.retain(|kind| *kind != json!("integer") && *kind != json!("number"));
        all.push(json!("number"));
        *types = Value::Array(all);
        if !is_any_number && let Value::Array(parts) = keywords.entry("allOf").or_insert_with(|| json!([])) {
            parts.push(json!({ "multipleOf": one }));
        }
    }
}

/// A value in which no number is compared.
fn plain(node: JsonNode<'_>) -> Value {
    let Ok(value) = value_of(node, &mut |number| Ok::<_, Infallible>(number_of(number)));
    value
}

/// Rejects JavaScript regular expression syntax that needs more than linear time.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let (mut rest, mut in_class) = (pattern, false);
    let lacking = loop {
        let lacking = match rest {
            "" => return Ok(()),
            _ if in_class => None,
            _ if rest.starts_with("(?=") || rest.starts_with("(?!") => Some("a lookahead"),
            _ if rest.starts_with("(?<=") || rest.starts_with("(?<!") => Some("a lookbehind"),
            _ if rest.starts_with("\\k<") || rest.strip_prefix('\\').is_some_and(is_reference) => {
                Some("a back reference")
            }
            _ => None,
        };
        if let Some(lacking) = lacking {
            break lacking;
        }
        let mut characters = rest.chars();
        match characters.next() {
            Some('\\') => {
                characters.next();
            }
            Some('[') => in_class = true,
            Some(']') => in_class = false,
            _ => {}
        }
        rest = characters.as_str();
    };
    let shown: String = pattern.chars().take(60).collect();
    Err(format!(
        "its pattern `{shown}` has {lacking}, which patterns here do not have; say it by several schemas, as with `not` and `allOf`"
    ))
}

fn is_reference(after_backslash: &str) -> bool {
    after_backslash.starts_with(|digit: char| matches!(digit, '1'..='9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_patterns_do_not_have_is_told_by_name() {
        for (pattern, what) in [
            ("^(?!admin)", "a lookahead"),
            ("a(?=b)", "a lookahead"),
            (r"(?<=\()x", "a lookbehind"),
            ("(?<!x)y", "a lookbehind"),
            (r"(a)\1", "a back reference"),
            (r"(?<n>a)\k<n>", "a back reference"),
        ] {
            let error = check_pattern(pattern).expect_err(pattern);
            assert!(error.contains(what) && error.contains(pattern), "{error}");
        }
        for pattern in ["", "^(?:a|b)$", r"\(?!x", "[(?!]", r"[\]](?:x)", "(?<name>a)", r"\\1", r"[\1]", "é"] {
            assert_eq!(check_pattern(pattern), Ok(()), "{pattern}");
        }
    }
}
