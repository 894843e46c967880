//! One file a command, each a list of verbs. What commands share lies below them: `run` (a run of
//! checks and its consumers), `input` (the configuration, the selection, the journals), `process` (the
//! streams, the signals, the exit).

mod check;
mod compact;
mod demo;
mod export;
mod init;
mod input;
mod process;
mod report;
mod run;
mod schema;
mod validate;
mod watch;

use std::process::ExitCode;

use crate::cli::{Cli, Command, OutputArgs};
use input::selection;
use process::exit::{CliError, Exit};
use process::terminal;
use process::terminal::{MessageLevel, Terminal};

pub use schema::derived_schema;

/// Does what the command line says and returns how the process ends.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let terminal = Terminal::new(output_args(&cli.command), &selection::env);
    let done = match cli.command {
        Command::Check(args) => check::run(&args, &terminal),
        Command::Watch(args) => watch::run(&args, &terminal),
        Command::Init(args) => init::run(&args),
        Command::Validate(args) => validate::run(&args, &terminal),
        Command::Schema(args) => terminal::print(|out| schema::write(args.document, out)),
        Command::Export(args) => export::run(&args, &terminal),
        Command::Completions(args) => terminal::print(|out| crate::cli::write_completions(args.shell, out)),
        Command::Man => terminal::print(|out| crate::cli::write_manual(out)),
        Command::Report(args) => report::run(&args, &terminal),
        Command::Demo(args) => demo::run(&args, &terminal),
        Command::Compact(args) => compact::run(&args, &terminal),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(CliError::BrokenPipe) => Exit::Up.into(),
        Err(CliError::Usage(message)) => {
            terminal::say_whole(&message);
            Exit::Usage.into()
        }
        Err(CliError::Busy(message)) => {
            terminal.say(MessageLevel::Error, &message);
            Exit::Busy.into()
        }
        Err(CliError::Runtime(message)) => {
            terminal.say(MessageLevel::Error, &message);
            Exit::Unknown.into()
        }
    }
}

fn output_args(command: &Command) -> OutputArgs {
    match command {
        Command::Check(args) => args.common.output_args,
        Command::Watch(args) => args.common.output_args,
        Command::Report(args) => args.output_args,
        Command::Validate(args) => args.common.output_args,
        Command::Demo(args) => args.output_args,
        Command::Compact(args) => args.output_args,
        Command::Export(args) => args.output_args,
        Command::Init(_) | Command::Schema(_) | Command::Completions(_) | Command::Man => OutputArgs::default(),
    }
}
