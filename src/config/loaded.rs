//! A configuration that was read: [`Config`], every value of it valid.

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
    /// The surfaces by name, including those that only a probe names.
    pub surfaces: Surfaces,
    /// When failures open and close an incident.
    pub incident: IncidentRules,
    /// Journeys that probes share, by name.
    pub sessions: BTreeMap<String, Arc<Session>>,
    /// Receivers that are notified of changes.
    pub alerts: Vec<Alert>,
    /// A URL that is requested after every pass.
    pub heartbeat: Option<Value>,
    /// How webhooks, heartbeats and exporters may connect. Each probe has its own.
    pub network: NetworkRules,
    /// The probes in the order of the file; control targets are among them.
    pub probes: Vec<Arc<Probe>>,
    /// Knows every secret of the file.
    pub redactor: Redactor,
    /// What is valid but probably not intended, one sentence each.
    pub warnings: Vec<String>,
    /// The values from elsewhere that are missing: what uses one cannot run.
    pub missing: Vec<MissingValue>,
}

impl Config {
    /// The configuration of probes that come from no file, with defaults for everything else.
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

    /// Why a selection cannot run: the missing values that it uses.
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
    /// The part of the vantage's probes that is run, if several probers share them.
    pub shard: Option<Shard>,
    /// Maximum number of checks that run at once.
    pub concurrency: usize,
    /// The span of one window record.
    pub window: Duration,
    /// The resolver queried when a lookup fails, to tell the resolver's failure from the name's.
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
