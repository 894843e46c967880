//! A run for people on a terminal, at any size: one check is a line, a few probes are a table, many
//! probes are reduced to those that failed. What was found, and what that shows, comes last.

mod columns;
mod findings;
mod folded;
mod layout;
mod pass_line;
mod single;
mod summary;

use std::io;
use std::io::Write;

use super::indexed_report::IndexedReport;
use crate::format;
use crate::model::Verdict;
use crate::render::terminal::{DIM, StyledText, TerminalStyle};
pub(crate) use pass_line::pass_line;
pub(crate) use summary::failing_line;

use columns::Columns;
use folded::FAILURES_SHOWN;
use layout::{indented, title};

/// The most probes with a line each: as many as fit on a screen with the lines below them.
const ROWS: usize = 20;

pub(super) fn write(pass: &IndexedReport<'_>, style: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut screen = StyledText::new(style);
    if let Some((probe, outcome)) = single::only_check(pass) {
        single::write(pass, probe, outcome, &mut screen);
        return out.write_all(screen.finish().as_bytes());
    }
    let columns = Columns::of(pass, screen.width());
    let is_folded = pass.probes.len() > ROWS && !screen.has_detail();
    if is_folded {
        folded::write(pass, &columns, &mut screen);
    } else {
        table(pass, &columns, &mut screen);
    }
    summary::write(pass, !is_folded, &mut screen);
    out.write_all(screen.finish().as_bytes())
}

/// One line per probe, with notes and evidence below it.
fn table(pass: &IndexedReport<'_>, columns: &Columns, screen: &mut StyledText) {
    let mut failed = 0;
    for (at, surface) in pass.surfaces.iter().enumerate() {
        columns.heading(&title(surface), at == 0, screen);
        for probe in pass.probes_of(surface) {
            columns.row(pass, probe, screen);
            failed += usize::from(probe.verdict != Verdict::Up);
            findings::write(pass, probe, failed <= FAILURES_SHOWN || screen.has_detail(), screen);
        }
        screen.end();
    }
    if failed > FAILURES_SHOWN && !screen.has_detail() {
        let more = format::count((failed - FAILURES_SHOWN) as u64);
        screen.put(DIM, &format!("  evidence of {more} more failed probes: -v"));
        screen.end();
    }
    if let Some(legend) = columns.legend(pass) {
        indented(DIM, &format!("  {legend}"), 2, screen);
        screen.end();
    }
}
