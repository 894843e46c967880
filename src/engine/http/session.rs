//! What the steps of one check have in common: cookies, captured values, a token.

use crate::engine::http::cookies::Jar;
use crate::model::{Captures, Redactor, Secret};

/// What a check's steps have in common: forgotten at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) jar: Jar,
    pub(crate) captures: Captures,
    pub(crate) redactor: Redactor,
    /// The token of a request whose credentials are those of OAuth 2.0.
    pub(crate) token: Option<Secret>,
}
