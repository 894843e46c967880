//! The options that send what a run measures to other systems, made from the table that the exporters have for them.

use std::collections::BTreeMap;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::cli::groups;
use crate::export::{self, ExporterOption};

/// Where a run sends what it measures, beside its answer.
#[cfg_attr(
    not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
    allow(dead_code, reason = "a build without exporters has no such option")
)]
#[derive(Clone, Debug, Default)]
pub struct ExporterArgs {
    /// The options that were given, by name; without a value where one may stand alone.
    given: BTreeMap<&'static str, Option<String>>,
}

#[cfg_attr(
    not(any(feature = "prometheus-server", feature = "remote-write", feature = "otlp")),
    allow(dead_code, reason = "a build without exporters has no such option")
)]
impl ExporterArgs {
    /// Whether an option was given, with or without a value.
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only OTLP's may stand without a value"))]
    pub(crate) fn has(&self, option: &ExporterOption) -> bool {
        self.given.contains_key(option.long)
    }

    /// The value of an option, if it was given with one.
    pub(crate) fn value(&self, option: &ExporterOption) -> Option<&str> {
        self.given.get(option.long)?.as_deref()
    }
}

/// Refuses a URL that follows, as a word of its own, an option whose value stands after `=`: it would be a target.
pub(super) fn refuse_separate_value(command: &mut Command, words: &[String]) -> Result<(), clap::Error> {
    let takes = |word: &str| {
        let long = word.strip_prefix("--");
        export::OPTIONS.iter().any(|option| option.is_value_optional && long == Some(option.long))
    };
    match words.windows(2).find(|pair| takes(&pair[0]) && pair[1].contains("://")) {
        Some(pair) => {
            let (option, url) = (&pair[0], &pair[1]);
            let why =
                format!("`{option} {url}` would check that URL: write {option}={url}, or the target before {option}");
            Err(command.error(ErrorKind::ValueValidation, why))
        }
        None => Ok(()),
    }
}

fn argument(option: &'static ExporterOption) -> Arg {
    let argument = Arg::new(option.long)
        .long(option.long)
        .help(option.meaning)
        .help_heading(groups::EXPORT)
        .value_name(option.value_name);
    let argument = match option.variable {
        // The value may hold a password.
        Some(variable) => argument.env(variable).hide_env_values(true),
        None => argument,
    };
    if option.is_value_optional { argument.num_args(0..=1).require_equals(true) } else { argument }
}

impl Args for ExporterArgs {
    fn augment_args(command: Command) -> Command {
        command.args(export::OPTIONS.iter().map(|option| argument(option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ExporterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = export::OPTIONS.iter().filter(|option| matches.contains_id(option.long));
        let given = given.map(|option| (option.long, matches.get_one::<String>(option.long).cloned()));
        Ok(ExporterArgs { given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
