//! The text of a probe file: read with a bound, and cut into lines for diagnostics.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::io_reason;
use crate::model::quantity::show_bytes;

/// Maximum size of a probe file, in bytes.
pub(crate) const LARGEST_FILE: u64 = 4 << 20;

/// Why a file cannot be read. The text continues the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("does not exist")]
    Absent,
    #[error("is a symbolic link to a file that does not exist")]
    DanglingLink,
    #[error("is a symbolic link that leads to itself")]
    LinkLoop,
    #[error("does not exist: a part of its path is a file")]
    NotBelowFolder,
    #[error("cannot be read: permission denied")]
    Forbidden,
    #[error("is a directory, not a file")]
    Directory,
    #[error("is not a regular file")]
    NotRegular,
    #[error("is a binary file, not text")]
    Binary,
    #[error("is text in UTF-16; save it as UTF-8")]
    Utf16,
    #[error("has line ends of a carriage return alone; save it with line feeds")]
    CarriageReturns,
    #[error("is larger than {}", show_bytes(*.0))]
    TooLarge(u64),
    #[error("is not UTF-8 text: line {line} has a byte that cannot be read")]
    NotUtf8 { line: usize },
    #[error("cannot be read: {0}")]
    Io(String),
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Its absolute path, with the links of its folder resolved.
    pub(crate) location: Arc<Path>,
    /// The folder that paths in it are relative to.
    pub(crate) folder: PathBuf,
    /// Whether it is a file on disk, not a pipe.
    pub(crate) is_file: bool,
    pub(crate) text: String,
    /// The first byte of each line.
    starts: Vec<usize>,
}

/// A line of a [`Source`] and its position.
pub(crate) struct SourceLine {
    /// From 1.
    pub(crate) number: usize,
    /// Its bytes in the text, without the line break.
    pub(crate) range: Range<usize>,
}

impl Source {
    /// Reads a probe file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Arc<Source>, SourceError> {
        let text = read_text(path, LARGEST_FILE)?;
        if text.contains('\r') && !text.contains('\n') {
            return Err(SourceError::CarriageReturns);
        }
        Ok(Arc::new(Source::new(path, text)))
    }

    /// Reads a probe file that may also be the standard input (`-`) or another pipe: `<(envsubst …)`.
    /// Paths in it are then relative to the working directory.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read_any(path: &Path) -> Result<Arc<Source>, SourceError> {
        if !is_pipe(path) {
            return Source::read(path);
        }
        let shown = if is_stdin(path) { Path::new("standard input") } else { path };
        let source = Source::new(shown, read_any_text(path, LARGEST_FILE)?);
        Ok(Arc::new(Source { folder: PathBuf::new(), is_file: false, ..source }))
    }

    pub(crate) fn new(path: &Path, text: String) -> Source {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Source { path: path.to_owned(), location: location(path), folder, is_file: true, text, starts }
    }

    /// The line that contains a byte.
    pub(crate) fn line_at(&self, byte: usize) -> SourceLine {
        let number = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts[number - 1];
        let end = self.starts.get(number).map_or(self.text.len(), |next| next - 1);
        let line = self.text[start..end].trim_end_matches('\r');
        SourceLine { number, range: start..start + line.len() }
    }
}

/// The absolute path, with the links of its folder resolved: a link to the file keeps its own name.
fn location(path: &Path) -> Arc<Path> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => Arc::from(folder.join(name)),
        _ => Arc::from(path),
    }
}

/// Reads a regular file of UTF-8 text of at most `limit` bytes, without its byte order mark.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, SourceError> {
    decoded(read_bytes(path, limit)?)
}

/// Reads text of at most `limit` bytes from a file, a pipe, or the standard input for `-`. A pipe is read once: later
/// calls return the same text.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_any_text(path: &Path, limit: u64) -> Result<String, SourceError> {
    static PIPES: Mutex<BTreeMap<PathBuf, Result<Vec<u8>, SourceError>>> = Mutex::new(BTreeMap::new());
    if !is_pipe(path) {
        return read_text(path, limit);
    }
    let path = if is_stdin(path) { Path::new("-") } else { path };
    let mut pipes = PIPES.lock().unwrap_or_else(PoisonError::into_inner);
    let read = pipes.entry(path.to_owned()).or_insert_with(|| read_pipe(path, limit));
    read.clone().and_then(decoded)
}

