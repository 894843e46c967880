//! The file system calls that can fail, in one place. So a test can make each of them fail in turn,
//! and every file is created with the same permissions.

#[cfg(test)]
pub(super) mod faults;

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::{fs, io};

/// Only the owner can read and write a file.
const FILE_MODE: u32 = 0o600;
/// Only the owner can access a folder.
const FOLDER_MODE: u32 = 0o700;

/// Access to the file system. In tests calls can be made to fail.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: faults::Faults,
}

/// A call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "the names are for the tests that let calls fail"))]
pub(super) enum Call {
    CreateFolder,
    Open,
    Write,
    SyncData,
    SyncFolder,
    SetLength,
    Rename,
    Remove,
}

impl Disk {
    /// Creates a folder and its parents with mode 0700, whatever the umask, unless it exists.
    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        self.inject(Call::CreateFolder)?;
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)?;
        fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
    }

    /// Opens a file for reading and appending, and creates it if it is missing. The second value is
    /// whether it was created. A symbolic link is not followed.
    pub(super) fn open(&self, path: &Path) -> io::Result<(File, bool)> {
        self.inject(Call::Open)?;
        match append_options().open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(|file| (file, false)),
        }
        match create_new(path) {
            // Another process has just created it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                append_options().open(path).map(|file| (file, false))
            }
            created => created.map(|file| (file, true)),
        }
    }

    /// Creates a file that must not exist yet.
    pub(super) fn create_new(&self, path: &Path) -> io::Result<File> {
        self.inject(Call::Open)?;
        create_new(path)
    }

    /// Appends all bytes to a file: in one call, unless the system writes only a part.
    pub(super) fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        if let Some((taken, error)) = self.short_write(bytes.len()) {
            file.write_all(&bytes[..taken])?;
            return Err(error);
        }
        file.write_all(bytes)
    }

    /// Waits until the content of a file is on the disk.
    pub(super) fn sync_data(&self, file: &File) -> io::Result<()> {
        self.inject(Call::SyncData)?;
        file.sync_data()
    }

    /// Waits until the names in a folder are on the disk.
    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.inject(Call::SyncFolder)?;
        File::open(folder)?.sync_all()
    }

    /// Truncates a file.
    pub(super) fn set_length(&self, file: &File, length: u64) -> io::Result<()> {
        self.inject(Call::SetLength)?;
        file.set_len(length)
    }

    /// Renames a file, replacing any file of the new name.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inject(Call::Rename)?;
        fs::rename(from, to)
    }

    /// Removes a file.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.inject(Call::Remove)?;
        fs::remove_file(path)
    }

    #[cfg(test)]
    fn inject(&self, call: Call) -> io::Result<()> {
        self.faults.inject(call)
    }

    #[cfg(test)]
    fn short_write(&self, length: usize) -> Option<(usize, io::Error)> {
        self.faults.short_write(length).map(|taken| (taken, self.faults.error()))
    }
}

/// Outside of tests only the disk itself fails.
#[cfg(not(test))]
#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the seam where tests let calls fail")]
impl Disk {
    const fn inject(&self, _: Call) -> io::Result<()> {
        Ok(())
    }

    const fn short_write(&self, _: usize) -> Option<(usize, io::Error)> {
        None
    }
}

fn append_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Non-blocking: a named pipe in place of a file must not hang the run.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.read(true).append(true).mode(FILE_MODE).custom_flags(flags.bits().cast_signed());
    options
}

fn create_new(path: &Path) -> io::Result<File> {
    let file = append_options().create_new(true).open(path)?;
    // The umask may have removed the owner's own permissions.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}
