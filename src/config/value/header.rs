//! Names and values of headers.

use http::{HeaderName, HeaderValue};

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Node, TableEntry};
use crate::config::value::interpolate;
use crate::model::{Value, message};

/// Headers that frame the message: only the prober sets them.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "upgrade"];

/// The name of a header that may be set.
pub(crate) fn name(reader: &mut ConfigReader, entry: &TableEntry) -> Option<HeaderName> {
    match HeaderName::from_bytes(entry.key.as_bytes()) {
        Ok(name) if FRAMING.contains(&name.as_str()) => {
            reader.problem(&entry.key_span, message!("the header {name} is set by uptick itself"));
            None
        }
        Ok(name) => Some(name),
        Err(_) => {
            let message = message!("`{}` is not the name of a header: it has letters, digits and hyphens", entry.key);
            reader.problem(&entry.key_span, message);
            None
        }
    }
}

/// Whether a value can be sent in a header; the values of captures are not known yet.
pub(crate) fn is_value(reader: &mut ConfigReader, node: &Node, what: &str, value: &Value) -> bool {
    let text = interpolate::stand_in(value);
    if HeaderValue::from_bytes(text.as_bytes()).is_ok() {
        return true;
    }
    let problem = if text.contains(['\r', '\n']) { "a line break" } else { "a control character" };
    reader.problem(&node.span, message!("{what} contains {problem}"));
    false
}
