//! Where this module has the brackets of its answers from.

pub use crate::model::Bracket;
pub(crate) use crate::model::optional_timestamp as optional;
