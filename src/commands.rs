//! One file per command, each a list of verbs. What commands share lies below them: `run` (a run of
//! checks and its consumers), `input` (the configuration, the selection, the journals), `process`
//! (the streams, the signals, the exit).

mod check;
mod compact;
mod completions;
mod demo;
mod export;
mod import;
mod init;
mod input;
mod process;
mod report;
mod run;
mod schema;
mod validate;
mod version;
mod watch;

use std::process::ExitCode;

use crate::cli::{Cli, Command, CommandLineError, OutputArgs};
use crate::{cli, format, render};
use input::locations;
use process::exit::{CliError, Exit};
use process::signals::Signals;
use process::terminal;
use process::terminal::{MessageLevel, Terminal};

pub use schema::derived_schema;

/// The whole process: handles signals, parses the command line, runs the command, and returns its
/// exit status.
#[must_use]
pub fn main() -> ExitCode {
    let signals = Signals::start();
    if cli::asks_for_build_facts() {
        return terminal::print(|out| version::write(out)).map_or(Exit::Unknown, |exit| exit).into();
    }
    match cli::parse() {
        Ok(cli) => run(cli, signals),
        Err(error) => refuse(&error),
    }
}

/// Runs the command of the command line and reports its error, if any.
fn run(cli: Cli, signals: Result<Signals, CliError>) -> ExitCode {
    let terminal = Terminal::new(output_args(&cli.command), &locations::env);
    let nagios = is_nagios(&cli.command);
    if let (Ok(signals), true) = (&signals, nagios) {
        signals.answer_nagios();
    }
    match signals.and_then(|signals| execute(cli, &terminal, &signals)) {
        Ok(exit) => exit.into(),
        Err(error) if nagios => unknown_to_nagios(&error.to_string()),
        Err(error) => {
            explain(&error, &terminal);
            error.exit().into()
        }
    }
}

fn execute(cli: Cli, terminal: &Terminal, signals: &Signals) -> Result<Exit, CliError> {
    warn_of_unknown_zone(&cli.command, terminal);
    match cli.command {
        Command::Check(args) => check::run(&args, terminal, signals),
        Command::Watch(args) => watch::run(&args, terminal, signals),
        Command::Init(args) => init::run(&args, terminal, signals),
        Command::Import(args) => import::run(&args, terminal),
        Command::Validate(args) => validate::run(&args, terminal),
        Command::Schema(args) => terminal::print(|out| schema::write(args.document, out)),
        Command::Export(args) => export::run(&args, terminal),
        Command::Completions(args) => completions::run(&args),
        Command::Man => terminal::print(|out| cli::write_manual(out)),
        Command::Report(args) => report::run(&args, terminal),
        Command::Demo(args) => demo::run(&args, terminal, signals),
        Command::Compact(args) => compact::run(&args, terminal),
    }
}

/// Warns of a `TZ` that names no zone, where times of the day are printed.
fn warn_of_unknown_zone(command: &Command, terminal: &Terminal) {
    let is_asked = match command {
        Command::Check(_) | Command::Watch(_) | Command::Demo(_) => !terminal.answer.utc,
        Command::Report(args) => !args.utc && args.tz.is_none(),
        _ => false,
    };
    let name = locations::env("TZ");
    let unknown = format::unknown_zone(name.as_deref()).filter(|_| is_asked);
    if let Some(name) = unknown {
        terminal
            .warn(&format!("TZ: {name:?} is not a time zone, so times are in UTC; write for example Europe/Berlin"));
    }
}

fn explain(error: &CliError, terminal: &Terminal) {
    match error {
        CliError::BrokenPipe => {}
        CliError::Config(diagnostics) => terminal::say_whole(diagnostics),
        CliError::Usage(message) | CliError::Busy(message) | CliError::Runtime(message) => {
            terminal.say(MessageLevel::Error, message);
        }
    }
}

/// Prints the error of a command line that cannot be parsed, or the help that it asks for.
fn refuse(error: &CommandLineError) -> ExitCode {
    if cli::asks_for_nagios() && !error.is_help() {
        return unknown_to_nagios(&error.message());
    }
    error.print();
    if error.is_help() { Exit::Up.into() } else { Exit::Usage.into() }
}

/// Ends a Nagios plugin after any error: one line on standard output, and exit status 3.
fn unknown_to_nagios(message: &str) -> ExitCode {
    // If nobody reads standard output, the exit status says enough.
    let _ = terminal::print(|out| writeln!(out, "{}", render::nagios_unknown(message)));
    Exit::Nagios(3).into()
}

fn is_nagios(command: &Command) -> bool {
    match command {
        Command::Check(args) => {
            args.formats.iter().any(|output| output.format == render::CheckFormat::Nagios && output.file.is_none())
                && args.output.is_none()
        }
        _ => false,
    }
}

fn output_args(command: &Command) -> OutputArgs {
    match command {
        Command::Check(args) => args.common.output(),
        Command::Watch(args) => args.common.output(),
        Command::Report(args) => args.output_args,
        Command::Validate(args) => args.common.output(),
        Command::Demo(args) => args.output_args,
        Command::Compact(args) => args.output_args,
        Command::Export(args) => args.output_args,
        Command::Import(args) => args.output_args,
        Command::Init(args) => args.output_args,
        Command::Schema(_) | Command::Completions(_) | Command::Man => OutputArgs::default(),
    }
}
