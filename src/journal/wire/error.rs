//! Why a line cannot be used.

/// Why a line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is torn, damaged or not of this format.
    #[error("the line is damaged")]
    Corrupt,
    /// The line is intact, but of a version or kind that this build does not know.
    #[error("the line is of a newer version")]
    Newer,
}
