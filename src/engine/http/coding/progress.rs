//! How far one step of a decoder got, and why it could not go on.

/// How far one step of a coding got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Bytes of the input.
    pub(super) taken: usize,
    /// Bytes of the output.
    pub(super) given: usize,
}

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodingError {
    /// The data of a coding ends before it is complete.
    #[error("the body ends within its {0} data")]
    Truncated(&'static str),
    /// The data are not of that coding, or damaged.
    #[error("the body is not valid {coding}: {reason}")]
    Invalid { coding: &'static str, reason: String },
    /// Several codings blow each other up.
    #[error("the body's content codings expand it out of all proportion")]
    Disproportionate,
}

/// That the data are damaged.
pub(super) fn invalid(coding: &'static str, reason: impl Into<String>) -> CodingError {
    CodingError::Invalid { coding, reason: reason.into() }
}
