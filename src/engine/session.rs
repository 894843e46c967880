//! What the steps of one check have in common: cookies, captured values, a token.

use crate::model::{Captures, Redactor, Secret};

use super::cookies::Jar;

/// What a check's steps have in common: forgotten at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) jar: Jar,
    pub(super) captures: Captures,
    pub(super) redactor: Redactor,
    /// The token of a request whose credentials are those of OAuth 2.0.
    pub(super) token: Option<Secret>,
}
