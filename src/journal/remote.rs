//! Journals named by a URL: the part of object storage that commands use. A build without the
//! feature rejects every URL, and the error names the feature.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

#[cfg(feature = "object-store")]
use crate::object_storage::REQUEST_TIMEOUT;
#[cfg(not(feature = "object-store"))]
use crate::object_storage::StorageError;
use crate::object_storage::is_url;

use super::shipped::Shipped;
use super::{CompactRules, Compacted, JournalError, Range};

/// The name of the local folder for a URL: a safe file name, different for every URL.
#[must_use]
pub(crate) fn folder_name(url: &Path) -> String {
    format!("store-{:08x}", crc32fast::hash(url.as_os_str().as_encoded_bytes()))
}

/// Downloads the objects of every journal that is named by a URL into its own folder in `cache`,
/// except those that are there already. Returns the paths to read: the files of the URLs, and all
/// other paths unchanged. It blocks, so do not call it from an async task.
///
/// # Errors
/// [`JournalError`] if a store does not answer, or if this build does not support object storage.
pub(crate) fn gather(
    journals: &[PathBuf],
    range: Range,
    cache: &Path,
    environment: &[(String, String)],
) -> Result<Vec<PathBuf>, JournalError> {
    let mut paths = Vec::new();
    for journal in journals {
        if is_url(journal) {
            paths.extend(fetch(journal, range, &cache.join(folder_name(journal)), environment)?);
        } else {
            paths.push(journal.clone());
        }
    }
    Ok(paths)
}

#[cfg(feature = "object-store")]
fn fetch(
    url: &Path,
    range: Range,
    cache: &Path,
    environment: &[(String, String)],
) -> Result<Vec<PathBuf>, JournalError> {
    open(url, environment)?.fetch(range, cache)
}

/// Ships what a local journal has recorded so far to the store of a URL. It blocks.
///
/// # Errors
/// [`JournalError`] if the local journal cannot be read, if the URL or its settings cannot be used,
/// or if this build does not support object storage. A store that does not answer is no error, but
/// the reason in [`Shipped::waiting_because`].
#[cfg(feature = "object-store")]
pub fn ship(
    outbox: &Path,
    vantage: &str,
    url: &Path,
    environment: &[(String, String)],
) -> Result<Shipped, JournalError> {
    open(url, environment)?.ship(outbox, vantage)
}

/// Compacts the journal in the store of a URL at `now`. It blocks.
///
/// # Errors
/// [`JournalError`] if the store does not answer, if the URL or its settings cannot be used, or if
/// the local disk has no room for a day of a vantage.
#[cfg(feature = "object-store")]
pub(crate) fn compact_store(
    url: &Path,
    now: Timestamp,
    rules: &CompactRules,
    environment: &[(String, String)],
) -> Result<Compacted, JournalError> {
    open(url, environment)?.compact(now, rules)
}

/// Compacting a journal in an object store is not supported by this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "object-store"))]
pub(crate) fn compact_store(
    url: &Path,
    _: Timestamp,
    _: &CompactRules,
    _: &[(String, String)],
) -> Result<Compacted, JournalError> {
    Err(StorageError::NotBuilt(url.to_owned()).into())
}

#[cfg(feature = "object-store")]
fn open(url: &Path, environment: &[(String, String)]) -> Result<super::Objects, JournalError> {
    super::Objects::open(&url.to_string_lossy(), environment, REQUEST_TIMEOUT)
}

#[cfg(not(feature = "object-store"))]
fn fetch(url: &Path, _: Range, _: &Path, _: &[(String, String)]) -> Result<Vec<PathBuf>, JournalError> {
    Err(StorageError::NotBuilt(url.to_owned()).into())
}

/// Shipping to an object store is not supported by this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "object-store"))]
pub fn ship(_: &Path, _: &str, url: &Path, _: &[(String, String)]) -> Result<Shipped, JournalError> {
    Err(StorageError::NotBuilt(url.to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_urls_have_two_folders() {
        assert_ne!(folder_name(Path::new("s3://a")), folder_name(Path::new("s3://b")));
    }
}
