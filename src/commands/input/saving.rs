//! `check URL --save NAME`: saves the probe of the command line to a probe file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::commands::process::output_file::OutputFile;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::config;
use crate::config::Config;
use crate::model::Probe;

/// Gives the only probe of the command line its name, and returns it: this run checks what is saved.
pub(crate) fn named(probes: &mut [Arc<Probe>], name: &str) -> Result<Arc<Probe>, CliError> {
    let mut given = probes.iter_mut().filter(|probe| probe.is_of_command_line());
    let (Some(probe), None) = (given.next(), given.next()) else {
        return Err(usage("give one URL: one probe is saved under one name"));
    };
    *probe = Arc::new(Probe { name: name.to_owned(), ..Probe::clone(probe) });
    Ok(Arc::clone(probe))
}

/// Adds a probe to the file of `--config`, otherwise to the nearest one.
pub(crate) fn save(config: &Config, probe: &Probe, file: Option<&Path>, terminal: &Terminal) -> Result<(), CliError> {
    let path = file.map_or_else(nearest, Path::to_path_buf);
    let shown = path.display();
    let text = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        _ => Some(config::read_text(&path).map_err(|why| usage(&format!("{shown} {why}")))?),
    };
    let name = &probe.name;
    let saved = config::with_probe(config, probe, name, &path, text.as_deref(), &locations::env)
        .map_err(|message| usage(&message))?;
    OutputFile::open(&path)
        .and_then(|file| file.write(|out| out.write_all(saved.text.as_bytes())))
        .map_err(|error| usage(&format!("cannot write {shown}: {error}")))?;
    terminal.say(MessageLevel::Note, &format!("added probe {name:?} to {shown}"));
    if !saved.inherited.is_empty() {
        let keys = saved.inherited.join(", ");
        terminal.warn(&format!("the [defaults] of {shown} give it what this check does not have: {keys}"));
    }
    if !saved.variables.is_empty() {
        let variables = saved.variables.join(", ");
        terminal
            .say(MessageLevel::Note, &format!("its secrets are not in the file; set before you use it: {variables}"));
    }
    Ok(())
}

fn usage(message: &str) -> CliError {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    CliError::Usage(format!("--save: {message}"))
}

fn nearest() -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| config::find(&here)).unwrap_or_else(|| PathBuf::from(config::FILE_NAME))
}
