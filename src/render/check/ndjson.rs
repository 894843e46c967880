//! One outcome a line, as JSON.

use std::io;
use std::io::Write;

use crate::model::Outcome;
use crate::report::pass::Pass;

/// Writes one outcome as a line, for a run that prints each as it ends.
///
/// # Errors
/// Those of the writer.
pub fn line(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let mut line = serde_json::to_vec(outcome)?;
    line.push(b'\n');
    // One write a line: lines of several writers on one pipe stay whole as far as the pipe allows.
    out.write_all(&line)
}

pub(in crate::render) fn write(pass: &Pass, out: &mut impl Write) -> io::Result<()> {
    pass.outcomes.iter().try_for_each(|outcome| line(outcome, out))
}
