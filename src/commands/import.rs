//! `uptick import`: converts files of other tools into a probe file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::ImportArgs;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::output_file::OutputFile;
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::import::{Imported, InputFile};
use crate::{config, format, import};

/// The most files in one import.
const MOST_FILES: usize = 200;

/// The largest file that is imported, in bytes. A HAR file holds every body of a page.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads the files, writes the probe file, and reports what could not be carried over.
pub(super) fn run(args: &ImportArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let files = read(&args.files)?;
    let folder = args.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let imported = import::import(&files, folder).map_err(CliError::usage)?;
    let exit = match &args.output {
        Some(path) => write_file(path, &imported.text, args.force)?,
        None => terminal::print(|out| out.write_all(imported.text.as_bytes()))?,
    };
    say(&imported, args.output.as_deref(), terminal);
    Ok(exit)
}

fn read(paths: &[PathBuf]) -> Result<Vec<InputFile>, CliError> {
    if paths.len() > MOST_FILES {
        return Err(CliError::Usage(format!("{} files are given; one import reads at most {MOST_FILES}", paths.len())));
    }
    let of_stdin = paths.iter().filter(|path| path.as_os_str() == "-").count();
    if of_stdin > 1 {
        return Err(CliError::usage("standard input is named twice"));
    }
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<InputFile, CliError> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let text = config::read_text_up_to(path, LARGEST_FILE).map_err(|why| CliError::Usage(format!("{name} {why}")))?;
    Ok(InputFile { name, text })
}

/// Writes a new file; with `--force` an existing file is replaced.
fn write_file(path: &Path, text: &str, force: bool) -> Result<Exit, CliError> {
    let shown = path.display();
    let written = if force {
        OutputFile::open(path).and_then(|file| file.write(|out| out.write_all(text.as_bytes())))
    } else {
        OutputFile::create(path, text)
    };
    match written {
        Ok(()) => Ok(Exit::Up),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::Usage(format!("{shown} exists and was not changed; name another file, or add --force")))
        }
        Err(error) => Err(CliError::Usage(format!("cannot write {shown}: {error}"))),
    }
}

/// Prints how much was imported, what was left out, and what to do next.
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
