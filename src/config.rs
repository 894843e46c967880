//! The probe file: its TOML shape, its diagnostics, its secrets.
//!
//! A file becomes a [`Config`] whose every value is legal, or a [`ConfigError`] that names every
//! problem of the file at once. Nothing past this module validates again.

mod alert;
mod arguments;
mod assets;
mod auth;
mod authority;
mod body;
mod diagnostic;
mod expect;
mod explain;
mod file;
mod include;
mod interpolate;
mod journey;
mod keys;
mod layers;
mod maintenance;
mod matrix;
mod measure;
mod pattern;
mod probe;
mod reader;
mod reference;
mod request;
mod schema;
mod settings;
mod shape;
mod source;
mod transport;
mod tree;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Alert, IncidentRules, Probe, Redactor, Resolver, Session, Surfaces, Value};

use reader::Reader;

pub use diagnostic::{ConfigError, Problem};
pub use measure::show_duration;

/// The name of the probe file.
pub const FILE_NAME: &str = "probes.toml";

/// What `uptick init` writes: a commented probe file to begin with.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// Everything a probe file says, with every default and variable filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; absent for URLs of the command line.
    pub path: Option<PathBuf>,
    /// The settings of the prober itself.
    pub settings: Settings,
    /// The surfaces, by name: those of the file and those that a probe names.
    pub surfaces: Surfaces,
    /// When a stretch of failures is an incident.
    pub incident: IncidentRules,
    /// Journeys that probes share, by name.
    pub sessions: BTreeMap<String, Arc<Session>>,
    /// Who is told when something changes.
    pub alerts: Vec<Alert>,
    /// A URL that is asked after every pass.
    pub heartbeat: Option<Value>,
    /// The probes in the order of the file; control targets are among them.
    pub probes: Vec<Arc<Probe>>,
    /// Knows every secret of the file.
    pub redactor: Redactor,
    /// What is legal and probably not meant, one sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// The configuration of probes that stand in no file, everything else at its default.
    #[must_use]
    pub fn of(settings: Settings, probes: Vec<Arc<Probe>>) -> Config {
        Config {
            path: None,
            settings,
            surfaces: Surfaces::new(),
            incident: IncidentRules::default(),
            sessions: BTreeMap::new(),
            alerts: Vec::new(),
            heartbeat: None,
            probes,
            redactor: Redactor::default(),
            warnings: Vec::new(),
        }
    }
}

/// The settings of the prober itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where we ask from: a label on every record.
    pub vantage: String,
    /// The most checks under way at once.
    pub concurrency: usize,
    /// The span of one window record.
    pub window: Duration,
    /// Who else is asked for a name when it fails, to tell the resolver's trouble from the name's.
    pub second_resolver: Option<Resolver>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            vantage: "local".to_owned(),
            concurrency: 256,
            window: Duration::from_mins(1),
            second_resolver: None,
        }
    }
}

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
    let source = source::Source::read(path)?;
    let mut reader = Reader::new(env);
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
    arguments::config(urls)
}

/// One probe as TOML with every default and inherited value filled in, secrets as references.
#[must_use]
pub fn explain(config: &Config, probe: &Probe) -> String {
    explain::explain(config, probe)
}

/// Every key of the probe file as Markdown tables: what it may hold, its default, its meaning.
#[must_use]
pub fn reference() -> String {
    reference::markdown()
}

/// The JSON Schema of the probe file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schema::schema()
}
