//! Why a file or a stream cannot be used, in words of ours.

use std::io::{Error, ErrorKind};

use rustix::io::Errno;

/// The reason of an error, without the number of the system where we have words for it.
pub(crate) fn io_reason(error: &Error) -> String {
    match error.kind() {
        _ if error.raw_os_error().is_none() => error.to_string(),
        // A link that leads to itself, or one where none may be followed, has no stable kind.
        _ if Errno::from_io_error(error) == Some(Errno::LOOP) => {
            "a symbolic link in its path cannot be followed".to_owned()
        }
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is a file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::QuotaExceeded => "the quota of the disk is used up".to_owned(),
        ErrorKind::AlreadyExists => "it already exists".to_owned(),
        ErrorKind::InvalidFilename => "its name is too long".to_owned(),
        ErrorKind::FileTooLarge => "it would be larger than a file may be".to_owned(),
        ErrorKind::ResourceBusy => "it is in use".to_owned(),
        ErrorKind::ExecutableFileBusy => "it is a program that runs".to_owned(),
        ErrorKind::DirectoryNotEmpty => "the folder is not empty".to_owned(),
        ErrorKind::StaleNetworkFileHandle => "the server of the file system has lost it".to_owned(),
        ErrorKind::OutOfMemory => "there is not enough memory".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_meet_has_words_of_ours() {
        // ENOENT, EISDIR, ENOTDIR, EACCES, EPERM, EROFS, ENOSPC, EEXIST, EFBIG, EBUSY and ENOMEM
        for number in [2, 21, 20, 13, 1, 30, 28, 17, 27, 16, 12, Errno::LOOP.raw_os_error()] {
            let said = io_reason(&Error::from_raw_os_error(number));
            assert!(!said.contains("os error"), "{said}");
        }
        assert!(io_reason(&Error::from_raw_os_error(5)).contains("os error 5"));
        assert_eq!(io_reason(&Error::other("as it is")), "as it is");
    }
}
