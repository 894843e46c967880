//! The text of probe files: lines, the tree of keys and values, and diagnostics that point into it.

pub(crate) mod diagnostic;
pub(crate) mod source;
pub(crate) mod tree;
