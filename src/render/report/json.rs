//! One JSON document, `uptick.report/1`: the report serialised.

use std::io;
use std::io::Write;

use crate::report::Report;

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
