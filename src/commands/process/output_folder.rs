//! A folder of output files. Each file is replaced atomically, so that a web server never sends
//! half a page.
//!
//! A list in the folder names the files that uptick wrote. Only these are replaced, and only these
//! are removed once the output no longer has them; all other files in the folder stay as they are.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempPath;

use crate::commands::process::exit::CliError;
use crate::export::sync_files;
use crate::model::io_reason;

/// The list of the files that uptick wrote here.
const LIST: &str = "uptick-files.json";
/// The prefix of the name of a file while it is being written.
const DRAFT: &str = ".uptick-";
/// The mode of new files, before the umask: others may read them.
const FILE_MODE: u32 = 0o666;

/// The files that uptick wrote to a folder, by their paths within it.
#[derive(Debug, Default, Deserialize, Serialize)]
struct WrittenFiles {
    files: BTreeSet<String>,
}

/// A folder that is known to be writable.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Creates the folder if it is missing; its parent must exist.
    pub(crate) fn open(path: &Path) -> Result<OutputFolder, CliError> {
        let failed =
            |error: io::Error| CliError::Usage(format!("cannot write to {}: {}", path.display(), io_reason(&error)));
        match std::fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        // Report a folder that is not writable before any journal is read.
        tempfile::Builder::new().prefix(DRAFT).tempfile_in(path).map_err(failed)?;
        Ok(OutputFolder { path: path.to_path_buf() })
    }

    /// Writes the files in the given order, and removes files of an earlier run that are not among
    /// them.
    pub(crate) fn replace(&self, files: &[(&str, &[u8])]) -> Result<(), CliError> {
        let lock = File::open(&self.path).map_err(|error| self.trouble("", &error))?;
        // Two runs at once take turns, if the file system supports locks.
        let is_alone = lock.lock().is_ok();
        let old = self.list()?;
        self.refuse_others(files, &old)?;
        if is_alone {
            self.remove_drafts(files);
        }
        let new: BTreeSet<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        // List the files before writing them: a run that dies in between leaves only files that the
        // next run recognizes.
        let all = old.files.union(&new).cloned().collect();
        self.write_list(&WrittenFiles { files: all })?;
        self.write(files)?;
        for gone in old.files.difference(&new).filter(|path| is_of_ours(path)) {
            match std::fs::remove_file(self.path.join(gone)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.trouble(gone, &error)),
                _ => {}
            }
        }
        self.write_list(&WrittenFiles { files: new })
    }

    fn trouble(&self, path: &str, error: &io::Error) -> CliError {
        CliError::io(&self.path.join(path).display().to_string(), error)
    }

    fn list(&self) -> Result<WrittenFiles, CliError> {
        match std::fs::read(self.path.join(LIST)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let path = self.path.join(LIST);
                CliError::Usage(format!(
                    "{}: not the list of files that uptick wrote here ({error}); remove it together with them",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(WrittenFiles::default()),
            Err(error) => Err(self.trouble(LIST, &error)),
        }
    }

    fn write_list(&self, written: &WrittenFiles) -> Result<(), CliError> {
        let mut text = serde_json::to_vec_pretty(written).unwrap_or_default();
        text.push(b'\n');
        self.write(&[(LIST, &text)])
    }

    /// Refuses to replace a file that uptick did not write.
    fn refuse_others(&self, files: &[(&str, &[u8])], old: &WrittenFiles) -> Result<(), CliError> {
        let is_others = |path: &&str| !old.files.contains(*path) && self.path.join(path).symlink_metadata().is_ok();
        match files.iter().map(|(path, _)| *path).find(is_others) {
            Some(path) => Err(CliError::Usage(format!(
                "{} was not written by uptick and is not replaced: move it away, or name another folder",
                self.path.join(path).display()
            ))),
            None => Ok(()),
        }
    }

    /// Removes the temporary files of a run that was killed while it wrote.
    fn remove_drafts(&self, files: &[(&str, &[u8])]) {
        let folders: BTreeSet<PathBuf> =
            files.iter().filter_map(|(path, _)| self.path.join(path).parent().map(Path::to_path_buf)).collect();
        for entry in folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(DRAFT) {
                // A file that cannot be removed does no harm.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Replaces each file atomically, in the given order, once all are on the disk. A file with the same content is
    /// not touched, so that tools that copy the folder copy only what changed.
    fn write(&self, files: &[(&str, &[u8])]) -> Result<(), CliError> {
        let mut drafts = Vec::new();
        for (path, content) in files {
            let path = self.path.join(path);
            if std::fs::read(&path).is_ok_and(|old| old == *content) {
                continue;
            }
            let draft =
                self.draft(&path, content).map_err(|error| CliError::io(&path.display().to_string(), &error))?;
            drafts.push((path, draft));
        }
        sync_files(&drafts.iter().map(|(_, draft)| &**draft).collect::<Vec<_>>())
            .map_err(|error| self.trouble("", &error))?;
        for (path, draft) in drafts {
            draft.persist(&path).map_err(|error| CliError::io(&path.display().to_string(), &error.error))?;
        }
        Ok(())
    }

    /// Writes the future content of a file beside it.
    fn draft(&self, path: &Path, content: &[u8]) -> io::Result<TempPath> {
        let folder = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder)?;
        let mut options = tempfile::Builder::new();
        let mut draft = options.prefix(DRAFT).permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(folder)?;
        draft.write_all(content)?;
        Ok(draft.into_temp_path())
    }
}

/// Whether a path of the list may be removed: only a path that stays within the folder, even if
/// somebody changed the list.
fn is_of_ours(path: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
    };
    path.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_was_written_here_is_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        let output = OutputFolder::open(&site).unwrap();
        output.replace(&[("a/one.html", b"1"), ("index.html", b"old")]).unwrap();
        std::fs::write(site.join("robots.txt"), "mine").unwrap();
        std::fs::write(site.join("a/.uptick-left"), "half").unwrap();
        output.replace(&[("a/two.html", b"2"), ("index.html", b"new")]).unwrap();
        assert_eq!(names(&site), ["a", "index.html", "robots.txt", LIST]);
        assert_eq!(names(&site.join("a")), ["two.html"]);
        assert_eq!(std::fs::read_to_string(site.join("index.html")).unwrap(), "new");

        let refused = output.replace(&[("robots.txt", b"ours")]).unwrap_err();
        assert!(refused.to_string().contains("robots.txt was not written by uptick"), "{refused}");
        assert_eq!(std::fs::read_to_string(site.join("robots.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_list_that_was_tampered_with_removes_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let (site, outside) = (folder.path().join("site"), folder.path().join("outside"));
        let output = OutputFolder::open(&site).unwrap();
        std::fs::write(&outside, "mine").unwrap();
        let list = serde_json::json!({"files": ["../outside", outside, "index.html"]});
        std::fs::write(site.join(LIST), list.to_string()).unwrap();
        output.replace(&[("index.html", b"new")]).unwrap();
        assert!(outside.exists());
        std::fs::write(site.join(LIST), "{}").unwrap();
        output.replace(&[("index.html", b"new")]).unwrap_err();
    }

    #[test]
    fn a_page_that_did_not_change_is_the_same_file() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFolder::open(folder.path()).unwrap();
        let number = |name: &str| folder.path().join(name).metadata().unwrap().ino();
        output.replace(&[("same", b"1"), ("other", b"1")]).unwrap();
        let before = [number("same"), number("other")];
        let reader = File::open(folder.path().join("other")).unwrap();
        output.replace(&[("same", b"1"), ("other", b"2")]).unwrap();
        assert_eq!(number("same"), before[0]);
        assert_ne!(number("other"), before[1]);
        assert_eq!(io::read_to_string(reader).unwrap(), "1", "who reads has the whole old file");
    }

    #[test]
    fn pages_are_replaced_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFolder::open(folder.path()).unwrap();
        output.replace(&[("index.html", b"old")]).unwrap();
        std::fs::write(folder.path().join("badge"), "not a folder").unwrap();
        output.replace(&[("index.html", b"new"), ("badge/web.svg", b"new")]).unwrap_err();
        assert_eq!(std::fs::read(folder.path().join("index.html")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["badge", "index.html", LIST]);
    }

    #[test]
    fn a_run_that_died_half_way_stands_in_no_ones_way() {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFolder::open(folder.path()).unwrap();
        std::fs::write(folder.path().join(LIST), "{\"files\":[\"a\",\"b\",\"c\"]}").unwrap();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        output.replace(&[("a", b"2"), ("b", b"2")]).unwrap();
        assert_eq!(names(folder.path()), ["a", "b", LIST]);
        OutputFolder::open(&folder.path().join("none/site")).unwrap_err();
    }
}
