//! An output file, under the name that the user gave.
//!
//! A plain file is replaced atomically, so that a reader sees the old content or the new one, never
//! a part of it. Everything else is written in place: a device, a pipe, a descriptor of the
//! process, a file with a second hard link, and a file that is a mount point of its own, as in
//! containers.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::model::io_reason;

/// The mode of a new file, before the umask: others may read the output.
const NEW_FILE_MODE: u32 = 0o666;
/// The permission bits of a mode.
const PERMISSION_BITS: u32 = 0o777;
/// How many symbolic links are followed, as in Linux.
const MAX_LINKS: usize = 40;

/// An output file that is known to be writable.
#[derive(Debug)]
pub(crate) struct OutputFile {
    named: PathBuf,
    target: Target,
}

/// How the file is written.
#[derive(Debug)]
enum Target {
    /// A new file replaces the one at `path`, which is not a link, and takes over the owner and the
    /// mode of `old`.
    Replace { path: PathBuf, old: Option<Metadata> },
    /// A plain file that must keep its inode: it is truncated and rewritten.
    Overwrite(File),
    /// Not a plain file, or one that is already open: written at its current offset.
    Stream(File),
}

impl OutputFile {
    /// Determines whether and how the file at `path` can be written. Changes nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn open(path: &Path) -> io::Result<OutputFile> {
        Ok(OutputFile { named: path.to_path_buf(), target: Target::of(path).map_err(|error| of_file(&error))? })
    }

    /// Writes a new file. If that fails, there is none: an empty one would be in the way of the next attempt.
    ///
    /// # Errors
    /// If that fails, or the file exists.
    pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
        let folder = folder_of(path);
        let mut file = File::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => of_folder(&error, folder),
            _ => of_file(&error),
        })?;
        file.write_all(text.as_bytes()).map_err(|error| {
            let _ = std::fs::remove_file(path);
            of_file(&error)
        })
    }

    /// The path that the user gave.
    pub(crate) fn path(&self) -> &Path {
        &self.named
    }

    /// Whether both are the same plain file, which would hold what is written last. A terminal or a pipe takes both.
    pub(crate) fn is_same_file(&self, other: &OutputFile) -> bool {
        let place = |path: &Path| Some((folder_of(path).canonicalize().ok()?, path.file_name()?.to_owned()));
        let inode = |file: &File| file.metadata().ok().map(|file| (file.dev(), file.ino()));
        match (&self.target, &other.target) {
            (Target::Replace { path: one, .. }, Target::Replace { path: other, .. }) => place(one) == place(other),
            (Target::Overwrite(one), Target::Overwrite(other)) => inode(one) == inode(other),
            _ => false,
        }
    }

    /// Writes the file. A plain file is on the disk when this returns.
    ///
    /// # Errors
    /// If that fails. A file that would have been replaced is then unchanged.
    pub(crate) fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.target.write(write).map_err(|error| of_file(&error))
    }
}

impl Target {
    fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Target::Stream(file) => buffered(&file, write),
            Target::Overwrite(file) => {
                file.set_len(0)?;
                buffered(&file, write)?;
                file.sync_all()
            }
            Target::Replace { path, old } => {
                let draft = draft(&path, old.as_ref())?;
                buffered(draft.as_file(), write)?;
                draft.as_file().sync_all()?;
                draft.persist(&path).map_err(|error| error.error)?;
                // The rename has succeeded; some file systems cannot sync a folder.
                let _ = File::open(folder_of(&path)).and_then(|folder| folder.sync_all());
                Ok(())
            }
        }
    }

    fn of(path: &Path) -> io::Result<Target> {
        if let Some(stream) = standard_stream(path) {
            return Ok(Target::Stream(stream));
        }
        let Some(path) = follow_links(path)? else {
            return Ok(Target::Stream(File::options().append(true).open(path)?));
        };
        let old = match path.symlink_metadata() {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                drop(draft(&path, None)?);
                return Ok(Target::Replace { path, old: None });
            }
            Err(error) => return Err(error),
        };
        // A file whose mode forbids writing is not replaced, even if its folder would allow that.
        let file = File::options().write(true).open(&path)?;
        if !old.is_file() {
            return Ok(Target::Stream(file));
        }
        let is_replaceable = old.nlink() == 1 && !is_mounted(&path) && draft(&path, Some(&old)).is_ok();
        Ok(if is_replaceable { Target::Replace { path, old: Some(old) } } else { Target::Overwrite(file) })
    }
}

/// Standard output or standard error, if `path` is the file behind it: `/dev/stdout`, or the target
/// of a redirection.
fn standard_stream(path: &Path) -> Option<File> {
    let wanted = path.metadata().ok()?;
    let (stdout, stderr) = (io::stdout(), io::stderr());
    [stdout.as_fd(), stderr.as_fd()].into_iter().find_map(|stream| {
        let file = File::from(stream.try_clone_to_owned().ok()?);
        let found = file.metadata().ok()?;
        ((found.dev(), found.ino()) == (wanted.dev(), wanted.ino())).then_some(file)
    })
}

