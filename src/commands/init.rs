//! `uptick init`: writes a commented probe file.

use std::fs::File;
use std::io::{ErrorKind, Write as _};

use crate::cli::InitArgs;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::config;

/// Writes the file, unless there is one.
pub(super) fn run(args: &InitArgs) -> Result<Exit, CliError> {
    let path = args.path.display();
    let written = File::create_new(&args.path).and_then(|mut file| file.write_all(config::TEMPLATE.as_bytes()));
    match written {
        Ok(()) => terminal::print(|out| writeln!(out, "wrote {path}; next: uptick validate, then uptick check")),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::Usage(format!("error: {path} exists and was not changed; name another file")))
        }
        Err(error) => Err(CliError::Usage(format!("error: cannot write {path}: {error}"))),
    }
}
