//! Permission to run the programs that a probe file names. Anybody who can change the file, such as
//! the author of a pull request, must not be able to run a command with it.

use crate::commands::process::exit::CliError;
use crate::config::Config;
use crate::model::{Alert, AlertTarget};

/// Fails if an alert would run a program and `exec` is not allowed.
pub(crate) fn require(config: &Config, is_allowed: bool) -> Result<(), CliError> {
    let runs_program = |alert: &&Alert| matches!(alert.target, AlertTarget::Exec { .. });
    match config.alerts.iter().find(runs_program).filter(|_| !is_allowed) {
        None => Ok(()),
        Some(alert) => {
            let file = config.path.as_ref().map_or_else(String::new, |path| format!("{}: ", path.display()));
            Err(CliError::Usage(format!(
                "{file}alert {:?} runs a program; allow `exec` with --allow-exec or UPTICK_ALLOW_EXEC=1",
                alert.name
            )))
        }
    }
}
