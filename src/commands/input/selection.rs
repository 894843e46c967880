//! What a command line selects: the configuration and the probes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{ProbeArgs, RequestArgs};
use crate::commands::input::targets::Targets;
use crate::commands::input::{locations, shard, targets};
use crate::commands::process::exit::CliError;
use crate::commands::process::terminal::Terminal;
use crate::config::{AdHoc, Config, ConfigError, ValueUser};
use crate::model::{Probe, SafeText, suggest};
use crate::{config, format};

/// Which secrets and variables of a probe file a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValuesUsed {
    /// None: the command neither checks nor notifies.
    Nothing,
    /// Those of the selected probes.
    Checks,
    /// Those of the selected probes and of alerts.
    ChecksAndAlerts,
}

/// The configuration of `--config`, otherwise the nearest one, for a command that sends no checks.
pub(crate) fn load(file: Option<&Path>, vantage: Option<&str>, terminal: &Terminal) -> Result<Config, CliError> {
    let path = match file {
        Some(path) => path.to_path_buf(),
        None => nearest()?,
    };
    let loaded = config::load_for(Some(&path), &AdHoc::default(), &locations::env);
    let mut config = loaded.map_err(|error| unusable(&error, terminal))?;
    name_vantage(&mut config, vantage)?;
    config.warnings.iter().for_each(|warning| terminal.warn(warning));
    Ok(config)
}

/// The configuration and the probes that a command line selects by names, URLs and options.
pub(crate) fn load_selection(
    words: &[String],
    common: &ProbeArgs,
    request: &RequestArgs,
    used: ValuesUsed,
    terminal: &Terminal,
) -> Result<(Config, Vec<Arc<Probe>>), CliError> {
    let words = targets::words(words, common, request)?;
    let needs_names = words.is_empty() || words.iter().any(targets::may_be_name);
    let file = match &common.config {
        Some(path) => Some(path.clone()),
        None if words.is_empty() => Some(nearest()?),
        None if needs_names => nearest_or_none()?,
        None => None,
    };
    let read = |path: Option<&Path>, ad_hoc: &AdHoc| {
        config::load_for(path, ad_hoc, &locations::env).map_err(|error| unusable(&error, terminal))
    };
    let targets = match file.as_deref().filter(|_| needs_names && !words.is_empty()) {
        Some(path) => targets::classify_targets(words, Some(&read(Some(path), &AdHoc::default())?))?,
        None => targets::classify_targets(words, None)?,
    };
    let Targets { urls, names, assumed } = targets;
    assumed.iter().for_each(|assumed| terminal.note(assumed));
    // A file that was found, not named by `--config`, does not apply to URLs.
    let is_for_urls = !urls.is_empty() && names.is_empty();
    let file = file.filter(|_| common.config.is_some() || !is_for_urls);
    let ad_hoc = AdHoc { targets: urls, options: request.given.clone(), names };
    let mut config = read(file.as_deref(), &ad_hoc)?;
    name_vantage(&mut config, common.vantage.as_deref())?;
    config.settings.shard = shard::of_process(common.shard)?;
    config.warnings.iter().for_each(|warning| terminal.warn(warning));
    let probes = select(&config, &ad_hoc.names, common)?;
    if let Some(shard) = config.settings.shard
        && probes.iter().all(|probe| probe.control)
    {
        terminal.warn(&format!("no probe belongs to shard {shard}"));
    }
    let is_used = |user: &ValueUser| match user {
        ValueUser::File | ValueUser::Defaults | ValueUser::Session(_) => false,
        ValueUser::Settings => used != ValuesUsed::Nothing,
        ValueUser::Alerts => used == ValuesUsed::ChecksAndAlerts,
        ValueUser::Probe(name) => used != ValuesUsed::Nothing && probes.iter().any(|probe| probe.name == *name),
    };
    match config.lacks(is_used) {
        Some(error) => Err(unusable(&error, terminal)),
        None => Ok((config, probes)),
    }
}

fn unusable(error: &ConfigError, terminal: &Terminal) -> CliError {
    CliError::Config(error.render(terminal.talk_colour))
}

fn nearest() -> Result<PathBuf, CliError> {
    nearest_or_none()?.ok_or_else(|| {
        CliError::Usage(
            "no probes.toml found here or in a folder above; \
             write one with `uptick init`, name one with --config, or give a URL: `uptick check https://example.com`"
                .to_owned(),
        )
    })
}

fn nearest_or_none() -> Result<Option<PathBuf>, CliError> {
    let here = std::env::current_dir().map_err(|error| CliError::io("the working directory", &error))?;
    Ok(config::find(&here))
}

