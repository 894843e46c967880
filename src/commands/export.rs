//! `uptick export`: what a journal holds, as a file for another tool or to a backend that has not
//! seen it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::exit::{Exit, Stop};
#[cfg(feature = "remote-write")]
use super::export_send;
use super::terminal::Terminal;
use super::{export_file, probing, setup};
use crate::journal::{Line, Range};
use crate::window::Window;
use crate::{cli, config, journal};

/// What is exported unless something else is said.
const SPAN: Duration = Duration::from_hours(1);

/// Where to, which the command line has to say.
const NOWHERE: &str = if cfg!(all(feature = "remote-write", feature = "otlp")) {
    "error: say what to export to: --remote-write URL, --csv, --hlog, --hgrm or --otlp-json"
} else {
    "error: say what to export to; `uptick export --help` lists what this build knows"
};

/// Writes a file or sends.
pub(super) fn run(args: &cli::Export, terminal: &Terminal) -> Result<Exit, Stop> {
    let span = span(args)?;
    if let Some(kind) = args.file.kind() {
        return export_file::run(kind, args, span, terminal);
    }
    #[cfg(feature = "remote-write")]
    if let Some(url) = args.remote_write.clone().or_else(|| setup::env("UPTICK_REMOTE_WRITE")) {
        return export_send::run(&url, args, span, terminal);
    }
    Err(Stop::Usage(NOWHERE.to_owned()))
}

/// Hands on every window of the probes that were asked for, whatever the order of the journals;
/// `false` ends it. What cannot be read is said, and is no reason to stop.
pub(super) fn read(
    args: &cli::Export,
    range: Range,
    terminal: &Terminal,
    mut each: impl FnMut(Window) -> bool,
) -> Result<(), Stop> {
    let failed = |error: journal::JournalError| Stop::Trouble(error.to_string());
    let journals = journals(args)?;
    let paths = journal::gather(&journals, range, &setup::cache_place(), &setup::environment()).map_err(failed)?;
    let mut reader = journal::read(&paths, range).map_err(failed)?;
    for line in &mut reader {
        if let Line::Window(window) = line.map_err(failed)?
            && (args.probes.is_empty() || args.probes.iter().any(|name| **name == *window.probe))
            && !each(*window)
        {
            break;
        }
    }
    let skipped = reader.integrity().corrupt_lines + reader.integrity().newer_lines;
    if skipped > 0 {
        terminal
            .warn(&format!("lines of the journal that could not be read, and are not in what is exported: {skipped}"));
    }
    Ok(())
}

fn journals(args: &cli::Export) -> Result<Vec<PathBuf>, Stop> {
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    let here = std::env::current_dir().map_err(|error| Stop::io("the working directory", &error))?;
    let config = args.config.clone().or_else(|| config::find(&here));
    Ok(vec![setup::journal_place(None, config.as_deref())])
}

fn span(args: &cli::Export) -> Result<Range, Stop> {
    let to = args.to.unwrap_or_else(probing::now);
    let back = to.checked_sub(args.since.unwrap_or(SPAN)).unwrap_or(Timestamp::MIN);
    let from = args.from.unwrap_or(back);
    if from >= to {
        return Err(Stop::Usage("error: there is no time between --from and --to".to_owned()));
    }
    Ok(Range { from, to })
}
