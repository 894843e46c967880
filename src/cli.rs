//! The command line: clap, and nothing else knows clap.

mod args;
mod check;
mod command;
mod completions;
mod examples;
mod export;
mod exporter;
mod format;
mod groups;
mod manual;
mod mistake;
mod overview;
mod report;
mod request;
mod values;
mod watch;

pub use args::{Color, OutputArgs, ProbeArgs};
pub use check::CheckArgs;
pub use command::{
    Cli, Command, CompactArgs, CompletedNames, CompletionsArgs, DemoArgs, ImportArgs, InitArgs, SchemaArgs,
    SchemaDocument, ValidateArgs,
};
pub(crate) use completions::write_completions;
pub use export::{ExportArgs, ExportFormat};
pub use exporter::ExporterArgs;
pub use format::FormatOutput;
pub(crate) use manual::write_manual;
pub use report::ReportArgs;
pub use request::RequestArgs;
pub use values::WrittenInstant;
pub use watch::WatchArgs;

use std::ffi::OsStr;
use std::io;
use std::io::Write as _;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Arg, CommandFactory as _, FromArgMatches as _};

/// A command of so many arguments has each explained by `-h`.
const MOST_EXPLAINED: usize = 8;

/// A command line that cannot be read, or that asks for help or the version.
#[derive(Debug)]
pub struct CommandLineError {
    error: clap::Error,
    /// The options at a glance, where they were asked for.
    overview: Option<String>,
}

impl CommandLineError {
    /// Whether it asks for help or the version: that is no error.
    #[must_use]
    pub(crate) fn is_help(&self) -> bool {
        !self.error.use_stderr()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.error.render().to_string();
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("error: ").unwrap_or(line).to_owned()
    }

    /// Prints it where it belongs: help on the standard output, an error on stderr.
    pub fn print(&self) {
        // Where nobody reads it, the status says enough.
        let _ = match &self.overview {
            Some(overview) => io::stdout().write_all(overview.as_bytes()),
            None => self.error.print(),
        };
    }
}

/// Reads the command line of this process.
///
/// # Errors
/// [`CommandLineError`], where it cannot be read or asks for help.
pub fn parse() -> Result<Cli, CommandLineError> {
    read().map_err(|error| {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let overview = (error.kind() == ErrorKind::DisplayHelp).then(|| asked_at_a_glance(&words)).flatten();
        CommandLineError { error: mistake::with_suggestion(error, &words), overview }
    })
}

fn read() -> Result<Cli, clap::Error> {
    let mut command = without_empty_variables(Cli::command());
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// A variable that is set to nothing says nothing: who fills one in from another, as Compose, Helm and CI systems do, cannot
/// leave it out.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let read = move |argument: Arg| match argument.get_env() {
        Some(name) if is_empty(name) => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(read).mut_subcommands(without_empty_variables)
}

/// The options of a command at a glance, where `-h` asks for them; `--help` explains each.
fn asked_at_a_glance(words: &[String]) -> Option<String> {
    if !words.iter().any(|word| word == "-h") || words.iter().any(|word| word == "--help") {
        return None;
    }
    let mut whole = Cli::command();
    whole.build();
    let command = words.iter().find_map(|word| whole.find_subcommand(word))?;
    let examples = examples::of(command.get_name());
    // Few options are explained on a screen too.
    let is_long = command.get_arguments().count() > MOST_EXPLAINED;
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let of_terminal = || terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns));
    is_long.then(|| overview::overview(command, examples, columns.or_else(of_terminal).unwrap_or(80)))
}

/// Whether this process was asked for its version with more than the version: `--version -v`.
#[must_use]
pub(crate) fn asks_for_build_facts() -> bool {
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
pub(crate) fn asks_for_nagios() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_check = words.iter().any(|word| word == "check");
    let follows = words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "nagios");
    is_check && (follows || words.iter().any(|word| word == "--format=nagios"))
}