fn name_vantage(config: &mut Config, vantage: Option<&str>) -> Result<(), CliError> {
    let Some(vantage) = vantage else { return Ok(()) };
    if vantage.is_empty() || SafeText::clean(vantage, 100).as_str() != vantage {
        let message = "--vantage must be 1 to 100 characters without control characters";
        return Err(CliError::usage(message));
    }
    vantage.clone_into(&mut config.settings.vantage);
    Ok(())
}

/// The probes that the command line selects, in the order of the file. Control targets are always
/// included: they show whether this vantage itself is offline.
pub(crate) fn select(config: &Config, names: &[String], common: &ProbeArgs) -> Result<Vec<Arc<Probe>>, CliError> {
    let is_known = |name: &String| config.probes.iter().any(|probe| probe.name == *name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known = config.probes.iter().map(|probe| probe.name.as_str());
        return Err(CliError::Usage(format!("no probe is named {unknown:?}{}", suggestion(unknown, known))));
    }
    let surfaces = config.probes.iter().map(|probe| probe.surface.as_str());
    let tags = config.probes.iter().flat_map(|probe| probe.tags.iter().map(String::as_str));
    taken_for_another("surface", &common.surfaces, surfaces.clone(), ("tag", tags.clone()))?;
    taken_for_another("tag", &common.tags, tags.clone(), ("surface", surfaces.clone()))?;
    known_or_stop("surface", &common.surfaces, surfaces)?;
    known_or_stop("tag", &common.tags, tags)?;
    // Probes from URLs on the command line are always selected.
    let asks_all = names.is_empty() && !config.probes.iter().any(|probe| probe.is_of_command_line());
    let is_wanted = |probe: &Probe| {
        (asks_all || probe.is_of_command_line() || names.contains(&probe.name))
            && (common.surfaces.is_empty() || common.surfaces.contains(&probe.surface))
            && (common.tags.is_empty() || probe.tags.iter().any(|tag| common.tags.contains(tag)))
    };
    let selected: Vec<Arc<Probe>> =
        config.probes.iter().filter(|probe| probe.control || is_wanted(probe)).cloned().collect();
    if selected.iter().all(|probe| probe.control && !is_wanted(probe)) {
        let given = [
            (!names.is_empty(), "the name"),
            (!common.surfaces.is_empty(), "--surface"),
            (!common.tags.is_empty(), "--tag"),
        ];
        let given: Vec<&str> = given.iter().filter(|(is_given, _)| *is_given).map(|(_, selector)| *selector).collect();
        return Err(CliError::Usage(format!("no probe matches {} at once", format::list(&given))));
    }
    // Every shard checks the control targets, because each must notice if it is offline itself.
    let is_ours =
        |probe: &Arc<Probe>| probe.control || config.settings.shard.is_none_or(|shard| shard.owns(&probe.name));
    Ok(selected.into_iter().filter(is_ours).collect())
}

/// An error with a hint if a tag was given as a surface, or a surface as a tag.
fn taken_for_another<'k>(
    what: &str,
    asked: &[String],
    mut known: impl Iterator<Item = &'k str>,
    (other, mut of_other): (&str, impl Iterator<Item = &'k str>),
) -> Result<(), CliError> {
    match asked.first() {
        Some(name) if !known.any(|known| known == name) && of_other.any(|known| known == name) => {
            Err(CliError::Usage(format!("no probe has the {what} {name:?}; did you mean --{other} {name}?")))
        }
        _ => Ok(()),
    }
}

/// An error if a name is unknown: a typo must not lead to an empty answer.
pub(crate) fn known_or_stop<'k>(
    what: &str,
    asked: &[String],
    known: impl Iterator<Item = &'k str> + Clone,
) -> Result<(), CliError> {
    match asked.iter().find(|asked| !known.clone().any(|known| known == asked.as_str())) {
        Some(unknown) => {
            Err(CliError::Usage(format!("no probe has the {what} {unknown:?}{}", suggestion(unknown, known))))
        }
        None => Ok(()),
    }
}

/// `; did you mean "…"?`, otherwise the known names.
fn suggestion<'k>(unknown: &str, known: impl Iterator<Item = &'k str>) -> String {
    const MOST_LISTED: usize = 12;
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    match suggest::nearest(unknown, known.iter().copied()) {
        Some(near) => format!("; did you mean {near:?}?"),
        None if known.is_empty() => "; none has one".to_owned(),
        None if known.len() <= MOST_LISTED => format!("; known: {}", known.join(", ")),
        None => format!("; `uptick validate` lists all {}", known.len()),
    }
}
