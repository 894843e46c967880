//! Why a file cannot be imported.

use crate::model::SafeText;

/// A file that cannot be imported: which, where, what is wrong, and what to give instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ImportError {
    text: String,
}

impl ImportError {
    /// A file as a whole; the sentence continues its name.
    pub(crate) fn of_file(file: &str, sentence: &str) -> ImportError {
        ImportError { text: clean(&format!("{file} {sentence}")) }
    }

    /// A place in a file, both from 1.
    pub(crate) fn at(file: &str, line: u64, column: u64, message: &str) -> ImportError {
        ImportError { text: clean(&format!("{file}:{line}:{column}: {message}")) }
    }
}

fn clean(text: &str) -> String {
    const LONGEST: usize = 1_000;
    SafeText::clean(text, LONGEST).as_str().to_owned()
}
