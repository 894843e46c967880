//! Opens the files that uptick keeps beside a journal. Anything but a regular file, such as a named
//! pipe, is rejected at once: opening it could block forever, and writing to it would reach another
//! program.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens a regular file with the given options.
///
/// # Errors
/// Errors of the system; `InvalidInput` if it is not a regular file.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = options.custom_flags(without_waiting).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_opened_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        for name in ["pipe", "socket", "."] {
            let path = folder.path().join(name);
            for options in [OpenOptions::new().read(true), OpenOptions::new().write(true).create(true)] {
                open(&path, options).unwrap_err();
            }
        }
        let path = folder.path().join("file");
        open(&path, OpenOptions::new().read(true)).unwrap_err();
        open(&path, OpenOptions::new().write(true).create(true)).unwrap();
        open(&path, OpenOptions::new().read(true)).unwrap();
    }
}
