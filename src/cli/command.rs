//! The command line as a whole: every command, and the options of the small ones.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::args::{OutputArgs, ProbeArgs};
use crate::cli::check::CheckArgs;
use crate::cli::examples;
use crate::cli::export::ExportArgs;
use crate::cli::groups;
use crate::cli::report::ReportArgs;
use crate::cli::request::RequestArgs;
use crate::cli::values;
use crate::cli::watch::WatchArgs;

/// Synthetic availability prober: was it down, for whom, since when, what kind of failure, and how sure are we?
#[derive(Debug, Parser)]
#[command(name = "uptick", version, after_help = format!("{}\n\n{}", examples::EXIT_STATUS, examples::BUG_REPORTS), max_term_width = 110, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every probe now and print a verdict
    #[command(after_long_help = with_status(examples::CHECK))]
    Check(CheckArgs),
    /// Check every probe on its interval until a signal, and record
    #[command(after_long_help = with_status(examples::WATCH))]
    Watch(WatchArgs),
    /// Answer from one or more journals
    #[command(after_long_help = with_status(examples::REPORT))]
    Report(ReportArgs),
    /// Read the configuration and print what would be probed, without sending anything
    #[command(after_long_help = examples::VALIDATE)]
    Validate(ValidateArgs),
    /// Play an outage on this machine, probe it for real, and report
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),
    /// Write a commented probes.toml: a template, or what URLs answer
    #[command(after_help = examples::INIT)]
    Init(InitArgs),
    /// Write a probes.toml from curl commands, HAR, `blackbox_exporter`, Gatus or Uptime Kuma
    #[command(after_help = examples::IMPORT)]
    Import(ImportArgs),
    /// Print the JSON Schema of a document
    Schema(SchemaArgs),
    /// Merge old windows of a journal into hourly and daily ones
    #[command(after_help = examples::COMPACT)]
    Compact(CompactArgs),
    /// Write what a journal holds for another tool, or send it to another system
    #[command(after_long_help = examples::EXPORT)]
    Export(ExportArgs),
    /// Print a shell completion script
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Examples, followed by the meaning of the exit statuses.
fn with_status(examples: &str) -> String {
    format!("{examples}\n\n{}", examples::EXIT_STATUS)
}

/// `uptick validate`
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// Names of probes, URLs, hosts (example.com, :8080), or @FILE and - with one per line [default: all probes]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Request options
    #[command(flatten)]
    pub request: RequestArgs,
    /// Common options
    #[command(flatten)]
    pub common: ProbeArgs,
    /// Exit with status 2 where a variable is not set or a secret file cannot be read
    #[arg(help_heading = groups::OUTPUT, long)]
    pub strict: bool,
    /// Print this probe with every default and inherited value filled in
    #[arg(help_heading = groups::OUTPUT, long, value_name = "PROBE")]
    pub explain: Option<String>,
}

/// `uptick demo`
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The outage to play; `list` names them all
    #[arg(long, value_name = "NAME", default_value = "x-2025-03-10")]
    pub scenario: String,
    /// Keep the journal and the report in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick init`
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The file to write, which must not exist [default: probes.toml], and URLs to ask a few
    /// times: the file expects of them what they answered
    #[arg(value_name = "URL|FILE")]
    pub targets: Vec<String>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick import`
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Files of other tools, recognised by their content; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write to this file instead of standard output; an existing one is kept
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file of --output if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick schema`
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// Which document
    #[arg(value_enum)]
    pub document: SchemaDocument,
}

/// Documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaDocument {
    /// probes.toml
    Probes,
    /// One line of `check --format ndjson`
    Outcome,
    /// `check --format json`
    Check,
    /// One line of a journal
    Journal,
    /// `report --format json`
    Report,
}

/// `uptick compact`
#[derive(Args, Debug)]
pub struct CompactArgs {
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// The probe file whose journal to use [default: the nearest probes.toml from here upwards]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Merge windows into hourly ones after this time [default: 7d]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub hourly_after: Option<Duration>,
    /// Merge windows into daily ones after this time [default: 60d]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub daily_after: Option<Duration>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, required_unless_present = "names")]
    pub shell: Option<clap_complete::Shell>,
    /// Print what the nearest probe file has of this kind, one per line: the script calls this
    #[arg(long, value_enum, value_name = "KIND", hide = true, conflicts_with = "shell")]
    pub names: Option<CompletedNames>,
    /// The probe file [default: the nearest probes.toml from here upwards]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG", hide = true)]
    pub config: Option<PathBuf>,
}

/// Names that a probe file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompletedNames {
    /// Of probes
    Probes,
    /// Of surfaces
    Surfaces,
    /// Tags
    Tags,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
