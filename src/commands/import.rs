//! `uptick import`: other tools' files as a probe file.

use std::fs::File;
use std::io;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::ImportArgs;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::format;
use crate::import;
use crate::import::{Imported, InputFile};

/// The most files of one import.
const MOST_FILES: usize = 200;

/// The largest file that is imported, in bytes: a HAR holds every body of a page.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads the files, writes the probe file, and says what it does not hold.
pub(super) fn run(args: &ImportArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let files = read(&args.files)?;
    let folder = args.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let imported = import::import(&files, folder).map_err(|error| usage(&error.to_string()))?;
    let exit = match &args.output {
        Some(path) => write_file(path, &imported.text, args.force)?,
        None => terminal::print(|out| out.write_all(imported.text.as_bytes()))?,
    };
    if !terminal.quiet {
        say(&imported, args.output.as_deref(), terminal);
    }
    Ok(exit)
}

fn usage(message: &str) -> CliError {
    CliError::Usage(format!("error: {message}"))
}

fn read(paths: &[PathBuf]) -> Result<Vec<InputFile>, CliError> {
    if paths.len() > MOST_FILES {
        return Err(usage(&format!("{} files are given; the most of one import is {MOST_FILES}", paths.len())));
    }
    let of_stdin = paths.iter().filter(|path| path.as_os_str() == "-").count();
    if of_stdin > 1 {
        return Err(usage("standard input is named twice"));
    }
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<InputFile, CliError> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => usage(&format!("{name} does not exist")),
        ErrorKind::IsADirectory => usage(&format!("{name} is a directory; name the files in it")),
        _ => usage(&format!("{name} cannot be read: {error}")),
    };
    let mut bytes = Vec::new();
    let read = if is_stdin {
        io::stdin().lock().take(LARGEST_FILE + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(usage(&format!("{name} is larger than {LARGEST_FILE} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        usage(&format!("{name} is not UTF-8 text: line {line} has a byte that cannot be read"))
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(InputFile { name, text })
}

/// Writes a file that is not there yet, or any with `--force`.
fn write_file(path: &Path, text: &str, force: bool) -> Result<Exit, CliError> {
    let shown = path.display();
    let opened = if force { File::create(path) } else { File::create_new(path) };
    match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(Exit::Up),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(usage(&format!("{shown} exists and was not changed; name another file, or add --force")))
        }
        Err(error) => Err(usage(&format!("cannot write {shown}: {error}"))),
    }
}

/// The conversation: how much came over, what did not, and what to do next.
fn say(imported: &Imported, path: Option<&Path>, terminal: &Terminal) {
    let mut said = format::counted(imported.probes as u64, "probe");
    if imported.left_out > 0 {
        said.push_str(&format!(", {} left out as comments", imported.left_out));
    }
    if imported.not_carried > 0 {
        said.push_str(&format!(
            "; {} could not be carried over: see the comments",
            format::counted(imported.not_carried as u64, "setting")
        ));
    }
    if let Some(path) = path {
        said.push_str(&format!("; wrote {}; next: uptick validate -c {0}", path.display()));
    }
    terminal.say(MessageLevel::Note, &said);
    if !imported.variables.is_empty() {
        terminal.say(MessageLevel::Note, &format!("set before you use it: {}", imported.variables.join(", ")));
    }
}
