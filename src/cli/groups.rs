//! The groups of options in the help and on the manual page.

/// Which targets are checked.
pub(super) const TARGETS: &str = "Targets";
/// What is sent, and how.
pub(super) const REQUEST: &str = "Request";
/// What the response must meet.
pub(super) const EXPECTATIONS: &str = "Must hold";
/// How often checks are made, and what fails a run.
pub(super) const PASSES: &str = "Passes";
/// What is printed.
pub(super) const OUTPUT: &str = "Output";
/// What is recorded, and who is notified.
pub(super) const RECORD: &str = "Record";
/// Where measurements are sent.
pub(super) const EXPORT: &str = "Export";

/// All groups, in the order in which they are shown.
pub(super) const ALL: [&str; 7] = [TARGETS, REQUEST, EXPECTATIONS, PASSES, OUTPUT, RECORD, EXPORT];
