//! `uptick compact`: replaces old windows of a journal by hourly and daily ones.

use jiff::Timestamp;

use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::journal::CompactRules;
use crate::{cli, config, format, journal, object_storage};

/// Compacts the journal and prints how many windows and bytes that saved.
pub(super) fn run(args: &cli::CompactArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let nearest = || std::env::current_dir().ok().and_then(|here| config::find(&here));
    let config = args.config.clone().or_else(nearest);
    let folder = locations::journal_location(args.journal.as_deref(), config.as_deref());
    let usual = CompactRules::default();
    let rules = CompactRules {
        hourly_after: args.hourly_after.unwrap_or(usual.hourly_after),
        daily_after: args.daily_after.unwrap_or(usual.daily_after),
        ..usual
    };
    if !object_storage::is_url(&folder) && !folder.exists() {
        return Err(CliError::Usage(format!("no journal at {}", folder.display())));
    }
    if folder.is_file() {
        let folder = folder.display();
        return Err(CliError::Usage(format!("{folder} is a file; name the folder of the journal")));
    }
    let trouble = |error: journal::JournalError| CliError::Runtime(error.to_string());
    let done = if object_storage::is_url(&folder) {
        journal::compact_store(&folder, Timestamp::now(), &rules, &locations::environment())
    } else {
        journal::compact(&folder, Timestamp::now(), &rules)
    };
    let done = done.map_err(trouble)?;
    if done.skipped > 0 {
        let files = format::counted(done.skipped, "file");
        terminal.warn(&format!(
            "{files} skipped: written by a newer version, too large for one object, or lines are still in the spool"
        ));
    }
    if terminal.quiet {
        return Ok(Exit::Up);
    }
    terminal::print(|out| {
        let (files, folder) = (format::counted(done.files, "file"), folder.display());
        let (before, after) = (format::count(done.windows_before), format::count(done.windows_after));
        let (from, to) = (format::count(done.bytes_before), format::count(done.bytes_after));
        writeln!(out, "{folder}: {files} compacted; {before} windows became {after}, {from} bytes became {to}")
    })
}
