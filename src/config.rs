//! The probe file: its TOML shape, its diagnostics, its secrets.
//!
//! A file becomes a [`Config`] whose every value is legal, or a [`ConfigError`] that names every
//! problem of the file at once. Nothing past this module validates again.

mod ad_hoc;
mod advice;
mod explain;
mod file;
mod keys;
mod loaded;
mod missing;
mod pending;
mod probe;
mod reader;
mod saved;
mod syntax;
mod table_schema;
mod value;

pub(crate) use value::{connect_option, glob, toml_text};

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "remote-write")]
use crate::model::NetworkRules;
use crate::model::Probe;

use ad_hoc::overlay::Overlay;
use reader::ConfigReader;
use syntax::source;
use syntax::source::Source;
use syntax::tree;

pub use ad_hoc::options::{GivenOption, OptionGroup, RequestOption};
pub(crate) use ad_hoc::target::{assumed_url, is_broken_ipv4};
pub(crate) use ad_hoc::{AdHoc, AdHocTarget};
pub(crate) use keys::json_schema::SCHEMA_LINE;
pub use loaded::{Config, Settings};
pub use missing::{MissingValue, ValueUser};
pub(crate) use saved::SavedProbe;
pub use syntax::diagnostic::{ConfigError, Problem};
pub(crate) use value::url_advice::misspelt_url;

/// The name of the probe file.
pub(crate) const FILE_NAME: &str = "probes.toml";

/// What `uptick init` writes: a commented probe file to begin with.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// The nearest probe file: in `start`, or in the first folder above it that has one.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.exists())
}

/// Reads text that a command line names: of a file, a pipe, or the standard input for `-`.
///
/// # Errors
/// Why it cannot be read; the text continues the name of the file.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    read_text_up_to(path, source::LARGEST_FILE)
}

/// The same, of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be read; the text continues the name of the file.
pub(crate) fn read_text_up_to(path: &Path, limit: u64) -> Result<String, String> {
    source::read_any_text(path, limit).map_err(|error| error.to_string())
}

/// Reads a probe file and requires every value that it takes from elsewhere. `env` looks up an environment variable.
///
/// # Errors
/// Every problem of the file at once, each with its line and column.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    complete(load_for(Some(path), &AdHoc::default(), env)?)
}

/// Rejects a configuration with missing values.
fn complete(config: Config) -> Result<Config, ConfigError> {
    match missing::error(&config.missing) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

/// The network settings of a probe file, even if the rest of it cannot be read.
///
/// # Errors
/// Every problem of that table, each with its line and column.
#[cfg(feature = "remote-write")]
pub(crate) fn network_rules(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<NetworkRules, ConfigError> {
    let mut reader = ConfigReader::new(env);
    let root = read_file(&mut reader, path)?;
    let rules = file::network(&mut reader, &root);
    reader.finish()?;
    Ok(rules)
}

/// Reads the text of a probe file that belongs at `path`.
///
/// # Errors
/// Every problem of the text at once, each with its line and column.
pub fn load_text(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    complete(read_text_of(path, text, env)?)
}

/// The same; missing values are no error yet.
fn read_text_of(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut reader = ConfigReader::new(env);
    let root = read_source(&mut reader, Arc::new(Source::new(path, text.to_owned())))?;
    file::config(&mut reader, &root, Some(path), &Overlay::nothing())
}

/// The configuration of URLs from the command line, with the default of every key.
///
/// # Errors
/// Every text that is not an http or https URL.
pub fn from_urls(urls: &[String]) -> Result<Config, ConfigError> {
    let targets = urls.iter().map(|url| AdHocTarget::of(url)).collect();
    load_for(None, &AdHoc { targets, ..AdHoc::default() }, &|_| None)
}

/// The configuration of a probe file, if there is one, with what a command line adds: URLs, which get the file's
/// defaults, and options, which override the selected probes. Missing values are no error yet: see [`Config::missing`].
///
/// # Errors
/// Every problem of the file and of the options at once.
pub(crate) fn load_for(
    path: Option<&Path>,
    ad_hoc: &AdHoc,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let mut reader = ConfigReader::new(env);
    let mut root = match path {
        Some(path) => read_file(&mut reader, path)?,
        None => tree::Table::empty(),
    };
    let path = path.filter(|_| reader.sources.first().is_some_and(|source| source.is_file));
    ad_hoc::add_targets(&mut reader, &mut root, &ad_hoc.targets);
    let is_for_all = ad_hoc.targets.is_empty() && ad_hoc.names.is_empty();
    let names = (!is_for_all).then(|| ad_hoc.names.clone());
    let overlay = ad_hoc::reading::overlay(&mut reader, &ad_hoc.options, names, !ad_hoc.targets.is_empty());
    file::config(&mut reader, &root, path, &overlay)
}

fn read_file(reader: &mut ConfigReader, path: &Path) -> Result<tree::Table, ConfigError> {
    let source = Source::read_any(path).map_err(|error| ConfigError::of_source(path, &error))?;
    read_source(reader, source)
}

fn read_source(reader: &mut ConfigReader, source: Arc<Source>) -> Result<tree::Table, ConfigError> {
    let parsed = tree::parse(0, &source.text);
    if let Some((other, help)) = advice::other_language(&source.text).filter(|_| parsed.is_err()) {
        return Err(ConfigError::of_file(&source.path, other, help));
    }
    reader.sources.push(source);
    let root = parsed.unwrap_or_else(|mistakes| {
        reader.syntax_mistakes(0, mistakes);
        tree::Table::empty()
    });
    // Later checks would report the parts of the file that could not be read.
    reader.finish()?;
    Ok(root)
}

/// The text of a probe file with one more probe of this name. `text` is none if there is no file yet.
///
/// # Errors
/// Why the file cannot have it, as a whole message.
pub(crate) fn with_probe(
    config: &Config,
    probe: &Probe,
    name: &str,
    path: &Path,
    text: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<SavedProbe, String> {
    // Nothing is asked with the values of the file, so they may be missing; those of the new probe are checked.
    let stand_in =
        |variables: &[String], name: &str| variables.iter().any(|known| known == name).then(|| "stand-in".to_owned());
    saved::with_probe(config, probe, name, path, text, env, &|text, variables| {
        read_text_of(path, text, &|name| env(name).or_else(|| stand_in(variables, name)))
    })
}

/// One probe as TOML with every default and inherited value filled in, secrets as references.
#[must_use]
pub fn explain(config: &Config, probe: &Probe) -> String {
    explain::explain(config, probe)
}

/// Every key of the probe file as Markdown tables: what it may hold, its default, its meaning.
#[must_use]
pub fn reference() -> String {
    keys::reference::markdown()
}

/// The JSON Schema of the probe file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    keys::json_schema::schema()
}
