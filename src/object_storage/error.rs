//! Why object storage could not be used.

use std::path::PathBuf;

use crate::model::SafeText;

/// Why object storage could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A store did not do what was asked.
    #[error("cannot {action} {url}: {why}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// With which store or object, without credentials.
        url: String,
        /// What it said.
        why: SafeText,
    },
    /// A place was named by a URL, and this build knows no object stores.
    #[error("{} is a URL, and this build has no object storage; build with `--features object-store`", .0.display())]
    NotBuilt(PathBuf),
}
