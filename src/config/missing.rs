//! Values that a probe file takes from elsewhere and that are missing: a variable that is not set, a file that cannot
//! be read. Only what uses one cannot run: whoever reads a journal has none of its probes' secrets.

use crate::config::syntax::diagnostic::{ConfigError, Problem};

/// The part of a configuration that uses a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueUser {
    /// The file as a whole, which needs all its values.
    File,
    /// The defaults, which are read again with each probe that has them.
    Defaults,
    /// `[settings]`: everything that runs checks.
    Settings,
    /// `[[alert]]`: everything that notifies.
    Alerts,
    /// The session of this name, and the probes that use it.
    Session(String),
    /// The probe or control target of this name.
    Probe(String),
}

/// A missing value.
#[derive(Clone, Debug)]
pub struct MissingValue {
    /// What uses it.
    pub user: ValueUser,
    /// As it is written in the file: `${secret:TOKEN}`.
    pub written: String,
    /// Its place in the file, what is wrong, and what to do.
    pub problem: Problem,
}

/// The missing values as an error, each place once.
pub(crate) fn error<'m>(missing: impl IntoIterator<Item = &'m MissingValue>) -> Option<ConfigError> {
    let place = |problem: &Problem| (problem.file.clone(), problem.line, problem.column);
    let mut problems: Vec<Problem> = missing.into_iter().map(|missing| missing.problem.clone()).collect();
    problems.sort_by_key(place);
    problems.dedup_by_key(|problem| place(problem));
    (!problems.is_empty()).then(|| ConfigError::new(problems))
}
