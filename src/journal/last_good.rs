//! The addresses that answered last, saved beside the journal for the next run: a prober that cron
//! starts every minute can use them if names cannot be resolved. This is a cache, not a record: if
//! it cannot be read or written, only diagnoses have less to compare with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::regular_file;
use crate::model::LastGoodAddress;

/// The name of the file in the journal's folder.
const FILE: &str = "last-good.json";

/// The most bytes that are read: enough for about ten thousand probes.
const LIMIT: u64 = 1 << 20;

/// By probe: the address that answered last from a vantage. Empty if none was saved, or if the file
/// cannot be read.
#[must_use]
pub(crate) fn last_good(folder: &Path, vantage: &str) -> BTreeMap<String, LastGoodAddress> {
    read(folder).unwrap_or_default().remove(vantage).unwrap_or_default()
}

/// Saves the addresses that answered last from a vantage, keeping those of other vantages.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn keep_last_good(
    folder: &Path,
    vantage: &str,
    addresses: &BTreeMap<String, LastGoodAddress>,
) -> io::Result<()> {
    let mut all = read(folder).unwrap_or_default();
    if all.get(vantage) == Some(addresses) {
        return Ok(());
    }
    all.insert(vantage.to_owned(), addresses.clone());
    // Another process reads the old file or the new one, never a part.
    let new = folder.join(format!(".{FILE}.{}", std::process::id()));
    let _ = std::fs::remove_file(&new);
    let written = create(&new).and_then(|mut file| file.write_all(serde_json::to_string(&all)?.as_bytes()));
    let kept = written.and_then(|()| std::fs::rename(&new, folder.join(FILE)));
    if kept.is_err() {
        // An incomplete file is useless.
        let _ = std::fs::remove_file(&new);
    }
    kept
}

fn read(folder: &Path) -> Option<BTreeMap<String, BTreeMap<String, LastGoodAddress>>> {
    let mut text = String::new();
    let file = regular_file::open(&folder.join(FILE), File::options().read(true)).ok()?;
    file.take(LIMIT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    // Fails if another process has created the name before, for example as a link or a pipe.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vantage_keeps_its_own_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let address = LastGoodAddress { host: "x.test".to_owned(), address: "203.0.113.7:443".parse().unwrap() };
        let addresses = BTreeMap::from([("home".to_owned(), address)]);
        assert!(last_good(folder.path(), "iad").is_empty());
        keep_last_good(folder.path(), "iad", &addresses).unwrap();
        keep_last_good(folder.path(), "lhr", &BTreeMap::new()).unwrap();
        assert_eq!(last_good(folder.path(), "iad"), addresses);
        assert!(last_good(folder.path(), "lhr").is_empty());
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(last_good(folder.path(), "iad").is_empty());
    }
}
