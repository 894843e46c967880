//! Why object storage could not be used.

use std::path::PathBuf;

use crate::model::SafeText;

/// Why object storage could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A request to a store failed.
    #[error("cannot {action} {url}: {why}")]
    Store {
        /// The action that failed.
        action: &'static str,
        /// The URL of the store or object, without credentials.
        url: String,
        /// The answer of the store.
        why: SafeText,
    },
    /// A location was given by a URL, and this build has no object storage.
    #[error("{} is a URL, and this build has no object storage: it was built without the feature `object-store`", .0.display())]
    NotBuilt(PathBuf),
}
