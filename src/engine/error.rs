//! Why an engine could not be built.

use std::path::PathBuf;

/// Why an engine could not be built: something on this host is missing, and no target was contacted.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file that a probe's TLS settings name cannot be read or used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file as configured.
        path: PathBuf,
        /// What is wrong with it, in one sentence.
        reason: String,
    },
}
