//! `uptick export`: writes the content of a journal to a file for another tool, or sends it to a
//! backend that does not have it yet.

mod file;
#[cfg(feature = "remote-write")]
mod remote_write;
#[cfg(feature = "parquet")]
mod tables;
mod windows;

use crate::cli;
#[cfg(feature = "remote-write")]
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal::Terminal;

/// The kinds of export of this build, listed in the error message if the command line names none.
const TARGETS: &[&str] = &[
    #[cfg(feature = "remote-write")]
    "--remote-write URL",
    #[cfg(feature = "parquet")]
    "--parquet DIR|URL",
    #[cfg(feature = "otlp")]
    "--otlp-json",
    "--csv",
    "--hlog",
];

/// Writes a file, tables, or sends to a backend, as the options say.
pub(super) fn run(args: &cli::ExportArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let span = windows::span(args)?;
    if let Some(kind) = args.file.kind() {
        return file::run(kind, args, span, terminal);
    }
    #[cfg(feature = "parquet")]
    if let Some(folder) = &args.parquet {
        return tables::run(folder, args, span, terminal);
    }
    #[cfg(feature = "remote-write")]
    if let Some(url) = args.remote_write.clone().or_else(|| locations::env("UPTICK_REMOTE_WRITE")) {
        return remote_write::run(&url, args, span, terminal);
    }
    Err(CliError::Usage(format!("say what to export to: {} or --hgrm", TARGETS.join(", "))))
}
