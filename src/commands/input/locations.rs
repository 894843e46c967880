//! Locations: the environment, the journal, the outbox, the cache.

use std::path::{Path, PathBuf};

use crate::commands::process::terminal::Terminal;
use crate::{journal, object_storage};

/// The default folder of the journal.
pub(crate) const JOURNAL_FOLDER: &str = "uptick-journal";

/// The process' environment.
#[must_use]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The whole environment, as far as it is text: object stores have many settings there.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Warns at once if there are no credentials for the store that a run records to: results wait on this disk.
pub(crate) fn warn_of_store(journal: Option<&Path>, terminal: &Terminal) {
    let lacking = journal.and_then(|journal| object_storage::lacks_credentials(journal, &environment()));
    if let Some(why) = lacking {
        terminal.warn(&format!("the journal's store: {why}; results wait on this disk until a run has them"));
    }
}

/// Where copies of remote objects are kept; they may be removed at any time.
pub(crate) fn cache_folder() -> PathBuf {
    let usual = || env("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let place = env("XDG_CACHE_HOME").filter(|place| !place.is_empty()).map(PathBuf::from).or_else(usual);
    place.unwrap_or_else(std::env::temp_dir).join("uptick")
}

/// Where a run records before its lines are shipped to the journal of a URL: beside where the
/// journal would be by itself.
pub(crate) fn outbox_location(url: &Path, config: Option<&Path>) -> PathBuf {
    journal_location(None, config).with_file_name("uptick-outbox").join(journal::folder_name(url))
}

/// Where the journal is: where the option says, else where systemd keeps the state of a service,
/// else beside the configuration, else here.
#[must_use]
pub(crate) fn journal_location(asked: Option<&Path>, config: Option<&Path>) -> PathBuf {
    if let Some(asked) = asked {
        return asked.to_path_buf();
    }
    if let Some(state) = env("STATE_DIRECTORY").filter(|state| !state.is_empty()) {
        // Several are joined by colons; the first is the service's own.
        return PathBuf::from(state.split(':').next().unwrap_or_default()).join(JOURNAL_FOLDER);
    }
    config.and_then(Path::parent).unwrap_or(Path::new("")).join(JOURNAL_FOLDER)
}
