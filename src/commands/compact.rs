//! `uptick compact`: old windows of a journal become hourly and daily ones.

use std::io::Write as _;

use super::exit::Exit;
use super::exit::Stop;
use super::probing;
use super::setup;
use super::terminal;
use super::terminal::Terminal;
use crate::cli;
use crate::config;
use crate::journal;
use crate::render::text;

/// Compacts the journal and says what that saved.
pub(super) fn run(args: &cli::Compact, terminal: &Terminal) -> Result<Exit, Stop> {
    let nearest = || std::env::current_dir().ok().and_then(|here| config::find(&here));
    let config = args.config.clone().or_else(nearest);
    let folder = setup::journal_place(args.journal.as_deref(), config.as_deref());
    let ages = journal::Ages { hourly: args.hourly_after, daily: args.daily_after };
    let done = journal::compact(&folder, ages, probing::now()).map_err(|error| Stop::Trouble(error.to_string()))?;
    if terminal.quiet {
        return Ok(Exit::Up);
    }
    terminal::print(|out| {
        writeln!(
            out,
            "{}: {} compacted, {} lines became {}, {} bytes became {}",
            folder.display(),
            text::counted(done.files, "file"),
            text::count(done.lines_before),
            text::count(done.lines_after),
            text::count(done.bytes_before),
            text::count(done.bytes_after),
        )
    })
}
