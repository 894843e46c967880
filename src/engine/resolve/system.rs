//! The host's files that define how names are looked up, read again when they change.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::hosts::Hosts;
use super::nsswitch::Sources;
use super::resolv_conf::{ResolvConf, Surroundings};

/// The most bytes read of a file: hosts files that block advertisements have a few million.
const FILE_LIMIT: u64 = 32 * 1024 * 1024;

/// The paths of the files.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
    pub(super) nsswitch: PathBuf,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            nsswitch: "/etc/nsswitch.conf".into(),
        }
    }
}

/// The files as last read.
#[derive(Debug)]
pub(super) struct SystemFiles {
    surroundings: Surroundings,
    resolv_conf: CachedFile<ResolvConf>,
    hosts: CachedFile<Hosts>,
    nsswitch: CachedFile<Sources>,
}

impl SystemFiles {
    pub(super) fn new(paths: Paths, surroundings: Surroundings) -> SystemFiles {
        SystemFiles {
            surroundings,
            resolv_conf: CachedFile::new(paths.resolv_conf),
            hosts: CachedFile::new(paths.hosts),
            nsswitch: CachedFile::new(paths.nsswitch),
        }
    }

    /// The current hosts file.
    ///
    /// # Errors
    /// The host has no resources left to open it.
    pub(super) fn hosts(&self) -> io::Result<Arc<Hosts>> {
        self.hosts.read(|_| true, Hosts::parse)
    }

    /// The current configuration of the resolver.
    ///
    /// # Errors
    /// The host has no resources left to open it.
    pub(super) fn resolv_conf(&self) -> io::Result<Arc<ResolvConf>> {
        let parse = |text: &str| ResolvConf::parse(text, &self.surroundings, interface_number);
        self.resolv_conf.read(|conf| !conf.no_reload, parse)
    }

    /// The sources of host names.
    pub(super) fn sources(&self) -> Arc<Sources> {
        self.nsswitch.read(|_| true, Sources::parse).unwrap_or_default()
    }
}

/// The settings from the process and its host.
pub(super) fn surroundings() -> Surroundings {
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Surroundings {
        options: std::env::var("RES_OPTIONS").ok(),
        local_domain: std::env::var("LOCALDOMAIN").ok(),
        host_name,
    }
}

/// The index of a network interface, which Linux gives in a file.
fn interface_number(name: &str) -> Option<u32> {
    if name.contains('/') || name.starts_with('.') {
        return None;
    }
    std::fs::read_to_string(Path::new("/sys/class/net").join(name).join("ifindex")).ok()?.trim().parse().ok()
}

/// Metadata that tells two versions of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            file: (file.dev(), file.ino()),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// The version of a file that was read; none if there was no file.
type Version<T> = (Option<Stamp>, Arc<T>);

/// A file that is read again when it changes, at the cost of one `stat` per use.
#[derive(Debug)]
struct CachedFile<T> {
    path: PathBuf,
    last: Mutex<Option<Version<T>>>,
}

impl<T> CachedFile<T> {
    fn new(path: PathBuf) -> CachedFile<T> {
        CachedFile { path, last: Mutex::new(None) }
    }

    /// The current content of the file. A file that is missing or not readable counts as empty.
    fn read(&self, may_change: impl Fn(&T) -> bool, parse: impl Fn(&str) -> T) -> io::Result<Arc<T>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stamp, value)) = last.as_ref()
            && (!may_change(value) || *stamp == std::fs::metadata(&self.path).ok().map(|file| Stamp::of(&file)))
        {
            return Ok(Arc::clone(value));
        }
        let (stamp, text) = match read_file(&self.path) {
            Ok((stamp, text)) => (Some(stamp), text),
            Err(error) if is_ours(&error) => {
                // The previous content is better than none.
                return last.as_ref().map(|(_, value)| Arc::clone(value)).ok_or(error);
            }
            Err(_) => (None, String::new()),
        };
        let value = Arc::new(parse(&text));
        *last = Some((stamp, Arc::clone(&value)));
        Ok(value)
    }
}

/// Takes the stamp of the open file before its text, so that a change during the read is noticed next time.
fn read_file(path: &Path) -> io::Result<(Stamp, String)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut bytes)?;
    Ok((stamp, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether this host has no resources left to open a file, which says nothing about the file.
fn is_ours(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    error.raw_os_error().is_some_and(|errno| ours.iter().any(|ours| ours.raw_os_error() == errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> SystemFiles {
        let paths = Paths {
            resolv_conf: folder.join("resolv.conf"),
            hosts: folder.join("hosts"),
            nsswitch: folder.join("nsswitch.conf"),
        };
        SystemFiles::new(paths, Surroundings::default())
    }

    #[test]
    fn files_are_followed_through_every_way_of_changing_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hosts");
        let files = files(folder.path());
        let found = || files.hosts().expect("the file is read").addresses("a.test").len();
        assert_eq!(found(), 0, "there is no file");
        std::fs::write(&path, "192.0.2.1 a.test\n").expect("written");
        assert_eq!(found(), 1, "the file came");
        std::fs::write(&path, "192.0.2.1 a.test\n192.0.2.2 a.test\n").expect("written");
        assert_eq!(found(), 2, "it was written over");
        let other = folder.path().join("other");
        std::fs::write(&other, "192.0.2.1 a.test\n192.0.2.2 b.test\n").expect("written");
        std::fs::rename(&other, &path).expect("renamed");
        assert_eq!(found(), 1, "another of the same length took its place");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(found(), 0, "the file is gone");
    }

    #[test]
    fn a_file_that_asks_for_it_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("resolv.conf");
        let files = files(folder.path());
        let servers = || files.resolv_conf().expect("the file is read").servers[0].to_string();
        std::fs::write(&path, "nameserver 192.0.2.1\n").expect("written");
        assert_eq!(servers(), "192.0.2.1:53");
        std::fs::write(&path, "nameserver 192.0.2.22\noptions no-reload\n").expect("written");
        assert_eq!(servers(), "192.0.2.22:53");
        std::fs::write(&path, "nameserver 192.0.2.333\n").expect("written");
        assert_eq!(servers(), "192.0.2.22:53");
    }

    #[test]
    fn a_folder_or_bytes_of_any_kind_in_place_of_a_file_say_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("resolv.conf")).expect("a folder");
        std::fs::write(folder.path().join("hosts"), [0xff, 0xfe, 0x0a, 0x00]).expect("written");
        let files = files(folder.path());
        assert_eq!(files.resolv_conf().expect("read").servers[0].to_string(), "127.0.0.1:53");
        assert!(files.hosts().expect("read").addresses("a").is_empty());
    }
}
