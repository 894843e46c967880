//! What a watch takes from its configuration once, at its start. The probes change with a reload; this does not, and a
//! reload says so.

use std::time::Duration;

use crate::config::Config;
use crate::model::{Alert, IncidentRules, Surfaces, Value};

/// The settings with which the recorder, the alerts and the board were started.
pub(crate) struct FixedSettings {
    vantage: String,
    window: Duration,
    incident: IncidentRules,
    surfaces: Surfaces,
    alerts: Vec<Alert>,
    heartbeat: Option<Value>,
}

impl FixedSettings {
    pub(crate) fn of(config: &Config) -> FixedSettings {
        FixedSettings {
            vantage: config.settings.vantage.clone(),
            window: config.settings.window,
            incident: config.incident,
            surfaces: config.surfaces.clone(),
            alerts: config.alerts.clone(),
            heartbeat: config.heartbeat.clone(),
        }
    }

    /// The warning about what a reloaded configuration changes without effect; `None` if that is nothing.
    pub(crate) fn warning(&self, reloaded: &Config) -> Option<String> {
        let differs = |(key, differs): (&'static str, bool)| differs.then_some(key);
        let changed: Vec<&str> = [
            ("vantage", self.vantage != reloaded.settings.vantage),
            ("window", self.window != reloaded.settings.window),
            ("heartbeat", self.heartbeat != reloaded.heartbeat),
            ("[incident]", self.incident != reloaded.incident),
            ("[surface]", self.surfaces != reloaded.surfaces && !self.alerts.is_empty()),
            ("[[alert]]", self.alerts != reloaded.alerts),
        ]
        .into_iter()
        .filter_map(differs)
        .collect();
        (!changed.is_empty()).then(|| format!("a reload changes probes alone; after a restart: {}", changed.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn only_what_a_reload_leaves_as_it_was_is_warned_of() {
        let first = Config::of(Settings::default(), Vec::new());
        let fixed = FixedSettings::of(&first);
        assert_eq!(fixed.warning(&first), None);
        let faster = Settings { concurrency: 1, ..Settings::default() };
        assert_eq!(fixed.warning(&Config { settings: faster, ..first.clone() }), None);
        let elsewhere = Settings { vantage: "iad-1".to_owned(), ..Settings::default() };
        let heartbeat = Some(Value::plain("http://x.test/"));
        let changed = Config { settings: elsewhere, heartbeat, ..first };
        let warning = fixed.warning(&changed).expect("two keys have changed");
        assert_eq!(warning, "a reload changes probes alone; after a restart: vantage, heartbeat");
    }
}
