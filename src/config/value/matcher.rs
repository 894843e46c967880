//! Matchers for an answer: regular expressions, JSON paths, CSS selectors.

use crate::config::advice;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Node;
use crate::config::value::interpolate;
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::model::{JsonPath, Pattern, Selector, Value, message};

/// The texts at a key.
pub(crate) fn texts(reader: &mut ConfigReader, layers: &Layers, key: &str) -> Vec<Value> {
    let nodes = layers.get(key).map(Node::one_or_more).unwrap_or_default();
    nodes.iter().filter_map(|node| text(reader, key, node)).collect()
}

/// A text that is searched for; rejects the empty text, which is in everything.
pub(crate) fn text(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Value> {
    let value = interpolate::fill(reader, node, TextUse::Expectation)?;
    if value.parts.is_empty() {
        reader.problem(&node.span, message!("`{key}` is empty, and everything contains the empty text"));
        return None;
    }
    Some(value)
}

/// A regular expression.
pub(crate) fn pattern(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Pattern> {
    let text = interpolate::plain(reader, node)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let message = message!("`{key}` is not a regular expression: {why}");
            reader.problem_with_help(&node.span, message, advice::pattern(key, &text).map(Into::into));
            None
        }
    }
}

/// A JSON path.
pub(crate) fn json_path(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<JsonPath> {
    let text = interpolate::plain(reader, node)?;
    match JsonPath::new(&text) {
        Ok(path) => Some(path),
        Err(why) => {
            let message = message!("`{key}` is not a JSON path: {why}");
            reader.problem_with_help(&node.span, message, advice::json_path(&text).map(Into::into));
            None
        }
    }
}

/// A CSS selector.
pub(crate) fn selector(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Selector> {
    let text = interpolate::plain(reader, node)?;
    match Selector::new(&text) {
        Ok(selector) => Some(selector),
        Err(why) => {
            let message = message!("`{key}` is not a CSS selector: {why}");
            reader.problem_with_help(&node.span, message, advice::selector(&text).map(Into::into));
            None
        }
    }
}
