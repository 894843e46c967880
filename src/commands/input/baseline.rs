//! The baseline of `check --baseline`: the windows of a journal's last days, to compare a run with.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::commands::process::terminal::Terminal;
use crate::config::Config;
use crate::format;
use crate::journal::Line;
use crate::window::Window;
use crate::{journal, object_storage};

/// How far back `--baseline` reads.
const BASELINE_SPAN: Duration = Duration::from_hours(14 * 24);

/// The windows that a journal has recorded in the last [`BASELINE_SPAN`] from this vantage.
pub(crate) fn windows(journal: &Path, config: &Config, terminal: &Terminal) -> Result<Vec<Window>, CliError> {
    if !object_storage::is_url(journal) && !journal.exists() {
        return Err(CliError::Usage(format!("--baseline: no journal at {}", journal.display())));
    }
    let to = Timestamp::now();
    let from = to.checked_sub(BASELINE_SPAN).unwrap_or(Timestamp::MIN);
    let failed = |error: journal::JournalError| CliError::Runtime(error.to_string());
    let (journals, range) = ([journal.to_path_buf()], journal::Range { from, to });
    let paths = journal::gather(&journals, range, &locations::cache_folder(), &locations::environment());
    let mut lines = journal::read(&paths.map_err(failed)?, range).map_err(failed)?;
    let mut windows = Vec::new();
    for line in lines.by_ref() {
        if let Line::Window(window) = line.map_err(failed)?
            && *window.vantage == *config.settings.vantage
        {
            windows.push(*window);
        }
    }
    let (journal, skipped) = (journal.display(), skipped(lines.integrity()));
    if windows.is_empty() {
        let vantage = &config.settings.vantage;
        let why = skipped.map(|skipped| format!("; {skipped}")).unwrap_or_default();
        return Err(CliError::Usage(format!(
            "--baseline: {journal} has no data of the last 14 days from vantage {vantage}{why}"
        )));
    }
    if let Some(skipped) = skipped {
        terminal.warn(&format!("--baseline: {journal} is compared with in part: {skipped}"));
    }
    Ok(windows)
}

/// The lines that could not be read; `None` if all could.
fn skipped(read: &journal::Integrity) -> Option<String> {
    let (corrupt, newer) = (read.corrupt_lines, read.newer_lines);
    (corrupt + newer > 0).then(|| {
        let lines = format::counted(read.lines, "line");
        format!("of {lines}, skipped {corrupt} corrupt and {newer} newer")
    })
}
