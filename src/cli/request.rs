//! The options that define a request and the expectations of its response, generated from the table
//! that the reader of probe files has for them.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::cli::groups;
use crate::config::{GivenOption, OptionGroup, RequestOption};

/// The options that were given: switches first, then the others in the order of the command line.
#[derive(Clone, Debug, Default)]
pub struct RequestArgs {
    /// Each option with its value.
    pub given: Vec<GivenOption>,
}

fn argument(option: &'static RequestOption) -> Arg {
    let heading = match option.group {
        OptionGroup::Request => groups::REQUEST,
        OptionGroup::Expectation => groups::EXPECTATIONS,
    };
    let help = if option.key.is_empty() || option.meaning.is_empty() {
        option.meaning.to_owned()
    } else {
        format!("{} (`{}`)", option.meaning, option.key)
    };
    let mut argument = Arg::new(option.long)
        .long(option.long)
        .help(option.meaning)
        .long_help(help)
        .help_heading(heading)
        .hide_short_help(option.is_rare);
    if let Some(short) = option.short {
        argument = argument.short(short);
    }
    if let Some(alias) = option.alias {
        argument = argument.visible_alias(alias);
    }
    if option.is_switch() {
        // Typed twice it means the same, and the help shows no dots after it.
        argument.action(ArgAction::SetTrue).overrides_with(option.long)
    } else {
        argument.value_name(option.value_name).action(ArgAction::Append).allow_hyphen_values(true)
    }
}

impl Args for RequestArgs {
    fn augment_args(command: Command) -> Command {
        command.args(RequestOption::ALL.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RequestArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given: Vec<(usize, GivenOption)> = Vec::new();
        for option in RequestOption::ALL {
            if option.is_switch() {
                if matches.get_flag(option.long) {
                    given.push((0, GivenOption { option, value: String::new() }));
                }
                continue;
            }
            let indices = matches.indices_of(option.long).into_iter().flatten();
            let values = matches.get_many::<String>(option.long).into_iter().flatten();
            given.extend(indices.zip(values).map(|(at, value)| (at, GivenOption { option, value: value.clone() })));
        }
        given.sort_by_key(|(at, _)| *at);
        Ok(RequestArgs { given: given.into_iter().map(|(_, given)| given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
