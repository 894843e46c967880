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

/// The most bytes of the file, of all vantages together.
const LIMIT: usize = 16 << 20;

/// The most probes of one vantage, about a megabyte: the first by name.
const PROBES: usize = 10_000;

/// By probe: the address that answered last from a vantage. Empty if none was saved, or if the file
/// cannot be read.
#[must_use]
pub(crate) fn last_good(folder: &Path, vantage: &str) -> BTreeMap<String, LastGoodAddress> {
    read(folder).unwrap_or_default().remove(vantage).unwrap_or_default()
}

/// Saves the addresses that answered last from a vantage, keeping those of other vantages.
///
/// # Errors
/// The file cannot be read or written, or would be too large; then it stays as it is.
pub(crate) fn keep_last_good(
    folder: &Path,
    vantage: &str,
    addresses: &BTreeMap<String, LastGoodAddress>,
) -> io::Result<()> {
    let mut all = read(folder)?;
    let addresses = addresses.iter().take(PROBES).map(|(probe, address)| (probe.clone(), address.clone())).collect();
    if all.get(vantage) == Some(&addresses) {
        return Ok(());
    }
    all.insert(vantage.to_owned(), addresses);
    let text = serde_json::to_string(&all)?;
    if text.len() > LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // Another process reads the old file or the new one, never a part.
    let new = folder.join(format!(".{FILE}.{}", std::process::id()));
    let _ = std::fs::remove_file(&new);
    let written = create(&new).and_then(|mut file| file.write_all(text.as_bytes()));
    let kept = written.and_then(|()| std::fs::rename(&new, folder.join(FILE)));
    if kept.is_err() {
        // An incomplete file is useless.
        let _ = std::fs::remove_file(&new);
    }
    kept
}

/// The addresses of all vantages; none if there is no file, or a damaged one.
fn read(folder: &Path) -> io::Result<BTreeMap<String, BTreeMap<String, LastGoodAddress>>> {
    let file = match regular_file::open(&folder.join(FILE), File::options().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        file => file?,
    };
    let mut text = Vec::new();
    file.take(LIMIT as u64 + 1).read_to_end(&mut text)?;
    if text.len() > LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(serde_json::from_slice(&text).unwrap_or_default())
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

    #[test]
    fn many_probes_of_one_vantage_cost_no_other_its_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let address = LastGoodAddress { host: "x.test".to_owned(), address: "203.0.113.7:443".parse().unwrap() };
        let of =
            |count: usize| (0..count).map(|n| (format!("a probe with a long name, number {n:08}"), address.clone()));
        let (few, many): (BTreeMap<_, _>, BTreeMap<_, _>) = (of(3).collect(), of(30_000).collect());
        keep_last_good(folder.path(), "lhr", &few).unwrap();
        for vantage in ["iad", "fra"] {
            keep_last_good(folder.path(), vantage, &many).unwrap();
        }
        assert_eq!(last_good(folder.path(), "lhr"), few);
        let kept = last_good(folder.path(), "iad");
        assert_eq!(kept.len(), PROBES);
        assert!(kept.iter().all(|(probe, _)| many.contains_key(probe)));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let large = " ".repeat(LIMIT + 1);
        std::fs::write(folder.path().join(FILE), &large).unwrap();
        assert!(keep_last_good(folder.path(), "iad", &BTreeMap::new()).is_err());
        assert!(last_good(folder.path(), "iad").is_empty());
        assert!(std::fs::read_to_string(folder.path().join(FILE)).unwrap() == large);
    }
}
