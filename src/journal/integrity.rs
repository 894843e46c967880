//! What a reader found: the number of files and lines, and of lines that could not be used.

use serde::Serialize;

/// Counts of what a reader found. `lines` counts every line except blank ones, including the lines
/// that the other counts are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Integrity {
    /// Files read.
    pub files: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that cannot be used because they are torn, damaged or too long. They were skipped.
    pub corrupt_lines: u64,
    /// Files that end in the middle of a line, because of a crash or a write in progress.
    pub torn_tails: u64,
    /// Lines of a version or kind that this version does not know. They were skipped.
    pub newer_lines: u64,
    /// Lines that are still in the spool, because the journal could not be locked or written; they
    /// were read from there.
    pub spooled_lines: u64,
    /// Lines that are both in the spool and in the journal, because of a crash between the two
    /// writes. They were counted once.
    pub duplicate_lines: u64,
}

impl Integrity {
    /// Adds the counts of another reader.
    pub const fn merge(&mut self, other: &Integrity) {
        self.files += other.files;
        self.lines += other.lines;
        self.corrupt_lines += other.corrupt_lines;
        self.torn_tails += other.torn_tails;
        self.newer_lines += other.newer_lines;
        self.spooled_lines += other.spooled_lines;
        self.duplicate_lines += other.duplicate_lines;
    }
}
