//! Object storage (`s3://`, `gs://`, `az://`, `file://`): locations given by a URL, beside those on the local disk. The
//! layout of journals and tables there is up to the journal and the exporters.

#[cfg(feature = "object-store")]
mod bucket;
mod credentials;
mod error;
#[cfg(feature = "object-store")]
mod refusal;

use std::path::Path;

#[cfg(feature = "object-store")]
pub use bucket::{Bucket, REQUEST_TIMEOUT};
pub use credentials::lacks_credentials;
pub use error::StorageError;

#[cfg(feature = "object-store")]
pub(crate) use bucket::CreateResult;

/// Whether a location is given by a URL: `s3://bucket/prefix`.
#[must_use]
pub fn is_url(place: &Path) -> bool {
    place
        .to_string_lossy()
        .split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_path() {
        for url in ["s3://bucket/prefix", "gs://b", "az://c/p", "file:///tmp/x"] {
            assert!(is_url(Path::new(url)), "{url}");
        }
        for path in ["uptick-journal", "/var/lib/uptick", "./a:b", "://x", "a b://c", ""] {
            assert!(!is_url(Path::new(path)), "{path}");
        }
    }
}
