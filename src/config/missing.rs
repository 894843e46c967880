//! Values that a probe file takes from elsewhere and that are not there: a variable that is not set, a file that
//! cannot be read. Only what uses one cannot be run: whoever reads a journal has no secrets of its probes.

use crate::config::syntax::diagnostic::{ConfigError, Problem};

/// What of a configuration uses a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueUser {
    /// The file as a whole: its values must be there.
    File,
    /// The defaults, which are read once more with each probe that has them.
    Defaults,
    /// `[settings]`: whatever makes checks.
    Settings,
    /// `[[alert]]`: whatever notifies.
    Alerts,
    /// The session of this name, and the probes that use it.
    Session(String),
    /// The probe or control target of this name.
    Probe(String),
}

/// A value that is not there.
#[derive(Clone, Debug)]
pub struct MissingValue {
    /// What uses it.
    pub user: ValueUser,
    /// As it is written in the file: `${secret:TOKEN}`.
    pub written: String,
    /// The place in the file, what is the matter, what to do.
    pub problem: Problem,
}

/// Values that are not there, each place once, as an error.
pub(crate) fn error<'m>(missing: impl IntoIterator<Item = &'m MissingValue>) -> Option<ConfigError> {
    let place = |problem: &Problem| (problem.file.clone(), problem.line, problem.column);
    let mut problems: Vec<Problem> = missing.into_iter().map(|missing| missing.problem.clone()).collect();
    problems.sort_by_key(place);
    problems.dedup_by_key(|problem| place(problem));
    (!problems.is_empty()).then(|| ConfigError::new(problems))
}
