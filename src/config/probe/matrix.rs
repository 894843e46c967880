//! `matrix`: one probe for every combination of some values.

use std::collections::BTreeMap;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table};
use crate::config::value::{interpolate, segments};
use crate::model::{message, suggest};

/// Maximum number of probes that one matrix makes.
const MOST: usize = 1_000;

/// The values of the matrix keys in one probe.
pub(crate) type Combination = BTreeMap<String, String>;

/// Every combination of a probe's matrix; one empty one if it has none.
pub(crate) fn combinations(reader: &mut ConfigReader, own: &Table) -> Vec<Combination> {
    let mut combinations = vec![Combination::new()];
    let Some(matrix) = own.get("matrix").and_then(Node::as_table) else { return combinations };
    for entry in &matrix.entries {
        if !segments::is_name(&entry.key) {
            let message =
                message!("`{}` is not the name of a matrix key: it has letters, digits, `_` and `-`", entry.key);
            reader.problem(&entry.key_span, message);
        }
        let Item::List(list) = &entry.node.item else { continue };
        let values: Vec<String> = list.iter().filter_map(|node| value(reader, node)).collect();
        if combinations.len().saturating_mul(values.len()) > MOST {
            reader.problem(&entry.node.span, message!("the matrix makes more than {MOST} probes"));
            return vec![Combination::new()];
        }
        let with = |combination: &Combination, value: &String| {
            let mut combination = combination.clone();
            combination.insert(entry.key.clone(), value.clone());
            combination
        };
        combinations = combinations
            .iter()
            .flat_map(|combination| values.iter().map(move |value| with(combination, value)))
            .collect();
    }
    check_placeholders(reader, own, matrix);
    combinations
}

fn value(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    match &node.item {
        Item::Text(_) => interpolate::plain(reader, node),
        Item::Integer(number) => Some(number.to_string()),
        Item::Float(number) => Some(number.to_string()),
        Item::Boolean(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// The name must tell the probes apart, and a placeholder in it or in the URL must be a key.
fn check_placeholders(reader: &mut ConfigReader, own: &Table, matrix: &Table) {
    let keys: Vec<&str> = matrix.entries.iter().map(|entry| entry.key.as_str()).collect();
    for name in ["name", "url"] {
        let Some(Node { item: Item::Text(text), span }) = own.get(name) else { continue };
        for placeholder in segments::placeholders(text) {
            if !keys.contains(&placeholder) {
                let message = message!("{{{placeholder}}} is not a key of the matrix");
                match suggest::nearest(placeholder, keys.iter().copied()) {
                    Some(near) => reader.advise(span, message, message!("did you mean {{{near}}}?")),
                    None => reader.problem(span, message),
                }
            }
        }
        let several = matrix.entries.iter().filter(|entry| entry.node.one_or_more().len() > 1);
        for entry in several.filter(|_| name == "name") {
            if !segments::placeholders(text).contains(&entry.key.as_str()) {
                let message =
                    message!("`name` does not tell the probes of the matrix apart: {{{}}} is not in it", entry.key);
                reader.problem(span, message);
            }
        }
    }
}
