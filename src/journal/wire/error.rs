//! Why a line cannot be used.

/// Why a line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is torn, damaged or not of this format.
    #[error("the line is damaged")]
    Corrupt,
    /// It is intact, and of a version or kind that is not known here.
    #[error("the line is of a newer version")]
    Newer,
}
