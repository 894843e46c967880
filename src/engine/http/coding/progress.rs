//! How far one step of a decoder got, and why it could not go on.

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Input bytes consumed.
    pub(super) taken: usize,
    /// Output bytes produced.
    pub(super) given: usize,
}

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodingError {
    #[error("the body ends within its {0} data")]
    Truncated(&'static str),
    /// The data is not of that coding, or damaged.
    #[error("the body is not valid {coding}: {reason}")]
    Invalid { coding: &'static str, reason: String },
    /// Several codings multiply each other's expansion.
    #[error("the body's content codings expand it out of all proportion")]
    Disproportionate,
}

pub(super) fn invalid(coding: &'static str, reason: impl Into<String>) -> CodingError {
    CodingError::Invalid { coding, reason: reason.into() }
}
