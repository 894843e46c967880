//! JSON paths (RFC 9535): parsed once, and evaluated in a bounded number of steps, since a path like `$..a..a..a` finds
//! more nodes than a document has.

mod evaluate;
mod filter;
mod parse;
mod parser;
mod query;

use super::JsonNode;

use query::Query;

pub(crate) use evaluate::TooManySteps;

/// A JSON path (RFC 9535), with the text it was written as.
#[derive(Clone, Debug)]
pub struct JsonPath {
    source: String,
    query: Query,
}

impl JsonPath {
    /// Parses a path.
    ///
    /// # Errors
    /// What is wrong with it, and at which character.
    pub fn new(source: &str) -> Result<JsonPath, String> {
        Ok(JsonPath { source: source.to_owned(), query: parse::path(source)? })
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The nodes it finds, in the order of RFC 9535. A node may be found several times.
    ///
    /// # Errors
    /// That it takes more steps than are allowed.
    pub(crate) fn find<'d>(&self, root: JsonNode<'d>) -> Result<Vec<JsonNode<'d>>, TooManySteps> {
        evaluate::find(&self.query, root)
    }
}

#[cfg(test)]
mod tests;
