//! The windows that an export is of: which journals, which span, which probes.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::commands::process::terminal::Terminal;
use crate::journal::{Line, Range};
use crate::window::Window;
use crate::{cli, config, journal};

/// What is exported unless something else is said.
const SPAN: Duration = Duration::from_hours(1);

/// Hands on every window of the probes that were asked for, whatever the order of the journals;
/// `false` ends it. What cannot be read is said, and is no reason to stop.
pub(crate) fn read(
    args: &cli::ExportArgs,
    range: Range,
    terminal: &Terminal,
    mut each: impl FnMut(Window) -> bool,
) -> Result<(), CliError> {
    let failed = |error: journal::JournalError| CliError::Runtime(error.to_string());
    let journals = journals(args)?;
    let paths =
        journal::gather(&journals, range, &locations::cache_folder(), &locations::environment()).map_err(failed)?;
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
        terminal.warn(&format!("{skipped} lines of the journal could not be read and are not exported"));
    }
    Ok(())
}

fn journals(args: &cli::ExportArgs) -> Result<Vec<PathBuf>, CliError> {
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    let here = std::env::current_dir().map_err(|error| CliError::io("the working directory", &error))?;
    let config = args.config.clone().or_else(|| config::find(&here));
    Ok(vec![locations::journal_location(None, config.as_deref())])
}

/// The span that the options name.
pub(crate) fn span(args: &cli::ExportArgs) -> Result<Range, CliError> {
    let to = args.to.unwrap_or_else(Timestamp::now);
    let back = to.checked_sub(args.since.unwrap_or(SPAN)).unwrap_or(Timestamp::MIN);
    let from = args.from.unwrap_or(back);
    if from >= to {
        return Err(CliError::Usage("error: --from must be earlier than --to".to_owned()));
    }
    Ok(Range { from, to })
}
