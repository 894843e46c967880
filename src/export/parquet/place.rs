//! Where the table files go: a folder of this machine, or a bucket of an object store. A file gets its name only once
//! it is complete.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::export::sync_files;
#[cfg(feature = "object-store")]
use crate::object_storage::Bucket;
use crate::object_storage::StorageError;

/// The mode of a new file, before the umask: others may read it.
const FILE_MODE: u32 = 0o666;

/// Why tables could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An object could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Where files go, by relative names whose parts are safe in every path.
#[derive(Debug)]
pub enum TablePlace {
    /// A folder, which need not exist.
    Folder(PathBuf),
    /// A bucket.
    #[cfg(feature = "object-store")]
    Bucket(Bucket),
}

/// A complete file without its final name.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) path: TempPath,
}

impl TablePlace {
    /// A temporary file that will get this name: on the same disk, if it goes to a disk.
    pub(super) fn begin(&self, name: &str) -> io::Result<NamedTempFile> {
        let mut options = tempfile::Builder::new();
        let options = options.prefix(".uptick-");
        match self {
            TablePlace::Folder(root) => {
                let path = root.join(name);
                let folder = path.parent().unwrap_or(root);
                std::fs::create_dir_all(folder).map_err(|error| named(folder, error))?;
                options.permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(folder)
            }
            #[cfg(feature = "object-store")]
            TablePlace::Bucket(_) => options.tempfile(),
        }
    }

    /// Gives drafts their names, and replaces existing files.
    pub(super) fn replace(&self, drafts: Vec<Draft>) -> Result<(), TablesError> {
        match self {
            TablePlace::Folder(root) => {
                sync_files(&drafts.iter().map(|draft| &*draft.path).collect::<Vec<_>>())?;
                let rename = |draft: Draft| draft.path.persist(root.join(draft.name)).map_err(|error| error.error);
                Ok(drafts.into_iter().try_for_each(rename)?)
            }
            #[cfg(feature = "object-store")]
            TablePlace::Bucket(bucket) => {
                let files = drafts.iter().map(|draft| (draft.name.clone(), draft.path.to_path_buf()));
                Ok(bucket.replace(files.collect())?)
            }
        }
    }
}

/// Names the folder in the error if its name is too long for a disk: encoded, each byte of a name may take three.
fn named(folder: &Path, error: io::Error) -> io::Error {
    match (error.kind(), folder.file_name()) {
        (kind @ io::ErrorKind::InvalidFilename, Some(name)) => {
            io::Error::new(kind, format!("the name of its folder {} is too long for a disk", name.display()))
        }
        _ => error,
    }
}
