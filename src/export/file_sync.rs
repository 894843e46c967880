//! Puts the contents of many files on the disk: a page or a table gets its name only once that is done.

use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Maximum number of files that are waited for at once: the disk writes them together.
const AT_ONCE: usize = 16;

/// Waits until the contents of all these files are on the disk.
///
/// # Errors
/// If one of them cannot be written.
pub(crate) fn sync_files(paths: &[&Path]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            File::open(path)?.sync_data()?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        // If a thread cannot be spawned, the others do its share.
        let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..AT_ONCE.min(paths.len())).filter_map(start).collect();
        let own = work();
        others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))).fold(own, Result::and)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_that_is_gone_is_told_among_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<_> = (0..100).map(|number| folder.path().join(number.to_string())).collect();
        paths.iter().for_each(|path| std::fs::write(path, "here").expect("room"));
        let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
        sync_files(&[]).expect("nothing to do");
        sync_files(&paths).expect("all are there");
        std::fs::remove_file(paths[70]).expect("removed");
        assert_eq!(sync_files(&paths).expect_err("one is gone").kind(), io::ErrorKind::NotFound);
    }
}
