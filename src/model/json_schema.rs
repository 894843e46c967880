//! A JSON Schema that a body must match. It is compiled before any check and never fetches anything.

mod multiples;
mod numbers;
mod reader;
mod value;

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader};
use serde_json::{Number, Value};

use super::json::{JsonDocument, JsonKind, JsonNode};
use numbers::SchemaNumbers;
use value::value_of;

/// The schema's URI while it is compiled: no reference can lead there from outside.
const OWN: &str = "urn:uptick:json-schema";

/// Maximum length of the description of a violation, in characters.
const SHOWN: usize = 200;

/// A document with at most this many levels is validated on the caller's stack.
const SHALLOW: usize = 8;

/// Maximum stack that one step of the library takes in an unoptimised build, in bytes.
const STEP: usize = 16 * 1024;

/// The smallest and the largest stack for a document; only the used part takes memory.
const LEAST_STACK: usize = 4 << 20;
const MOST_STACK: usize = 1 << 30;

/// The message for a document that needs a larger stack.
const TOO_DEEP: &str = "the document is nested too deep to be judged by this schema";

/// A schema, compiled.
#[derive(Clone)]
pub struct JsonSchema(Arc<CompiledSchema>);

struct CompiledSchema {
    path: PathBuf,
    /// Maximum number of steps at one level of a document: the schema's nesting depth, and one for each reference.
    steps: usize,
    numbers: SchemaNumbers,
    schemas: Schemas,
    index: SchemaIndex,
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonSchema").field(&self.0.path).finish()
    }
}

/// Fetches nothing, whatever a schema refers to.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("{url} is not in the file, and nothing is fetched").into())
    }
}

impl JsonSchema {
    /// Compiles the schema in a file.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(path: &Path, text: &str) -> Result<JsonSchema, String> {
        // A schema is itself validated against the meta-schema.
        let levels = depth(text).saturating_mul(16);
        match on_stack_for(levels, || JsonSchema::read(path, text)) {
            Ok(read) => read,
            Err(StackError::TooDeep) => Err("it is nested too deep".to_owned()),
            Err(StackError::NoThread(error)) => Err(format!("no thread can be started to read it: {error}")),
        }
    }

    fn read(path: &Path, text: &str) -> Result<JsonSchema, String> {
        let document = JsonDocument::read(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let (schema, numbers) = reader::read(document.root())?;
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(NoLoader));
        let one_line = |error: &dyn fmt::Display| {
            let text: String = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            text.chars().take(SHOWN).collect::<String>()
        };
        compiler.add_resource(OWN, schema).map_err(|error| one_line(&error))?;
        let mut schemas = Schemas::new();
        let index = compiler.compile(OWN, &mut schemas).map_err(|error| one_line(&error))?;
        let steps = depth(text) + text.matches("$ref").count() + text.matches("$dynamicRef").count();
        Ok(JsonSchema(Arc::new(CompiledSchema { path: path.to_owned(), steps, numbers, schemas, index })))
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The first violation in a document: where it is, and what is wrong.
    ///
    /// # Errors
    /// This host cannot start the thread that a deep document needs.
    pub(crate) fn violation(&self, document: JsonNode<'_>) -> io::Result<Option<String>> {
        let levels = depth(document.source());
        if levels <= SHALLOW && self.0.steps <= SHALLOW {
            return Ok(self.first_violation(document));
        }
        match on_stack_for(levels.saturating_mul(self.0.steps), || self.first_violation(document)) {
            Ok(judged) => Ok(judged),
            Err(StackError::TooDeep) => Ok(Some(TOO_DEEP.to_owned())),
            Err(StackError::NoThread(error)) => Err(error),
        }
    }

    fn first_violation(&self, document: JsonNode<'_>) -> Option<String> {
        let value = match value_of(document, &mut |number| self.0.numbers.of(number).ok_or(number)) {
            Ok(value) => value,
            Err(number) => return Some(not_comparable(number)),
        };
        let error = self.0.schemas.validate(&value, self.0.index).err()?;
        let mut at = &error;
        // Only the innermost cause says what is wrong; outer ones only say that something is.
        while let Some(inner) = at.causes.first() {
            at = inner;
        }
        let place = at.instance_location.to_string();
        let found = node_at(document, &place);
        let place = if place.is_empty() { "the document".to_owned() } else { place };
        let of_numbers = found.and_then(|found| self.account_of_numbers(&at.kind, found));
        Some(format!("{place}: {}", of_numbers.unwrap_or_else(|| at.kind.to_string())))
    }

    /// What is wrong with a number, in its own digits and those of the schema; none for any other error.
    fn account_of_numbers(&self, kind: &ErrorKind<'_, '_>, found: JsonNode<'_>) -> Option<String> {
        let (got, numbers) = (found.source(), &self.0.numbers);
        let source = |number: &Number| numbers.source_of(number).map(str::to_owned);
        Some(match kind {
            ErrorKind::Minimum { want, .. } => format!("must be >={}, but got {got}", source(want)?),
            ErrorKind::Maximum { want, .. } => format!("must be <={}, but got {got}", source(want)?),
            ErrorKind::ExclusiveMinimum { want, .. } => format!("must be > {} but got {got}", source(want)?),
            ErrorKind::ExclusiveMaximum { want, .. } => format!("must be < {} but got {got}", source(want)?),
            // Beyond 2^53 the library finds remainders that do not exist.
            ErrorKind::MultipleOf { want, .. } if numbers.is_multiple(got, want) == Some(true) => not_comparable(got),
            ErrorKind::MultipleOf { want, .. } if numbers.one().as_ref() == Some(*want) => {
                format!("want integer, but got {got}")
            }
            ErrorKind::MultipleOf { want, .. } => format!("{got} is not multipleOf {}", source(want)?),
            ErrorKind::Const { want: Value::Number(want) } => format!("value must be {}", source(want)?),
            ErrorKind::Enum { want } => {
                let numbers: Option<Vec<String>> = want.iter().map(|want| source(want.as_number()?)).collect();
                format!("value must be one of {}", numbers?.join(", "))
            }
            ErrorKind::UniqueItems { got: [first, second] } => {
                let (one, other) = (found.children().nth(*first)?, found.children().nth(*second)?);
                if one.equals(other) {
                    return None;
                }
                format!("the items at {first} and {second} have numbers that are too close to be told apart")
            }
            _ => return None,
        })
    }
}

