//! Where things are: the environment, the journal, the outbox, the cache.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::commands::process::exit::CliError;
use crate::commands::process::terminal::Terminal;
use crate::{journal, object_storage};

/// The name of the default folder of the journal.
pub(crate) const JOURNAL_FOLDER: &str = "uptick-journal";

/// A variable of the environment. `None` if it is not set or not UTF-8.
#[must_use]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All variables of the environment that are UTF-8: object stores have many settings there.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Warns at the start if there are no credentials for the store that a run records to: results then
/// stay on this disk.
pub(crate) fn warn_of_store(journal: Option<&Path>, terminal: &Terminal) {
    let lacking = journal.and_then(|journal| object_storage::lacks_credentials(journal, &environment()));
    if let Some(why) = lacking {
        terminal.warn(&format!("the journal's store: {why}; results wait on this disk until a run has them"));
    }
}

/// Where copies of remote objects are cached; they may be removed at any time.
pub(crate) fn cache_folder() -> PathBuf {
    let usual = || env("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let place = env("XDG_CACHE_HOME").filter(|place| !place.is_empty()).map(PathBuf::from).or_else(usual);
    place.unwrap_or_else(std::env::temp_dir).join("uptick")
}

/// The folder on this disk that a run records to before its lines are shipped to the journal at a
/// URL: `uptick-outbox` beside the default place of a journal.
fn outbox_location(url: &Path, config: Option<&Path>) -> PathBuf {
    journal_location(None, config).with_file_name("uptick-outbox").join(journal::folder_name(url))
}

/// The folder on this machine that belongs to a journal: itself, or the outbox of a journal at a URL. It holds what is
/// kept beside the lines: locks, totals, the alerts that were sent.
pub(crate) fn local_folder(journal: &Path, config: Option<&Path>) -> PathBuf {
    if object_storage::is_url(journal) { outbox_location(journal, config) } else { journal.to_path_buf() }
}

/// The journal: the one that the option names, otherwise below systemd's `STATE_DIRECTORY`,
/// otherwise beside the configuration, otherwise in the current folder.
#[must_use]
pub(crate) fn journal_location(asked: Option<&Path>, config: Option<&Path>) -> PathBuf {
    if let Some(asked) = asked {
        return asked.to_path_buf();
    }
    if let Some(state) = env("STATE_DIRECTORY").filter(|state| !state.is_empty()) {
        // Several folders are joined by colons; the first is the service's own.
        return PathBuf::from(state.split(':').next().unwrap_or_default()).join(JOURNAL_FOLDER);
    }
    config.and_then(Path::parent).unwrap_or(Path::new("")).join(JOURNAL_FOLDER)
}

/// An error if nothing lies between two instants; `to` is now unless `--to` is given.
pub(crate) fn check_span(from: Timestamp, to: Timestamp, is_to_given: bool) -> Result<(), CliError> {
    match (from < to, is_to_given) {
        (true, _) => Ok(()),
        (false, true) => Err(CliError::Usage("--from must be earlier than --to".to_owned())),
        (false, false) => Err(CliError::Usage("--from is in the future".to_owned())),
    }
}
