//! What the steps of one check share: cookies, captured values, a token.

use crate::engine::http::cookies::Jar;
use crate::model::{Captures, Redactor, Secret};

/// What the steps of a check share; dropped at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) jar: Jar,
    pub(crate) captures: Captures,
    pub(crate) redactor: Redactor,
    /// The token for a request with OAuth 2.0 credentials.
    pub(crate) token: Option<Secret>,
}
