//! A surface: what users see as one thing, what was promised for it, and when it has an incident.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// What users see as one thing, and what was promised for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// The name shown to people.
    pub label: Option<String>,
    /// The promised availability.
    pub objective: Option<Objective>,
    /// The promised latency.
    pub latency_objective: Option<LatencyObjective>,
}

/// "99.9% over 30d".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The promised share of good checks, in (0, 1).
    pub ratio: f64,
    /// The span it is promised over.
    pub over: Duration,
}

/// "95% under 800ms".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyObjective {
    /// The promised share of checks, in (0, 1).
    pub ratio: f64,
    /// The latency that those checks stay below.
    pub under: Duration,
}

/// When failures open an incident, and when a new outage is a wave of the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentRules {
    /// Failures in a row that open an incident.
    pub open_after: NonZeroU32,
    /// Failures within `open_of` checks that open an incident.
    pub open_failures: NonZeroU32,
    /// Number of checks within which `open_failures` counts.
    pub open_of: NonZeroU32,
    /// Whether the probe file sets the rules to open: then they apply whatever share of failures is usual.
    pub open_is_set: bool,
    /// Good checks in a row that close an incident.
    pub close_after: NonZeroU32,
    /// A new outage this soon after the last is a wave of the same incident; a later one is a new incident.
    pub join_within: Duration,
}

impl Default for IncidentRules {
    fn default() -> Self {
        const fn n(value: u32) -> NonZeroU32 {
            match NonZeroU32::new(value) {
                Some(value) => value,
                None => NonZeroU32::MIN,
            }
        }
        IncidentRules {
            open_after: n(3),
            open_failures: n(4),
            open_of: n(10),
            open_is_set: false,
            close_after: n(3),
            join_within: Duration::from_hours(2),
        }
    }
}

/// The surfaces of a file, by name.
pub type Surfaces = BTreeMap<String, Surface>;
