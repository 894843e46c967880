//! Journals by URL, beside those by path: what a command needs to know of object storage. In a
//! build without it every URL is refused by name.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

#[cfg(feature = "object-store")]
use crate::model::{Redactor, SafeText};

use super::shipped::Shipped;
use super::{CompactRules, Compacted, JournalError, Range};

/// Whether a journal is named by a URL: `s3://bucket/prefix`.
#[must_use]
pub fn is_url(place: &Path) -> bool {
    place
        .to_string_lossy()
        .split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// The name of a folder for what belongs to a URL on the local disk: safe, and its own.
#[must_use]
pub fn folder_name(url: &Path) -> String {
    format!("store-{:08x}", crc32fast::hash(url.as_os_str().as_encoded_bytes()))
}

/// Brings the objects of every journal that is named by a URL into a folder of its own in
/// `cache`, those that are not there yet, and returns the paths to read: the files of the URLs,
/// and the other paths as they are. It blocks: not for a task of an async runtime.
///
/// # Errors
/// [`JournalError`], where a store does not answer, or this build knows no stores.
pub fn gather(
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
/// [`JournalError`], where the local journal cannot be read, the URL or its settings cannot be
/// used, or this build knows no stores. A store that does not answer is a reason in the answer.
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
/// [`JournalError`], where the store does not answer, the URL or its settings cannot be used, the
/// local disk has no room for a day of a vantage, or this build knows no stores.
#[cfg(feature = "object-store")]
pub fn compact_store(
    url: &Path,
    now: Timestamp,
    rules: &CompactRules,
    environment: &[(String, String)],
) -> Result<Compacted, JournalError> {
    open(url, environment)?.compact(now, rules)
}

/// Compacts the journal in the store of a URL: not in this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "object-store"))]
pub fn compact_store(
    url: &Path,
    _: Timestamp,
    _: &CompactRules,
    _: &[(String, String)],
) -> Result<Compacted, JournalError> {
    Err(JournalError::NoStores(url.to_owned()))
}

/// Why a store cannot be used by what the environment says: it has no credentials, and was not told to take those of
/// the machine. Without that the cloud's metadata service would be looked for, which on most machines answers nobody.
#[must_use]
pub fn lacks_credentials(url: &Path, environment: &[(String, String)]) -> Option<&'static str> {
    /// The variable that lets the machine's own identity be used.
    const IDENTITY: &str = "UPTICK_CLOUD_IDENTITY";
    const S3: &[&str] = &[
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ];
    const GOOGLE: &[&str] = &[
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SKIP_SIGNATURE",
    ];
    const AZURE: &[&str] = &[
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_MASTER_KEY",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_STORAGE_TOKEN",
        "AZURE_USE_AZURE_CLI",
        "AZURE_SKIP_SIGNATURE",
    ];
    let place = url.to_string_lossy();
    let (known, why) = match place.split_once("://")?.0 {
        "s3" | "s3a" => (
            S3,
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        "gs" => (
            GOOGLE,
            "no credentials: set GOOGLE_SERVICE_ACCOUNT, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        "az" | "azure" | "abfs" | "abfss" | "adl" => (
            AZURE,
            "no credentials: set AZURE_STORAGE_ACCOUNT_KEY, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        _ => return None,
    };
    let is_set =
        |name: &str| environment.iter().any(|(set, value)| set.eq_ignore_ascii_case(name) && !value.is_empty());
    let has_some = known.iter().any(|name| is_set(name)) || is_set(IDENTITY);
    (!has_some).then_some(why)
}

#[cfg(feature = "object-store")]
fn open(url: &Path, environment: &[(String, String)]) -> Result<super::Objects, JournalError> {
    if let Some(why) = lacks_credentials(url, environment) {
        let url = url.to_string_lossy();
        let shown = url.parse().map_or_else(|_| SafeText::default(), |url| Redactor::default().url(&url));
        return Err(JournalError::Store { action: "open", url: shown.to_string(), why: SafeText::message(why) });
    }
    super::Objects::open(&url.to_string_lossy(), environment.iter().cloned(), super::PATIENCE)
}

#[cfg(not(feature = "object-store"))]
fn fetch(url: &Path, _: Range, _: &Path, _: &[(String, String)]) -> Result<Vec<PathBuf>, JournalError> {
    Err(JournalError::NoStores(url.to_owned()))
}

/// Ships what a local journal has recorded so far: not in this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "object-store"))]
pub fn ship(_: &Path, _: &str, url: &Path, _: &[(String, String)]) -> Result<Shipped, JournalError> {
    Err(JournalError::NoStores(url.to_owned()))
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
        assert_ne!(folder_name(Path::new("s3://a")), folder_name(Path::new("s3://b")));
    }

    #[test]
    fn a_store_without_credentials_is_known_before_anybody_is_asked() {
        let lacks = |url: &str, variables: &[(&str, &str)]| {
            let environment: Vec<(String, String)> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            lacks_credentials(Path::new(url), &environment)
        };
        for (url, variable) in [
            ("s3://bucket/prefix", "AWS_ACCESS_KEY_ID"),
            ("s3a://bucket", "AWS_WEB_IDENTITY_TOKEN_FILE"),
            ("gs://bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
            ("az://container", "AZURE_STORAGE_SAS_TOKEN"),
        ] {
            let why = lacks(url, &[("PATH", "/bin"), (variable, "")]).expect("no credentials");
            assert!(why.starts_with("no credentials: set ") && why.contains("UPTICK_CLOUD_IDENTITY=1"), "{why}");
            assert_eq!(lacks(url, &[(variable, "x")]), None, "{url}");
            assert_eq!(lacks(url, &[("UPTICK_CLOUD_IDENTITY", "1")]), None, "{url}");
        }
        assert_eq!(lacks("file:///tmp/x", &[]), None);
        assert_eq!(lacks("uptick-journal", &[]), None);
    }
}
