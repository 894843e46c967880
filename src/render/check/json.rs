//! JSON: the answer serialised, so no other format can contain more. Either one document,
//! `uptick.check/1`, or one outcome per line.

use std::io;
use std::io::Write;

use crate::check_report::CheckReport;
use crate::model::Outcome;

/// One document.
pub(super) fn write(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, pass)?;
    out.write_all(b"\n")
}

/// One outcome per line.
pub(super) fn write_lines(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    pass.outcomes.iter().try_for_each(|outcome| line(outcome, out))
}

/// Writes one outcome as a line, for a run that prints each as it ends.
///
/// # Errors
/// Errors of the writer.
pub fn line(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let mut line = serde_json::to_vec(outcome)?;
    line.push(b'\n');
    // One write per line: lines of several writers on one pipe stay whole as far as the pipe
    // allows.
    out.write_all(&line)
}
