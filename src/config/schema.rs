//! The key table as a JSON Schema, for completion and checks in an editor.

use serde_json::{Map, Value, json};

use super::keys;
use super::keys::{Shape, TableShape};

/// The schema of the whole file.
pub(super) fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = table(&keys::ROOT, &mut definitions);
    if let Value::Object(fields) = &mut root {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!("probes.toml of uptick"));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

fn table(shape: &TableShape, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in shape.keys() {
        let mut property = of(&key.shape, definitions);
        if let Value::Object(fields) = &mut property {
            let meaning = match key.default {
                "" => key.meaning.to_owned(),
                default => format!("{} Default: {default}.", key.meaning),
            };
            fields.insert("description".to_owned(), json!(meaning));
        }
        properties.insert(key.name.to_owned(), property);
    }
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if shape.required.is_empty() {
        return schema;
    }
    schema["required"] = json!(shape.required);
    schema
}

fn of(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        // An editor sees TOML's own dates as text too.
        Shape::Text | Shape::Duration | Shape::Instant => json!({ "type": "string" }),
        Shape::Words(words) => json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": r"\$\{" }] }),
        Shape::Bytes => json!({ "type": ["string", "integer"] }),
        Shape::Integer(least, most) if *most == i64::MAX => json!({ "type": "integer", "minimum": least }),
        Shape::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Json => json!({}),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::List(element) => json!({ "type": "array", "minItems": 1, "items": of(element, definitions) }),
        Shape::OneOrMore(element) => {
            let element = of(element, definitions);
            json!({ "anyOf": [element, { "type": "array", "minItems": 1, "items": element }] })
        }
        Shape::Some(element) => {
            let element = of(element, definitions);
            json!({ "anyOf": [element, { "type": "array", "items": element }] })
        }
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(|shape| of(shape, definitions)).collect::<Vec<_>>() })
        }
        Shape::Map(values) => json!({ "type": "object", "additionalProperties": of(values, definitions) }),
        Shape::Table(shape) => {
            if !definitions.contains_key(shape.title) {
                definitions.insert(shape.title.to_owned(), Value::Null);
                let schema = table(shape, definitions);
                definitions.insert(shape.title.to_owned(), schema);
            }
            // A title in a pointer: `~` and `/` do not occur, brackets are percent-encoded.
            let name = shape.title.replace('[', "%5B").replace(']', "%5D");
            json!({ "$ref": format!("#/$defs/{name}") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_to_a_definition() {
        let schema = schema();
        let text = schema.to_string();
        let definitions = schema["$defs"].as_object().unwrap();
        for reference in text.split("\"#/$defs/").skip(1) {
            let name = reference.split('"').next().unwrap().replace("%5B", "[").replace("%5D", "]");
            assert!(definitions.contains_key(&name), "{name}");
        }
        assert!(definitions.values().all(|definition| definition["properties"].is_object()));
    }
}
