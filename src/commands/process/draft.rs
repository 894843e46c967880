//! A draft: a new file beside another that takes its name when it is whole, so that a reader sees the old
//! one or the new one and never half of it.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// The mode of a file that the user makes, before the umask: a draft becomes something that is meant to be read.
pub(crate) const PLAIN_MODE: u32 = 0o666;

/// A draft of the file at `path`.
pub(crate) fn beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".uptick-").permissions(Permissions::from_mode(mode)).tempfile_in(folder)
}
