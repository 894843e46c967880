//! A configuration that was read: [`Config`], every value of it legal.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::missing;
use crate::config::missing::{MissingValue, ValueUser};
use crate::config::syntax::diagnostic::ConfigError;
use crate::model::{Alert, IncidentRules, NetworkRules, Probe, Redactor, Resolver, Session, Shard, Surfaces, Value};

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
    /// Receivers that are notified of changes.
    pub alerts: Vec<Alert>,
    /// A URL that is asked after every pass.
    pub heartbeat: Option<Value>,
    /// How webhooks, heartbeats and exporters may connect. Each probe has its own.
    pub network: NetworkRules,
    /// The probes in the order of the file; control targets are among them.
    pub probes: Vec<Arc<Probe>>,
    /// Knows every secret of the file.
    pub redactor: Redactor,
    /// What is legal and probably not meant, one sentence each.
    pub warnings: Vec<String>,
    /// The values that are taken from elsewhere and are not there: what uses one cannot be run.
    pub missing: Vec<MissingValue>,
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
            network: NetworkRules::default(),
            probes,
            redactor: Redactor::default(),
            warnings: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Why what is asked for cannot be run: the values that are not there and that it uses.
    #[must_use]
    pub fn lacks(&self, uses: impl Fn(&ValueUser) -> bool) -> Option<ConfigError> {
        missing::error(self.missing.iter().filter(|missing| uses(&missing.user)))
    }
}

/// The settings of the prober itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the checks run: a label on every record.
    pub vantage: String,
    /// Which part of the probes is run, where several probers of the vantage share them.
    pub shard: Option<Shard>,
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
            shard: None,
            concurrency: 256,
            window: Duration::from_mins(1),
            second_resolver: None,
        }
    }
}
