//! Errors of an import.

use crate::model::SafeText;

/// Why a file cannot be imported: which file, where, what is wrong, and what to provide instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ImportError {
    text: String,
}

impl ImportError {
    /// An error about a file as a whole; the sentence continues the file's name.
    pub(crate) fn of_file(file: &str, sentence: &str) -> ImportError {
        ImportError { text: clean(&format!("{file} {sentence}")) }
    }

    /// An error at a position in a file. Line and column start at 1.
    pub(crate) fn at(file: &str, line: u64, column: u64, message: &str) -> ImportError {
        ImportError { text: clean(&format!("{file}:{line}:{column}: {message}")) }
    }
}

fn clean(text: &str) -> String {
    const LONGEST: usize = 1_000;
    SafeText::clean(text, LONGEST).as_str().to_owned()
}
