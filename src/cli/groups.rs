//! The groups that options stand in, in the help and on the manual page.

/// What is asked.
pub(super) const TARGETS: &str = "Targets";
/// What is sent, and how.
pub(super) const REQUEST: &str = "Request";
/// What must hold of the answer.
pub(super) const EXPECTATIONS: &str = "Must hold";
/// How often it is asked, and what fails a run.
pub(super) const PASSES: &str = "Passes";
/// What is printed.
pub(super) const OUTPUT: &str = "Output";
/// What is kept, and who is told.
pub(super) const RECORD: &str = "Record";
/// Where measurements are sent.
pub(super) const EXPORT: &str = "Export";

/// All, in the order in which they are shown.
pub(super) const ALL: [&str; 7] = [TARGETS, REQUEST, EXPECTATIONS, PASSES, OUTPUT, RECORD, EXPORT];
