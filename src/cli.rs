//! The command line: clap, and nothing else knows clap.

mod args;
mod check;
mod command;
mod export;
mod exporter;
mod format;
mod manual;
mod report;
mod request;
mod values;
mod watch;

pub use args::{Color, OutputArgs, ProbeArgs};
pub use check::CheckArgs;
pub use command::{
    Cli, Command, CompactArgs, CompletionsArgs, DemoArgs, ImportArgs, InitArgs, SchemaArgs, SchemaDocument,
    ValidateArgs,
};
pub use export::{ExportArgs, ExportFormat};
pub use exporter::ExporterArgs;
pub use format::FormatOutput;
pub use manual::{write_completions, write_manual};
pub use report::ReportArgs;
pub use request::RequestArgs;
pub use watch::WatchArgs;

use clap::Parser as _;

/// A command line that cannot be read, or that asks for help or the version.
#[derive(Debug)]
pub struct CommandLineError(clap::Error);

impl CommandLineError {
    /// Whether it asks for help or the version: that is no error.
    #[must_use]
    pub fn is_help(&self) -> bool {
        !self.0.use_stderr()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.0.render().to_string();
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("error: ").unwrap_or(line).to_owned()
    }

    /// Prints it where it belongs: help on the standard output, an error on stderr.
    pub fn print(&self) {
        // Where nobody reads it, the status says enough.
        let _ = self.0.print();
    }
}

/// Reads the command line of this process.
///
/// # Errors
/// [`CommandLineError`], where it cannot be read or asks for help.
pub fn parse() -> Result<Cli, CommandLineError> {
    Cli::try_parse().map_err(CommandLineError)
}

/// Whether this process was asked for its version with more than the version: `--version -v`.
#[must_use]
pub fn asks_for_build_facts() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let both = is(&["-Vv", "-vV"]);
    let only_these =
        words.iter().all(|word| ["-V", "--version", "-v", "-vv", "--verbose", "-Vv", "-vV"].contains(&word.as_str()));
    only_these && (both || (is(&["-V", "--version"]) && is(&["-v", "-vv", "--verbose"])))
}

/// Whether this process was asked for the output of a Nagios plugin, as far as that can be seen in a
/// command line that cannot be read.
#[must_use]
pub fn asks_for_nagios() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_check = words.iter().any(|word| word == "check");
    let follows = words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "nagios");
    is_check && (follows || words.iter().any(|word| word == "--format=nagios"))
}
