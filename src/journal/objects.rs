//! Journals in object storage (`s3://`, `gs://`, `az://`, `file://`): objects
//! `PREFIX/DAY/VANTAGE.ID.jsonl`, each a file of journal lines, created once and never changed. The
//! calls block, so do not call them from an async task.

mod cache;
mod listing;
mod manifest;
mod merge;

use std::path::Path;
use std::time::Duration;

use object_store::path::Path as Key;

use crate::object_storage::{Bucket, CreateResult};

use super::disk::Disk;
use super::outbox::Sealed;
use super::shipped::Shipped;
use super::{JournalError, outbox};

/// The most concurrent requests.
const AT_ONCE: usize = 64;
/// The most bytes of an object of a journal. No larger one is read, or created.
const OBJECT_LIMIT: u64 = 128 << 20;

/// A journal in an object store.
#[derive(Debug)]
pub struct Objects {
    bucket: Bucket,
    /// [`OBJECT_LIMIT`], or less in a test.
    object_limit: u64,
}

impl Objects {
    /// Opens a store by its URL. `environment` has its settings; `patience` is the timeout of each
    /// request.
    ///
    /// # Errors
    /// [`JournalError::Storage`] if the URL or the settings cannot be used.
    pub fn open(url: &str, environment: &[(String, String)], patience: Duration) -> Result<Objects, JournalError> {
        Ok(Objects { bucket: Bucket::open(url, environment, patience)?, object_limit: OBJECT_LIMIT })
    }

    /// Ships what a local journal has recorded so far: its files become objects, a large one
    /// several, and are removed from the disk. Files that cannot be shipped stay there.
    ///
    /// # Errors
    /// [`JournalError`] if the local journal cannot be read. A store that does not answer is no
    /// error, but the reason in [`Shipped::waiting_because`].
    pub fn ship(&self, outbox: &Path, vantage: &str) -> Result<Shipped, JournalError> {
        let disk = Disk::default();
        outbox::seal(&disk, outbox, vantage)?;
        let mut shipped = Shipped::default();
        let sealed = outbox::sealed(outbox)?;
        if let Some(first) = sealed.first() {
            let reached = self.bucket.wait(self.bucket.reach(&self.key(&first.day, &first.name)));
            shipped.waiting_because = reached.err().map(JournalError::from);
        }
        for file in sealed {
            // After one failure the store counts as unreachable, and the remaining files are not
            // tried.
            if shipped.waiting_because.is_none() {
                shipped.waiting_because = self.create_parts(&file)?;
                if shipped.waiting_because.is_none() {
                    disk.remove(&file.path).map_err(JournalError::io("remove", &file.path))?;
                    shipped.sent += 1;
                    continue;
                }
            }
            shipped.waiting += 1;
        }
        Ok(shipped)
    }

    /// Creates the objects of a sealed file. Returns why the store does not have all of them.
    fn create_parts(&self, file: &Sealed) -> Result<Option<JournalError>, JournalError> {
        for part in file.parts(self.object_limit / 2)? {
            let (name, bytes) = part?;
            let key = self.key(&file.day, &name);
            match self.bucket.wait(self.bucket.create(&key, bytes)) {
                Ok(CreateResult::Created | CreateResult::SameLength) => {}
                Ok(CreateResult::Taken) => {
                    let url = self.bucket.shown(&key);
                    return Ok(Some(self.bucket.error("write", &url, "another object exists there").into()));
                }
                Err(error) => return Ok(Some(error.into())),
            }
        }
        Ok(None)
    }

    /// The key of an object.
    fn key(&self, day: &str, name: &str) -> Key {
        self.bucket.prefix.clone().join(day).join(name)
    }
}

#[cfg(test)]
mod tests;
