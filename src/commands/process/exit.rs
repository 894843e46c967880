//! The exit status, and the errors that lead to it.

use std::fmt;
use std::process::ExitCode;

use crate::model::{Verdict, io_reason};

/// The exit status, in the contract's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All probes are up, or the command succeeded.
    Up,
    /// At least one probe is down, or a condition of `--fail-on` is met.
    Down,
    /// Usage or configuration error: nothing was probed.
    Usage,
    /// No probe is down, but checks could not be judged or the journal could not be written.
    Unknown,
    /// The status of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    Nagios(u8),
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    Busy,
    /// This signal ended the process.
    Signal(Signal),
}

/// A signal that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT, sent by Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, sent when a terminal closes.
    Hangup,
}

impl Exit {
    /// The exit status of a verdict.
    #[must_use]
    pub(crate) const fn of(verdict: Verdict) -> Exit {
        match verdict {
            Verdict::Up => Exit::Up,
            Verdict::Down => Exit::Down,
            Verdict::Unknown | Verdict::Missed => Exit::Unknown,
        }
    }

    /// The same status, lowered from `Up` to `Unknown` if uptick itself had trouble; of Nagios, 0 and 1 become 3.
    #[must_use]
    pub(crate) const fn with_trouble(self, trouble: bool) -> Exit {
        match self {
            Exit::Up if trouble => Exit::Unknown,
            Exit::Nagios(0 | 1) if trouble => Exit::Nagios(3),
            other => other,
        }
    }

    /// The same Nagios status if a signal ended the run early: 0 and 1 become 3 (UNKNOWN).
    #[must_use]
    pub(crate) const fn interrupted(self) -> Exit {
        match self {
            Exit::Nagios(0 | 1) => Exit::Nagios(3),
            other => other,
        }
    }

    /// The exit status as a number.
    #[must_use]
    pub(crate) const fn status(self) -> u8 {
        match self {
            Exit::Up => 0,
            Exit::Down => 1,
            Exit::Usage => 2,
            Exit::Unknown => 3,
            Exit::Nagios(status) => status,
            Exit::Busy => 75,
            Exit::Signal(Signal::Hangup) => 129,
            Exit::Signal(Signal::Interrupt) => 130,
            Exit::Signal(Signal::Terminate) => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum CliError {
    /// A command line that cannot be followed: nothing was probed.
    Usage(String),
    /// A configuration that cannot be used: nothing was probed. The text is whole, with each problem's label and place.
    Config(String),
    /// A file, a folder or the system failed.
    Runtime(String),
    /// Another run holds the lock.
    Busy(String),
    /// The reader of the output has closed the pipe: nothing more is printed.
    BrokenPipe,
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Usage(text) | CliError::Config(text) | CliError::Runtime(text) | CliError::Busy(text) => {
                f.write_str(text)
            }
            CliError::BrokenPipe => f.write_str("the reader of the output has gone"),
        }
    }
}

impl CliError {
    /// A command line that cannot be followed, and why.
    #[must_use]
    pub(crate) fn usage(why: impl fmt::Display) -> CliError {
        CliError::Usage(why.to_string())
    }

    /// The exit status of this error. A closed pipe is no failure.
    #[must_use]
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_) | CliError::Config(_) => Exit::Usage,
            CliError::Runtime(_) => Exit::Unknown,
            CliError::Busy(_) => Exit::Busy,
            CliError::BrokenPipe => Exit::Up,
        }
    }

    /// An I/O error of `what`, a file or stream; a broken pipe becomes [`CliError::BrokenPipe`].
    #[must_use]
    pub(crate) fn io(what: &str, error: &std::io::Error) -> CliError {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            CliError::BrokenPipe
        } else {
            CliError::Runtime(format!("{what}: {}", io_reason(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_of_ours_shows_only_where_nothing_worse_does() {
        assert_eq!(Exit::Up.with_trouble(true), Exit::Unknown);
        assert_eq!(Exit::Down.with_trouble(true), Exit::Down);
        assert_eq!(Exit::Up.with_trouble(false), Exit::Up);
        assert_eq!(Exit::Signal(Signal::Interrupt).with_trouble(true).status(), 130);
    }
}
