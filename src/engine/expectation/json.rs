//! Judges the nodes that a JSON path finds.

use std::cmp::Ordering;

use crate::model::{Decimal, JsonDocument, JsonExpectation, JsonKind, JsonNode, JsonText, MessageText, message};

/// Whether the nodes that were found satisfy a rule.
pub(crate) fn holds(rule: &JsonExpectation, found: &[JsonNode<'_>]) -> bool {
    match rule {
        JsonExpectation::Exists(exists) => found.is_empty() != *exists,
        _ if found.is_empty() => false,
        JsonExpectation::Equals(wanted) => against(wanted, |wanted| found.iter().all(|node| node.equals(wanted))),
        JsonExpectation::NotEquals(unwanted) => {
            against(unwanted, |unwanted| !found.iter().any(|node| node.equals(unwanted)))
        }
        JsonExpectation::Contains(part) => against(part, |part| found.iter().all(|node| contains(*node, part))),
        JsonExpectation::Matches(pattern) => found.iter().all(|node| match node.kind() {
            JsonKind::Array | JsonKind::Object => false,
            _ => pattern.is_match(&node.text().unwrap_or_else(|| node.source().into())),
        }),
        JsonExpectation::MinLength(least) => {
            found.iter().all(|node| node.length().is_some_and(|length| length >= *least))
        }
        JsonExpectation::MaxLength(most) => {
            found.iter().all(|node| node.length().is_some_and(|length| length <= *most))
        }
        JsonExpectation::Min(least) => found.iter().all(|node| order(*node, least).is_some_and(Ordering::is_ge)),
        JsonExpectation::Max(most) => found.iter().all(|node| order(*node, most).is_some_and(Ordering::is_le)),
    }
}

/// Compares with a configured value, which is parsed as JSON like the document.
fn against(wanted: &JsonText, holds: impl FnOnce(JsonNode<'_>) -> bool) -> bool {
    JsonDocument::read(wanted.as_str()).is_ok_and(|document| holds(document.root()))
}

fn contains(node: JsonNode<'_>, part: JsonNode<'_>) -> bool {
    match (node.text(), part.text()) {
        (Some(text), Some(part)) => text.contains(&*part),
        _ => node.kind() == JsonKind::Array && node.children().any(|item| item.equals(part)),
    }
}

/// Compares a number with a bound by their exact values; none if the node is not a number.
fn order(node: JsonNode<'_>, bound: &JsonText) -> Option<Ordering> {
    Some(node.number()?.cmp(&Decimal::of(bound.as_str())))
}

/// The rule in words.
pub(crate) fn expected(rule: &JsonExpectation) -> MessageText {
    match rule {
        JsonExpectation::Exists(true) => "exists".into(),
        JsonExpectation::Exists(false) => "does not exist".into(),
        JsonExpectation::Equals(value) => message!("equals {value}"),
        JsonExpectation::NotEquals(value) => message!("does not equal {value}"),
        JsonExpectation::Contains(value) => message!("contains {value}"),
        JsonExpectation::Matches(pattern) => message!("matches {}", pattern.as_str()),
        JsonExpectation::MinLength(least) => message!("has a length of at least {least}"),
        JsonExpectation::MaxLength(most) => message!("has a length of at most {most}"),
        JsonExpectation::Min(least) => message!("is at least {least}"),
        JsonExpectation::Max(most) => message!("is at most {most}"),
    }
}
