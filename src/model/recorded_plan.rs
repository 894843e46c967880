//! The plan line of a journal: which probes a prober was to run, so that checks that never ran are known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Probe, Schedule, Shard, timestamp};

/// Which probes one vantage, or one shard of it, runs from an instant on, until its next plan. Plans of the
/// same vantage, shard and instant add up to one: a long one takes several lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordedPlan {
    /// The vantage that makes the checks.
    pub vantage: String,
    /// Which part of the probes it runs; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// From here on.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The probes that it runs.
    pub probes: Vec<PlannedProbe>,
}

/// A probe that is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedProbe {
    /// The probe's name.
    pub probe: String,
    /// The probe's surface.
    pub surface: String,
    /// Whether the probe is a control target; absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    /// Time between two checks in milliseconds; absent if `schedule` says when, and if somebody else starts each
    /// run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
    /// The cron expression and time zone that say when checks are due; absent if `interval_ms` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

impl RecordedPlan {
    /// Maximum number of probes on one line.
    const PROBES_PER_LINE: usize = 1_000;

    /// The plan of a run, in as many parts as it needs lines.
    pub fn parts<'p>(
        vantage: &str,
        shard: Option<Shard>,
        from: Timestamp,
        probes: impl IntoIterator<Item = &'p Probe>,
    ) -> Vec<RecordedPlan> {
        let planned: Vec<PlannedProbe> = probes.into_iter().map(PlannedProbe::of).collect();
        let part = |probes: &[PlannedProbe]| RecordedPlan {
            vantage: vantage.to_owned(),
            shard,
            from,
            probes: probes.to_vec(),
        };
        // An empty plan is recorded too.
        if planned.is_empty() {
            return vec![part(&[])];
        }
        planned.chunks(Self::PROBES_PER_LINE).map(part).collect()
    }

    /// The same for a run that cron or another scheduler starts: its interval is not known here.
    #[must_use]
    pub(crate) fn on_demand(self) -> RecordedPlan {
        let unscheduled = |probe| PlannedProbe { interval_ms: None, schedule: None, ..probe };
        RecordedPlan { probes: self.probes.into_iter().map(unscheduled).collect(), ..self }
    }
}

impl PlannedProbe {
    fn of(probe: &Probe) -> PlannedProbe {
        let (interval_ms, schedule) = match &probe.schedule {
            Schedule::Every(interval) => (Some(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)), None),
            Schedule::Cron(cron) => (None, Some(cron.as_str().to_owned())),
        };
        let (name, surface) = (probe.name.clone(), probe.surface.clone());
        PlannedProbe { probe: name, surface, control: probe.control, interval_ms, schedule }
    }
}
