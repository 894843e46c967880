//! The two streams: stdout has the answer, stderr the messages.

use std::io;
use std::io::{IsTerminal as _, Write};

use crate::cli::{Color, OutputArgs};
use crate::commands::process::exit::{CliError, Exit};
use crate::model::SafeText;
use crate::render;

/// What the two streams can display, and how much output is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// The style of human-readable answers on standard output.
    pub(crate) answer: render::TerminalStyle,
    /// Whether messages on stderr may be coloured.
    pub(crate) talk_colour: bool,
    /// Whether progress may be drawn: stderr is a terminal, without `--quiet`.
    pub(crate) progress: bool,
    /// Whether nothing is printed if all is up (`--quiet`).
    pub(crate) quiet: bool,
    /// How many times `-v` was given.
    pub(crate) verbose: u8,
}

impl Terminal {
    /// Derives this from the process's streams, the options and the environment.
    pub(crate) fn new(args: OutputArgs, env: &dyn Fn(&str) -> Option<String>) -> Terminal {
        let (answer, talk) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        let colour = |terminal: bool| match args.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !dumb && !set("NO_COLOR"),
        };
        let columns = env("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
        let width = columns.or_else(|| answer.then(terminal_columns).flatten());
        Terminal {
            answer: render::TerminalStyle {
                width: width.unwrap_or(render::TerminalStyle::default().width),
                colour: colour(answer),
                ascii: !is_utf8(env),
                utc: args.utc,
                detail: args.verbose,
            },
            talk_colour: colour(talk),
            progress: talk && !dumb && !args.quiet && !set("CI"),
            quiet: args.quiet,
            verbose: args.verbose,
        }
    }

    /// The style for an answer now: the terminal may have been resized since the run began.
    pub(crate) fn current_answer(&self) -> render::TerminalStyle {
        let is_fixed = std::env::var_os("COLUMNS").is_some() || !io::stdout().is_terminal();
        let width = if is_fixed { None } else { terminal_columns() };
        render::TerminalStyle { width: width.unwrap_or(self.answer.width), ..self.answer }
    }

    /// Prints a message on stderr; with `--quiet` no notes. The run continues if stderr is closed.
    pub(crate) fn say(&self, kind: MessageLevel, text: &str) {
        if self.quiet && kind == MessageLevel::Note {
            return;
        }
        let (label, style) = match kind {
            MessageLevel::Error => ("error", anstyle::AnsiColor::Red.on_default().bold()),
            MessageLevel::Warning => ("warning", anstyle::AnsiColor::Yellow.on_default().bold()),
            MessageLevel::Note => ("note", anstyle::AnsiColor::Cyan.on_default()),
        };
        let mut stderr = io::stderr().lock();
        let _ = if self.talk_colour {
            writeln!(stderr, "{style}{label}:{style:#} {text}")
        } else {
            writeln!(stderr, "{label}: {text}")
        };
    }

    /// Prints why an answer could not be written. Returns whether it was: a verdict outweighs that. A closed pipe is no
    /// error.
    pub(crate) fn tell(&self, answered: Result<(), CliError>) -> bool {
        match answered {
            Ok(()) | Err(CliError::BrokenPipe) => true,
            Err(error) => {
                self.say(MessageLevel::Error, &error.to_string());
                false
            }
        }
    }

    /// Prints a note. The text may contain unescaped text from servers or files.
    pub(crate) fn note(&self, text: &str) {
        self.say(MessageLevel::Note, SafeText::message(text).as_str());
    }

    /// Prints a warning. The text may contain unescaped text from servers or files.
    pub(crate) fn warn(&self, text: &str) {
        self.say(MessageLevel::Warning, SafeText::message(text).as_str());
    }
}

/// Prints a message on stderr as it is, without a label, such as the diagnostics of a
/// configuration.
pub(crate) fn say_whole(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an answer to standard output. A closed pipe is no error and does not change the exit
/// status.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Exit, CliError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()).map_err(|error| CliError::io("standard output", &error)) {
        Ok(()) | Err(CliError::BrokenPipe) => Ok(Exit::Up),
        Err(stop) => Err(stop),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageLevel {
    /// The run cannot continue.
    Error,
    /// The run continues, but the user should know.
    Warning,
    /// Additional information.
    Note,
}

/// Whether the locale can display more than ASCII. `true` if no locale is set, as under cron: there
/// a program reads the output.
fn is_utf8(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The width of the terminal on stdout, in columns; `None` if stdout is no terminal.
fn terminal_columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(terminal_size::Width(columns), _)| usize::from(columns))
}
