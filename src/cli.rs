//! The command line. Only this module uses clap.

mod args;
mod check;
mod command;
mod completions;
mod environment;
mod examples;
mod export;
mod exporter;
mod format;
mod groups;
mod manual;
mod mistake;
mod other_words;
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
pub(crate) use environment::set as variables_set;
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

/// The most arguments of a command for which `-h` explains each; with more it prints an overview.
const MOST_EXPLAINED: usize = 8;

/// A command line that cannot be parsed, or that asks for help or the version.
#[derive(Debug)]
pub struct CommandLineError {
    error: clap::Error,
    /// The overview of the options, if it was asked for.
    overview: Option<String>,
}

impl CommandLineError {
    /// Whether it asks for help or the version: then it is no error.
    #[must_use]
    pub(crate) fn is_help(&self) -> bool {
        !self.error.use_stderr()
    }

    /// The error in one line.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.error.render().to_string();
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("error: ").unwrap_or(line).to_owned()
    }

    /// Prints help on standard output, or an error on stderr.
    pub fn print(&self) {
        // If nobody reads it, the exit status says enough.
        let _ = match &self.overview {
            Some(overview) => io::stdout().write_all(overview.as_bytes()),
            None => self.error.print(),
        };
    }
}

/// Parses the command line of this process.
///
/// # Errors
/// [`CommandLineError`] if it cannot be parsed or asks for help.
pub fn parse() -> Result<Cli, CommandLineError> {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    read(&words).map_err(|error| {
        let overview = (error.kind() == ErrorKind::DisplayHelp).then(|| asked_at_a_glance(&words)).flatten();
        CommandLineError { error: mistake::with_suggestion(error, &words), overview }
    })
}

fn read(words: &[String]) -> Result<Cli, clap::Error> {
    let mut command = without_empty_variables(Cli::command());
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    exporter::refuse_separate_value(&mut command, words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Ignores environment variables that are set but empty. Compose, Helm and CI systems, which fill
/// in one variable from another, cannot leave it unset.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let read = move |argument: Arg| match argument.get_env() {
        Some(name) if is_empty(name) => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(read).mut_subcommands(without_empty_variables)
}

/// The overview of a command's options, if `-h` asks for it; `--help` explains each option. `None`
/// otherwise.
fn asked_at_a_glance(words: &[String]) -> Option<String> {
    if !words.iter().any(|word| word == "-h") || words.iter().any(|word| word == "--help") {
        return None;
    }
    let mut whole = Cli::command();
    whole.build();
    let command = words.iter().find_map(|word| whole.find_subcommand(word))?;
    let examples = examples::of(command.get_name());
    // If there are only a few options, their explanations fit on a screen too.
    let is_long = command.get_arguments().count() > MOST_EXPLAINED;
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let of_terminal = || terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns));
    is_long.then(|| overview::overview(command, examples, columns.or_else(of_terminal).unwrap_or(80)))
}

/// The words of this process's command line. What is no text, such as the name of a file in another encoding, stays
/// recognizable as that.
fn words() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Whether this process was asked for more than its version: `--version -v`.
#[must_use]
pub(crate) fn asks_for_build_facts() -> bool {
    let words = words();
    let is = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let both = is(&["-Vv", "-vV"]);
    let only_these =
        words.iter().all(|word| ["-V", "--version", "-v", "-vv", "--verbose", "-Vv", "-vV"].contains(&word.as_str()));
    only_these && (both || (is(&["-V", "--version"]) && is(&["-v", "-vv", "--verbose"])))
}

/// Whether this process was asked for the output of a Nagios plugin, as far as that is recognizable
/// in a command line that cannot be parsed.
#[must_use]
pub(crate) fn asks_for_nagios() -> bool {
    let words = words();
    let is_check = words.iter().any(|word| word == "check");
    let follows = words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "nagios");
    is_check && (follows || words.iter().any(|word| word == "--format=nagios"))
}
