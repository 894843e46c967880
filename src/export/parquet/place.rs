//! Where the files of tables go: a folder of this machine, or a bucket of an object store. Each takes its name at
//! once, when it is whole.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

#[cfg(feature = "object-store")]
use crate::object_storage::Bucket;
use crate::object_storage::StorageError;

/// The mode of a new file, before the umask: it is meant to be read.
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

/// Where files go, by names that are relative and whose parts are safe in every path.
#[derive(Debug)]
pub enum TablePlace {
    /// A folder, which need not be there.
    Folder(PathBuf),
    /// A bucket.
    #[cfg(feature = "object-store")]
    Bucket(Bucket),
}

/// A file that is whole and has no name yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) path: TempPath,
}

impl TablePlace {
    /// An empty file that is to become that of a name: on the same disk, where the name is on a disk.
    pub(super) fn begin(&self, name: &str) -> io::Result<NamedTempFile> {
        let mut options = tempfile::Builder::new();
        let options = options.prefix(".uptick-");
        match self {
            TablePlace::Folder(root) => {
                let path = root.join(name);
                let folder = path.parent().unwrap_or(root);
                std::fs::create_dir_all(folder)?;
                options.permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(folder)
            }
            #[cfg(feature = "object-store")]
            TablePlace::Bucket(_) => options.tempfile(),
        }
    }

    /// Gives drafts their names, over what had them.
    pub(super) fn replace(&self, drafts: Vec<Draft>) -> Result<(), TablesError> {
        match self {
            TablePlace::Folder(root) => drafts.into_iter().try_for_each(|draft| rename(root, draft)),
            #[cfg(feature = "object-store")]
            TablePlace::Bucket(bucket) => {
                let files = drafts.iter().map(|draft| (draft.name.clone(), draft.path.to_path_buf()));
                Ok(bucket.replace(files.collect())?)
            }
        }
    }
}

fn rename(root: &Path, draft: Draft) -> Result<(), TablesError> {
    File::open(&draft.path)?.sync_data()?;
    draft.path.persist(root.join(draft.name)).map_err(|error| error.error)?;
    Ok(())
}
