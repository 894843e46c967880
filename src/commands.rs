//! One file a command: each a list of named steps. What commands share has a file of its own
//! noun: how a process ends, its streams, its signals, what it was set up to probe.

mod alerting;
mod books;
mod check;
mod compact;
mod demo;
mod desk;
mod doctor;
mod exit;
mod export;
mod export_file;
#[cfg(feature = "remote-write")]
mod export_send;
mod exporting;
mod init;
mod ledger;
mod outputs;
mod probing;
mod recorder;
mod report;
mod schema;
mod setup;
mod signals;
mod single;
mod terminal;
mod validate;
mod watch;

use std::process::ExitCode;

use crate::cli::{Cli, Command, Look};
use exit::{Exit, Stop};
use terminal::{Talk, Terminal};

pub use schema::derived_schema;

/// Does what the command line says and returns how the process ends.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let terminal = Terminal::new(look(&cli.command), &setup::env);
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
        Err(Stop::Unread) => Exit::Up.into(),
        Err(Stop::Usage(message)) => {
            terminal::say_whole(&message);
            Exit::Usage.into()
        }
        Err(Stop::Busy(message)) => {
            terminal.say(Talk::Error, &message);
            Exit::Busy.into()
        }
        Err(Stop::Trouble(message)) => {
            terminal.say(Talk::Error, &message);
            Exit::Unknown.into()
        }
    }
}

fn look(command: &Command) -> Look {
    match command {
        Command::Check(args) => args.common.look,
        Command::Watch(args) => args.common.look,
        Command::Report(args) => args.look,
        Command::Validate(args) => args.common.look,
        Command::Demo(args) => args.look,
        Command::Compact(args) => args.look,
        Command::Export(args) => args.look,
        Command::Init(_) | Command::Schema(_) | Command::Completions(_) | Command::Man => Look::default(),
    }
}