/// The path at the end of a chain of symbolic links; `None` if the chain leads to an open
/// descriptor under `/proc`, which has no path of its own.
fn follow_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Ok(Some(path));
        }
        let folder = folder_of(&path).canonicalize()?;
        if folder.starts_with("/proc") {
            return Ok(None);
        }
        path = folder.join(path.read_link()?);
    }
    Err(io::Error::other("too many links lead from one to the next"))
}

/// Whether something is mounted on the file itself, as containers do: then it cannot be replaced.
fn is_mounted(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS);
        found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// A temporary file beside the one at `path`, with the owner and the mode of the old one. Dropping
/// it removes the file.
fn draft(path: &Path, old: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mode = old.map_or(NEW_FILE_MODE, |old| old.permissions().mode() & PERMISSION_BITS);
    let mut options = tempfile::Builder::new();
    let draft = options.prefix(".uptick-").permissions(Permissions::from_mode(mode)).tempfile_in(folder_of(path));
    let draft = draft.map_err(|error| of_folder(&error, folder_of(path)))?;
    let Some(old) = old else { return Ok(draft) };
    let made = draft.as_file().metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(draft.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    // The umask applies only to new files.
    draft.as_file().set_permissions(Permissions::from_mode(mode))?;
    Ok(draft)
}

/// The error in words of ours.
fn of_file(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), io_reason(error))
}

/// Why no file can be made in a folder; the name of the draft is nobody's concern.
fn of_folder(error: &io::Error, folder: &Path) -> io::Error {
    let folder = folder.display();
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("the folder {folder} does not exist"),
        io::ErrorKind::NotADirectory => format!("{folder} is not a folder"),
        io::ErrorKind::PermissionDenied => format!("no permission to write in the folder {folder}"),
        io::ErrorKind::ReadOnlyFilesystem => format!("the folder {folder} is on a read-only file system"),
        io::ErrorKind::StorageFull => format!("the disk of the folder {folder} is full"),
        kind => format!("the folder {folder}: {kind}"),
    };
    io::Error::new(error.kind(), why)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn buffered(file: &File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, text: &str) {
        OutputFile::open(path).unwrap().write(|out| out.write_all(text.as_bytes())).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_in_words_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let create = |path: &Path| OutputFile::create(path, "y").unwrap_err().to_string();
        let absent = folder.path().join("absent");
        assert_eq!(create(&absent.join("x")), format!("the folder {} does not exist", absent.display()));
        assert_eq!(create(&file.join("x")), "a part of its path is a file");
        assert_eq!(OutputFile::open(folder.path()).unwrap_err().to_string(), "it is a directory");
        assert_eq!(OutputFile::create(&file, "y").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_and_not_the_draft_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let error = OutputFile::open(&absent.join("report.xml")).unwrap_err().to_string();
        assert_eq!(error, format!("the folder {} does not exist", absent.display()));
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_plain_file_is_replaced_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer");
        for wanted in [0o600, 0o640, 0o666, 0o755] {
            fs::write(&path, "old and longer").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(wanted)).unwrap();
            let reader = File::open(&path).unwrap();
            write(&path, "new");
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(io::read_to_string(reader).unwrap(), "old and longer", "who reads has the whole old file");
            assert_eq!(mode(&path), wanted);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn to_open_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (there, new) = (folder.path().join("there"), folder.path().join("new"));
        fs::write(&there, "old").unwrap();
        let hard = folder.path().join("hard");
        fs::hard_link(&there, &hard).unwrap();
        drop([&there, &new, &hard].map(|path| OutputFile::open(path).unwrap()));
        assert_eq!(fs::read_to_string(&there).unwrap(), "old");
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), "old").unwrap();
        for (name, leads_to) in [("first", "inner/file"), ("second", "first"), ("dangling", "inner/new")] {
            let link = folder.path().join(name);
            symlink(leads_to, &link).unwrap();
            write(&link, name);
            assert!(link.symlink_metadata().unwrap().is_symlink(), "{name}");
            assert_eq!(fs::read_to_string(&link).unwrap(), name);
        }
        assert_eq!(fs::read_to_string(inner.join("file")).unwrap(), "second");
        assert_eq!(fs::read_to_string(inner.join("new")).unwrap(), "dangling");
        symlink("loop", folder.path().join("loop")).unwrap();
        OutputFile::open(&folder.path().join("loop")).unwrap_err();
    }

    #[test]
    fn a_file_with_two_names_keeps_both() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::write(&one, "old and longer").unwrap();
        fs::hard_link(&one, &other).unwrap();
        write(&one, "new");
        assert_eq!(fs::read_to_string(&other).unwrap(), "new");
    }

    #[test]
    fn a_descriptor_is_written_on_and_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "before ").unwrap();
        let open = File::options().append(true).open(&path).unwrap();
        let descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
        write(Path::new(&descriptor), "after");
        assert_eq!(fs::read_to_string(&path).unwrap(), "before after");
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [folder.path().to_path_buf(), folder.path().join("none/answer"), file.join("answer")] {
            OutputFile::open(&path).unwrap_err();
        }
    }

    #[test]
    fn a_device_stays_a_device() {
        use std::os::unix::fs::FileTypeExt as _;
        write(Path::new("/dev/null"), "gone");
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_failure_leaves_the_old_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer");
        fs::write(&path, "old").unwrap();
        let failed = OutputFile::open(&path).unwrap().write(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("scripted"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "the draft is gone as well");
    }
}
