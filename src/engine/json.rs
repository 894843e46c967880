//! What must hold of a node of JSON, against what is there.

use serde_json::Value as Json;

use crate::model::JsonExpectation;

/// Whether a node is as it must be. That it is there is known.
pub(super) fn holds(rule: &JsonExpectation, node: &Json) -> bool {
    match rule {
        JsonExpectation::Exists(_) => true,
        JsonExpectation::Equals(wanted) => equal(node, wanted),
        JsonExpectation::NotEquals(unwanted) => !equal(node, unwanted),
        JsonExpectation::Contains(part) => match (node, part) {
            (Json::String(text), Json::String(part)) => text.contains(part.as_str()),
            (Json::Array(items), part) => items.iter().any(|item| equal(item, part)),
            _ => false,
        },
        JsonExpectation::Matches(pattern) => match node {
            Json::String(text) => pattern.is_match(text),
            Json::Array(_) | Json::Object(_) => false,
            scalar => pattern.is_match(&scalar.to_string()),
        },
        JsonExpectation::MinLength(least) => length(node).is_some_and(|length| length >= *least),
        JsonExpectation::MaxLength(most) => length(node).is_some_and(|length| length <= *most),
        JsonExpectation::Min(least) => node.as_f64().is_some_and(|number| number >= *least),
        JsonExpectation::Max(most) => node.as_f64().is_some_and(|number| number <= *most),
    }
}

/// Numbers are equal by value: `1` and `1.0` are the same number in JSON.
fn equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| equal(one, other)))
        }
        _ => one == other,
    }
}

/// The length of an array or object, or of a string in characters.
fn length(node: &Json) -> Option<u64> {
    let length = match node {
        Json::String(text) => text.chars().count(),
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        _ => return None,
    };
    Some(length as u64)
}

/// What must hold, in words.
pub(super) fn expected(rule: &JsonExpectation) -> String {
    match rule {
        JsonExpectation::Exists(true) => "exists".to_owned(),
        JsonExpectation::Exists(false) => "does not exist".to_owned(),
        JsonExpectation::Equals(value) => format!("equals {value}"),
        JsonExpectation::NotEquals(value) => format!("does not equal {value}"),
        JsonExpectation::Contains(value) => format!("contains {value}"),
        JsonExpectation::Matches(pattern) => format!("matches {}", pattern.as_str()),
        JsonExpectation::MinLength(least) => format!("has a length of at least {least}"),
        JsonExpectation::MaxLength(most) => format!("has a length of at most {most}"),
        JsonExpectation::Min(least) => format!("is at least {least}"),
        JsonExpectation::Max(most) => format!("is at most {most}"),
    }
}
