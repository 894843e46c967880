//! The baseline of `check --baseline`: the windows of a journal's last days, to compare a run with.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::config::Config;
use crate::journal::Line;
use crate::window::Window;
use crate::{journal, object_storage};

/// How far back `--baseline` reads.
const BASELINE_SPAN: Duration = Duration::from_hours(14 * 24);

/// The windows that a journal has recorded in the last [`BASELINE_SPAN`] from this vantage.
pub(crate) fn windows(journal: &Path, config: &Config) -> Result<Vec<Window>, CliError> {
    if !object_storage::is_url(journal) && !journal.exists() {
        return Err(CliError::Usage(format!("error: --baseline: no journal at {}", journal.display())));
    }
    let to = Timestamp::now();
    let from = to.checked_sub(BASELINE_SPAN).unwrap_or(Timestamp::MIN);
    let failed = |error: journal::JournalError| CliError::Runtime(error.to_string());
    let (journals, range) = ([journal.to_path_buf()], journal::Range { from, to });
    let paths = journal::gather(&journals, range, &locations::cache_folder(), &locations::environment());
    let lines = journal::read(&paths.map_err(failed)?, range).map_err(failed)?;
    let mut windows = Vec::new();
    for line in lines {
        if let Line::Window(window) = line.map_err(failed)?
            && *window.vantage == *config.settings.vantage
        {
            windows.push(*window);
        }
    }
    if windows.is_empty() {
        let (vantage, journal) = (&config.settings.vantage, journal.display());
        return Err(CliError::Usage(format!(
            "error: --baseline: {journal} has no data of the last 14 days from vantage {vantage}"
        )));
    }
    Ok(windows)
}
