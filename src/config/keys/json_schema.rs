//! The key table as a JSON Schema, for completion and checks in an editor.

use serde_json::{Map, Value, json};

use crate::config::keys::text_form::TextForm;
use crate::config::keys::{tables, text_form};
use crate::config::table_schema::{TableSchema, ValueType};

/// The first line of a probe file that is written: it points editors at the output of `uptick schema probes`.
pub(crate) const SCHEMA_LINE: &str = "#:schema probes.schema.json";

/// The schema's identifier, wherever it is stored.
const ID: &str = "urn:uptick:schema:probes";

/// The schema of the whole file.
pub(crate) fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = table(&tables::ROOT, &mut definitions);
    if let Value::Object(fields) = &mut root {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("$id".to_owned(), json!(ID));
        fields.insert("title".to_owned(), json!("probes.toml of uptick"));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

fn table(schema: &TableSchema, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in schema.keys() {
        let mut property = of(&key.value_type, text_form::of(schema.title, key.name), definitions);
        if let Value::Object(fields) = &mut property {
            let meaning = match key.default {
                "" => key.meaning.to_owned(),
                default => format!("{} Default: {default}.", key.meaning),
            };
            fields.insert("description".to_owned(), json!(meaning));
            if let Some(default) = literal(key.default) {
                fields.insert("default".to_owned(), default);
            }
        }
        properties.insert(key.name.to_owned(), property);
    }
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if schema.required.is_empty() {
        return object;
    }
    object["required"] = json!(schema.required);
    object
}

/// A default of the reference as a JSON value, if it is a TOML literal and not prose.
fn literal(default: &str) -> Option<Value> {
    let document: toml::Table = toml::from_str(&format!("default = {default}")).ok()?;
    serde_json::to_value(document.get("default")?).ok()
}

/// A type as a schema; `form` is the form of the strings in it.
fn of(value_type: &ValueType, form: Option<&TextForm>, definitions: &mut Map<String, Value>) -> Value {
    match value_type {
        ValueType::Text => form.map_or_else(|| json!({ "type": "string" }), text_form::schema),
        ValueType::Duration => text_form::schema(&text_form::DURATION),
        // An editor sees TOML's own dates as text too.
        ValueType::Instant => text_form::schema(&text_form::INSTANT),
        ValueType::Words(words) => json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": r"\$\{" }] }),
        ValueType::Bytes => {
            json!({ "anyOf": [text_form::schema(&text_form::SIZE), { "type": "integer", "minimum": 0 }] })
        }
        ValueType::Integer(least, most) if *most == i64::MAX => json!({ "type": "integer", "minimum": least }),
        ValueType::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        ValueType::Number => json!({ "type": "number" }),
        ValueType::Boolean => json!({ "type": "boolean" }),
        ValueType::Json => json!({}),
        ValueType::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        ValueType::List(element) => json!({ "type": "array", "minItems": 1, "items": of(element, form, definitions) }),
        ValueType::OneOrMore(element) => {
            let element = of(element, form, definitions);
            json!({ "anyOf": [element, { "type": "array", "minItems": 1, "items": element }] })
        }
        ValueType::Some(element) => {
            let element = of(element, form, definitions);
            json!({ "anyOf": [element, { "type": "array", "items": element }] })
        }
        ValueType::Either(types) => {
            json!({ "anyOf": types.iter().map(|value_type| of(value_type, form, definitions)).collect::<Vec<_>>() })
        }
        ValueType::Map(values) => json!({ "type": "object", "additionalProperties": of(values, form, definitions) }),
        ValueType::Table(table_schema) => {
            if !definitions.contains_key(table_schema.title) {
                definitions.insert(table_schema.title.to_owned(), Value::Null);
                let schema = table(table_schema, definitions);
                definitions.insert(table_schema.title.to_owned(), schema);
            }
            // The title in a JSON pointer: `~` and `/` do not occur, brackets are percent-encoded.
            let name = table_schema.title.replace('[', "%5B").replace(']', "%5D");
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
