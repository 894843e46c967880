//! What finds something in an answer: regular expressions, JSON paths, CSS selectors.

use crate::config::advice;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Node;
use crate::config::value::interpolate;
use crate::model::{JsonPath, Pattern, Selector};

/// A regular expression.
pub(crate) fn pattern(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Pattern> {
    let text = interpolate::plain(reader, node)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let message = format!("`{key}` is not a regular expression: {why}");
            reader.tell(&node.span, message, advice::pattern(key, &text));
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
            let message = format!("`{key}` is not a JSON path: {why}");
            reader.tell(&node.span, message, advice::json_path(&text));
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
            let message = format!("`{key}` is not a CSS selector: {why}");
            reader.tell(&node.span, message, advice::selector(&text));
            None
        }
    }
}
