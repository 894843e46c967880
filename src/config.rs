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
mod probe;
mod reader;
mod saved;
mod syntax;
mod value;

pub(crate) use value::toml_text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Probe;

use reader::ConfigReader;
use syntax::source::Source;
use syntax::tree;

pub use keys::json_schema::SCHEMA_LINE;
pub use loaded::{Config, Settings};
pub use saved::SavedProbe;
pub use syntax::diagnostic::{ConfigError, Problem};

/// The name of the probe file.
pub const FILE_NAME: &str = "probes.toml";

/// What `uptick init` writes: a commented probe file to begin with.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// The nearest probe file: in `start`, or in the first folder above it that has one.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.exists())
}

/// Reads a probe file. `env` answers for the environment.
///
/// # Errors
/// Every problem of the file at once, each with its line and column.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let source = Source::read(path).map_err(|error| ConfigError::of_source(path, &error))?;
    read(source, path, env)
}

/// Reads the text of a probe file that is to stand at `path`.
///
/// # Errors
/// Every problem of the text at once, each with its line and column.
pub fn load_text(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    read(Arc::new(Source::new(path, text.to_owned())), path, env)
}

fn read(source: Arc<Source>, path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut reader = ConfigReader::new(env);
    let parsed = tree::parse(0, &source.text);
    reader.sources.push(source);
    let root = parsed.unwrap_or_else(|mistakes| {
        reader.syntax_mistakes(0, mistakes);
        tree::Table::empty()
    });
    // Half a file would be told of what its other half says.
    reader.finish()?;
    file::config(&mut reader, &root, path)
}

/// The configuration of `uptick check URL…`: one probe for each URL, every key at its default.
///
/// # Errors
/// Every text that is not an http or https URL.
pub fn from_urls(urls: &[String]) -> Result<Config, ConfigError> {
    ad_hoc::config(urls)
}

/// The text of a probe file with one probe more, under a name. `text` is none where there is no file yet.
///
/// # Errors
/// Why the file cannot have it, as a whole message.
pub fn with_probe(
    config: &Config,
    probe: &Probe,
    name: &str,
    path: &Path,
    text: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<SavedProbe, String> {
    // The secrets of the new probe need not be set now; those of the others are needed as before.
    let stand_in =
        |variables: &[String], name: &str| variables.iter().any(|known| known == name).then(|| "stand-in".to_owned());
    saved::with_probe(config, probe, name, path, text, &|text, variables| {
        load_text(path, text, &|name| env(name).or_else(|| stand_in(variables, name)))
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
