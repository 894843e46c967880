//! `uptick completions`: prints a completion script, or the names that such a script asks for from
//! the nearest probe file.

use std::collections::BTreeSet;

use crate::cli;
use crate::cli::{CompletedNames, CompletionsArgs};
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::config;
use crate::config::{AdHoc, Config};

/// Prints the script of a shell, or names for one.
pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, CliError> {
    match (args.shell, args.names) {
        (Some(shell), _) => terminal::print(|out| cli::write_completions(shell, out)),
        (None, Some(kind)) => terminal::print(|out| {
            let names = loaded(args).map(|config| names(&config, kind)).unwrap_or_default();
            names.iter().try_for_each(|name| writeln!(out, "{name}"))
        }),
        (None, None) => Ok(Exit::Up),
    }
}

/// The probe file. `None` if there is none or if it has errors: a completion prints no errors.
fn loaded(args: &CompletionsArgs) -> Option<Config> {
    let here = || std::env::current_dir().ok().and_then(|here| config::find(&here));
    let path = args.config.clone().or_else(here)?;
    config::load_for(Some(&path), &AdHoc::default(), &locations::env).ok()
}

fn names(config: &Config, kind: CompletedNames) -> BTreeSet<String> {
    let probes = config.probes.iter();
    match kind {
        CompletedNames::Probes => probes.map(|probe| probe.name.clone()).collect(),
        CompletedNames::Surfaces => probes.map(|probe| probe.surface.clone()).collect(),
        CompletedNames::Tags => probes.flat_map(|probe| probe.tags.clone()).collect(),
    }
}
