//! The file that records what every receiver was notified of. It is replaced atomically by a
//! rename, and locked while it is used.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::receiver_state::ReceiverState;
use crate::journal::held_lock::HeldLock;
use crate::journal::regular_file;
use crate::model::{SafeText, io_reason};

/// The version of the file's format.
const VERSION: u32 = 1;
/// The most bytes that are read.
const LARGEST: u64 = 16 << 20;

/// Why the record of what was sent cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The file cannot be read, written or locked.
    #[error("{}: {}", path.display(), io_reason(source))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A newer version of the program wrote the file, which stays as it is.
    #[error("{} was written by a newer version (format {version}): no alert is sent", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        version: u32,
    },
}

/// What every receiver was notified of, by the receiver's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateFile {
    v: u32,
    written_at: Option<Timestamp>,
    #[serde(default)]
    alerts: BTreeMap<String, ReceiverState>,
}

/// The part that is the same in every version of the file.
#[derive(Deserialize)]
struct Header {
    v: u32,
}

impl StateFile {
    /// Reads the file. A missing file is an empty record. A damaged one is renamed, with a warning:
    /// then an open incident is sent again.
    pub(super) fn read(path: &Path, warnings: &mut Vec<SafeText>) -> Result<StateFile, AlertError> {
        let failed = |source| AlertError::File { path: path.to_owned(), source };
        let mut text = String::new();
        match regular_file::open(path, OpenOptions::new().read(true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(StateFile::default()),
            Err(error) => return Err(failed(error)),
            Ok(file) => {
                if let Err(error) = file.take(LARGEST).read_to_string(&mut text)
                    && error.kind() != io::ErrorKind::InvalidData
                {
                    return Err(failed(error));
                }
            }
        }
        match serde_json::from_str::<Header>(&text) {
            Ok(Header { v }) if v > VERSION => return Err(AlertError::Newer { path: path.to_owned(), version: v }),
            _ => {}
        }
        serde_json::from_str(&text).or_else(|_| {
            let aside = path.with_extension("json.damaged");
            fs::rename(path, &aside).map_err(failed)?;
            let warning = format!("{} was damaged and is now {}", path.display(), aside.display());
            warnings.push(SafeText::message(&warning));
            Ok(StateFile::default())
        })
    }

    /// What one receiver was notified of.
    pub(super) fn of(&mut self, alert: &str) -> &mut ReceiverState {
        self.alerts.entry(alert.to_owned()).or_default()
    }

    /// Replaces the file atomically: a reader sees the old content or the new one.
    pub(super) fn write(&mut self, path: &Path, now: Timestamp) -> Result<(), AlertError> {
        let failed = |source| AlertError::File { path: path.to_owned(), source };
        (self.v, self.written_at) = (VERSION, Some(now));
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(io::Error::other(error)))?;
        let beside = path.with_extension("json.new");
        let write = || {
            let options = &mut OpenOptions::new();
            let mut file = regular_file::open(&beside, options.write(true).create(true).truncate(true).mode(0o600))?;
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&beside, path)
        };
        write().map_err(failed)
    }
}

/// Takes the lock; `None` if another run holds it.
pub(super) fn lock(path: &Path) -> Result<Option<HeldLock>, AlertError> {
    let failed = |source| AlertError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    HeldLock::try_take(&path.with_extension("lock")).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_again_though_a_program_being_started_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.json");
        let held = lock(&path).unwrap().unwrap();
        assert!(lock(&path).unwrap().is_none());
        let inherited = held.inherited().unwrap();
        drop(held);
        assert!(lock(&path).unwrap().is_some());
        drop(inherited);
    }
}
