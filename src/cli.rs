//! The command line: clap, and nothing else knows clap.

mod args;
mod check;
mod command;
mod export;
mod exporter;
mod format;
mod manual;
mod report;
mod values;
mod watch;

pub use args::{Color, OutputArgs, ProbeArgs};
pub use check::CheckArgs;
pub use command::{
    Cli, Command, CompactArgs, CompletionsArgs, DemoArgs, InitArgs, SchemaArgs, SchemaDocument, ValidateArgs,
};
pub use export::{ExportArgs, ExportFormat};
pub use exporter::ExporterArgs;
pub use format::FormatOutput;
pub use manual::{write_completions, write_manual};
pub use report::ReportArgs;
pub use watch::WatchArgs;

use clap::Parser as _;

/// Reads the command line of this process. Usage errors are printed and end it with status 2.
#[must_use]
pub fn parse() -> Cli {
    Cli::parse()
}
