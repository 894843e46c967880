//! One JSON document, `uptick.check/1`: the pass serialised, so that no format can say more.

use std::io;
use std::io::Write;

use crate::report::pass::Pass;

pub(in crate::render) fn write(pass: &Pass, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, pass)?;
    out.write_all(b"\n")
}
