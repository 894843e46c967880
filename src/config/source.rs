//! The text of a probe file: read with a bound, and cut into lines for diagnostics.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{ConfigError, Problem};

/// The largest probe file read, in bytes.
pub(super) const LARGEST_FILE: u64 = 4 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

/// A line of a [`Source`] and where it stands.
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Its bytes in the text, without the line break.
    pub(super) range: Range<usize>,
}

impl Source {
    /// Reads a probe file.
    pub(super) fn read(path: &Path) -> Result<Arc<Source>, ConfigError> {
        let text = read_text(path, LARGEST_FILE)
            .map_err(|message| ConfigError::new(vec![Problem::about_file(path, &message)]))?;
        Ok(Arc::new(Source::new(path, text)))
    }

    pub(super) fn new(path: &Path, text: String) -> Source {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { path: path.to_owned(), text, starts }
    }

    /// The line that a byte stands in.
    pub(super) fn line_at(&self, byte: usize) -> Line {
        let number = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts[number - 1];
        let end = self.starts.get(number).map_or(self.text.len(), |next| next - 1);
        let line = self.text[start..end].trim_end_matches('\r');
        Line { number, range: start..start + line.len() }
    }
}

/// Reads a regular file of UTF-8 text of at most `limit` bytes, without its byte order mark.
///
/// # Errors
/// One sentence that continues the file's name.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, String> {
    let text = String::from_utf8(read_bytes(path, limit)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        format!("is not UTF-8 text: line {line} has a byte that cannot be read")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// One sentence that continues the file's name.
pub(super) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    // Asked before opening: opening a named pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| stat_sentence(path, &error))?;
    if metadata.is_dir() {
        return Err("is a directory, not a file".to_owned());
    }
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| io_sentence(&error))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| io_sentence(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!("is larger than {limit} bytes"));
    }
    Ok(bytes)
}

/// A link that leads to itself has no stable error kind: it is a link that cannot be followed.
fn stat_sentence(path: &Path, error: &std::io::Error) -> String {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    match error.kind() {
        ErrorKind::NotFound if is_link => "is a symbolic link to a file that does not exist".to_owned(),
        ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::NotFound => io_sentence(error),
        _ if is_link => "is a symbolic link that leads to itself".to_owned(),
        _ => io_sentence(error),
    }
}

fn io_sentence(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "does not exist".to_owned(),
        ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        ErrorKind::NotADirectory => "does not exist: a part of its path is a file".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(Path::new("probes.toml"), text.to_owned())
    }

    #[test]
    fn a_byte_is_found_in_its_line() {
        let source = source("a\r\nbé\n\nlast");
        let at = |byte| {
            let line = source.line_at(byte);
            (line.number, source.text[line.range].to_owned())
        };
        assert_eq!(at(0), (1, "a".to_owned()));
        assert_eq!(at(4), (2, "bé".to_owned()));
        assert_eq!(at(7), (3, String::new()));
        assert_eq!(at(999), (4, "last".to_owned()));
    }

    #[test]
    fn what_is_not_a_text_file_is_refused_in_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("latin1"), b"a\ncaf\xe9").unwrap();
        std::fs::write(file("large"), vec![b'#'; 65]).unwrap();
        std::os::unix::fs::symlink("loop", file("loop")).unwrap();
        let read = |name: &str| read_text(&file(name), 64).unwrap_err();
        assert_eq!(read_text(folder.path(), 64).unwrap_err(), "is a directory, not a file");
        assert_eq!(read("latin1"), "is not UTF-8 text: line 2 has a byte that cannot be read");
        assert_eq!(read("large"), "is larger than 64 bytes");
        assert_eq!(read("loop"), "is a symbolic link that leads to itself");
        assert_eq!(read("absent"), "does not exist");
        assert_eq!(read("latin1/below"), "does not exist: a part of its path is a file");
        assert_eq!(read_text(Path::new("/dev/null"), 64).unwrap_err(), "is not a regular file");
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bom");
        std::fs::write(&path, "\u{feff}a = 1").unwrap();
        assert_eq!(read_text(&path, 64).unwrap(), "a = 1");
    }
}