fn not_comparable(number: &str) -> String {
    format!("the number {number} cannot be compared exactly with those of the schema")
}

/// The node at a JSON pointer (RFC 6901).
fn node_at<'d>(document: JsonNode<'d>, pointer: &str) -> Option<JsonNode<'d>> {
    pointer.split('/').skip(1).try_fold(document, |node, token| match node.kind() {
        JsonKind::Array => node.children().nth(token.parse().ok()?),
        _ => node.member(&token.replace("~1", "/").replace("~0", "~")),
    })
}

/// Why there is no stack for some work.
enum StackError {
    /// It would be larger than the largest.
    TooDeep,
    /// This host cannot start a thread with it.
    NoThread(io::Error),
}

/// Runs library work that nests this many steps, and passes its panic on.
fn on_stack_for<T: Send>(steps: usize, work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    let stack = steps.saturating_mul(STEP).max(LEAST_STACK);
    if stack > MOST_STACK {
        return Err(StackError::TooDeep);
    }
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("schema".to_owned()).stack_size(stack);
        let worker = builder.spawn_scoped(scope, work).map_err(StackError::NoThread)?;
        Ok(worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Nesting depth of the arrays and objects in a JSON text.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::json::JsonDocument;
    use super::*;

    fn violation(schema: &JsonSchema, document: &str) -> Option<String> {
        schema.violation(JsonDocument::read(document).expect("JSON").root()).expect("a thread")
    }

    fn schema(schema: &Value) -> Result<JsonSchema, String> {
        JsonSchema::new(Path::new("x.schema.json"), &schema.to_string())
    }

    #[test]
    fn what_does_not_hold_is_told_with_its_place() {
        let schema = schema(&json!({
            "type": "object",
            "required": ["items"],
            "properties": { "items": { "type": "array", "items": { "$ref": "#/$defs/item" } } },
            "$defs": { "item": { "type": "object", "required": ["id"] } },
        }))
        .expect("a schema");
        assert_eq!(violation(&schema, r#"{ "items": [{ "id": 1 }] }"#), None);
        let missing = violation(&schema, "{}").expect("a violation");
        assert!(missing.contains("the document") && missing.contains("items"), "{missing}");
        let inner = violation(&schema, r#"{ "items": [{ "id": 1 }, {}] }"#).expect("a violation");
        assert!(inner.contains("/items/1") && inner.contains("id"), "{inner}");
    }

    #[test]
    fn what_is_no_schema_or_lies_elsewhere_is_refused() {
        assert!(schema(&json!({ "type": "objekt" })).is_err());
        assert!(schema(&json!({ "$ref": "https://x.test/schema.json" })).is_err());
        assert!(schema(&json!({ "$ref": "file:///etc/passwd" })).is_err());
        assert!(JsonSchema::new(Path::new("x"), "{").is_err());
    }

    #[test]
    fn numbers_are_compared_by_their_exact_values_and_told_by_their_own_digits() {
        let said = |schema: &str, document: &str| {
            violation(&JsonSchema::new(Path::new("x"), schema).expect("a schema"), document).unwrap_or_default()
        };
        for (schema, up, down, says) in [
            (
                r#"{"maximum": 9007199254740992}"#,
                "9007199254740992",
                "9007199254740993",
                "must be <=9007199254740992, but got 9007199254740993",
            ),
            (
                r#"{"minimum": 123456789012345678901}"#,
                "123456789012345678901",
                "123456789012345678900",
                "123456789012345678900",
            ),
            (r#"{"exclusiveMaximum": 0.1}"#, "0.09999999999999999999", "0.1", "must be < 0.1 but got 0.1"),
            (
                r#"{"const": 123456789012345678901}"#,
                "123456789012345678901.0",
                "123456789012345678902",
                "value must be 123456789012345678901",
            ),
            (r#"{"enum": [18446744073709551617, 3]}"#, "3.0", "18446744073709551616", "one of 18446744073709551617, 3"),
            (r#"{"multipleOf": 0.01}"#, "19.99", "19.999", "19.999 is not multipleOf 0.01"),
            (r#"{"multipleOf": 0.1, "type": ["integer", "null"]}"#, "3", "0.3", "want integer, but got 0.3"),
            (r#"{"multipleOf": 0.01, "minimum": 0.5}"#, "0.50", "0.49", "must be >=0.5, but got 0.49"),
            (r#"{"type": "integer"}"#, "1.0", "1.00000000000000000001", "want integer"),
            (
                r#"{"uniqueItems": true}"#,
                "[1, 2]",
                "[123456789012345678901, 123456789012345678902]",
                "too close to be told apart",
            ),
            (
                r#"{"multipleOf": 2, "minimum": 1}"#,
                "9007199254740994",
                "9007199254740993",
                "9007199254740993 is not multipleOf 2",
            ),
            (
                r#"{"multipleOf": 3}"#,
                "9007199254740993",
                "18446744073709551617",
                "18446744073709551617 is not multipleOf 3",
            ),
            (r#"{"multipleOf": 7, "type": "integer"}"#, "7e400", "1e400", "1e400 is not multipleOf 7"),
            (
                r#"{"multipleOf": 0.25, "minimum": 0}"#,
                "12345678901234567.75",
                "12345678901234567.7",
                "12345678901234567.7 is not multipleOf 0.25",
            ),
            (
                r#"{"multipleOf": 2, "minimum": 1e17}"#,
                "100000000000000032",
                "100000000000000001",
                "the number 100000000000000001 cannot be compared",
            ),
            (
                r#"{"properties": {"multipleOf": {"multipleOf": 0.5}}}"#,
                r#"{"multipleOf": 1.5}"#,
                r#"{"multipleOf": 1.25}"#,
                "/multipleOf: 1.25 is not",
            ),
        ] {
            assert_eq!(said(schema, up), "", "{schema} {up}");
            assert!(said(schema, down).contains(says), "{schema} {down}: {}", said(schema, down));
        }
    }

    #[test]
    fn large_numbers_beside_multiples_of_decimals_are_what_they_are() {
        let text = json!({
            "type": "object",
            "properties": {
                "price": { "type": "number", "multipleOf": 0.01 },
                "id": { "type": "integer", "maximum": u64::MAX },
            },
        });
        let schema = schema(&text).expect("a schema");
        for id in ["1424681574820872201", "18446744073709551615", "9007199254740993", "4503599627370497", "-7"] {
            assert_eq!(violation(&schema, &format!(r#"{{ "price": 19.99, "id": {id} }}"#)), None, "{id}");
        }
        for (id, says) in [("18446744073709551616", "must be <=18446744073709551615"), ("7.5", "want integer")] {
            let said = violation(&schema, &format!(r#"{{ "price": 19.99, "id": {id} }}"#)).expect("a violation");
            assert!(said.contains(says) && said.contains(id), "{said}");
        }
    }

    #[test]
    fn a_pattern_that_looks_ahead_is_told_by_name() {
        let error = schema(&json!({ "properties": { "a": { "pattern": "^(?!x)" } } })).expect_err("refused");
        assert!(error.contains("`^(?!x)` has a lookahead") && error.contains("`not`"), "{error}");
    }

    #[test]
    fn levels_are_those_of_values_and_not_of_texts() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"[{"a": [1]}, [2]]"#), 3);
        assert_eq!(depth(r#"["]]]", "\\\"[[[", [[["{"]]]]"#), 4);
    }

    #[test]
    fn numbers_beyond_a_float_and_deep_documents_are_read() {
        let numbers = schema(&json!({ "items": { "type": "number" }, "maxItems": 3 })).expect("a schema");
        assert_eq!(violation(&numbers, "[1e400, -1e999, 123456789012345678901234567890]"), None);
        let exact = schema(&json!({ "const": 9_007_199_254_740_993_u64 })).expect("a schema");
        assert_eq!(violation(&exact, "9007199254740993"), None);
        assert!(violation(&exact, "9007199254740992").is_some());
        let nested = schema(&json!({ "type": "array", "items": { "$ref": "#" } })).expect("a schema");
        assert_eq!(violation(&nested, &format!("{}{}", "[".repeat(500), "]".repeat(500))), None);
        let steps =
            (0..60).fold(json!({ "type": "array", "items": { "$ref": "#" } }), |inner, _| json!({ "allOf": [inner] }));
        let steps = schema(&steps).expect("a schema");
        assert_eq!(violation(&steps, &format!("{}{}", "[".repeat(500), "]".repeat(500))), None);
        let many: Vec<Value> = (0..200).map(|_| json!({ "$ref": "#/$defs/list" })).collect();
        let many = json!({ "$defs": { "list": { "type": "array" } }, "allOf": many, "items": { "$ref": "#" } });
        let refused = violation(&schema(&many).expect("a schema"), &format!("{}{}", "[".repeat(500), "]".repeat(500)));
        assert_eq!(refused.as_deref(), Some(TOO_DEEP));
    }
}
