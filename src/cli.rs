//! The command line: clap, and nothing else knows clap.

mod export;
mod export_to;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use export::{Export, FileKind};
pub use export_to::ExportTo;
pub use values::Output;

const EXIT_STATUS: &str = "\
Exit status:
  0    all up
  1    at least one down, or a condition of --fail-on met
  2    usage or configuration error; nothing was probed
  3    unknown: nothing down, but checks could not be judged or the journal could not be written
  130  interrupted (143: terminated)";

/// Synthetic availability prober: was it down, for whom, since when, what kind of failure, and how sure are we?
#[derive(Debug, Parser)]
#[command(name = "uptick", version, after_help = EXIT_STATUS, max_term_width = 110, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every probe now and print a verdict
    #[command(after_help = EXIT_STATUS)]
    Check(Check),
    /// Check every probe on its interval until a signal, and record
    #[command(after_help = EXIT_STATUS)]
    Watch(Watch),
    /// Answer from one or many journals
    #[command(after_help = EXIT_STATUS)]
    Report(Report),
    /// Read the configuration, say what would be probed, send nothing
    Validate(Validate),
    /// Play an outage on this machine, probe it for real, and report
    Demo(Demo),
    /// Write a commented probes.toml
    Init(Init),
    /// Print the JSON Schema of a document
    Schema(Schema),
    /// Merge old windows of a journal into hourly and daily ones
    Compact(Compact),
    /// Write what a journal holds for another tool, or send it to another system
    Export(Export),
    /// Print a shell completion script
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// Options of every command that reads a configuration.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// The probe file [default: the nearest probes.toml upward from here]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// The name of this place, on every record [default: settings.vantage, else local]
    #[arg(long, value_name = "NAME", env = "UPTICK_VANTAGE")]
    pub vantage: Option<String>,
    /// Only probes of this surface
    #[arg(long = "surface", value_name = "SURFACE")]
    pub surfaces: Vec<String>,
    /// Only probes with this tag
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// What to print and how to look
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// Options of what is printed and how it looks.
#[derive(Args, Clone, Copy, Debug)]
pub struct OutputArgs {
    /// Print nothing when all is well
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

impl Default for OutputArgs {
    fn default() -> Self {
        OutputArgs { quiet: false, verbose: 0, color: Color::Auto }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `uptick check`
#[derive(Args, Debug)]
pub struct Check {
    /// Probes of the configuration by name, or URLs, which need no configuration
    #[arg(value_name = "PROBE|URL")]
    pub targets: Vec<String>,
    /// Common options
    #[command(flatten)]
    pub common: Common,
    /// Passes to make
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// The time from the begin of a pass to that of the next [default: back to back]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub every: Option<Duration>,
    /// Make passes for this long
    #[arg(long = "for", value_name = "TIME", value_parser = values::duration)]
    pub span: Option<Duration>,
    /// Append the windows to the journal
    #[arg(long)]
    pub record: bool,
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(long, value_name = "DIR", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// When a probe fails, make extra checks that tell causes apart: another resolver, each address
    /// alone, the last good address, TCP alone, a control target; never counted as checks
    #[arg(long)]
    pub diagnose: bool,
    /// Exit with 1 on this instead of on down: "p95 > 800ms", "max > 2s", "failed > 1%", "down > 2",
    /// down, flaky, unknown, missed or never; judged for each probe; may be given several times
    #[arg(long = "fail-on", value_name = "CONDITION")]
    pub fail_on: Vec<String>,
    /// Compare with this journal, and exit with 1 where a probe is significantly slower or fails more
    #[arg(long, value_name = "JOURNAL")]
    pub baseline: Option<PathBuf>,
    /// End with status 75 when another run with this option holds the same journal
    #[arg(long)]
    pub single_instance: bool,
    /// Where else to send what is measured
    #[command(flatten)]
    pub export: ExportTo,
    /// The format, or FORMAT=FILE; may be given several times: human, json, ndjson, junit, tap,
    /// github, markdown, nagios, prometheus
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = values::output)]
    pub formats: Vec<Output>,
    /// Write the answer to this file instead of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `uptick watch`
#[derive(Args, Debug)]
pub struct Watch {
    /// Probes of the configuration by name [default: all]
    #[arg(value_name = "PROBE")]
    pub targets: Vec<String>,
    /// Common options
    #[command(flatten)]
    pub common: Common,
    /// Stop after this long
    #[arg(long = "for", value_name = "TIME", value_parser = values::duration)]
    pub span: Option<Duration>,
    /// Delay each check by a random part, up to this share of its interval
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = values::share)]
    pub jitter: f64,
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(long, value_name = "DIR", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// End with status 75 when another run with this option holds the same journal
    #[arg(long)]
    pub single_instance: bool,
    /// Where else to send what is measured
    #[command(flatten)]
    pub export: ExportTo,
    /// Serve metrics for Prometheus here, at /metrics; `blackbox_exporter` uses port 9115
    #[cfg(feature = "prometheus-server")]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Record nothing
    #[arg(long, conflicts_with = "journal")]
    pub no_record: bool,
}

/// `uptick report`
#[derive(Args, Debug)]
pub struct Report {
    /// Journals: folders or files, one or many [default: the journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// The probe file, for labels, objectives and rules [default: the nearest probes.toml upward from here]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Only probes of this surface
    #[arg(long = "surface", value_name = "SURFACE")]
    pub surfaces: Vec<String>,
    /// Only probes with this tag in the probe file
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// What to print and how to look
    #[command(flatten)]
    pub output_args: OutputArgs,
    /// Report on this long up to now [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// Report from this instant on
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<jiff::Timestamp>,
    /// Report up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub to: Option<jiff::Timestamp>,
    /// The verdict sentence alone
    #[arg(long)]
    pub brief: bool,
    /// Exit with 1 on this instead of on down; may be given several times
    #[arg(long = "fail-on", value_name = "WHAT", value_enum)]
    pub fail_on: Vec<FailOn>,
    /// The format, or FORMAT=FILE; may be given several times: human, json, html, markdown, csv, prometheus
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = values::output)]
    pub formats: Vec<Output>,
    /// Write the answer to this file instead of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What makes a report fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A surface is down
    Down,
    /// An error budget is burnt or burns too fast
    Slo,
    /// A check passed only on a later attempt
    Flaky,
    /// Nothing: the report is for the record
    Never,
}

