//! Why an engine could not be built.

use std::path::PathBuf;

/// Why an engine could not be built: something of ours is missing, no target was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file that a probe's TLS settings name cannot be read or used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
