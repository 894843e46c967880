//! A value as the library takes it.

use serde_json::{Number, Value};

use super::super::json::{JsonKind, JsonNode};

/// Converts a node; `number` converts each number in it.
///
/// # Errors
/// The first error of `number`.
pub(super) fn value_of<'d, E>(
    node: JsonNode<'d>,
    number: &mut impl FnMut(&'d str) -> Result<Number, E>,
) -> Result<Value, E> {
    Ok(match node.kind() {
        JsonKind::Null => Value::Null,
        JsonKind::Boolean => Value::Bool(node.source() == "true"),
        JsonKind::Number => Value::Number(number(node.source())?),
        JsonKind::String => Value::String(node.text().unwrap_or_default().into_owned()),
        JsonKind::Array => node.children().map(|item| value_of(item, number)).collect::<Result<_, _>>()?,
        JsonKind::Object => {
            let members = node.members().map(|(name, value)| Ok((name.into_owned(), value_of(value, number)?)));
            members.collect::<Result<_, _>>()?
        }
    })
}