/// `uptick validate`
#[derive(Args, Debug)]
pub struct Validate {
    /// Common options
    #[command(flatten)]
    pub common: Common,
    /// Print this probe with every default and inherited value filled in
    #[arg(long, value_name = "PROBE")]
    pub explain: Option<String>,
}

/// `uptick demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// The outage to play; `list` names them all
    #[arg(long, value_name = "NAME", default_value = "x-2025-03-10")]
    pub scenario: String,
    /// Keep the journal and the report in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// How to look
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick init`
#[derive(Args, Debug)]
pub struct Init {
    /// The file to write; an existing one is not touched
    #[arg(value_name = "FILE", default_value = "probes.toml")]
    pub path: PathBuf,
}

/// `uptick schema`
#[derive(Args, Debug)]
pub struct Schema {
    /// Which document
    #[arg(value_enum)]
    pub document: Document,
}

/// Documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
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
pub struct Compact {
    /// The folder of the journal, or its URL in object storage [default: uptick-journal beside the configuration]
    #[arg(value_name = "JOURNAL", env = "UPTICK_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// The probe file whose journal is meant [default: the nearest probes.toml upward from here]
    #[arg(short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Days that ended this long ago get hourly windows [default: 7d]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub hourly_after: Option<Duration>,
    /// Days that ended this long ago get daily windows [default: 60d]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub daily_after: Option<Duration>,
    /// How to look
    #[command(flatten)]
    pub output_args: OutputArgs,
}

/// `uptick completions`
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Writes a completion script.
///
/// # Errors
/// What `out` says.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    // The generator panics where its writer fails; memory does not.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "uptick", &mut script);
    out.write_all(&script)
}

/// Writes the manual page, in roff: one page with every command, since the program is one.
///
/// # Errors
/// What `out` says.
pub fn write_manual(out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut command = <Cli as clap::CommandFactory>::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let mut text = Vec::new();
        let section = clap_mangen::Man::new(command.clone());
        section.render_description_section(&mut text)?;
        section.render_synopsis_section(&mut text)?;
        section.render_options_section(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let heading = format!("\n.SH \"UPTICK {}\"", command.get_name().to_uppercase());
        let text = text.replace("\n.SH ", "\n.SS ").replacen("\n.SS DESCRIPTION", &heading, 1);
        out.write_all(text.as_bytes())?;
    }
    page.render_extra_section(out)?;
    page.render_version_section(out)
}

/// Reads the command line of this process. Usage errors are printed and end it with status 2.
#[must_use]
pub fn parse() -> Cli {
    Cli::parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