fn read_pipe(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    if is_stdin(path) {
        return read_up_to(std::io::stdin().lock(), limit);
    }
    read_up_to(File::open(path).map_err(|error| io_error(&error))?, limit)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdin")
}

/// Whether a path is read as a stream: a pipe that a shell has opened for us, as in `-c <(…)`. Opening it by name would
/// wait for a writer, which may never come.
fn is_pipe(path: &Path) -> bool {
    let is_open = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    is_stdin(path) || is_open && std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// The text of a file, without its byte order mark.
fn decoded(bytes: Vec<u8>) -> Result<String, SourceError> {
    if bytes.contains(&0) {
        let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.get(1) == Some(&0);
        return Err(if is_utf16 { SourceError::Utf16 } else { SourceError::Binary });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        SourceError::NotUtf8 { line: error.as_bytes()[..at].split(|byte| *byte == b'\n').count() }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    // Checked before opening: opening a named pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| stat_error(path, &error))?;
    if metadata.is_dir() {
        return Err(SourceError::Directory);
    }
    if !metadata.is_file() {
        return Err(SourceError::NotRegular);
    }
    read_up_to(File::open(path).map_err(|error| io_error(&error))?, limit)
}

fn read_up_to(from: impl Read, limit: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes).map_err(|error| io_error(&error))?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::TooLarge(limit));
    }
    Ok(bytes)
}

/// Why there is no file to read at a path; `None` if there is one.
pub(crate) fn not_a_file(path: &Path) -> Option<SourceError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => None,
        Ok(metadata) if metadata.is_dir() => Some(SourceError::Directory),
        Ok(_) => Some(SourceError::NotRegular),
        Err(error) => Some(stat_error(path, &error)),
    }
}

/// A link to itself has no stable error kind: it is reported as a link that cannot be followed.
fn stat_error(path: &Path, error: &std::io::Error) -> SourceError {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    match error.kind() {
        ErrorKind::NotFound if is_link => SourceError::DanglingLink,
        ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::NotFound => io_error(error),
        _ if is_link => SourceError::LinkLoop,
        _ => io_error(error),
    }
}

fn io_error(error: &std::io::Error) -> SourceError {
    match error.kind() {
        ErrorKind::NotFound => SourceError::Absent,
        ErrorKind::PermissionDenied => SourceError::Forbidden,
        ErrorKind::NotADirectory => SourceError::NotBelowFolder,
        _ => SourceError::Io(io_reason(error)),
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
        std::fs::write(file("large"), vec![b'#'; 1025]).unwrap();
        std::os::unix::fs::symlink("loop", file("loop")).unwrap();
        let read = |name: &str| read_text(&file(name), 1024).unwrap_err().to_string();
        assert_eq!(read_text(folder.path(), 64).unwrap_err().to_string(), "is a directory, not a file");
        assert_eq!(read("latin1"), "is not UTF-8 text: line 2 has a byte that cannot be read");
        assert_eq!(read("large"), "is larger than 1KiB");
        assert_eq!(read("loop"), "is a symbolic link that leads to itself");
        assert_eq!(read("absent"), "does not exist");
        assert_eq!(read(&"long".repeat(99)), "cannot be read: its name is too long");
        for name in ["large", "loop", "absent"] {
            let told = not_a_file(&file(name)).map(|error| error.to_string());
            assert_eq!(told, (name != "large").then(|| read(name)), "{name}");
        }
        assert_eq!(read("latin1/below"), "does not exist: a part of its path is a file");
        assert_eq!(read_text(Path::new("/dev/null"), 64).unwrap_err().to_string(), "is not a regular file");
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bom");
        std::fs::write(&path, "\u{feff}a = 1").unwrap();
        assert_eq!(read_text(&path, 64).unwrap(), "a = 1");
    }
}
